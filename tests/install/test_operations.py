"""Beginning, finding and answering: an answer is of this account, a clear one is found, anything else is asked."""

from __future__ import annotations

import pytest

from accounts.catalog import choices, read_catalog
from accounts.models import Grant
from flowbuilder.models import Install
from flowbuilder.operations.installs import (
    UnableToInstall,
    answer_question,
    choose_account,
    confirm_install,
    find_answers,
    give_up_install,
    open_questions,
    start_install,
    values_of,
)
from flowbuilder.publisher import publish
from tests import make
from tests.install.make import cart, everything, metric_id, newer, offer, publish_now, requirement

pytestmark = pytest.mark.django_db


def keys_open(install: Install) -> list[str]:
    return [one.key for one in open_questions(install)]


# --- Beginning


def test_started_twice_is_one_install(template, account, alice):
    first = start_install(template=template, workspace=account.owner, by=alice)
    assert start_install(template=template, workspace=account.owner, by=alice) == first


def test_the_only_account_is_chosen_by_itself(install, account):
    assert install.account == account


def test_of_two_accounts_none_is_chosen(template, account, alice, workspace):
    make.account(workspace, "QwE92b", "pk_sandbox_kettle")
    assert start_install(template=template, workspace=workspace, by=alice).account is None


def test_an_account_that_is_only_read_is_not_chosen(template, account, alice, workspace):
    Grant.objects.update(can_publish=False)
    assert start_install(template=template, workspace=workspace, by=alice).account is None


def test_gone_on_with_a_newer_version_keeps_the_answers_that_still_fit(install, template, account, alice):
    read_catalog(account)
    answer_question(install=install, key="subject", value="Ours")
    answer_question(install=install, key="hours", value="6")
    document = everything()
    document["requirements"][3]["question"] = "In other words?"
    document["requirements"][4] = requirement("hours", "text", "Another kind")
    newer(template, document)
    template.refresh_from_db()
    again = start_install(template=template, workspace=account.owner, by=alice)
    assert (again.pk, again.version.number) == (install.pk, 2)
    assert values_of(again.answers) == {"subject": "Ours"}


def test_another_account_forgets_the_answers(install, account, workspace):
    read_catalog(account)
    find_answers(install=install)
    assert install.answers
    choose_account(install=install, account=make.account(workspace, "QwE92b", "pk_sandbox_kettle"))
    assert install.answers == {}


def test_an_account_of_others_is_not_chosen(install, charlie):
    theirs = make.account(make.workspace("elsewhere", owner=charlie), "QwE92b", "pk_sandbox_kettle")
    with pytest.raises(UnableToInstall, match="may not publish"):
        choose_account(install=install, account=theirs)


# --- Finding


def test_a_metric_is_found_by_the_role_that_the_account_maps_it_to(install, account):
    read_catalog(account)
    find_answers(install=install)
    assert install.answers["started"] == {
        "value": "UpixsZ",
        "how": "Your account maps it as “started checkout”.",
        "by": "found",
    }
    assert values_of(install.answers)["sender"] == {
        "email": "hello@harbourpine.example",
        "label": "Harbour & Pine",
    }
    assert values_of(install.answers)["hours"] == 4
    assert keys_open(install) == ["subject", "body"]


@pytest.mark.parametrize(
    ("looks_for", "integration"),
    [
        ("Viewed Product", ""),  # Shopify's and the API's: which one?
        ("Loyalty Tier Reached", "Shopify"),  # there is one of the name, of another integration
        ("Loyalty Tier Lost", "API"),  # nothing of the name
        ("", ""),
    ],
)
def test_what_is_not_clear_is_asked_and_never_guessed(partner, account, alice, looks_for, integration):
    document = everything()
    document["requirements"][0] |= {"looks_for": looks_for, "integration": integration}
    install = start_install(template=offer(partner, document), workspace=account.owner, by=alice)
    read_catalog(account)
    find_answers(install=install)
    assert "started" in keys_open(install)


def test_a_metric_without_a_role_is_found_by_integration_and_name(partner, account, alice):
    document = everything()
    document["requirements"][0] |= {"looks_for": "Loyalty Tier Reached", "integration": "API"}
    install = start_install(template=offer(partner, document), workspace=account.owner, by=alice)
    read_catalog(account)
    find_answers(install=install)
    assert install.answers["started"]["how"] == "The only one of this name from API."


def test_what_was_found_is_asked_again_when_more_is_known(install, account):
    """A second metric of the same name appears beside the mapped one, and is used as much."""
    read_catalog(account)
    find_answers(install=install)
    assert "started" not in keys_open(install)
    old = account.catalog.get(klaviyo_id="UpixsZ")
    account.catalog.filter(pk=old.pk).update(roles="", count=100)
    twin = {"kind": "metric", "klaviyo_id": "Twin01", "name": old.name, "count": 100}
    account.catalog.create(integration="Shopify", **twin)
    find_answers(install=install)
    assert "started" in keys_open(install)


def test_what_a_person_chose_stays(install, account):
    read_catalog(account)
    other = metric_id(account, "Placed Order")
    answer_question(install=install, key="started", value=other)
    find_answers(install=install)
    assert install.answers["started"]["value"] == other


def test_what_is_no_longer_in_the_account_is_asked_again(install, account):
    read_catalog(account)
    answer_question(install=install, key="started", value=metric_id(account, "Placed Order"))
    account.catalog.filter(name="Placed Order").delete()
    assert [one.key for one in find_answers(install=install)] == ["started"]
    assert "started" in keys_open(install)


# --- Answering


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("subject", "  Ours ", "Ours"),
        ("hours", " 12 ", 12),
        ("sender", {"email": " a@b.example "}, {"email": "a@b.example", "label": "a@b.example"}),
    ],
)
def test_an_answer_is_kept_in_its_form(install, key, value, kept):
    answer_question(install=install, key=key, value=value)
    assert values_of(install.answers) == {key: kept}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("nothing", "x"),
        ("started", "NoSuch"),
        ("started", 7),
        ("started", [["UpixsZ"]]),
        ("groups", ["NoSuch"]),
        ("body", ["a", "b"]),
        ("sender", "me"),
        ("sender", {"email": "nobody"}),
        ("hours", "0"),
        ("hours", "-1"),
        ("hours", "1.5"),
        ("hours", "٣"),
        ("hours", True),
        ("hours", "99999999999"),
        ("subject", "   "),
        ("subject", "x" * 5001),
    ],
)
def test_what_is_no_answer_is_refused(install, account, key, value):
    read_catalog(account)
    with pytest.raises(UnableToInstall):
        answer_question(install=install, key=key, value=value)
    assert key not in install.answers


def test_an_answer_of_another_account_is_refused(install, account, workspace):
    other = make.account(workspace, "QwE92b", "pk_sandbox_kettle")
    read_catalog(other)
    read_catalog(account)
    foreign = choices(other, "list").first().klaviyo_id
    with pytest.raises(UnableToInstall, match="not in this account"):
        answer_question(install=install, key="groups", value=[foreign])


def test_an_empty_answer_takes_it_back(install):
    answer_question(install=install, key="subject", value="Ours")
    answer_question(install=install, key="subject", value="")
    assert "subject" in keys_open(install)


# --- Confirming


def test_confirmed_twice_is_one_publication(account, alice):
    install = cart(account, alice)
    first = confirm_install(install=install, by=alice)
    assert confirm_install(install=install, by=alice) == first
    assert confirm_install(install=Install.objects.get(pk=install.pk), by=alice) == first
    publish.run(first.pk)
    assert confirm_install(install=install, by=alice) == first
    assert install.publications.count() == 1


def test_nothing_is_confirmed_while_a_question_is_open(install, alice):
    with pytest.raises(UnableToInstall, match="still open"):
        confirm_install(install=install, by=alice)


def test_an_answer_that_is_gone_is_not_confirmed(account, alice):
    install = cart(account, alice)
    account.catalog.filter(klaviyo_id="UpixsZ").delete()
    with pytest.raises(UnableToInstall, match="needs a new answer"):
        confirm_install(install=install, by=alice)


def test_withdrawn_consent_is_not_confirmed(account, alice):
    install = cart(account, alice)
    Grant.objects.update(can_publish=False)
    with pytest.raises(UnableToInstall, match="may no longer publish"):
        confirm_install(install=install, by=alice)


def test_an_answer_that_makes_the_flow_wrong_names_the_step(install, account, alice):
    read_catalog(account)
    find_answers(install=install)
    answer_question(install=install, key="subject", value="x" * 300)
    answer_question(install=install, key="body", value=choices(account, "template").first().klaviyo_id)
    with pytest.raises(UnableToInstall, match="250 characters") as raised:
        confirm_install(install=install, by=alice)
    assert [one.step for one in raised.value.problems] == ["mail-1"]
    install.refresh_from_db()
    assert install.state == Install.State.CHOOSING


def test_one_template_flow_is_once_in_an_account(account, alice):
    first = cart(account, alice)
    second = start_install(template=first.template_flow, workspace=account.owner, by=alice)
    assert second == first, "the open one is gone on with"
    publication = confirm_install(install=first, by=alice)
    second = start_install(template=first.template_flow, workspace=account.owner, by=alice)
    with pytest.raises(UnableToInstall, match="on its way"):
        choose_account(install=second, account=account)
    publish.run(publication.pk)
    with pytest.raises(UnableToInstall, match="installed in"):
        choose_account(install=second, account=account)


def test_two_installs_of_one_template_flow_are_not_both_confirmed(account, alice):
    first = cart(account, alice)
    second = Install.objects.get(pk=first.pk)
    second.pk = None
    second.save()
    confirm_install(install=first, by=alice)
    with pytest.raises(UnableToInstall, match="on its way"):
        confirm_install(install=second, by=alice)


def test_given_up_is_over(install, alice):
    give_up_install(install=install)
    with pytest.raises(UnableToInstall, match="given up"):
        answer_question(install=install, key="subject", value="x")
    with pytest.raises(UnableToInstall, match="given up"):
        confirm_install(install=install, by=alice)


def test_published_the_install_knows_its_flow(account, alice, klaviyo):
    install = cart(account, alice)
    publication = publish_now(install, alice)
    assert publication.state == "published", publication.reason
    assert (install.state, install.live_flow_id) == ("live", publication.klaviyo_flow_id)
    assert publication.klaviyo_flow_id in {flow["id"] for flow in klaviyo.flows()}
