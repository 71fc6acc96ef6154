"""The processes of one machine: embedded store, supervisor, web server, demo.

May import: papers.command_name, papers.config, papers.errors, papers.maintenance,
papers.redis_backend, papers.redis_backend.cluster, papers.state, papers.state.access, service.
Start with: up.py (everything), supervisor.py (child processes), embedded_store.py.
"""
