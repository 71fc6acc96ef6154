"""Compaction: the monthly segments of a past year become one segment.

May import: papers.errors, papers.model, papers.redis_backend, papers.index.
Start with: compactor.py (the transaction), year_merge.py (the merge).
"""
