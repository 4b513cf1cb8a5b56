"""A flow whose branches join, into an account that refuses it: built as a strict tree of yes-or-no splits it lands.

[metric] -> (many) -a-> [x] -> <wait> -> [y]       wait and y are shared by a, b and everyone else
                   -b---------> <wait>
                   -else-> [y]
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flowbuilder.definition.canonical import canonical
from flowbuilder.models import Install, Publication
from flowbuilder.operations.installs import (
    UnableToInstall,
    choose_shape,
    confirm_install,
    landing_of,
    start_install,
)
from flowbuilder.operations.library import offer_in_library, publish_version
from flowbuilder.publisher import publish
from flowbuilder.sandbox.testing import RunningSandbox
from tests import make
from tests.conftest import client_of
from tests.definition.flows import branches

pytestmark = pytest.mark.django_db
BOTH = {"duplicate_tails": True, "nest_branches": True}
METRIC = "UpixsZ"


def document() -> dict[str, Any]:
    many = branches("a", "b")
    for branch, target in zip(many["branches"], ("x", "wait", "y"), strict=True):
        branch["links"] = {"next": target}

    def text(key: str, then: str | None) -> dict[str, Any]:
        return {
            "temporary_id": key,
            "type": "send-sms",
            "links": {"next": then},
            "data": {"message": {"name": key, "body": f"Hello from {key}"}, "status": "draft"},
        }

    return {
        "triggers": [{"type": "metric", "id": METRIC, "trigger_filter": None}],
        "profile_filter": None,
        "entry_action_id": "many",
        "actions": [
            {"temporary_id": "many", "type": "multi-branch-split", "links": None, "data": many},
            text("x", "wait"),
            {
                "temporary_id": "wait",
                "type": "time-delay",
                "links": {"next": "y"},
                "data": {"unit": "days", "value": 1, "secondary_value": None, "timezone": "profile"},
            },
            text("y", None),
        ],
    }


@pytest.fixture(scope="module")
def _strict() -> Iterator[RunningSandbox]:
    with RunningSandbox(tree_only=True, multi_branch_fails=True) as sandbox:
        yield sandbox


@pytest.fixture
def strict(_strict, klaviyo, settings) -> RunningSandbox:
    """An account that takes neither joins nor splits with many branches."""
    _strict.reset()
    settings.KLAVIYO_BASE_URL = settings.KLAVIYO_SITE_URL = _strict.url
    return _strict


@pytest.fixture
def ready(workspace, alice, strict) -> Install:
    merchant = make.workspace("harbour-pine", "merchant", owner=alice)
    template = make.template(workspace, document(), "Joined")
    return make.install(template, make.account(merchant), alice)


def keys_of(install: Install) -> dict[str, str]:
    """Our keys by what the steps do: an import may give them other ones."""
    found = {}
    for one in install.version.document["definition"]["actions"]:
        found[(one["data"].get("message") or {}).get("name") or one["type"]] = one["temporary_id"]
    return found


def run(publication: Publication) -> Publication:
    publish.run(publication.pk)
    publication.refresh_from_db()
    return publication


def test_as_designed_it_is_refused(ready, alice):
    refused = run(confirm_install(install=ready, by=alice))
    assert refused.state == Publication.State.REFUSED
    assert {one["step"] for one in refused.refusals} <= set(keys_of(ready).values())
    assert "rejoin" in refused.refusals[0]["text"]


def test_as_a_tree_it_lands_and_is_found_as_meant(ready, alice, strict):
    choose_shape(install=ready, settings=BOTH)
    done = run(confirm_install(install=ready, by=alice))
    assert (done.state, done.reason, done.shape) == (Publication.State.PUBLISHED, "", BOTH)
    sent = done.attempts.get(step="create-flow").request
    assert sent == landing_of(ready).body, "the preview showed the very body that was sent"
    held = done.attempts.get(step="read-back").answer
    assert canonical(held) == canonical(sent)
    assert [one["name"] for one in strict.flows()].count("Joined") == 1
    types = [one["type"] for one in sent["data"]["attributes"]["definition"]["actions"]]
    assert sorted(types) == ["conditional-split"] * 2 + ["send-sms"] * 4 + ["time-delay"] * 2


def test_every_step_that_lands_is_known_by_the_step_it_stands_for(ready, alice):
    choose_shape(install=ready, settings=BOTH)
    run(confirm_install(install=ready, by=alice))
    ready.refresh_from_db()
    keys = keys_of(ready)
    origins = [one.get("of", key) for key, one in ready.step_map.items()]
    assert sorted(origins) == sorted(
        [keys["multi-branch-split"]] * 2 + [keys["x"]] + [keys["time-delay"]] * 2 + [keys["y"]] * 3
    )
    assert len({one["action"] for one in ready.step_map.values()}) == 8
    assert all(one["message"] for key, one in ready.step_map.items() if one.get("of", key) == keys["y"])


def test_only_one_of_two_is_not_enough(ready, alice):
    choose_shape(install=ready, settings={"nest_branches": True})
    refused = run(confirm_install(install=ready, by=alice))
    assert refused.state == Publication.State.REFUSED


def test_a_refusal_of_a_copy_speaks_of_its_step(ready, alice, strict):
    """Klaviyo points into the body that was sent; people see the step of their design."""
    choose_shape(install=ready, settings=BOTH)
    sent = landing_of(ready)
    actions = sent.body["data"]["attributes"]["definition"]["actions"]
    copy = next(
        index
        for index, one in enumerate(actions)
        if sent.origins.get(one["temporary_id"]) == keys_of(ready)["y"]
    )
    pointer = f"/data/attributes/definition/actions/{copy}/data/message/body"
    error = {"code": "invalid", "title": "Invalid", "detail": "Too plain.", "source": {"pointer": pointer}}
    strict.fault("status", "POST", "/api/flows", status=400, body=json.dumps({"errors": [error]}))
    refused = run(confirm_install(install=ready, by=alice))
    strict.clear_faults()
    assert refused.state == Publication.State.REFUSED
    assert [(one["step"], one["path"]) for one in refused.refusals] == [
        (keys_of(ready)["y"], ["message", "body"])
    ]


def test_what_cannot_be_built_is_said_and_nothing_is_kept(ready):
    many = ready.version.document["definition"]["actions"][0]["data"]
    many["branches"][0]["colour"] = "blue"
    with pytest.raises(UnableToInstall, match="“colour”"):
        choose_shape(install=_with(ready), settings=BOTH)
    ready.refresh_from_db()
    assert ready.shape == {}


def _with(install: Install) -> Install:
    """Another version of its flow, as it stands in memory."""
    fresh = type(install.version)(
        flow=install.version.flow,
        number=install.version.number + 1,
        name=install.version.name,
        document=install.version.document,
        content_hash="x" * 64,
    )
    fresh.save()
    Install.objects.filter(pk=install.pk).update(version=fresh)
    install.refresh_from_db()
    return install


def test_a_new_version_keeps_how_it_is_built_while_it_fits(ready, alice, workspace):
    choose_shape(install=ready, settings=BOTH)
    flow = ready.version.flow
    make.approved(offer_in_library(version=publish_version(flow=flow, by=alice)))
    ready.template_flow.refresh_from_db()
    again = start_install(template=ready.template_flow, workspace=ready.workspace, by=alice)
    assert (again.pk, again.version.number, again.shape) == (ready.pk, 2, BOTH)


# --- Pages ------------------------------------------------------------------------------------------------------


def test_the_preview_offers_it_and_keeps_it(ready, alice):
    client = client_of(alice)
    page = client.get(f"/installs/{ready.pk}/preview/").content.decode()
    assert "How it is built in your account" in page
    assert page.count('type="checkbox" name="') == 2
    answer = client.post(f"/installs/{ready.pk}/shape/", {"nest_branches": "on"})
    assert answer.status_code == 302
    ready.refresh_from_db()
    assert ready.shape == {"nest_branches": True}
    page = client.get(f"/installs/{ready.pk}/preview/").content.decode()
    assert 'name="nest_branches" value="on" checked' in page
    assert "multi-branch-split" not in page
    client.post(f"/installs/{ready.pk}/shape/", {})
    ready.refresh_from_db()
    assert ready.shape == {}


def test_a_flow_without_joins_is_not_asked(workspace, alice, klaviyo):
    merchant = make.workspace("harbour-pine", "merchant", owner=alice)
    plain = document()
    plain["actions"] = plain["actions"][2:]
    plain["entry_action_id"] = "wait"
    install = make.install(make.template(workspace, plain, "Plain"), make.account(merchant), alice)
    assert "How it is built" not in client_of(alice).get(f"/installs/{install.pk}/preview/").content.decode()


def test_the_history_says_how_it_was_built(ready, alice):
    choose_shape(install=ready, settings=BOTH)
    done = run(confirm_install(install=ready, by=alice))
    page = client_of(alice).get(f"/history/{done.pk}/").content.decode()
    assert "Copy what branches share, Build branches as yes-or-no splits" in page
