"""Rendered responses and their tiers: process memory, Redis, disk.

May import: papers.errors, papers.maintenance, papers.model, papers.query, papers.redis_backend,
papers.state, papers.store.
Start with: render_cache.py (the algorithm), lookup.py (one round trip), version_stamp.py.
"""
