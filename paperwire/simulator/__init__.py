"""Upstreams on loopback that speak the recorded formats: for `./run demo` and for tests."""
