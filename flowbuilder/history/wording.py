"""Outcomes, times and steps of a publication in words. Pure; for this room's views and templates."""

from __future__ import annotations

from datetime import datetime, timedelta

from flowbuilder.kinds.base import count
from flowbuilder.models import Attempt, Publication

S = Publication.State
O = Attempt.Outcome  # noqa: E741

TONES: dict[str, str] = {
    S.PUBLISHED: "good",
    S.REFUSED: "bad",
    S.FAILED: "bad",
    S.WAITING: "warn",
    S.CANCELLED: "",
}
ATTEMPT_TONES: dict[str, str] = {O.DONE: "good", O.REFUSED: "bad", O.THROTTLED: "warn", O.SENT: "accent"}
STEPS = {
    "check-account": "Check that it is the right account",
    "create-flow": "Create the flow",
    "look-up": "Look whether the flow is there",
    "read-back": "Read the flow back and compare",
    "read-before": "Look at the flow as it is",
    "set-status": "Set the status of the flow and all its steps",
}

# Of what is done with a flow that landed; the step's key follows.
AFTER = {
    "set-status-": "Set the status of step",
    "read-email-": "Read the email of step",
    "insert-": "Put in the step",
    "patch-": "Change the step",
    "delete-": "Delete the step",
    "remove-flow-": "Delete the flow",
    "remove-template-": "Delete the email template",
    "remove-list-": "Delete the list",
    "remove-segment-": "Delete the segment",
}


def tone_of(state: str) -> str:
    """What is being worked on is neither good nor bad."""
    return TONES.get(state, "accent")


def duration(seconds: float) -> str:
    """0.21 s, 3.1 s, 42 s, 2 min 5 s, 6 h 14 min, 3 days."""
    if seconds < 1:
        return f"{max(seconds, 0):.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return count(hours // 24, "day")


def day(moment: datetime, now: datetime) -> str:
    """today, yesterday, 3 Nov, 3 Nov 2025."""
    away = (now.date() - moment.date()).days
    if away in (0, 1):
        return ("today", "yesterday")[away]
    return f"{moment.day} {moment:%b}" if moment.year == now.year else f"{moment.day} {moment:%b %Y}"


def going_on(publication: Publication, now: datetime) -> str:
    """When something happens next by itself; empty where nothing does."""
    if publication.state not in (S.ASKED, S.APPROVED, S.WAITING, S.UNKNOWN):
        return ""
    if publication.awaits_approval:
        return ""
    at = publication.not_before
    looked = publication.state == S.UNKNOWN
    if at is None or at <= now:
        return "Next look any moment" if looked else "Goes on any moment"
    left = duration((at - now).total_seconds())
    if at - now < timedelta(minutes=2):
        return f"Next look in {left}" if looked else f"Goes on in {left}"
    clock = f"{at:%H:%M}" if at.date() == now.date() else f"{at:%H:%M} on {at.day} {at:%b}"
    return f"{'Next look' if looked else 'Goes on'} at {clock} (in {left})"


def state_sentence(publication: Publication) -> str:
    """What an open publication is doing, where it gave no reason of its own."""
    return {
        S.ASKED: "Asked for: a worker takes it up.",
        S.APPROVED: "Approved: a worker takes it up.",
        S.PREPARING: "Making the email templates.",
        S.SENDING: "Sending the flow.",
        S.VERIFYING: "The flow is there: reading it back.",
        S.WAITING: "Waiting.",
        S.UNKNOWN: "The answer was lost after sending. We look before sending again.",
        S.CANCELLED: "Cancelled.",
    }.get(S(publication.state), "")


def step_words(step: str, titles: dict[str, str]) -> str:
    """A step of the publisher in words; `titles` are names of contents and of `clone-<step key>`."""
    if step in STEPS:
        return STEPS[step]
    for prefix, act in (("look-make-template-", "Look for"), ("make-template-", "Make")):
        if step.startswith(prefix):
            key = step.removeprefix(prefix)
            return f"{act} the email template of “{titles.get(key, key)}”"
    for prefix, act in AFTER.items():
        if step.startswith(prefix):
            key = step.removeprefix(prefix)
            return f"{act} “{titles.get(key) or titles.get(f'clone-{key}') or key}”"
    return step.replace("-", " ").capitalize()
