"""Shingle postings: which papers hold two content words in a row.

May import: papers.errors, papers.model, papers.index.
Start with: shingle_postings.py (exact), shingle_slots.py (hashed, of compacted years).
"""
