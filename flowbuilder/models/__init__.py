"""Designs, their versions, and what happened to accounts. Facts and constraints; the rules live in operations.

    Flow - Trigger, Action, Link        a working design: one trigger, steps, links from a port to a step
    Flow - Edit                         every act on it, with what it changed
    Email                               what emails of a workspace say
    Flow - Version - TemplateFlow       frozen snapshots, and the page on which one is offered
    Install - Publication - Attempt     a template flow in an account, and every call that brought it there
    Publication - Move                  every state it was in, and why
    Lane, Made                          the way into an account; what was made there
    Rollout - Choice                    one version to many accounts

Promises kept by triggers in the database (guards.py): the ends of a link lie in its flow; versions, edits and moves
never change; a publication goes from state to state only as the publisher's table says.
"""

from flowbuilder.models.design import Action, Clip, Edit, Email, Flow, Link, Presence, Requirement, Trigger
from flowbuilder.models.landing import Attempt, Install, Lane, Made, Move, Publication
from flowbuilder.models.offer import TemplateFlow, Version
from flowbuilder.models.rollout import Choice, Rollout

__all__ = [
    "Action",
    "Attempt",
    "Choice",
    "Clip",
    "Edit",
    "Email",
    "Flow",
    "Install",
    "Lane",
    "Link",
    "Made",
    "Move",
    "Presence",
    "Publication",
    "Requirement",
    "Rollout",
    "TemplateFlow",
    "Trigger",
    "Version",
]
