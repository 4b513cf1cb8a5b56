"""The accounts, at the pretend Klaviyo and in our database, the designs, and the people who ask. Used by run.py."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.db import DatabaseError, connections
from django.utils.timezone import now

from accounts.klaviyo.scopes import SCOPES
from accounts.models import CatalogEntry, Grant, KlaviyoAccount, Membership, User, Workspace
from flowbuilder.models import Publication, TemplateFlow
from flowbuilder.operations import installs, library
from flowbuilder.sandbox import seed as sandbox_seed
from flowbuilder.sandbox.oauth import digest
from flowbuilder.sandbox.store import Store
from flowbuilder.starters import starters
from tests import make

APP = "sandbox-client"
MARKER = "Design {} of the fault run."  # stands in a text of each design: from a flow back to its publication
TOKEN_SECONDS = 75  # with 60 of them to spare when it is renewed: every quarter of a minute
A_MERCHANTS = 10  # accounts


@dataclass(frozen=True)
class Plan:
    """Which accounts there are (their ids at Klaviyo), and what is special about some of them."""

    accounts: tuple[str, ...]
    tokens: frozenset[str]  # connected by OAuth
    revoked: tuple[str, ...]  # of these: the app will be removed there in the middle
    limited: frozenset[str]  # have made nearly all the flows that a day allows
    unfit: frozenset[str]  # have lost a metric: Klaviyo refuses the flow

    @classmethod
    def of(cls, count: int, seed: int) -> Plan:
        ids = [f"F{number:05d}" for number in range(count)]
        shuffled = Random(seed).sample(ids, count)
        special = max(1, count // 50)
        limited, unfit = shuffled[:special], shuffled[special : 2 * special]
        tokens = shuffled[2 * special : 2 * special + max(2, count // 4)]
        revoked = tuple(tokens[: max(1, special // 2)])
        return cls(tuple(ids), frozenset(tokens), revoked, frozenset(limited), frozenset(unfit))

    @property
    def plain(self) -> list[str]:
        """Those in which nothing but the faults is special, tokens last: kills are planned for them in turn."""
        special = {*self.revoked, *self.limited, *self.unfit}
        return sorted(set(self.accounts) - special, key=lambda one: (one in self.tokens, one))


# --- At Klaviyo ----------------------------------------------------------------------------------------------------


def fill_klaviyo(
    path: Path, plan: Plan, *, speed: float, skew: int, made_today: int
) -> dict[str, dict[str, str]]:
    """Write the accounts into the file that the sandbox will serve. Account -> the ids of its metrics by name.

    `skew`: seconds by which its clock is off. `made_today`: flows of the limited accounts.
    """
    store = Store(path, time.time, speed)
    metrics: dict[str, dict[str, str]] = {}
    with store.transaction():
        store.set_number("clock_offset", skew)
        for number, id in enumerate(plan.accounts):
            about = deepcopy(sandbox_seed.ACCOUNTS[sandbox_seed.HARBOUR]) | {"public_api_key": id}
            store.run("insert into account values (?, ?, ?, ?)", id, number, key_of(id), json.dumps(about))
            metrics[id] = {}
            for name in ("Checkout Started", "Placed Order"):
                given = {"name": name, "integration": sandbox_seed.SHOPIFY, "properties": []}
                thing = store.add("metric", id, given, created=sandbox_seed.SINCE)
                metrics[id][name] = thing.id
                if id in plan.unfit and name == "Placed Order":
                    store.remove(thing)
            if id in plan.tokens:
                scopes = " ".join(sorted(SCOPES))
                made = store.run(
                    "insert into installation (refresh_hash, client, account, scopes, used) values (?, ?, ?, ?, ?)",
                    *(digest(refresh_token_of(id)), APP, id, scopes, store.now()),
                )
                expires = store.now() + TOKEN_SECONDS * speed
                store.run("insert into access values (?, ?, ?)", digest(f"at_{id}"), made.lastrowid, expires)
            if id in plan.limited:
                for app in ("private-keys", APP):
                    bucket = f"{app} {id} POST /api/flows"
                    row = (bucket, 86_400, store.now(), made_today)
                    store.run("insert or replace into allowance values (?, ?, ?, ?)", *row)
    store.close()
    return metrics


def key_of(account: str) -> str:
    return f"pk_faults_{account}"


def refresh_token_of(account: str) -> str:
    return f"rt_{account}"


# --- With us -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    asker: User
    accounts: dict[str, KlaviyoAccount]  # by their id at Klaviyo
    designs: list[TemplateFlow]  # the first has marker 1

    def asks(self, count: int, seed: int) -> Iterator[tuple[int, str]]:
        """(number of the design, account): every account gets each design once at most, in no order."""
        pairs = [(number + 1, id) for number in range(len(self.designs)) for id in self.accounts]
        yield from Random(seed).sample(pairs, len(pairs))[:count]


def fill_database(plan: Plan, metrics: dict[str, dict[str, str]], *, designs: int) -> World:
    asker = User.objects.create_user("asker@example.org", None, name="Asker")
    partner = Workspace.objects.create(slug="partner", name="Partner", kind="partner")
    Membership.objects.create(user=asker, workspace=partner, role="owner")
    accounts: dict[str, KlaviyoAccount] = {}
    merchant = partner
    for number, id in enumerate(plan.accounts):
        if number % A_MERCHANTS == 0:
            slug = f"merchant-{number // A_MERCHANTS}"
            merchant = Workspace.objects.create(slug=slug, name=slug.title(), kind="merchant")
            Membership.objects.create(user=asker, workspace=merchant, role="owner")
        accounts[id] = _account(merchant, id, id in plan.tokens)
        CatalogEntry.objects.bulk_create(
            CatalogEntry(
                account=accounts[id], kind="metric", klaviyo_id=one, name=name, integration="Shopify"
            )
            for name, one in metrics[id].items()
        )
    return World(asker, accounts, [_design(partner, number + 1) for number in range(designs)])


def _account(owner: Workspace, id: str, has_token: bool) -> KlaviyoAccount:
    way_in: dict[str, Any] = {"api_key": key_of(id)}
    if has_token:
        expires = now() + timedelta(seconds=TOKEN_SECONDS)
        way_in = {"access_token": f"at_{id}", "refresh_token": refresh_token_of(id), "expires_at": expires}
        way_in["scopes"] = sorted(SCOPES)
    account = KlaviyoAccount.objects.create(
        klaviyo_id=id,
        name=f"Shop {id}",
        owner=owner,
        sender_email="hello@harbourpine.example",
        sender_name="Harbour & Pine",
        **way_in,
    )
    Grant.objects.create(account=account, workspace=owner, can_publish=True)
    return account


def _design(partner: Workspace, number: int) -> TemplateFlow:
    """The abandoned cart with two emails. Two neighbours out of six share a name, so that a look by name finds both."""
    document = deepcopy(next(one.document for one in starters() if one.slug == "1-abandoned-cart"))
    shared = number - 1 if number % 6 == 0 else number
    document["name"] = f"Abandoned cart {shared}"
    for action in document["definition"]["actions"]:
        if action["type"] == "send-sms":
            action["data"]["message"]["body"] = MARKER.format(number)
    for key in document["contents"]:
        document["contents"][key] = {"name": f"Mail {number}", "html": "<p>Hello</p>{% unsubscribe %}"}
    flow = library.flow_from_document(workspace=partner, by=None, document=document)
    return make.approved(library.offer_in_library(version=library.publish_version(flow=flow, by=None)))


def ask(world: World, design: int, account_id: str) -> Publication:
    """A merchant installs it. Pressed again after the database was away, it is the same publication."""
    template = world.designs[design - 1]
    account = KlaviyoAccount.objects.select_related("owner").get(klaviyo_id=account_id)
    asked = Publication.objects.filter(install__template_flow=template, account=account).first()
    if asked is not None:
        return asked
    install = installs.start_install(template=template, workspace=account.owner, by=world.asker)
    installs.choose_account(install=install, account=account)
    installs.find_answers(install=install)
    return installs.confirm_install(install=install, by=world.asker)


def ask_elsewhere(world: World, design: int, account_id: str) -> None:
    """The same press in another tab, at the same time: whatever comes of it, it must be one publication."""
    try:
        with suppress(installs.UnableToInstall, DatabaseError):
            ask(world, design, account_id)
    finally:
        connections.close_all()
