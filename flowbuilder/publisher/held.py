"""A flow as the account has it, and what is kept of a change on its way. For after.py and updates.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.klaviyo.errors import NotFound
from flowbuilder.kinds.asks import get_at
from flowbuilder.models import Publication
from flowbuilder.publisher import states
from flowbuilder.publisher.calls import Calls
from flowbuilder.publisher.standing import FLOW
from flowbuilder.publisher.stops import Stop

THEN = "then"  # in `wanted`: what is wanted of a change of status that follows by itself


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason`: what a person should know though it went well. `install`: fields of the install from now on. `then`:
    what is wanted of a change of status that follows by itself."""

    reason: str = ""
    install: Mapping[str, Any] = field(default_factory=dict)
    then: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A flow as the account has it."""

    status: str
    definition: Mapping[str, Any]

    @property
    def actions(self) -> dict[str, Mapping[str, Any]]:
        return {str(one["id"]): one for one in self.definition.get("actions") or []}


def read_flow(publication: Publication, calls: Calls, step: str, flow_id: str = "") -> Held:
    """The flow that the publication is about, or another one. Stop where it is gone."""
    path = f"/api/flows/{flow_id or publication.wanted[FLOW]}"
    try:
        body = calls.call(step, "GET", path, params={"additional-fields[flow]": "definition"}).body
    except NotFound:
        raise Stop(
            f"The flow is no longer in {publication.account}: somebody deleted it in Klaviyo. Remove it here "
            "as well, then install it anew."
        ) from None
    about = get_at(body, ("data", "attributes")) or {}
    return Held(str(about.get("status")), about.get("definition") or {})


def keep(publication: Publication, **found: Any) -> None:
    """Write down what the next worker must know, before the call that it is for."""
    states.keep(publication, wanted={**publication.wanted, **found})
