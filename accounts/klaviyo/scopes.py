"""The OAuth scopes this app asks for, each with the reason we give a person.

Read by the connect page and the callers of OAuthApp. Klaviyo refuses apps that ask for more than they use
("Pass your app review"), so every line must have a caller in client.py.
"""

from __future__ import annotations

from collections.abc import Iterable

SCOPES: dict[str, str] = {
    "accounts:read": "To show which Klaviyo account is connected, with its time zone and currency.",
    "flows:read": "To find a flow we published, check it is as designed, and show how it is doing.",
    "flows:write": "To create flows in your account and, when you ask, set them live or delete them.",
    "metrics:read": "To let a flow start from, or look at, the events your account records.",
    "lists:read": "To let you choose which list a flow starts from.",
    "lists:write": "To make a list that a flow needs, when you ask for one, and to take it away again.",
    "segments:read": "To let you choose which segment a flow starts from.",
    "segments:write": "To make a segment that a flow needs, when you ask for one, and to take it away again.",
    "templates:read": "To show your email templates and copy their content into a flow.",
    "templates:write": "To place the emails of a flow in your account as templates you can edit.",
    "tags:read": "To find the tag that marks the flows this app made.",
    "tags:write": "To mark the flows this app made with a tag, so you can always tell them apart.",
}


def missing_scopes(granted: Iterable[str]) -> frozenset[str]:
    """The scopes we need and were not granted: the account has to consent again."""
    return frozenset(SCOPES) - frozenset(granted)
