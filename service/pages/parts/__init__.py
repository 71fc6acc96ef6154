"""Parts that several pages share: responses, highlights, facets, plots, template filters.

May import: papers.config, papers.counted, papers.errors, papers.model, papers.query,
papers.redis_backend, papers.search, papers.state, papers.state.voting, papers.suggestions,
papers.text, service.cache, service.context, service.exports, service.feed_result, service.feeds,
service.http, service.markup, service.search_suggestions, service.urls, service.workload.
Start with: page_response.py (cached_page, uncached_page), highlight.py.
"""
