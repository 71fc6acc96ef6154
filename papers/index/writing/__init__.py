"""Index writing: papers become postings, and one month is written in one transaction.

May import: papers.errors, papers.index, papers.index.shingles, papers.model, papers.records,
papers.redis_backend, papers.redis_backend.listings, papers.text.
Start with: month_writer.py (the transaction), edit.py (which fields change).
"""
