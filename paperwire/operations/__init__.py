"""What the commands do; each operation returns text for people and JSON for programs.

May import: papers.command_name, papers.config, papers.counted, papers.errors,
papers.index.compaction, papers.maintenance, papers.model, papers.query, papers.records,
papers.redis_backend, papers.redis_backend.cluster, papers.search, papers.state, papers.store,
papers.suggestions, papers.telemetry, paperwire.run, service.exports, service.json_api,
workers.bulk, workers.jobs, workers.registry, workers.tasks.
Start with: session.py (the store of a command), queries.py (most operations).
"""
