"""The loopback HTTP server of the simulated upstreams, and its faults.

May import: papers, paperwire.simulator.
Start with: http_server.py.
"""
