"""Renders the simulated world in the upstreams' recorded formats.

May import: papers.model, paperwire.simulator.world.
Start with: announcement_feed.py.
"""
