"""What the commands do; each operation returns text for people and JSON for programs.

May import: papers.errors, papers.config, papers.model, papers.query, papers.redis_backend,
    papers.index.compaction, papers.state, papers.store, papers.maintenance, service.exports,
    service.routes, workers, workers.bulk, workers.schedule, workers.tasks, paperwire.run.
Start with: session.py (the store of a command), queries.py (most operations).
"""
