"""The upstreams: one module each, from their format to sightings.

A new one is one module with a `fetch` of the form `workers.sources.result.Fetch`, and one line in
`workers.registry`. arXiv's API is not in it: what it is asked for comes out of the store, so
jobs call `arxiv_api.by_ids` and `arxiv_api.search` themselves; what these return is the same.

Nothing is imported here: who reads a file of many papers needs no client of the web.
"""
