"""The guarded way out: HTTP with address checks, deadlines and arXiv's rate limit.

May import: papers.
Start with: fetcher.py, arxiv_rate_limiter.py.
"""
