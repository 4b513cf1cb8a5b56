"""Designs, their versions, and what happened to accounts. Facts and constraints; the rules live in operations.

    Flow - Trigger, Action, Link        a working design: one trigger, steps, links from a port to a step
    Flow - Edit                         every act on it, with what it changed
    Email                               what emails of a workspace say
    Flow - Version - TemplateFlow       frozen snapshots, and the page on which one is offered
    Install - Publication - Attempt     a template flow in an account, and every call that brought it there

Three promises are kept by triggers in the database (guards.py): the ends of a link lie in its flow, a version
never changes, and neither does an edit.
"""

from flowbuilder.models.design import Action, Clip, Edit, Email, Flow, Link, Presence, Requirement, Trigger
from flowbuilder.models.landing import Attempt, Install, Made, Publication
from flowbuilder.models.offer import TemplateFlow, Version

__all__ = [
    "Action",
    "Attempt",
    "Clip",
    "Edit",
    "Email",
    "Flow",
    "Install",
    "Link",
    "Made",
    "Presence",
    "Publication",
    "Requirement",
    "TemplateFlow",
    "Trigger",
    "Version",
]
