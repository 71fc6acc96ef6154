"""The command line and the shell: usage errors in one line, and completion of commands.

May import: papers.command_name, papers.errors.
Start with: command_group.py.
"""
