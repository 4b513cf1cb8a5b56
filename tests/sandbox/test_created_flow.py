"""POST /api/flows: what becomes of a flow that is accepted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.examples import ids_of, two_of
from tests.sandbox.talk import (
    CHECKOUT,
    Json,
    client,
    definition,
    flow,
    mail,
    problems,
    split,
    step,
    wait,
)
from tests.sandbox.test_create_flow import AT, ELSE, YES, branches, create


def test_ids_follow_the_graph_breadth_first_and_the_order_of_actions_stays(api: httpx.Client) -> None:
    """
    [metric] -> (s) -yes-> <y> -> <yy>
                    -no--> <n> -> <nn>      sent in another order
    """
    sent = [wait("nn"), wait("yy"), wait("n", "nn"), split("s", "y", "n"), wait("y", "yy")]
    stored = create(api, definition(*sent, entry_action_id="s"))
    ids = [int(action["id"]) for action in stored["actions"]]
    first = min(ids)
    assert [id - first for id in ids] == [4, 3, 2, 0, 1]  # s, y, n, yy, nn
    assert stored["entry_action_id"] == str(first)
    assert stored["actions"][3]["links"] == {"next_if_true": str(first + 1), "next_if_false": str(first + 2)}
    assert all("temporary_id" not in action for action in stored["actions"])


def test_ids_are_the_same_in_every_run() -> None:
    found = []
    for _ in range(2):
        with RunningSandbox() as fresh, client(fresh) as api:
            answer = api.post("/api/flows", json=flow(definition())).json()["data"]
            found.append((answer["id"], answer["attributes"]["definition"]))
    assert found[0] == found[1]
    assert len(found[0][0]) == 6


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        ({"unit": "hours", "value": 2}, {"secondary_value": 0, "weekdays": 7}),
        ({"unit": "hours", "value": 1, "secondary_value": 30}, {"secondary_value": 30, "weekdays": 7}),
        ({"unit": "minutes", "value": 10}, {"secondary_value": None, "weekdays": 7}),
        ({"unit": "days", "value": 2}, {"secondary_value": None, "weekdays": None}),
        (
            {"unit": "days", "value": 2, "delay_until_weekdays": ["friday"]},
            {"secondary_value": None, "weekdays": 1},
        ),
    ],
)
def test_delays_as_they_are_stored(api: httpx.Client, data: Json, stored: Json) -> None:
    kept = create(api, definition(wait(**data)))["actions"][0]["data"]
    assert (kept["unit"], kept["value"], kept["timezone"]) == (data["unit"], data["value"], "profile")
    assert kept["secondary_value"] == stored["secondary_value"]
    weekdays = kept.get("delay_until_weekdays")
    assert (weekdays and len(weekdays)) == stored["weekdays"]


def test_an_email_gets_sender_defaults_and_an_id(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    action = create(api, definition(mail(transactional=True)))["actions"][0]
    message = action["data"]["message"]
    assert action["data"]["status"] == "draft"
    assert action["links"] == {"next": None}
    assert (message["from_email"], message["from_label"]) == ("hello@harbourpine.example", "Harbour & Pine")
    assert message["reply_to_email"] == "hello@harbourpine.example"
    assert message["smart_sending_enabled"] is True
    assert message["transactional"] is False
    assert message["add_tracking_params"] is False
    assert message["cc_email"] is None
    assert len(message["id"]) == 6
    with client(klaviyo, "kettle") as other:
        body = flow(definition(mail(template_id=None), triggers=[{"type": "list", "id": ids_of(other).list}]))
        theirs = other.post("/api/flows", json=body).json()["data"]["attributes"]["definition"]["actions"][0]
    assert theirs["data"]["message"]["from_label"] == "Kettle & Co"
    own = create(api, definition(mail(from_email="a@b.example", reply_to_email="c@d.example")))["actions"][0]
    assert own["data"]["message"]["reply_to_email"] == "c@d.example"


def test_branches_and_experiments_get_ids_of_their_own(api: httpx.Client) -> None:
    multi = create(api, definition(branches(YES, ELSE), mail()))["actions"]
    yes, other = multi[0]["data"]["branches"]
    assert "links" not in multi[0]
    assert yes["links"] == {"next": multi[1]["id"]}
    assert other["links"] is None
    assert yes["branch_id"] != "yes"
    assert other["is_else"] is True
    test = create(api, definition(two_of("ab-test", mail("m"), mail("a"), mail("b"))))["actions"][0]
    current = test["data"]["current_experiment"]
    variations = [variation["id"] for variation in current["variations"]]
    assert current["allocations"] == dict.fromkeys(variations, 0.5)
    assert test["data"]["experiment_status"] == "draft"
    assert test["data"]["main_action"]["data"]["message"]["id"]
    assert len({test["id"], test["data"]["main_action"]["id"], *variations}) == 4


def test_a_new_flow_is_a_draft_and_has_the_label_of_its_trigger(api: httpx.Client) -> None:
    live = step("send-email", {"status": "live", "message": {"name": "x"}})
    data = api.post("/api/flows", json=flow(definition(live))).json()["data"]
    about = data["attributes"]
    assert (about["status"], about["archived"], about["trigger_type"]) == ("draft", False, "Metric")
    assert about["definition"]["actions"][0]["data"]["status"] == "live"
    assert "reentry_criteria" not in about["definition"]


def test_status_is_all_that_can_be_changed(api: httpx.Client) -> None:
    made = api.post("/api/flows", json=flow(definition(wait(next="mail"), mail()))).json()["data"]["id"]

    def patch(**attributes: Any) -> httpx.Response:
        body = {"data": {"type": "flow", "id": made, "attributes": attributes}}
        return api.patch(f"/api/flows/{made}", json=body)

    assert patch(status="live").json()["data"]["attributes"]["status"] == "live"
    read = api.get(f"/api/flows/{made}", params={"additional-fields[flow]": "definition"}).json()
    delay, email = read["data"]["attributes"]["definition"]["actions"]
    assert email["data"]["status"] == "live"
    assert "status" not in delay["data"]
    assert patch(status="paused").status_code == 400
    for name in ("name", "archived", "definition"):
        answer = patch(status="draft", **{name: "x"})
        assert (
            f"/data/attributes/{name}",
            f"'{name}' is not a valid field for the resource 'flow'.",
        ) in problems(answer)
    assert api.delete(f"/api/flows/{made}").status_code == 204
    assert api.get(f"/api/flows/{made}").status_code == 404
    assert api.get(f"/api/flow-messages/{email['data']['message']['id']}").status_code == 200  # it survives


def test_names_need_not_be_unique(api: httpx.Client) -> None:
    for _ in range(2):
        create(api, definition(), "Twin")
    found = api.get("/api/flows", params={"filter": 'equals(name,"Twin")'}).json()["data"]
    assert len(found) == 2


def test_a_thing_that_vanishes_is_missed(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    klaviyo.remove("metric", CHECKOUT)
    assert problems(api.post("/api/flows", json=flow(definition())))[0][0] == f"{AT}/triggers/0/id"


def test_rejoining_branches_are_refused_on_request() -> None:
    """
    [metric] -> (s) -yes-> <a> -> <z>
                    -no--> <b> -> <z>
    """
    about = definition(split("s", "a", "b"), wait("a", "z"), wait("b", "z"), wait("z"))
    with RunningSandbox(tree_only=True) as strict, client(strict) as api:
        ((pointer, _),) = problems(api.post("/api/flows", json=flow(about)))
        assert pointer == f"{AT}/actions/2/links/next"
        assert api.post("/api/flows", json=flow(definition())).status_code == 201


def test_multi_branch_splits_fail_on_request() -> None:
    about = definition(branches(YES, ELSE), mail())
    with RunningSandbox(multi_branch_fails=True) as moody, client(moody) as api:
        assert api.post("/api/flows", json=flow(about)).status_code == 500
        assert len(moody.flows()) == 2
