"""Workers: upstream clients, ingest, schedule, notifications, and the RQ jobs.

May import: papers.command_name, papers.config, papers.errors, papers.index.compaction,
papers.maintenance, papers.model, papers.redis_backend, papers.redis_backend.cluster, papers.state,
papers.state.voting, papers.store, papers.suggestions, papers.telemetry, workers.fetch,
workers.ingest, workers.notify, workers.schedule, workers.sources, workers.tasks,
workers.thumbnails.
Start with: registry.py (every kind of task), jobs.py (the RQ job).
"""
