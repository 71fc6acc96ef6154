"""Scheduling: the scheduler, cadences, leases, and the row of a kind of task.

May import: papers.config, papers.errors, papers.model, papers.redis_backend, papers.state,
    papers.store, workers.sources.
Start with: scheduler.py, task_kind.py.
"""
