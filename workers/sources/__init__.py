"""Sources: one module per upstream, each parsing its foreign format to sightings.

May import: papers.config, papers.counted, papers.errors, papers.model, papers.state,
papers.telemetry, workers.fetch.
Start with: result.py (the interface), community.py (an example).
"""
