"""Commands with a module of their own; `paperwire.cli` attaches each with one line.

May import: papers.errors, papers.config, papers.state, papers.state.access, papers.store,
    papers.maintenance, workers, paperwire.doctor, paperwire.operations,
    paperwire.run.
Start with: options.py (shared options), source.py.
"""
