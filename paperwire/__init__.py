"""The command line and the all-in-one runner.

May import: papers.config, papers.errors, paperwire.commands, paperwire.commands.moderation,
paperwire.operations, paperwire.run.
Start with: cli.py (the commands), run/up.py (all processes on one machine).
"""
