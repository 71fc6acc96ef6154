"""Maintenance of the stored data: migrations, retention, backup and restore.

May import: papers.errors, papers.config, papers.model, papers.redis_backend, papers.index,
    papers.state.
Start with: migrations.py (schema versions), backup.py, retention.py.
"""
