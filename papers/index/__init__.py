"""The inverted index: terms, segment layouts, the format of postings, the term dictionary.

May import: papers.errors, papers.text, papers.model, papers.query, papers.redis_backend.
Start with: layout.py (segments), postings.py (the format), terms.py (what is indexed).
"""
