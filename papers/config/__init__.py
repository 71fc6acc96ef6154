"""Settings: every setting, its checks, and the table of built-in sources.

May import: papers.errors.
Start with: settings.py.
"""
