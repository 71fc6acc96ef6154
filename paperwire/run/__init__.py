"""The processes of one machine: embedded store, supervisor, web server, demo.

May import: papers.errors, papers.config, papers.redis_backend, papers.redis_backend.cluster,
papers.state, papers.maintenance, service.
Start with: up.py (everything), supervisor.py (child processes), embedded_store.py.
"""
