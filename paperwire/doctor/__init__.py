"""What is wrong with this installation: each fault with its cause and its mend.

settings, then this machine, then the store, then what runs on it, then the way to the upstreams

A check is a function that gives findings; it changes nothing. Those that need a store are not made
where there is none, so that one cause gives one finding.
"""
