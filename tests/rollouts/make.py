"""Many accounts, a template flow that asks each of them three things, and publications that end as a test says."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from django.utils.timezone import now as right_now

from accounts.models import CatalogEntry, Grant, KlaviyoAccount, User, Workspace
from flowbuilder.models import Choice, Install, Publication, Rollout, TemplateFlow
from flowbuilder.operations.rollouts import look_on, plan_rollout, start_rollout
from flowbuilder.publisher.states import ENDS, MOVES, S, move
from flowbuilder.publisher.waves import advance
from tests.install.make import ask, offer, requirement


def newsletter(words: str | None = "Hello") -> dict[str, Any]:
    """[list] -> <wait> -> [text]. It asks for the list, the hours and the words."""
    return {
        "name": "Newsletter hello",
        "definition": {
            "triggers": [{"type": "list", "id": ask("joined")}],
            "profile_filter": None,
            "entry_action_id": "wait",
            "actions": [
                {
                    "temporary_id": "wait",
                    "type": "time-delay",
                    "links": {"next": "text-1"},
                    "data": {
                        "unit": "hours",
                        "value": ask("hours"),
                        "secondary_value": 0,
                        "timezone": "profile",
                    },
                },
                {
                    "temporary_id": "text-1",
                    "type": "send-sms",
                    "links": {"next": None},
                    "data": {"status": "draft", "message": {"name": "Text 1", "body": ask("words")}},
                },
            ],
        },
        "requirements": [
            requirement("joined", "list", "Which list starts it?", looks_for="Newsletter"),
            requirement("hours", "delay", "How many hours?", default=4),
            requirement("words", "text", "What does it say?", default=words),
        ],
        "contents": {},
        "names": {},
    }


def template(workspace: Workspace, **more: Any) -> TemplateFlow:
    return offer(workspace, newsletter(**more))


def accounts(
    workspace: Workspace, number: int, lists: tuple[str, ...] = ("Newsletter",), first: int = 0
) -> list[KlaviyoAccount]:
    """So many connected accounts that agreed, each with these lists, which were read a moment ago."""
    made = KlaviyoAccount.objects.bulk_create(
        KlaviyoAccount(klaviyo_id=f"AC{index:04}", name=f"Shop {index:04}", owner=workspace, api_key="pk_x")
        for index in range(first, first + number)
    )
    Grant.objects.bulk_create(Grant(account=one, workspace=workspace, can_publish=True) for one in made)
    CatalogEntry.objects.bulk_create(
        CatalogEntry(
            account=one,
            kind="list",
            klaviyo_id=f"{one.klaviyo_id}-{place}",
            name=name,
            read_at=right_now(),
        )
        for one in made
        for place, name in enumerate(lists)
    )
    return made


def planned(
    template: TemplateFlow, by: User, chosen: list[KlaviyoAccount], looked_at: bool = True
) -> Rollout:
    rollout = plan_rollout(
        workspace=chosen[0].owner,
        by=by,
        version=template.current_version,
        accounts=[one.pk for one in chosen],
    )
    if looked_at:
        assert look_on(rollout=rollout) == 0
    return rollout


def started(template: TemplateFlow, by: User, chosen: list[KlaviyoAccount], **how: Any) -> Rollout:
    rollout = planned(template, by, chosen)
    how = {"canary": 1, "wave_size": 3, "stop_above": 10} | how
    start_rollout(rollout=rollout, by=by, now=right_now(), **how)
    rollout.refresh_from_db()
    return rollout


def end(publication: Publication, state: str, reason: str = "") -> None:
    """Bring it to this state as the publisher would, move by move."""
    publication.refresh_from_db()
    for step in _way(publication.state, state):
        is_there = state == S.PUBLISHED and step in (S.VERIFYING, S.PUBLISHED)
        move(publication, step, reason, **({"klaviyo_flow_id": f"F{publication.pk}"} if is_there else {}))
    if state == S.PUBLISHED:
        Install.objects.filter(publications=publication).update(state=Install.State.LIVE)


def end_wave(rollout: Rollout, *states: str) -> None:
    """End all that is open, one after another in these states (the last for the rest), then go on."""
    for place, publication in enumerate(sent(rollout).filter(state__in=Publication.OPEN)):
        end(publication, states[min(place, len(states) - 1)])
    advance(rollout.pk, now=right_now())
    rollout.refresh_from_db()


def sent(rollout: Rollout) -> Any:
    return Publication.objects.filter(choice__rollout=rollout).order_by("pk")


def fits_of(rollout: Rollout) -> list[str]:
    return list(Choice.objects.filter(rollout=rollout).order_by("pk").values_list("fit", flat=True))


def text_of(answer: Any) -> str:
    """What can be read on a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def _way(start: str, end: str) -> list[str]:
    """The shortest legal way between two states."""
    todo, seen = deque([(start, [])]), {start}
    while todo:
        state, way = todo.popleft()
        if state == end:
            return way
        for after in MOVES[state]:
            if after not in seen and (after == end or after not in ENDS):
                seen.add(after)
                todo.append((after, [*way, after]))
    raise AssertionError(f"no way from {start} to {end}")
