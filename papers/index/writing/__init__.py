"""Index writing: papers become postings, and one month is written in one transaction.

May import: papers.errors, papers.text, papers.model, papers.redis_backend, papers.index,
    papers.index.shingles.
Start with: month_writer.py (the transaction), edit.py (which fields change).
"""
