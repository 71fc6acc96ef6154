"""What a paper is, what a keyword means, and the Redis store and index of both.

No web framework, no job queue and no network client but Redis's is imported here; `service` and
`workers` share data through this package and Redis only.
Start with: store.py (the facade), model/paper.py, query/parser.py, errors.py (the error tree).
"""
