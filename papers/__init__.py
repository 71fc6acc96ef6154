"""What a paper is, what a keyword means, and the Redis store and index of both.

`service` and `workers` share data through this package and Redis only.
May import: papers.blocks, papers.changes, papers.index, papers.index.writing, papers.model,
papers.query, papers.records, papers.redis_backend, papers.redis_backend.listings, papers.search,
papers.state.voting.
Start with: store.py (the facade), model/paper.py, query/parser.py, errors.py (the error tree).
"""
