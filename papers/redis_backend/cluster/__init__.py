"""Redis Cluster beside a plain Redis: one client that sends each command to the home of its key.

May import: papers.errors, papers.redis_backend.
Start with: client.py (the client and its address), exchange.py (batches by node, redirections).
"""
