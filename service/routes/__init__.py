"""One module a group of URLs that are no pages: feeds, API, exports, metrics.

May import: papers, service.
Start with: feeds.py.
"""
