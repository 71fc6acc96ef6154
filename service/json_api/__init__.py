"""Documents of the JSON API, and their schemas for the OpenAPI description.

May import: papers.model, papers.redis_backend, papers.redis_backend.listings, papers.state,
papers.suggestions, papers.text.links, service.feeds, service.markup, service.urls.
Start with: documents.py.
"""
