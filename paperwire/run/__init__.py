"""The processes of one machine: embedded store, supervisor, web, demo.

May import: papers, service.
Start with: up.py, supervisor.py, embedded_store.py.
"""
