"""What recent ingests changed: responses that show none of it need neither search nor rendering.

May import: papers.index, papers.index.shingles, papers.index.writing, papers.model, papers.query,
papers.records, papers.redis_backend, papers.search.
Start with: change_log.py (what an ingest leaves in Redis), recent_changes.py (what readers learn).
"""
