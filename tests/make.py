"""Builders: rows and values in one line."""

from __future__ import annotations

from typing import Any

from accounts.models import Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.graph import Graph, Link, Step, Trigger
from flowbuilder.models import Flow, Install, Publication, TemplateFlow
from flowbuilder.operations.designs import import_document
from flowbuilder.operations.installs import answer_question, choose_account, start_install
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.operations.reviews import decide
from flowbuilder.publisher.states import MOVES
from flowbuilder.starters import starters

PASSWORD = "a-long-test-password"


def user(email: str, name: str = "") -> User:
    return User.objects.create_user(email, PASSWORD, name=name)


def workspace(slug: str, kind: str = "partner", **people: User) -> Workspace:
    """workspace("northwind", owner=alice, designer=bob)"""
    made = Workspace.objects.create(slug=slug, name=slug.replace("-", " ").title(), kind=kind)
    for role, person in people.items():
        Membership.objects.create(user=person, workspace=made, role=role)
    return made


def account(owner: Workspace, klaviyo_id: str = "UpK3sZ", key: str = "pk_sandbox_harbour") -> KlaviyoAccount:
    """A connected account of the sandbox, with every right."""
    made = KlaviyoAccount.objects.create(
        klaviyo_id=klaviyo_id,
        name="Harbour & Pine",
        owner=owner,
        api_key=key,
        sender_email="hello@harbourpine.example",
        sender_name="Harbour & Pine",
    )
    Grant.objects.create(account=made, workspace=owner, can_publish=True, can_report=True)
    return made


def flow(workspace: Workspace, document: Any = None, name: str = "") -> Flow:
    """A flow from a definition, or the starter “abandoned cart”."""
    if document is not None:
        return import_document(workspace=workspace, by=None, document=document, name=name)[0]
    return flow_from_document(workspace=workspace, by=None, document=starter("1-abandoned-cart"), name=name)


def starter(slug: str) -> dict[str, Any]:
    return next(one.document for one in starters() if one.slug == slug)


def template(workspace: Workspace, document: Any = None, name: str = "") -> TemplateFlow:
    """Offered to everybody, with a reviewer's yes."""
    return approved(offer_in_library(version=publish_version(flow=flow(workspace, document, name), by=None)))


def reviewer() -> User:
    """Who decides on this site what everybody sees."""
    found = User.objects.filter(email="ruth@example.org").first()
    if found is None:
        found = user("ruth@example.org", "Ruth")
        workspace("operator", kind="operator", reviewer=found)
    return found


def approved(template: TemplateFlow) -> TemplateFlow:
    """A reviewer says yes to what asks for it."""
    for review in template.reviews.filter(verdict=""):
        decide(review=review, by=reviewer(), verdict="yes", seen=review.content_hash)
    template.refresh_from_db()
    return template


def install(template: TemplateFlow, account: KlaviyoAccount, by: User, **answers: Any) -> Install:
    """An install with an account and answers, ready to be confirmed."""
    made = start_install(template=template, workspace=account.owner, by=by)
    choose_account(install=made, account=account)
    for key, value in answers.items():
        answer_question(install=made, key=key.replace("_", "-"), value=value)
    return made


# --- Publications ----------------------------------------------------------------------------------------------


def bring(publication: Publication, state: str, **fields: Any) -> Publication:
    """Into a state, by the shortest way that is legal: the database refuses any other. The rest of the row as given."""
    for step in way(publication.state, state):
        Publication.objects.filter(pk=publication.pk).update(state=step)
    if fields:
        Publication.objects.filter(pk=publication.pk).update(**fields)
    publication.refresh_from_db()
    return publication


def way(start: str, end: str) -> tuple[str, ...]:
    """The states between, and the end: way("asked", "published")."""
    ways: list[tuple[str, ...]] = [()]
    seen = {start}
    for one in ways:
        if (one or (start,))[-1] == end:
            return one
        further = [to for to in MOVES[(one or (start,))[-1]] if to not in seen]
        seen.update(further)
        ways += [(*one, to) for to in further]
    raise AssertionError(f"there is no legal way from {start} to {end}")


# --- Graphs ----------------------------------------------------------------------------------------------------


def graph(*ways: str, splits: str = "", trigger: bool = True) -> Graph:
    """Links as texts: graph("-> a", "a -> s", "s -yes-> b", "s -no-> c", splits="s")."""
    links = [_link(way) for way in ways]
    keys = dict.fromkeys(key for link in links for key in (link.source, link.target) if key)
    steps = tuple(Step(key, "split" if key in splits else "wait", ports=_ports(key, splits)) for key in keys)
    return Graph(Trigger("metric") if trigger else None, steps, tuple(links))


def _ports(key: str, splits: str) -> tuple[str, ...]:
    return ("yes", "no") if key in splits else ("next",)


def _link(way: str) -> Link:
    left, _, right = way.rpartition("->")
    source, _, port = left.partition("-")
    return Link(source.strip() or None, port.strip() or "next", right.strip())


def big_flow(workspace: Workspace, steps: int) -> Flow:
    """A flow of so many steps: delays and texts in a chain, a split in every tenth place."""
    actions: list[dict[str, Any]] = []
    for number in range(1, steps + 1):
        after = f"b{number + 1}" if number < steps else None
        if number % 10 == 0 and after:
            group = {"conditions": [{"type": "profile-sample", "percentage": 50}]}
            data: dict[str, Any] = {"profile_filter": {"condition_groups": [group]}}
            links: dict[str, Any] = {"next_if_true": after, "next_if_false": None}
            kind = "conditional-split"
        elif number % 2:
            data, links, kind = {"unit": "hours", "value": number % 24 + 1}, {"next": after}, "time-delay"
        else:
            data = {"message": {"body": f"Message {number}", "name": f"Text {number}"}, "status": "draft"}
            links, kind = {"next": after}, "send-sms"
        actions.append({"id": f"b{number}", "type": kind, "data": data, "links": links})
    document = {
        "triggers": [{"type": "metric", "id": "UpixsZ"}],
        "entry_action_id": "b1" if steps else None,
        "actions": actions,
    }
    return flow(workspace, document, f"{steps} steps")
