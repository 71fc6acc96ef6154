"""Parts that several pages share: responses, highlights, facets, plots, template filters.

May import: papers, service.cache, service.context, service.exports, service.feeds, service.http,
    service.markup, service.urls, service.workload.
Start with: page_response.py (cached_page, uncached_page), highlight.py.
"""
