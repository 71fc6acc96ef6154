"""Exports to other programs: references, OPML subscription lists, Markdown tables.

May import: papers.config, papers.errors, papers.model, papers.query, papers.state, papers.store,
papers.text, service.markup, service.search_title, service.urls.
Start with: formats.py (references), keyword_lists.py (OPML, Markdown).
"""
