"""Who may write over HTTP: the named tokens, and the one that a machine makes for itself.

May import: papers.command_name, papers.config, papers.errors, papers.redis_backend, papers.state.
Start with: api_tokens.py.
"""
