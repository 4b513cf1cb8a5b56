"""People, accounts, versions and publications for the tests of the history and the API."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.models import Attempt, Flow, Made, Publication, Requirement, TemplateFlow, Version
from flowbuilder.operations.designs import import_document
from flowbuilder.operations.library import offer_in_library, publish_version
from tests import make
from tests.make import bring

Kind, Role, S = Workspace.Kind, Membership.Role, Publication.State
Json = dict[str, Any]

MAIL: Json = {
    "temporary_id": "mail",
    "type": "send-email",
    "links": {"next": None},
    "data": {
        "message": {
            "name": "Come back",
            "subject_line": "You left something",
            "from_email": "hello@example.com",
            "from_label": "Harbour & Pine",
            "template_id": "RfgG9g",
        },
        "status": "draft",
    },
}
WAIT: Json = {
    "temporary_id": "wait",
    "type": "time-delay",
    "links": {"next": "mail"},
    "data": {"unit": "hours", "value": 1, "timezone": "profile"},
}


def definition(metric: Any = "UpixsZ") -> Json:
    """[metric] -> <wait 1h> -> [email]"""
    return deepcopy(
        {
            "triggers": [{"type": "metric", "id": metric, "trigger_filter": None}],
            "profile_filter": None,
            "actions": [WAIT, MAIL],
            "entry_action_id": "wait",
        }
    )


def person(name: str, workspace: Workspace | None = None, role: str = Role.OWNER) -> User:
    user = User.objects.create(email=f"{name.lower()}@example.com", name=name)
    if workspace:
        Membership.objects.create(user=user, workspace=workspace, role=role)
    return user


def workspace(slug: str, kind: str = Kind.PARTNER) -> Workspace:
    return Workspace.objects.create(slug=slug, name=slug.replace("-", " ").capitalize(), kind=kind)


def account(
    owner: Workspace, klaviyo_id: str = "UpK3sZ", name: str = "Harbour & Pine", **more: Any
) -> KlaviyoAccount:
    secrets = {"api_key": f"pk_{klaviyo_id}_secret"} | more
    made = KlaviyoAccount.objects.create(klaviyo_id=klaviyo_id, name=name, owner=owner, **secrets)
    Grant.objects.create(account=made, workspace=owner, can_publish=True)
    return made


def flow(home: Workspace, name: str = "Abandoned cart", metric: Any = "UpixsZ") -> Flow:
    made, _ = import_document(workspace=home, by=None, document=definition(metric), name=name)
    return made


def asking_flow(home: Workspace, name: str = "Abandoned cart") -> Flow:
    """Asks for the metric that starts it, which is looked for by name."""
    made = flow(home, name, {"$ask": "started"})
    Requirement.objects.create(
        flow=made,
        key="started",
        kind="metric",
        question="Which metric is a started checkout?",
        default="UpixsZ",
    )
    return made


def version(home: Workspace, name: str = "Abandoned cart", by: User | None = None) -> Version:
    return publish_version(flow=flow(home, name), by=by)


def template(home: Workspace, *, asks: bool = False, name: str = "Abandoned cart") -> TemplateFlow:
    made = asking_flow(home, name) if asks else flow(home, name)
    return make.approved(offer_in_library(version=publish_version(flow=made, by=None)))


def publication(
    version: Version, account: KlaviyoAccount, by: User | None, state: str = S.PUBLISHED, **more: Any
) -> Publication:
    """With calls that fit its state."""
    ended = state in (S.PUBLISHED, S.REFUSED, S.FAILED, S.CANCELLED)
    at = more.pop("created_at", timezone.now())
    landed = {"klaviyo_flow_id": "T23ivh"} if state in (S.PUBLISHED, S.VERIFYING) else {}
    defaults = {
        "workspace": account.owner,
        "flow_name": version.name,
        "created_at": at,
        "ended_at": at + timedelta(seconds=3) if ended else None,
        **landed,
    }
    made = Publication.objects.create(version=version, account=account, asked_by=by, **(defaults | more))
    bring(made, state)
    if state in (S.ASKED, S.CANCELLED):
        return made
    attempt(
        made,
        1,
        "check-account",
        "GET",
        "/api/accounts",
        at,
        answer={"data": [{"type": "account", "id": account.klaviyo_id}]},
    )
    attempt(
        made,
        2,
        "make-template-clone-mail",
        "POST",
        "/api/template-clone",
        at,
        status=201,
        request={"data": {"type": "template", "id": "RfgG9g"}},
        answer={"data": {"type": "template", "id": "Mk1"}},
    )
    body = {"data": {"type": "flow", "attributes": {"name": version.name, "definition": definition()}}}
    if state == S.REFUSED:
        attempt(
            made,
            3,
            "create-flow",
            "POST",
            "/api/flows",
            at,
            status=400,
            request=body,
            outcome="refused",
            error="A time of day needs a delay in days.",
            answer={"errors": [{"status": 400, "code": "invalid"}]},
        )
    elif state in (S.PUBLISHED, S.VERIFYING):
        attempt(
            made,
            3,
            "create-flow",
            "POST",
            "/api/flows",
            at,
            status=201,
            request=body,
            answer={"data": {"type": "flow", "id": "T23ivh"}},
        )
        attempt(
            made,
            4,
            "read-back",
            "GET",
            "/api/flows/T23ivh?additional-fields[flow]=definition",
            at,
            answer={"data": {"type": "flow", "id": "T23ivh"}},
        )
        Made.objects.create(
            publication=made,
            kind="template",
            step="clone-mail",
            klaviyo_id="Mk1",
            name="Come back · 1/clone-mail",
        )
        Made.objects.create(publication=made, kind="flow", klaviyo_id="T23ivh", name=version.name)
    elif state == S.UNKNOWN:
        attempt(
            made,
            3,
            "create-flow",
            "POST",
            "/api/flows",
            at,
            request=body,
            outcome="unknown",
            error="The answer did not come.",
        )
    elif state == S.SENDING:
        attempt(made, 3, "create-flow", "POST", "/api/flows", at, request=body, outcome="sent", ended=False)
    return made


HEAD = "/data/attributes/definition/actions"
REFUSALS: list[Json] = [
    {
        "text": "A time of day needs a delay in days.",
        "pointer": f"{HEAD}/0/data/delay_until_time",
        "step": "wait",
        "path": ["delay_until_time"],
    },
    {
        "text": "This sender is not verified.",
        "pointer": f"{HEAD}/1/data/message/from_email",
        "step": "mail",
        "path": ["message", "from_email"],
    },
]


def attempt(
    of: Publication,
    number: int,
    step: str,
    method: str,
    path: str,
    at: datetime,
    *,
    status: int | None = None,
    outcome: str = "done",
    ended: bool = True,
    **more: Any,
) -> Attempt:
    started = at + timedelta(milliseconds=400 * number)
    known = {200: {"x-klaviyo-request-id": f"req-{of.pk}-{number}", "ratelimit-remaining": "14"}}.get(
        200 if outcome == "done" else 0, {}
    )
    if outcome == "done" and status is None:
        status = 200
    return Attempt.objects.create(
        publication=of,
        number=number,
        step=step,
        method=method,
        path=path,
        status=status,
        outcome=outcome,
        headers=known,
        started_at=started,
        ended_at=started + timedelta(milliseconds=310) if ended else None,
        **more,
    )
