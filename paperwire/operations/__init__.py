"""What commands do: each operation gives text for people and JSON for programs.

May import: papers, service, workers, paperwire.run.
Start with: session.py, queries.py.
"""
