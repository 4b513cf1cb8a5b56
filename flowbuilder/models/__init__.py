"""Designs, their versions, and what happened to accounts. Facts and constraints; the rules live in operations.

    Flow - Trigger, Action, Link        a working design: one trigger, steps, links from a port to a step
    Flow - Edit                         every act on it, with what it changed
    Email                               what emails of a workspace say
    Flow - Version - TemplateFlow       frozen snapshots, and the page on which one is offered
    TemplateFlow - Review               which version strangers may see, and who said so
    Workspace - ReturnAddress           sites that an install of its template flows may lead back to
    Install - Publication - Attempt     a template flow in an account, and every call that brought it there
    Publication - Move                  every state it was in, and why
    Publication - Receipt               that it landed, in the chain of its account
    DayCount                            how many of a day's publications ended how
    SavedView                           filters of the history under a name
    Lane, Made, Orphan                  the way into an account; what was made there; what does not fit our rows
    Install - Reading - Proposal        what the account was found to have, and what of it was proposed to its designers
    Rollout - Choice                    one version to many accounts
    Publication, Rollout - Approval     a second person's word on it
    Approval - Letter                   a mail about it that is still owed to somebody
    Measuring, Report - Figure          how flows do: what is collected of an account, and what was
    Sharing                             who may see that beside the account's owner
    Alert - Told - Listener - Delivery  what goes wrong in a workspace, who is told, and whether it arrived

Promises kept by triggers in the database (guards.py): the ends of a link lie in its flow; versions, edits, moves,
receipts, what was read, what reviewers and second persons said never change; a publication goes from state to state
only as the publisher's table says, and where a second person's yes is needed not without it. It is counted when it
ends, and what went wrong with its calls stands on it (worked_out.py).
"""

from flowbuilder.models.alert import Alert, AlertLimits, Delivery, Listener, Told
from flowbuilder.models.approval import Approval, Letter
from flowbuilder.models.design import Action, Clip, Edit, Email, Flow, Link, Presence, Requirement, Trigger
from flowbuilder.models.landing import Attempt, DayCount, Install, Lane, Made, Move, Orphan, Publication
from flowbuilder.models.offer import ReturnAddress, Review, TemplateFlow, Version
from flowbuilder.models.performance import Figure, Measuring, Report, Sharing
from flowbuilder.models.reading import Proposal, Reading
from flowbuilder.models.receipt import Receipt, SavedView
from flowbuilder.models.rollout import Choice, Rollout

__all__ = [
    "Action",
    "Alert",
    "AlertLimits",
    "Approval",
    "Attempt",
    "Choice",
    "Clip",
    "DayCount",
    "Delivery",
    "Edit",
    "Email",
    "Figure",
    "Flow",
    "Install",
    "Lane",
    "Letter",
    "Link",
    "Listener",
    "Made",
    "Measuring",
    "Move",
    "Orphan",
    "Presence",
    "Proposal",
    "Publication",
    "Reading",
    "Receipt",
    "Report",
    "Requirement",
    "ReturnAddress",
    "Review",
    "Rollout",
    "SavedView",
    "Sharing",
    "TemplateFlow",
    "Told",
    "Trigger",
    "Version",
]
