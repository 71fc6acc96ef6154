"""Query execution: plan, read postings, evaluate, verify, collect the newest matches.

May import: papers.errors, papers.text, papers.model, papers.query, papers.redis_backend,
    papers.index, papers.state.
Start with: collector.py (the newest matches), execution.py (one query), plan.py (its postings).
"""
