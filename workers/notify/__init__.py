"""Notifications: e-mail digests and WebSub.

May import: papers, workers.
Start with: mail.py, websub.py.
"""
