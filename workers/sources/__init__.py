"""The upstreams: one module each, from their format to sightings.

A new one is one module with a `fetch` (its form: `workers.sources.result.Fetch`) and one line here.
"""
