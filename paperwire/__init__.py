"""The command line and the all-in-one runner.

May import: papers.command_name, papers.config, paperwire.commands,
paperwire.commands.moderation, paperwire.operations, paperwire.run, paperwire.shell.
Start with: cli.py (the commands), run/up.py (all processes on one machine).
"""
