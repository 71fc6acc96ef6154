"""The ingest pipeline: from a source's results to stored papers and a task's state.

May import: papers.config, papers.counted, papers.errors, papers.index.writing, papers.maintenance,
papers.model, papers.records, papers.redis_backend, papers.state, papers.store, workers.fetch,
workers.schedule, workers.sources, workers.tasks.
Start with: pipeline.py.
"""
