"""The simulated world: manuscripts, their versions, announcements and picks.

May import: papers.
Start with: world.py.
"""
