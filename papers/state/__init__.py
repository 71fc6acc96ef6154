"""State that people and tasks leave in Redis: keywords, communities, task states, votes.

May import: papers.errors, papers.config, papers.model, papers.query, papers.redis_backend,
papers.text.
Start with: keywords.py (saved keywords), task_states.py (cursors and states of tasks).
"""
