"""A flow as frozen values: what it is, how to walk it, what must hold, where it is drawn.

Knows no Django and no Klaviyo; imports nothing of ours. Everybody may call it.
"""

from flowbuilder.graph.values import Graph, Link, Problem, Step, Trigger

__all__ = ["Graph", "Link", "Problem", "Step", "Trigger"]
