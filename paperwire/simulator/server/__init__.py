"""The HTTP server of the simulated upstreams, with injectable faults.

May import: papers.errors, papers.model, paperwire.simulator.formats, paperwire.simulator.world.
Start with: http_server.py (the server), endpoints.py (routing), faults.py.
"""
