"""Query execution: plan, read postings, evaluate, verify, collect the newest.

May import: papers.errors, papers.text, papers.model, papers.query, papers.redis_backend,
    papers.index.
Start with: collector.py (top-N), execution.py (one query under way), plan.py.
"""
