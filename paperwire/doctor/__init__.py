"""Checks of an installation: settings, machine, store, parts, upstreams; they change nothing.

May import: papers.command_name, papers.config, papers.errors, papers.maintenance, papers.model,
papers.query, papers.records, papers.redis_backend, papers.redis_backend.cluster, papers.state,
paperwire.run, workers.fetch.
Start with: examination.py (the order of the checks), finding.py.
"""
