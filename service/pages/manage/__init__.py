"""Pages that change something, with the token: keywords, community feeds, the block list.

May import: papers.blocks, papers.config, papers.errors, papers.query,
papers.search, papers.state, papers.state.access, service.context, service.feeds, service.http,
service.markup, service.pages.parts, service.urls.
Start with: keyword_forms.py.
"""
