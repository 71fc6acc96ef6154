"""The saved keywords as a process keeps them: filed by the terms that a matching paper has.

May import: papers.model, papers.query, papers.search, papers.state.
Start with: percolator_cache.py.
"""
