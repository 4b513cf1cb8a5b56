"""How many requests wait for this person, for the nav. A context processor; lazy: a part of a page asks
nothing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import memberships_of
from flowbuilder.access import user_of
from flowbuilder.queries.approvals import DECIDERS, waiting_for


def to_approve(request: HttpRequest) -> dict[str, Any]:
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"to_approve": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    """At most one query."""
    mine = [one.workspace_id for one in memberships_of(request) if one.role in DECIDERS]
    return waiting_for(user_of(request), mine).count() if mine else 0
