"""Tasks that need the store: completed announcements, reconciliation, enrichment, maintenance.

May import: papers.command_name, papers.config, papers.counted, papers.errors,
papers.index.compaction, papers.maintenance, papers.model, papers.query, papers.redis_backend,
papers.state, papers.state.voting, papers.store, papers.suggestions, workers.schedule,
workers.sources, workers.sources.arxiv.
Start with: announcements.py, reconcile.py.
"""
