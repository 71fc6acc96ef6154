"""Shingle postings: which papers have two content words in a row.

May import: papers.index.
Start with: shingle_keys.py (the keys), shingle_postings.py (exact), shingle_slots.py (hashed).
"""
