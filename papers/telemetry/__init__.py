"""Telemetry: counters and histograms of all processes, and one log line per event.

May import: papers.config, papers.errors, papers.redis_backend.
Start with: metric_table.py (what is measured), metric_recorder.py (how it gets into Redis).
"""
