"""The table of broken bodies, tests/cases/broken.json: our check refuses each at its place; so does the sandbox.

A row that the sandbox takes says so (`"sandbox": false`): there our check is the stricter one, on purpose. To break
one more: a line of edits on tests/definition/good.py, and what must be found.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest

from flowbuilder.definition.preflight import blocking, check
from flowbuilder.definition.reading import UnableToImport, read_document
from flowbuilder.definition.writing import place_of, pointer_to, to_definition
from flowbuilder.graph import Graph
from tests.conftest import CASES
from tests.definition.good import GOOD
from tests.definition.judges import by_schema

HEAD = "/data/attributes/definition"
ROWS: list[dict[str, Any]] = json.loads((CASES / "broken.json").read_text())
each_row = pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])


def broken(edits: list[dict[str, Any]]) -> dict[str, Any]:
    """GOOD with edits below its definition: {"set": pointer, "to": value}, {"remove": ...}, {"append": ...}."""
    body = copy.deepcopy(GOOD)
    for edit in edits:
        verb = next(verb for verb in ("set", "remove", "append") if verb in edit)
        *way, last = (int(part) if part.isdigit() else part for part in edit[verb].strip("/").split("/"))
        at: Any = body["data"]["attributes"]["definition"]
        for part in way:
            at = at[part]
        if verb == "set":
            at[last] = copy.deepcopy(edit["to"])
        elif verb == "remove":
            del at[last]
        else:
            at[last].append(copy.deepcopy(edit["to"]))
    return body


def refusals(body: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """(code, step, pointer below the definition) of everything our own check refuses."""
    try:
        graph = read_document(body).graph
    except UnableToImport as error:
        return [(one.code, one.step, None) for one in error.problems]
    definition = to_definition(graph)
    return [
        (one.code, one.step, pointer_to(definition, one.step, one.path).removeprefix(HEAD))
        for one in blocking(check(graph))
    ]


def test_the_table_is_one():
    assert len(ROWS) >= 100
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert len({row["code"] for row in ROWS}) >= 20
    assert refusals(GOOD) == []


@each_row
def test_our_check_refuses_it_at_its_place(row):
    body = broken(row["edits"])
    assert (row["code"], row["step"], row["pointer"]) in refusals(body)


@each_row
def test_every_refusal_is_a_sentence_whose_pointer_leads_back(row):
    """What a server says about a place of the body becomes a problem of the same step, with the same path."""
    try:
        graph, refused = read_document(broken(row["edits"])).graph, []
    except UnableToImport as error:
        graph, refused = Graph(), error.problems
    assert all(one.text.endswith(".") for one in refused)
    definition = to_definition(graph)
    for one in blocking(check(graph)):
        assert one.text[:1] == "“" or one.text[:1].isupper(), one.text
        assert one.text.endswith("."), one.text
        assert place_of(definition, pointer_to(definition, one.step, one.path)) == (one.step, one.path)


@each_row
def test_the_sandbox_agrees(account_ids, row):
    answer = post(account_ids, broken(row["edits"]))
    assert answer.status_code == (400 if row["sandbox"] else 201), answer.text
    assert answer.status_code != 500


@each_row
def test_the_official_schema_is_never_stricter_than_the_sandbox(row):
    """What the official document refuses, the sandbox has to refuse, or our other tests prove little."""
    if by_schema(broken(row["edits"])):
        assert row["sandbox"]


@pytest.fixture
def account_ids(klaviyo) -> tuple[httpx.Client, dict[str, str]]:
    """A client of Harbour & Pine, and ids that it has for those of the table."""
    client = httpx.Client(
        base_url=klaviyo.url,
        headers={
            "Authorization": f"Klaviyo-API-Key {klaviyo.api_key('harbour')}",
            "revision": "2026-10-15",
            "content-type": "application/vnd.api+json",
        },
    )
    with client:
        found = {
            what: client.get(f"/api/{what}").json()["data"] for what in ("metrics", "lists", "templates")
        }
        metrics, lists, templates = ([one["id"] for one in found[what]] for what in found)
        wanted = {"CheckM": metrics[0], "OrderM": metrics[1], "ListID": lists[0], "Templt": templates[0]}
        yield client, wanted


def post(account_ids: tuple[httpx.Client, dict[str, str]], body: dict[str, Any]) -> httpx.Response:
    client, wanted = account_ids
    text = json.dumps(body)
    for stand_in, there in wanted.items():
        text = text.replace(stand_in, there)
    return client.post("/api/flows", content=text)
