"""Simulated upstreams on loopback, in recorded formats, for `./run demo` and tests.

May import: papers.errors, papers.config, papers.model, papers.redis_backend, papers.state,
    paperwire.run, paperwire.simulator.server, paperwire.simulator.world.
Start with: upstream.py (a world with its HTTP server), demo.py; docs/reference/simulator.md shows
    examples.
"""
