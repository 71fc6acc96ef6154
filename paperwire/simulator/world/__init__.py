"""The simulated world: manuscripts, versions, announcements and picks.

May import: papers.errors, papers.model.
Start with: world.py.
"""
