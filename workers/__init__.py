"""Sources in: upstream clients, ingest, schedule and the RQ jobs."""
