"""The inverted index: terms, segment layouts, the format of postings, the term dictionary.

May import: papers.errors, papers.model, papers.query, papers.redis_backend, papers.text,
papers.text.names.
Start with: layout.py (segments), postings.py (the format), terms.py (what is indexed).
"""
