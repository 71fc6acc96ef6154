"""The edge: what is decided about connections and requests before Flask sees them.

May import: papers.command_name, papers.config, papers.errors, papers.telemetry, service.http.
Start with: request_address.py (host, scheme, client), request_bodies.py, response_bodies.py,
connection_guard.py.
"""
