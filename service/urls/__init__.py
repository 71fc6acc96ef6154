"""URLs of keywords: their parameters, types and canonical spelling.

May import: papers.
Start with: params.py (the parameters), keyword_urls.py.
"""
