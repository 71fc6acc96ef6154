"""The simulated world in the upstreams' recorded formats.

May import: papers, paperwire.simulator.world.
Start with: announcement_feed.py.
"""
