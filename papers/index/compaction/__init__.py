"""Compaction: merges the monthly segments of a year into one segment.

May import: papers.model, papers.maintenance, papers.redis_backend, papers.index,
    papers.index.shingles, papers.index.writing.
Start with: compactor.py (the transaction), year_merge.py (the merge).
"""
