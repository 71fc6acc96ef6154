"""Notification channels: e-mail digests and WebSub.

May import: papers.config, papers.counted, papers.errors, papers.model, papers.query,
papers.redis_backend, papers.state, papers.store, papers.text, papers.text.names, workers.schedule,
workers.sources.
Start with: channels.py (the table of channels).
"""
