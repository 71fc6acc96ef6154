"""Redis as Paperwire uses it: connections, the table of keys, records and health.

May import: papers.errors, papers.model, papers.records.
Start with: keys.py (every key, its type and lifetime), connection.py.
"""
