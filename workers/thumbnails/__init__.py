"""Fetching thumbnails of picked papers, so that no reader's browser asks another site for them.

May import: papers.config, papers.counted, papers.errors, papers.query, papers.store,
papers.thumbnails, workers.fetch, workers.sources.
Start with: thumbnail_task.py.
"""
