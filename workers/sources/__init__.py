"""The upstreams: one module each, from their format to sightings."""
