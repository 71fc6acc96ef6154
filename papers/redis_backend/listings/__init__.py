"""Papers in order: by id, by what happened to them, by their last change; and the span held.

May import: papers.errors, papers.model, papers.redis_backend.
Start with: event_sets.py (a set for each kind of event), changed_papers.py (clients that follow).
"""
