"""Maintenance of the stored data: migrations, retention, backup and restore.

May import: papers.command_name, papers.config, papers.errors, papers.index, papers.index.writing,
papers.model, papers.query, papers.records, papers.redis_backend, papers.redis_backend.listings,
papers.state.
Start with: migrations.py (schema versions), backup.py, retention.py.
"""
