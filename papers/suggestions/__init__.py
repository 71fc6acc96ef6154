"""Other terms for what was typed: abbreviations, spellings, open forms; what empty results lack.

May import: papers.errors, papers.index, papers.model, papers.query, papers.records,
papers.redis_backend, papers.search, papers.store, papers.text.
Start with: suggest.py (a query to its suggestions), abbreviations.py (pairs in texts).
"""
