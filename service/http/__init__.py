"""Requests and responses: conditional requests, rate limits, errors, security headers.

May import: papers.command_name, papers.config, papers.errors, papers.maintenance,
papers.state.access, service.cache, service.urls.
Start with: responses.py (200, 304, 301), rate_limit.py, client_quota.py, error_pages.py.
"""
