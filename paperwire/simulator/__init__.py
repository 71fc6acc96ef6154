"""Upstreams on loopback that speak the recorded formats: for `./run demo` and for tests.

    world ── announce, revise, withdraw, cross, pick, vote, next_day
      └─ answers ── announcement_feed · api_feed (api_query) · oai_feed (oai_list)
           │        daily_papers · community_feed
           └─ serving ── faults, delivery, visits
    upstream = world + site;  demo = upstream + generate + the wall clock

`docs/simulator.md` tells how to use it, and where it is less than the real ones.
"""
