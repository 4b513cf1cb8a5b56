"""A new rollout: the version, and the accounts by ticks, by a filter or by a list."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now as right_now

from accounts.models import Grant
from flowbuilder.models import Rollout
from tests import make
from tests.rollouts.make import accounts, started, text_of
from tests.rollouts.make import template as offered

pytestmark = pytest.mark.django_db


def test_the_page_of_a_template_flow_leads_here(as_alice, template, new_url):
    page = as_alice.get(reverse("library:page", args=[template.slug])).content.decode()
    assert f"{new_url}?version={template.current_version_id}" in page


def test_without_a_version_one_is_chosen_first(as_alice, template, new_url):
    page = as_alice.get(new_url)
    assert "Which template flow goes out?" in text_of(page)
    assert f"?version={template.current_version_id}" in page.content.decode()


def test_a_version_of_somebody_elses_private_flow_is_no_version(as_alice, new_url, charlie):
    other = offered(make.workspace("elsewhere", owner=charlie))
    other.visibility = "workspace"
    other.save()
    assert "Which template flow" in text_of(as_alice.get(new_url, {"version": other.current_version_id}))


def test_only_accounts_that_agreed_are_offered(as_alice, workspace, template, new_url):
    one, other = accounts(workspace, 2)
    Grant.objects.filter(account=other).update(withdrawn_at=right_now())
    shown = text_of(as_alice.get(new_url, {"version": template.current_version_id}))
    assert one.name in shown
    assert other.name not in shown
    form = {"version": template.current_version_id, "account": [other.pk], "which": "ticked"}
    refused = as_alice.post(new_url, form)
    assert refused.status_code == 422
    assert "1 account that you chose did not agree" in text_of(refused)
    assert not Rollout.objects.exists()


def test_filters_narrow_the_accounts(as_alice, workspace, template, alice, new_url):
    chosen = accounts(workspace, 4)
    started(template, alice, chosen[:1])
    chosen[1].state = "disconnected"
    chosen[1].save()

    def names(**filters) -> list[str]:
        page = as_alice.get(new_url, {"version": template.current_version_id, **filters})
        return [one.name for one in page.context["page"].object_list]

    assert names() == ["Shop 0000", "Shop 0001", "Shop 0002", "Shop 0003"]
    assert names(has="yes") == ["Shop 0000"]
    assert names(has="no", connected="yes") == ["Shop 0002", "Shop 0003"]
    assert names(connected="no") == ["Shop 0001"]
    assert names(q="shop ac0003") == ["Shop 0003"]
    assert names(q="nobody") == []


def test_the_ticked_ones_are_planned(as_alice, workspace, template, new_url):
    chosen = accounts(workspace, 3)
    form = {
        "version": template.current_version_id,
        "account": [one.pk for one in chosen[:2]],
        "name": "First",
    }
    answer = as_alice.post(new_url, form)
    rollout = Rollout.objects.get()
    assert answer["Location"] == reverse("rollouts:rollout", args=[rollout.pk])
    assert (rollout.name, rollout.state, rollout.choices.count()) == ("First", "planned", 2)


def test_all_that_a_filter_finds_are_planned_over_all_pages(as_alice, workspace, template, new_url):
    accounts(workspace, 130)
    form = {"version": template.current_version_id, "which": "found", "q": "shop 0", "connected": "yes"}
    as_alice.post(new_url, form)
    assert Rollout.objects.get().choices.count() == 130


def test_nothing_ticked_is_told(as_alice, workspace, template, new_url):
    accounts(workspace, 1)
    answer = as_alice.post(new_url, {"version": template.current_version_id, "which": "ticked"})
    assert answer.status_code == 422
    assert "Choose at least one account." in text_of(answer)


def test_a_list_of_names_and_ids_plans_them(as_alice, workspace, template, new_url):
    accounts(workspace, 3)
    form = {"version": template.current_version_id, "which": "list", "names": "AC0002\nshop 0000, Berlin\n"}
    as_alice.post(new_url, form)
    assert list(Rollout.objects.get().choices.values_list("account__klaviyo_id", flat=True)) == [
        "AC0000",
        "AC0002",
    ]


def test_an_unknown_name_is_told_and_nothing_is_half_done(as_alice, workspace, template, new_url):
    accounts(workspace, 2)
    form = {"version": template.current_version_id, "which": "list", "names": "AC0000\nNobody's shop"}
    answer = as_alice.post(new_url, form)
    assert answer.status_code == 422
    assert "“Nobody&#x27;s shop” is no account that agreed. Nothing was chosen" in text_of(answer)
    assert "Nobody&#x27;s shop</textarea>" in answer.content.decode()
    assert not Rollout.objects.exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"x" * 5_000_000, "The file has 5.0 MB. It may have 1 MB"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe" * 20, "This is not a text file"),
        (b"\x00\x01\x02", "This is not a text file"),
        (b"", "There is no account in it"),
        (
            "\n".join(f"Shop {n}" for n in range(10_000)).encode(),
            "and 9,995 more are no accounts that agreed",
        ),
    ],
    ids=["5 MB", "binary", "zeros", "empty", "10,000 lines"],
)
def test_a_bad_file_is_told_and_plans_nothing(as_alice, workspace, template, new_url, data, told):
    accounts(workspace, 1)
    file = SimpleUploadedFile("accounts.csv", data, "text/csv")
    answer = as_alice.post(new_url, {"version": template.current_version_id, "which": "list", "file": file})
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert not Rollout.objects.exists()


def test_ten_thousand_good_lines_are_planned(as_alice, workspace, template, new_url):
    made = accounts(workspace, 10_000)
    file = SimpleUploadedFile(
        "a.csv", b"\xef\xbb\xbfaccount id,city\r\n" + b"\r\n".join(one.klaviyo_id.encode() for one in made)
    )
    as_alice.post(new_url, {"version": template.current_version_id, "which": "list", "file": file})
    assert Rollout.objects.get().choices.count() == 10_000
