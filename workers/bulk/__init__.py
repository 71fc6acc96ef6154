"""Bulk load of files: split into records, parsed and stored in portions by several processes.

May import: papers.errors, papers.model, papers.records, papers.redis_backend,
papers.redis_backend.cluster, papers.state, papers.store, workers.ingest, workers.schedule,
workers.sources, workers.sources.arxiv.
Start with: loader.py.
"""
