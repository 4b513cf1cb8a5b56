"""Every door of the site x everybody that there is. A door that is missing here fails the test.

Everything belongs to Alice's workspace; Bob designs in it, and a merchant and a reviewer are of it too; Charlie has a
workspace of his own, and the operator's reviewer looks after the site. "Not yours" is 404, a role that is lacking 403,
signing in first 302 (401 for the API). An act that lets a person in and finds nothing to do with an empty form says
422: that is a yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.members import invite, link_to
from accounts.models import Membership
from flowbuilder.access import QUESTION, shared_link
from flowbuilder.models import Attempt, Measuring, Publication, Report, Rollout, SavedView
from flowbuilder.publisher.approving import ask_for
from flowbuilder.publisher.states import move
from tests import make
from tests.conftest import client_of

pytestmark = pytest.mark.django_db

GET, POST = "get", "post"
# name: (method, arguments, and what each of these is answered)
PEOPLE = ("nobody", "stranger", "operator", "reviewer", "designer", "merchant", "owner")
TABLE: dict[str, tuple[str, tuple[str, ...], int, int, int, int, int, int, int]] = {
    # Open to the world
    "home": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "account_login": (GET, (), 200, 302, 302, 302, 302, 302, 302),
    "account_signup": (GET, (), 200, 302, 302, 302, 302, 302, 302),
    "account_logout": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "account_inactive": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "account_reauthenticate": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "account_email": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "account_email_verification_sent": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "account_change_password": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "account_set_password": (GET, (), 302, 302, 302, 302, 302, 302, 302),
    "account_reset_password": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "account_confirm_login_code": (GET, (), 302, 302, 302, 302, 302, 302, 302),
    "account_confirm_email": (GET, ("key",), 200, 200, 200, 200, 200, 200, 200),
    "account_reset_password_from_key_done": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "account_reset_password_from_key": (GET, ("uid", "key"), 200, 200, 200, 200, 200, 200, 200),
    "account_reset_password_done": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    # People and accounts
    "accounts:new_workspace": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "accounts:use": (POST, ("slug",), 302, 404, 404, 302, 302, 302, 302),
    "accounts:list": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "accounts:connect": (POST, ("slug",), 302, 404, 404, 403, 302, 302, 302),
    "accounts:connect_key": (POST, ("slug",), 302, 404, 404, 403, 422, 422, 422),
    "accounts:callback": (GET, (), 403, 400, 400, 400, 400, 400, 400),
    "accounts:disconnect": (POST, ("account",), 302, 404, 404, 403, 403, 200, 200),
    "accounts:reconnect": (POST, ("account",), 302, 404, 404, 403, 302, 302, 302),
    # Members: everybody of the workspace reads, its owners act; the member here is one more designer
    "accounts:members": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "accounts:invite": (POST, ("slug",), 302, 404, 404, 403, 403, 403, 422),
    "accounts:change_role": (POST, ("member",), 302, 404, 404, 403, 403, 403, 422),
    "accounts:remove_member": (POST, ("member",), 302, 404, 404, 403, 403, 403, 200),
    "accounts:end_invitation": (POST, ("invitation",), 302, 404, 404, 403, 403, 403, 302),
    "accounts:join": (GET, ("invited",), 200, 200, 200, 200, 200, 200, 200),
    "accounts:api_token": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    # Designs
    "editor:flows": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "editor:new": (POST, ("slug",), 302, 404, 404, 403, 302, 403, 302),
    "editor:import": (POST, ("slug",), 302, 404, 404, 403, 422, 403, 422),
    "editor:editor": (GET, ("flow",), 302, 404, 404, 403, 200, 403, 200),
    "editor:export": (GET, ("flow",), 302, 404, 404, 403, 200, 403, 200),
    "editor:pulse": (POST, ("flow",), 302, 404, 404, 403, 200, 403, 200),
    "editor:pick": (GET, ("flow", "kind"), 302, 404, 404, 403, 200, 403, 200),
    "editor:styleguide": (GET, (), 302, 404, 404, 404, 404, 404, 404),
    "editor:rename": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:trigger": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:undo": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:redo": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:restore": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:paste": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:connect": (POST, ("flow",), 302, 404, 404, 403, 409, 403, 409),
    "editor:disconnect": (POST, ("flow",), 302, 404, 404, 403, 409, 403, 409),
    "editor:add": (POST, ("flow",), 302, 404, 404, 403, 422, 403, 422),
    "editor:change": (POST, ("flow", "step"), 302, 404, 404, 403, 302, 403, 302),
    "editor:settle": (POST, ("flow", "step"), 302, 404, 404, 403, 422, 403, 422),
    "editor:type": (POST, ("flow", "step"), 302, 404, 404, 403, 422, 403, 422),
    "editor:repair": (POST, ("flow", "step"), 302, 404, 404, 403, 409, 403, 409),
    "editor:duplicate": (POST, ("flow", "step"), 302, 404, 404, 403, 302, 403, 302),
    "editor:copy": (POST, ("flow", "step"), 302, 404, 404, 403, 302, 403, 302),
    "editor:cut": (POST, ("flow", "step"), 302, 404, 404, 403, 302, 403, 302),
    "editor:delete": (POST, ("flow", "step"), 302, 404, 404, 403, 302, 403, 302),
    "editor:move": (POST, ("flow", "step"), 302, 404, 404, 403, 409, 403, 409),
    "editor:swap": (POST, ("flow", "step"), 302, 404, 404, 403, 422, 403, 422),
    "editor:question": (POST, ("flow", "question"), 302, 404, 404, 403, 302, 403, 302),
    "editor:switched": (POST, ("flow", "question"), 302, 404, 404, 403, 422, 403, 422),
    "editor:switch": (POST, ("flow", "step"), 302, 404, 404, 403, 302, 403, 302),
    "editor:publish": (POST, ("flow",), 302, 404, 404, 403, 302, 403, 302),
    # The emails of the workspace
    "emails:list": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "emails:new": (POST, ("slug",), 302, 404, 404, 403, 302, 403, 302),
    "emails:email": (GET, ("email",), 302, 404, 404, 200, 200, 200, 200),
    "emails:copy": (POST, ("email",), 302, 404, 404, 403, 302, 403, 302),
    "emails:delete": (POST, ("email",), 302, 404, 404, 403, 409, 403, 409),
    "emails:test": (POST, ("email",), 302, 404, 404, 403, 422, 403, 422),
    "emails:ask": (POST, ("email",), 302, 404, 404, 403, 404, 403, 404),
    "emails:unask": (POST, ("email",), 302, 404, 404, 403, 404, 403, 404),
    "emails:frame": (GET, ("email",), 302, 404, 404, 200, 200, 200, 200),
    "emails:preview": (POST, ("email",), 302, 404, 404, 200, 200, 200, 200),
    "emails:check": (POST, ("email",), 302, 404, 404, 200, 200, 200, 200),
    # The library: this template flow is its workspace's own
    "library:list": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "library:page": (GET, ("template",), 404, 404, 404, 200, 200, 200, 200),
    "library:compare": (GET, ("template",), 404, 404, 404, 200, 200, 200, 200),
    "library:offer": (GET, ("template",), 302, 404, 404, 403, 200, 403, 200),
    "library:renew_link": (POST, ("template",), 302, 404, 404, 403, 302, 403, 302),
    "library:withdraw": (POST, ("template", "number"), 302, 404, 404, 403, 302, 403, 302),
    "library:extract": (GET, ("slug",), 302, 404, 404, 403, 200, 403, 200),
    "library:extract_file": (POST, ("slug",), 302, 404, 404, 403, 422, 403, 422),
    "library:extract_from": (GET, ("slug", "account"), 302, 404, 404, 403, 200, 403, 200),
    "library:extract_flow": (POST, ("slug", "account", "part"), 302, 404, 404, 403, 422, 403, 422),
    "library:found": (GET, ("flow",), 302, 404, 404, 403, 200, 403, 200),
    # Reviews are for the operator's reviewers: to everybody else they are not there
    "library:reviews": (GET, (), 302, 404, 200, 404, 404, 404, 404),
    "library:review": (GET, ("review",), 302, 404, 200, 404, 404, 404, 404),
    "library:decide": (POST, ("review",), 302, 404, 422, 404, 404, 404, 404),
    # Installing takes an owner or a merchant
    "install:list": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "install:start": (POST, ("template",), 302, 404, 404, 403, 403, 302, 302),
    "install:wizard": (GET, ("flow",), 302, 404, 404, 403, 200, 403, 200),
    "install:open": (GET, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:connect": (GET, ("install",), 302, 404, 404, 403, 403, 200, 200),
    "install:choose": (POST, ("install",), 302, 404, 404, 403, 403, 422, 422),
    "install:answers": (GET, ("install",), 302, 404, 404, 403, 403, 200, 200),
    "install:answer": (POST, ("install", "question"), 302, 404, 404, 403, 403, 422, 422),
    "install:choices": (GET, ("install", "picked"), 302, 404, 404, 403, 403, 200, 200),
    "install:figures": (GET, ("install", "picked"), 302, 404, 404, 403, 403, 200, 200),
    "install:preview": (GET, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:shape": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:content": (GET, ("install", "content"), 302, 404, 404, 403, 403, 200, 200),
    "install:withdrawn": (GET, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:take_current": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:confirm": (POST, ("install",), 302, 404, 404, 403, 403, 422, 422),
    "install:progress": (GET, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "arrive": (GET, ("template",), 404, 404, 404, 302, 302, 302, 302),
    "install:addresses": (GET, ("slug",), 302, 404, 404, 403, 403, 403, 200),
    "install:set_addresses": (POST, ("slug",), 302, 404, 404, 403, 403, 403, 302),
    "install:links": (GET, ("install",), 302, 404, 404, 403, 403, 200, 200),
    "install:end_links": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    # Open to whoever has the link, and to nobody by a guess
    "install:handed": (GET, ("handed",), 200, 200, 200, 200, 200, 200, 200),
    "install:answer_handed": (POST, ("handed",), 422, 422, 422, 422, 422, 422, 422),
    "install:shared": (GET, ("key",), 404, 404, 404, 404, 404, 404, 404),
    "install:approve": (POST, ("key",), 404, 404, 404, 404, 404, 404, 404),
    "install:shared_content": (GET, ("key", "content"), 404, 404, 404, 404, 404, 404, 404),
    "install:leave_out": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:reviewed": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:reopen": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:retry": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "install:cancel": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    # What became of it: as installing; this one is not there yet
    "installed:drift": (GET, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "installed:look": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "installed:accept": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "installed:put_back": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "installed:propose": (POST, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "installed:upgrade": (GET, ("install", "number"), 302, 404, 404, 403, 403, 302, 302),
    "installed:upgrade_look": (POST, ("install", "number"), 302, 404, 404, 403, 403, 302, 302),
    "installed:take": (POST, ("install", "number"), 302, 404, 404, 403, 403, 302, 302),
    "installed:copies": (GET, ("slug",), 302, 404, 404, 403, 403, 200, 200),
    "installed:pause_all": (POST, ("slug", "template"), 302, 404, 404, 403, 403, 422, 422),
    "installed:restore_all": (POST, ("slug", "template"), 302, 404, 404, 403, 403, 422, 422),
    "installed:proposals": (GET, ("slug",), 302, 404, 404, 403, 200, 403, 200),
    "installed:proposal": (GET, ("proposal",), 302, 404, 404, 403, 200, 403, 200),
    "installed:take_proposal": (POST, ("proposal",), 302, 404, 404, 403, 422, 403, 422),
    "installed:decline_proposal": (POST, ("proposal",), 302, 404, 404, 403, 302, 403, 302),
    # Rollouts: everybody of the workspace follows them, owners and merchants act
    "rollouts:list": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "rollouts:new": (GET, ("slug",), 302, 404, 404, 403, 403, 200, 200),
    "rollouts:grid": (GET, ("slug",), 302, 404, 404, 403, 403, 200, 200),
    "rollouts:grid_read": (POST, ("slug",), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:grid_install": (POST, ("slug", "account", "template"), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:rollout": (GET, ("rollout",), 302, 404, 404, 200, 200, 200, 200),
    "rollouts:look": (POST, ("rollout",), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:again": (POST, ("rollout",), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:answers": (POST, ("rollout",), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:shape": (POST, ("rollout",), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:add": (GET, ("rollout",), 302, 404, 404, 403, 403, 200, 200),
    "rollouts:start": (POST, ("rollout",), 302, 404, 404, 403, 403, 422, 422),
    "rollouts:pause": (POST, ("rollout",), 302, 404, 404, 403, 403, 422, 422),
    "rollouts:resume": (POST, ("rollout",), 302, 404, 404, 403, 403, 422, 422),
    "rollouts:cancel": (POST, ("rollout",), 302, 404, 404, 403, 403, 302, 302),
    "rollouts:retry": (POST, ("rollout",), 302, 404, 404, 403, 403, 422, 422),
    "rollouts:account": (GET, ("rollout", "choice"), 302, 404, 404, 403, 403, 200, 200),
    "rollouts:leave_out": (POST, ("rollout", "choice"), 302, 404, 404, 403, 403, 302, 302),
    # Approvals: owners and reviewers decide, owners say when; this one was asked for by the designer
    "approvals:list": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "approvals:approval": (GET, ("approval",), 302, 404, 200, 200, 200, 200, 200),
    "approvals:decide": (POST, ("approval",), 302, 404, 403, 422, 403, 403, 422),
    "approvals:withdraw": (POST, ("approval",), 302, 404, 422, 422, 302, 422, 422),
    "approvals:settings": (GET, ("slug",), 302, 404, 404, 403, 403, 403, 200),
    # Health is for everybody of the workspace, alerts for its owners
    "health:page": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "health:alerts": (GET, ("slug",), 302, 404, 404, 403, 403, 403, 200),
    "health:add": (POST, ("slug",), 302, 404, 404, 403, 403, 403, 422),
    "health:limits": (POST, ("slug",), 302, 404, 404, 403, 403, 403, 422),
    "health:change": (POST, ("listener",), 302, 404, 404, 403, 403, 403, 422),
    "health:remove": (POST, ("listener",), 302, 404, 404, 403, 403, 403, 302),
    "health:renew": (POST, ("listener",), 302, 404, 404, 403, 403, 403, 200),
    "health:test": (POST, ("listener",), 302, 404, 404, 403, 403, 403, 302),
    "health:again": (POST, ("delivery",), 302, 404, 404, 403, 403, 403, 302),
    # For machines
    "healthz": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "readyz": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    # History
    "history:audit": (GET, (), 302, 200, 200, 403, 403, 403, 200),
    "history:audit_export": (GET, ("form",), 302, 200, 200, 403, 403, 403, 200),
    "history:list": (GET, (), 302, 200, 200, 200, 200, 200, 200),
    "history:publication": (GET, ("publication",), 302, 404, 200, 200, 200, 200, 200),
    "history:attempt": (GET, ("publication", "attempt", "part"), 302, 404, 200, 200, 200, 200, 200),
    "history:receipt": (GET, ("publication",), 302, 404, 200, 200, 200, 200, 200),
    "history:export": (GET, ("form",), 302, 200, 200, 200, 200, 200, 200),
    "history:save_view": (POST, (), 302, 302, 302, 302, 302, 302, 302),
    "history:forget_view": (POST, ("view",), 302, 404, 404, 404, 404, 404, 302),
    "history:cancel": (POST, ("publication",), 302, 404, 302, 403, 403, 302, 302),
    "history:retry": (POST, ("publication",), 302, 404, 302, 403, 403, 302, 302),
    "history:decide": (POST, ("publication",), 302, 404, 302, 403, 403, 302, 302),
    "history:after": (GET, ("install",), 302, 404, 404, 403, 403, 302, 302),
    "history:act": (POST, ("install", "act"), 302, 404, 404, 403, 403, 302, 302),
    # How the flows perform: the account's own people read, merchants and owners decide
    "performance:workspace": (GET, ("slug",), 302, 404, 404, 200, 200, 200, 200),
    "performance:account": (GET, ("account",), 302, 404, 404, 200, 200, 200, 200),
    "performance:flow": (GET, ("account", "measured"), 302, 404, 404, 200, 200, 200, 200),
    "performance:export": (GET, ("account",), 302, 404, 404, 200, 200, 200, 200),
    "performance:metric": (POST, ("account",), 302, 404, 404, 403, 403, 422, 422),
    "performance:ask": (POST, ("account",), 302, 404, 404, 403, 403, 422, 422),
    "performance:share": (POST, ("account",), 302, 404, 404, 403, 403, 422, 422),
    "performance:template": (GET, ("template",), 302, 404, 404, 200, 200, 200, 200),
    "performance:report": (GET, ("report",), 302, 404, 404, 200, 200, 200, 200),
    "performance:report_export": (GET, ("report",), 302, 404, 404, 200, 200, 200, 200),
    # The API
    "api:start": (GET, (), 401, 200, 200, 200, 200, 200, 200),
    "api:schema": (GET, (), 200, 200, 200, 200, 200, 200, 200),
    "api:nothing": (GET, (), 404, 404, 404, 404, 404, 404, 404),
    "api:flows": (GET, (), 401, 200, 200, 200, 200, 200, 200),
    "api:flow": (GET, ("flow",), 401, 404, 404, 200, 200, 200, 200),
    "api:flow_export": (GET, ("flow",), 401, 404, 404, 200, 200, 200, 200),
    "api:flow_problems": (GET, ("flow",), 401, 404, 404, 200, 200, 200, 200),
    "api:versions": (POST, ("flow",), 401, 404, 404, 403, 201, 403, 201),
    "api:version": (GET, ("version",), 401, 404, 404, 200, 200, 200, 200),
    "api:template_flows": (GET, (), 401, 200, 200, 200, 200, 200, 200),
    "api:template_flow": (GET, ("template",), 401, 404, 404, 200, 200, 200, 200),
    "api:accounts": (GET, (), 401, 200, 200, 200, 200, 200, 200),
    "api:publications": (GET, (), 401, 200, 200, 200, 200, 200, 200),
    "api:publication": (GET, ("publication",), 401, 404, 200, 200, 200, 200, 200),
}


def doors(resolver: Any = None, prefix: str = "") -> list[str]:
    """The names of all URLs but the Django admin's, which has a test of its own."""
    names = []
    for pattern in (resolver or get_resolver()).url_patterns:
        if getattr(pattern, "app_name", "") == "admin":
            continue
        if hasattr(pattern, "url_patterns"):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            names += doors(pattern, space)
        else:
            names.append(f"{prefix}{pattern.name}")
    return names


def test_every_door_is_in_the_table():
    assert sorted(set(doors())) == sorted(TABLE)


def test_every_row_is_for_everybody(world: World):
    """Each role that there is, the site's operator, strangers and nobody, in the order of the columns."""
    assert tuple(world.clients) == PEOPLE
    assert set(Membership.Role.values) < set(PEOPLE)
    assert {len(row) for row in TABLE.values()} == {2 + len(PEOPLE)}


@dataclass
class World:
    """One of each thing, all of it Alice's."""

    arguments: dict[str, Any]
    clients: dict[str, Client]


@pytest.fixture
def world(alice, bob, charlie, workspace, klaviyo) -> World:
    make.workspace("elsewhere", owner=charlie)
    template = make.template(workspace)
    template.visibility = "workspace"
    template.save()
    account = make.account(workspace)
    install = make.install(template, account, alice)
    publication = Publication.objects.create(
        workspace=workspace,
        version=template.current_version,
        account=account,
        asked_by=alice,
        flow_name="Abandoned cart",
    )
    make.bring(publication, "verifying")
    move(publication, "published")
    Attempt.objects.create(
        publication=publication,
        number=1,
        step="create-flow",
        method="POST",
        path="/api/flows",
        request={"data": {}},
    )
    waiting = Publication.objects.create(
        workspace=workspace,
        version=template.current_version,
        account=account,
        asked_by=bob,
        flow_name="Browse",
        needs_approval=True,
    )
    ask_for(waiting, [workspace])
    rollout = Rollout.objects.create(workspace=workspace, version=template.current_version, asked_by=alice)
    choice = rollout.choices.create(account=account)
    reading = install.readings.create(flow_id="F", verdict="content", content_hash="x")
    change = {"key": "gone", "path": ["message", "body"], "before": "a", "after": "b", "text": "b"}
    proposal = template.proposals.create(reading=reading, workspace=workspace, by=alice, changes=[change])
    view = SavedView.objects.create(person=alice, workspace=workspace, name="Mine", query="outcome=refused")
    Measuring.objects.create(account=account, metric_id="M", flows={"F": {"name": "F"}})
    report = Report.objects.create(account=account, metric_id="M", frame="last_week")
    listener = workspace.listeners.create(kind="webhook", address="https://alerts.example.com/", secret="s")
    delivery = listener.deliveries.create(state="failed")
    late = make.user("late@example.org", "Lale")
    member = Membership.objects.create(user=late, workspace=workspace, role="designer")
    invitation = invite(workspace=workspace, email="new@example.org", role="designer", by=alice)
    arguments = {
        "member": member.pk,
        "invitation": invitation.pk,
        "invited": link_to(invitation).rstrip("/").rpartition("/")[2],
        "approval": waiting.approvals.get().pk,
        "measured": "F",
        "report": report.pk,
        "listener": listener.pk,
        "delivery": delivery.pk,
        "view": view.pk,
        "proposal": proposal.pk,
        "number": 1,
        "slug": workspace.slug,
        "account": account.pk,
        "flow": template.flow.pk,
        "step": "wait-1",
        "kind": "metric",
        "content": "mail-1",
        "email": workspace.emails.first().pk,
        "template": template.slug,
        "version": template.current_version.pk,
        "install": install.pk,
        "act": "pause",
        "question": "sender",
        "picked": "started-checkout",
        "handed": shared_link(install, QUESTION, "started-checkout"),
        "review": template.reviews.get().pk,
        "publication": publication.pk,
        "rollout": rollout.pk,
        "choice": choice.pk,
        "attempt": 1,
        "part": "request",
        "form": "csv",
        "key": "no-such-key",
        "uid": "1",
    }
    members = {role: make.user(f"{role}@example.org", role.title()) for role in ("reviewer", "merchant")}
    for role, person in members.items():
        Membership.objects.create(user=person, workspace=workspace, role=role)
    people = {
        "nobody": Client(),
        "stranger": client_of(charlie),
        "operator": client_of(make.reviewer()),
        "reviewer": client_of(members["reviewer"]),
        "designer": client_of(bob),
        "merchant": client_of(members["merchant"]),
        "owner": client_of(alice),
    }
    return World(arguments, people)


@pytest.mark.parametrize("name", TABLE)
def test_who_comes_in(world: World, name: str):
    method, parts, *wanted = TABLE[name]
    url = reverse(name, args=[world.arguments[part] for part in parts]) + (
        "no/such" if name == "api:nothing" else ""
    )
    found = []
    for client in world.clients.values():
        with transaction.atomic():  # each finds the world as it was
            answer = getattr(client, method)(
                url, **({"content_type": "application/json"} if "api:" in name else {})
            )
            transaction.set_rollback(True)
        to_sign_in = answer.status_code == 302 and "/account/login/" in answer["Location"]
        assert not to_sign_in or client is world.clients["nobody"]
        found.append(answer.status_code)
    assert dict(zip(world.clients, found, strict=True)) == dict(zip(world.clients, wanted, strict=True))


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[0] == POST])
def test_acts_take_no_get_and_no_forgery(world: World, name: str):
    """What changes something is a POST with a token, or nothing happens."""
    parts = TABLE[name][1]
    url = reverse(name, args=[world.arguments[part] for part in parts])
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = world.clients["owner"].cookies
    assert strict.post(url).status_code == 403
    if not name.startswith("api:"):
        assert world.clients["owner"].get(url).status_code == 405


def test_the_admin_is_for_staff(world: World):
    for client in world.clients.values():
        assert client.get("/admin/").status_code == 302
        assert client.get("/admin/accounts/klaviyoaccount/").status_code == 302
