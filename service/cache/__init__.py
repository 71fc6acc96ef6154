"""Rendered responses: which are current (Redis), and their bodies (process memory, disk).

May import: papers.changes, papers.config, papers.errors, papers.maintenance, papers.model,
papers.query, papers.records, papers.redis_backend, papers.state, papers.store.
Start with: render_cache.py (the algorithm), lookup.py (one round trip), version_stamp.py.
"""
