"""URLs of keywords: parameters, their types and their canonical form.

May import: papers.errors, papers.model, papers.query, papers.state, service.feeds.
Start with: params.py (the parameters), keyword_urls.py.
"""
