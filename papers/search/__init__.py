"""Query execution: plan, read postings, evaluate, verify, collect the newest matches.

May import: papers.blocks, papers.errors, papers.index, papers.index.shingles, papers.index.writing,
papers.model, papers.query, papers.records, papers.redis_backend, papers.redis_backend.listings,
papers.state.voting, papers.text, papers.text.names.
Start with: collector.py (the newest matches), execution.py (one query), plan.py (its postings).
"""
