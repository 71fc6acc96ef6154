"""Votes of communities: their history, what is popular by them, and the lists that papers join.

May import: papers.
Start with: votes.py (the history), pick_lists.py (the lists).
"""
