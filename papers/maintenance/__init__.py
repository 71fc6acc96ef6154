"""The life of the data: migrations, retention, backup and restore.

May import: papers.errors, papers.store, papers.config, papers.model, papers.redis_backend,
    papers.index, papers.state.
Start with: migrations.py (schema versions), backup.py, retention.py.
"""
