"""Recurring tasks that are no upstream: backfill, reconciliation, compaction, retention.

May import: papers, workers.fetch, workers.sources.
Start with: reconcile.py, backfill.py.
"""
