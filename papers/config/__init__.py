"""Settings: every setting, its validation and redaction, and the table of built-in sources.

May import: papers.command_name, papers.errors.
Start with: settings.py (every setting), sources.py (the built-in sources).
"""
