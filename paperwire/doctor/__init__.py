"""Checks of an installation: settings, machine, store, parts, upstreams; they change nothing.

May import: papers.errors, papers.config, papers.model, papers.query, papers.redis_backend,
    papers.state, papers.maintenance, workers.fetch, paperwire.run.
Start with: examination.py (the order of the checks), finding.py.
"""
