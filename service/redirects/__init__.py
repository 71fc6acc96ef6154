"""Requests for what is not there: former keywords, and paths that are nearly a route.

May import: papers.command_name, papers.errors, papers.model, papers.query, papers.state,
service.context, service.http, service.urls.
Start with: former_keywords.py.
"""
