"""Test emails: kept as jobs, never sent; strict in the body, few a minute and a day."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flowbuilder.sandbox.testing import RunningSandbox
from tests.sandbox.talk import TEMPLATE, client, problems

PATH = "/api/template-preview-send-jobs"


def job(template: Any = TEMPLATE, **attributes: Any) -> dict[str, Any]:
    given = {"recipients": ["a@example.org"], **attributes}
    link = {"template": {"data": {"type": "template", "id": template}}}
    return {"data": {"type": "template-preview-send-job", "attributes": given, "relationships": link}}


def test_a_job_is_queued_and_kept(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    answer = api.post(PATH, json=job(context={"person": {"first_name": "Alex"}}))
    assert answer.status_code == 202
    about = answer.json()["data"]
    assert (about["type"], about["attributes"]["status"]) == ("template-preview-send-job", "queued")
    [kept] = klaviyo.sandbox.store.all("template-preview-send-job", "UpK3sZ")
    assert kept.attributes["recipients"] == ["a@example.org"]
    assert kept.attributes["context"] == {"person": {"first_name": "Alex"}}
    assert kept.attributes["html"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"recipients": []}, "/data/attributes/recipients"),
        ({"recipients": ["a@example.org"] * 6}, "/data/attributes/recipients"),
        ({"recipients": "a@example.org"}, "/data/attributes/recipients"),
        ({"recipients": ["a@example.org", "nobody"]}, "/data/attributes/recipients/1"),
        ({"context": []}, "/data/attributes/context"),
        ({"html": "<p>x</p>"}, "/data/attributes/html"),
        ({"template": 5}, "/data/relationships/template"),
        ({"template": None}, "/data/relationships/template"),
    ],
)
def test_a_body_that_is_wrong(
    klaviyo: RunningSandbox, api: httpx.Client, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post(PATH, json=job(**changes))
    assert answer.status_code == 400
    assert pointer in [at for at, _ in problems(answer)]
    assert klaviyo.sandbox.store.all("template-preview-send-job", "UpK3sZ") == []


def test_only_one_s_own_templates(klaviyo: RunningSandbox, api: httpx.Client) -> None:
    assert api.post(PATH, json=job("NoSuch")).status_code == 404
    with client(klaviyo, "kettle") as other:
        assert other.post(PATH, json=job()).status_code == 404
    assert api.get(PATH).status_code == 405


def test_a_broken_relationship_is_no_crash(api: httpx.Client) -> None:
    for link in ([], "x", {"template": []}, {"template": {"data": "x"}}):
        body = job()
        body["data"]["relationships"] = link
        assert api.post(PATH, json=body).status_code == 400


def test_one_a_second_and_a_hundred_a_day() -> None:
    with RunningSandbox(limits=True) as klaviyo, client(klaviyo) as api:
        for _ in range(100):
            assert api.post(PATH, json=job()).status_code == 202
            klaviyo.advance(5)
        refused = api.post(PATH, json=job())
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 3600
