"""The inverted index: terms, segments and their postings, and how a month is written.

May import: papers.errors, papers.text, papers.model, papers.query, papers.redis_backend.
Start with: layout.py (segments), postings.py (the format), month_writer.py (one month in one
    transaction).
"""
