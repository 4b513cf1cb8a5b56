"""What every endpoint shares: who may call, revisions, errors, paging, filters."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import CHECKOUT, PLAIN, client, connect, definition, flow, problems


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer nonsense", "Klaviyo-API-Key pk_wrong", "pk_sandbox_harbour", "Basic eDp5"],
)
def test_without_a_good_token_it_is_401(klaviyo: RunningSandbox, authorization: str) -> None:
    headers = {"authorization": authorization, "revision": "2026-10-15"}
    answer = PLAIN.get(f"{klaviyo.url}/api/accounts", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "authentication_failed"
    assert answer.headers["content-type"].startswith("application/vnd.api+json")


def test_a_missing_scope_is_403_and_named(klaviyo: RunningSandbox) -> None:
    token = connect(klaviyo, scope="accounts:read flows:read")["access_token"]
    with client(klaviyo, token=token) as api:
        assert api.get("/api/flows").status_code == 200
        for answer in (api.post("/api/flows", json=flow(definition())), api.get("/api/metrics")):
            assert answer.status_code == 403
            assert answer.json()["errors"][0]["code"] == "permission_denied"
        triggers = api.get(f"/api/metrics/{CHECKOUT}/flow-triggers")
    assert "metrics:read" in triggers.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("revision", "opt_out", "status", "used"),
    [
        (None, False, 400, None),
        ("yesterday", False, 400, None),
        ("2026-10-15", True, 200, "2026-10-15"),
        ("2026-07-15", True, 200, "2026-07-15"),
        ("2026-07-15.pre", True, 200, "2026-07-15.pre"),
        ("2024-10-15", False, 200, "2025-01-15"),
        ("2026-08-01", False, 200, "2026-10-15"),
        ("2030-01-15", False, 200, "2026-10-15"),
        ("2024-10-15", True, 410, None),
        ("2026-08-01", True, 410, None),
    ],
)
def test_revisions(
    klaviyo: RunningSandbox, revision: str | None, opt_out: bool, status: int, used: str | None
) -> None:
    headers = {"authorization": f"Klaviyo-API-Key {klaviyo.api_key()}"}
    if revision:
        headers["revision"] = revision
    if opt_out:
        headers["X-Klaviyo-Revision-Fall-Forward-Opt-Out"] = "1"
    answer = PLAIN.get(f"{klaviyo.url}/api/accounts", headers=headers)
    assert (answer.status_code, answer.headers.get("revision")) == (status, used)
    if status != 200:
        assert answer.json()["errors"][0]["source"] == {"parameter": "revision"}


def test_wrong_paths_and_methods(api: httpx.Client) -> None:
    assert api.get("/api/nothing").status_code == 404
    wrong = api.put("/api/flows", content=b"{}")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, POST"
    assert wrong.json()["errors"][0]["code"] == "method_not_allowed"
    assert api.get("/elsewhere").status_code == 404
    assert api.patch("/api/flow-messages/Zzzzzz", json={}).status_code == 405  # Klaviyo has none


def test_a_slash_at_the_end_is_tolerated(api: httpx.Client) -> None:
    assert api.get("/api/accounts/").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/flows/Zzzzzz", 404, "not_found"),
        ("/api/flows/a%20b", 400, "invalid"),
        ("/api/metrics/Zzzzzz", 404, "not_found"),
        ("/api/templates/Zzzzzz", 404, "not_found"),
        ("/api/flow-actions/123", 404, "not_found"),
        ("/api/flow-actions/abc", 400, "invalid"),
        ("/api/accounts/QwE92b", 404, "not_found"),
    ],
)
def test_ids_that_are_not_there(api: httpx.Client, path: str, status: int, code: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_nothing_of_another_account_is_visible(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    with client(klaviyo, "kettle") as other:
        assert other.get(f"/api/metrics/{CHECKOUT}").status_code == 404
        assert other.get("/api/templates/RfgG9g").status_code == 404
        assert other.get("/api/flows").json()["data"] == []
        mine = {metric["id"] for metric in api.get("/api/metrics").json()["data"]}
        theirs = {metric["id"] for metric in other.get("/api/metrics").json()["data"]}
    assert mine
    assert theirs
    assert not mine & theirs


def test_bodies_are_checked_before_anything_is_done(api: httpx.Client) -> None:
    text = json.dumps(flow(definition()))
    assert api.post("/api/flows", content=text, headers={"content-type": "text/plain"}).status_code == 415
    assert (
        api.post("/api/flows", content=text, headers={"content-type": "application/json"}).status_code == 201
    )
    assert api.post("/api/flows", content="{").status_code == 400
    assert api.post("/api/flows", content='{"data": NaN}').status_code == 400
    assert api.post("/api/lists", content=r'{"data": "\ud800"}').status_code == 400
    for body in ([], {}, {"data": []}, {"data": {}}, {"data": {"type": "flow"}}):
        assert api.post("/api/flows", json=body).status_code == 400
    big = api.post("/api/flows", content=b" " * (5 * 1024 * 1024 + 1))
    assert big.status_code == 413


def test_several_errors_at_once_with_their_pointers(api: httpx.Client) -> None:
    answer = api.post(
        "/api/templates",
        json={"data": {"type": "list", "id": "x", "attributes": {"name": "A", "colour": "red"}}, "extra": 1},
    )
    assert answer.status_code == 400
    assert problems(answer) == [
        ("/extra", "'extra' is not a valid field for the resource 'template'."),
        ("/data/id", "'id' is not a valid field for the resource 'template'."),
        ("/data/type", "'type' must be 'template'."),
        ("/data/attributes/colour", "'colour' is not a valid field for the resource 'template'."),
        ("/data/attributes/editor_type", "'editor_type' is a required field for the resource 'template'."),
    ]


def test_unknown_parameters_are_refused_with_their_names(api: httpx.Client) -> None:
    for path, name in (
        ("/api/flows?limit=5", "limit"),
        ("/api/flows?additional-fields[flow]=definition", "additional-fields[flow]"),
        ("/api/metrics?page[size]=10", "page[size]"),
        ("/api/flows?page[size]=51", "page[size]"),
        ("/api/flows?page[size]=0", "page[size]"),
        ("/api/flows?page[cursor]=junk", "page[cursor]"),
        ("/api/flows?sort=colour", "sort"),
        ("/api/flows?include=profiles", "include"),
        ("/api/flows?fields[flow]=colour", "fields[flow]"),
    ):
        answer = api.get(path)
        assert answer.status_code == 400, path
        assert answer.json()["errors"][0]["source"] == {"parameter": name}


# -- accounts and metrics


def test_the_account_is_an_array_of_one(api: httpx.Client) -> None:
    (account,) = api.get("/api/accounts").json()["data"]
    about = account["attributes"]
    assert (account["id"], about["public_api_key"]) == ("UpK3sZ", "UpK3sZ")
    assert (about["timezone"], about["preferred_currency"]) == ("America/New_York", "USD")
    sender = about["contact_information"]
    assert sender["default_sender_email"] == "hello@harbourpine.example"
    assert sender["default_sender_name"] == "Harbour & Pine"
    assert about["test_account"] is False
    assert api.get("/api/accounts/UpK3sZ").json()["data"] == account


def test_metrics_come_from_several_integrations(api: httpx.Client) -> None:
    metrics = api.get("/api/metrics").json()["data"]
    named = {(m["attributes"]["name"], m["attributes"]["integration"]["name"]): m["id"] for m in metrics}
    assert named["Checkout Started", "Shopify"] == CHECKOUT
    assert named["Viewed Product", "Shopify"] != named["Viewed Product", "API"]
    by_name = api.get("/api/metrics", params={"filter": 'equals(integration.name,"API")'}).json()["data"]
    assert {m["attributes"]["integration"]["name"] for m in by_name} == {"API"}
    assert api.get("/api/metrics", params={"filter": 'equals(integration.name,"api")'}).json()["data"] == []
    by_kind = api.get("/api/metrics", params={"filter": 'equals(integration.category,"eCommerce")'}).json()[
        "data"
    ]
    assert len(by_kind) == 8
    assert api.get("/api/metrics", params={"filter": 'equals(name,"Placed Order")'}).status_code == 400


def test_metric_properties_and_mapped_metrics(api: httpx.Client) -> None:
    path = f"/api/metrics/{CHECKOUT}/metric-properties"
    plain = api.get(path).json()["data"]
    assert "$value" in [p["attributes"]["property"] for p in plain]
    assert "sample_values" not in plain[0]["attributes"]
    more = api.get(path, params={"additional-fields[metric-property]": "sample_values"}).json()["data"]
    assert more[0]["attributes"]["sample_values"]
    mapped = {
        m["id"]: m["relationships"]["metric"]["data"] for m in api.get("/api/mapped-metrics").json()["data"]
    }
    assert mapped["started_checkout"] == {"type": "metric", "id": CHECKOUT}
    assert mapped["revenue"]


# -- lists, paging, filters


def test_pages_are_followed_by_whole_urls(api: httpx.Client) -> None:
    for i in range(20):
        made = api.post("/api/lists", json={"data": {"type": "list", "attributes": {"name": f"L{i:02}"}}})
        assert made.status_code == 201
    first = api.get("/api/lists", params={"fields[list]": "name"})
    seen = []
    document = first.json()
    assert document["links"]["prev"] is None
    while True:
        seen += [item["attributes"]["name"] for item in document["data"]]
        assert all(set(item["attributes"]) == {"name"} for item in document["data"])
        following = document["links"]["next"]
        if following is None:
            break
        assert urlsplit(following).scheme == "http"
        assert "page%5Bcursor%5D=" in following
        document = api.get(following).json()
    assert seen == ["Newsletter", "VIP", "SMS Subscribers", *(f"L{i:02}" for i in range(20))]
    before = api.get(document["links"]["prev"]).json()
    assert [item["attributes"]["name"] for item in before["data"]] == seen[10:20]
    assert api.get("/api/lists?page[size]=11").status_code == 400


def test_lists_and_segments(api: httpx.Client) -> None:
    names = [
        s["attributes"]["name"] for s in api.get("/api/segments", params={"sort": "-name"}).json()["data"]
    ]
    assert names == ["VIP members", "Repeat buyers", "Engaged 90 days"]
    only = api.get("/api/lists", params={"filter": 'any(name,["VIP","Nope"])'}).json()["data"]
    assert [item["attributes"]["name"] for item in only] == ["VIP"]
    about = {"type": "profile-region", "in_region": True, "region": "united_states"}
    created = {"name": "Buyers", "definition": {"condition_groups": [{"conditions": [about]}]}}
    segment = api.post("/api/segments", json={"data": {"type": "segment", "attributes": created}})
    assert segment.status_code == 201
    path = f"/api/segments/{segment.json()['data']['id']}"
    assert api.get(path).json()["data"]["attributes"]["definition"] == created["definition"]
    assert api.get(f"{path}?fields[segment]=name").json()["data"]["attributes"] == {"name": "Buyers"}
    assert api.get(f"{path}?additional-fields[segment]=definition").status_code == 400
    assert api.get("/api/segments/NoSuch").status_code == 404
    bad = api.post(
        "/api/segments", json={"data": {"type": "segment", "attributes": {"name": "x", "definition": {}}}}
    )
    assert problems(bad)[0][0] == "/data/attributes/definition/condition_groups"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('equals(name,"Cart SMS")', ["Cart SMS"]),
        ("equals(name,'Cart SMS')", ["Cart SMS"]),
        ('equals(name,"cart sms")', []),
        ('contains(name,"reminder")', ["Checkout reminder"]),
        ('starts-with(name,"C")', ["Checkout reminder", "Cart SMS"]),
        ('ends-with(name,"SMS")', ["Cart SMS"]),
        ('equals(status,"live")', ["Checkout reminder"]),
        ("equals(archived,false)", ["Checkout reminder", "Cart SMS"]),
        ("equals(archived,true)", []),
        ('equals(trigger_type,"Metric")', ["Checkout reminder", "Cart SMS"]),
        ('and(equals(status,"draft"),contains(name,"C"))', ["Cart SMS"]),
        ('equals(status,"draft"),contains(name,"C")', ["Cart SMS"]),
        ("greater-or-equal(created,2026-05-01T00:00:00Z)", ["Cart SMS"]),
        ("less-than(created,2026-05-01)", ["Checkout reminder"]),
    ],
)
def test_flow_filters(api: httpx.Client, text: str, names: list[str]) -> None:
    answer = api.get("/api/flows", params={"filter": text})
    assert answer.status_code == 200, answer.text
    assert [item["attributes"]["name"] for item in answer.json()["data"]] == names
    assert all("definition" not in item["attributes"] for item in answer.json()["data"])


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "equals(name,)",
        'equals(name,"a"',
        'equals(name,"a"))',
        'matches(name,"a")',
        'equals(colour,"red")',
        'equals(id,"abc")',
        'any(name,["a"])',
        'equals(archived,"no")',
        'greater-than(created,"soon")',
        "greater-than(created,2999-01-01T00:00:00Z)",
        'any(id,"abc")',
    ],
)
def test_filters_that_are_refused(api: httpx.Client, text: str) -> None:
    answer = api.get("/api/flows", params={"filter": text})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": "filter"}


def test_a_date_filter_dictates_the_sort(api: httpx.Client) -> None:
    since = "greater-than(created,2026-01-01T00:00:00Z)"
    for sort, status in (("created", 200), ("-created", 200), ("name", 400), ("updated", 400)):
        assert api.get("/api/flows", params={"filter": since, "sort": sort}).status_code == status


def test_sorting_and_including(api: httpx.Client) -> None:
    answer = api.get("/api/flows", params={"sort": "name", "include": "flow-actions,tags"}).json()
    assert [item["attributes"]["name"] for item in answer["data"]] == ["Cart SMS", "Checkout reminder"]
    kinds = [item["attributes"]["definition"]["type"] for item in answer["included"]]
    assert kinds == ["send-sms", "time-delay", "send-email"]


def test_flows_that_a_metric_starts(api: httpx.Client) -> None:
    data = api.get(f"/api/metrics/{CHECKOUT}/flow-triggers").json()["data"]
    assert [item["attributes"]["name"] for item in data] == ["Checkout reminder", "Cart SMS"]
    ids = api.get(f"/api/metrics/{CHECKOUT}/relationships/flow-triggers").json()["data"]
    assert ids == [{"type": "flow", "id": item["id"]} for item in data]
    group = api.get("/api/lists").json()["data"][0]["id"]
    about = definition(triggers=[{"type": "list", "id": group}])
    made = api.post("/api/flows", json=flow(about)).json()["data"]
    assert made["attributes"]["trigger_type"] == "Added to List"
    assert [item["id"] for item in api.get(f"/api/lists/{group}/flow-triggers").json()["data"]] == [
        made["id"]
    ]
