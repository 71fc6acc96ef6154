"""Commands with a module of their own; `paperwire.cli` attaches each with one line.

May import: papers.config, papers.counted, papers.errors, papers.maintenance, papers.state,
papers.state.access, papers.store, paperwire.doctor, paperwire.operations, paperwire.run, workers.
Start with: options.py (shared options), source.py.
"""
