"""Recent changes of papers: responses that show none of them need no search and no rendering.

May import: papers.index, papers.index.shingles, papers.index.writing, papers.model, papers.query,
papers.records, papers.redis_backend, papers.search.
Start with: change_log.py (what an ingest leaves in Redis), recent_changes.py (what readers learn).
"""
