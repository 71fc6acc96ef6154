"""What a paper is, what a keyword means, and where both are kept.

This room imports no web framework, no job queue and no network client but Redis's; `service`
and `workers` meet only here and in Redis.
"""
