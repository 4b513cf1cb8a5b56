"""From a graph to a published flow: reading and writing definitions, preflight, preparing, sending, looking up.

`definition`, `reading`, `canonical` and `preflight` are pure; `publish` and `reconcile` make calls and write rows.
"""
