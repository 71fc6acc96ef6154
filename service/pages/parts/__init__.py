"""Parts that several pages share: highlights, facets, plots, template filters.

May import: papers, service.
Start with: page_response.py.
"""
