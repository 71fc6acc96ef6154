"""Who may write over HTTP: the named tokens.

May import: papers.command_name, papers.errors, papers.redis_backend, papers.state.
Start with: api_tokens.py.
"""
