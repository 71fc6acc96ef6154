"""Rendered responses and their tiers: process memory, Redis, disk.

May import: papers.
Start with: render_cache.py (the algorithm), lookup.py (one round trip), version_stamp.py.
"""
