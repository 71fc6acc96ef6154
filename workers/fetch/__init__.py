"""Outgoing HTTP: address checks, deadlines, size limits, and the rate limiter for arXiv.

May import: papers.config, papers.errors, papers.redis_backend, papers.telemetry.
Start with: fetcher.py, arxiv_rate_limiter.py.
"""
