"""Controls of pages: the Subscribe menu, filter chips, and the URL parameters of a page itself.

May import: papers.errors, papers.model, papers.search,
papers.state, service.feed_result, service.feeds, service.markup, service.pages.parts, service.urls.
Start with: page_state.py (parameters that feeds do not have), subscribe_menu.py.
"""
