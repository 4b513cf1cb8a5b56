"""What a publication makes beside its flow: once, found again, taken away when it is given up; and its tag."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.connection import client_for
from flowbuilder.models import Made, Publication
from flowbuilder.operations.installs import UnableToInstall, answer_question, confirm_install, reopen_install
from flowbuilder.operations.library import flow_from_document, offer_in_library, publish_version
from flowbuilder.operations.publications import cancel_publication
from flowbuilder.publisher import publish
from flowbuilder.publisher.lanes import run_lane
from tests import make
from tests.publisher.test_publish import CREATE, created, ripen, run, sent_long_ago

pytestmark = pytest.mark.django_db
LIST_ASKED = {
    "name": "Welcome",
    "definition": {
        "triggers": [{"type": "list", "id": {"$ask": "newsletter"}}],
        "profile_filter": None,
        "entry_action_id": "wait",
        "actions": [
            {
                "temporary_id": "wait",
                "type": "time-delay",
                "links": {"next": None},
                "data": {"unit": "hours", "value": 1, "secondary_value": 0, "timezone": "profile"},
            }
        ],
    },
    "requirements": [{"key": "newsletter", "kind": "list", "question": "Which list?"}],
}
NEW = {"$make": "list", "name": "Newsletter “May”"}


@pytest.fixture
def welcome(workspace, account, alice):
    flow = flow_from_document(workspace=workspace, by=alice, document=LIST_ASKED)
    template = make.approved(offer_in_library(version=publish_version(flow=flow, by=alice)))
    return make.install(template, account, alice, newsletter=NEW)


def templates(account) -> set[str]:
    return {one.id for one in client_for(account).list_templates()}


def posted(klaviyo, path: str) -> int:
    return sum((one["method"], one["path"]) == ("POST", path) for one in klaviyo.requests())


def test_a_missing_list_is_made_and_bound(welcome, alice, klaviyo):
    publication = run(confirm_install(install=welcome, by=alice))
    assert publication.state == "published", publication.reason
    one = publication.made.get(kind=Made.Kind.LIST)
    assert (one.name, one.step) == (NEW["name"], "newsletter")
    sent = publication.attempts.get(step="create-flow").request["data"]["attributes"]["definition"]
    assert sent["triggers"][0]["id"] == one.klaviyo_id


def test_a_list_whose_answer_was_lost_is_found_and_not_made_twice(welcome, alice, klaviyo):
    klaviyo.fault("after_reset", "POST", "/api/lists")
    publication = run(confirm_install(install=welcome, by=alice))
    ripen(publication)
    sent_long_ago(publication)
    assert run(publication).state == "published"
    assert posted(klaviyo, "/api/lists") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"$make": "segment", "name": "VIP"}, "cannot be made here"),
        ({"$make": "list", "name": "  "}, "a name"),
        ({"$make": "list", "name": "x" * 201}, "at most 200"),
        ({"$make": "flow", "name": "x"}, "cannot be made here"),
    ],
)
def test_what_cannot_be_made_is_said(welcome, value, said):
    with pytest.raises(UnableToInstall, match=said):
        answer_question(install=welcome, key="newsletter", value=value)


def test_what_a_cancelled_one_made_is_taken_away(ready, alice, klaviyo):
    before = templates(ready.account)
    klaviyo.fault("status", *CREATE, status=429, retry_after=600)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "waiting"
    assert len(templates(ready.account) - before) == 2
    cancel_publication(publication=publication, by=alice)
    run_lane(ready.account_id)
    assert templates(ready.account) == before
    assert not publication.made.filter(removed_at=None).exists()
    assert Publication.objects.get(pk=publication.pk).tidy_at is None


def test_what_a_refused_one_made_is_taken_away_and_what_a_failed_one_made_waits_for_a_retry(
    ready, alice, klaviyo
):
    before = templates(ready.account)
    klaviyo.fault("status", *CREATE, status=403)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "failed"
    run_lane(ready.account_id)
    assert len(templates(ready.account) - before) == 2, "tried again, they are used"
    ready.refresh_from_db()
    reopen_install(install=ready)
    run_lane(ready.account_id)
    assert templates(ready.account) == before
    klaviyo.remove("metric", "UpixsZ")
    ready.refresh_from_db()
    Publication.objects.filter(pk=publication.pk).update(state="failed")
    later = run(confirm_again(ready, alice))
    assert later.state == "refused"
    run_lane(ready.account_id)
    assert templates(ready.account) == before


def confirm_again(install, by) -> Publication:
    return Publication.objects.create(
        workspace=install.workspace,
        install=install,
        version=install.version,
        account=install.account,
        asked_by=by,
        flow_name=install.version.name,
        answers={key: one["value"] for key, one in install.answers.items()},
    )


def test_taking_away_is_tried_a_few_times_and_then_stays_listed(ready, alice, klaviyo):
    klaviyo.fault("status", *CREATE, status=429, retry_after=600)
    publication = run(confirm_install(install=ready, by=alice))
    cancel_publication(publication=publication, by=alice)
    klaviyo.fault("status", "DELETE", "/api/templates/*", status=503, times=50)
    for _ in range(6):
        Publication.objects.filter(pk=publication.pk, tidy_at__isnull=False).update(
            tidy_at=now() - timedelta(seconds=1)
        )
        run_lane(ready.account_id)
    publication.refresh_from_db()
    assert publication.tidy_at is None
    assert publication.made.filter(removed_at=None).count() == 2
    assert publication.attempts.filter(step__startswith="remove-").count() == 2 * 4


# --- The tag ---------------------------------------------------------------------------------------------------


def test_a_flow_gets_our_tag_which_is_made_once(ready, welcome, alice, klaviyo):
    first = run(confirm_install(install=ready, by=alice))
    second = run(confirm_install(install=welcome, by=alice))
    assert (first.state, second.state) == ("published", "published")
    assert posted(klaviyo, "/api/tags") == 1
    assert [one.attempts.filter(step="tag-flow").count() for one in (first, second)] == [1, 1]


def test_a_flow_without_its_tag_is_published_all_the_same(ready, alice, klaviyo):
    klaviyo.fault("status", "POST", "/api/tags", status=400)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "published"
    assert "no tag" in publication.reason


def test_a_tag_that_was_deleted_is_made_anew(ready, welcome, alice, klaviyo):
    first = run(confirm_install(install=ready, by=alice))
    klaviyo.remove("tag", first.made.get(kind="tag").klaviyo_id)
    second = run(confirm_install(install=welcome, by=alice))
    assert (second.state, second.reason) == ("published", "")
    assert posted(klaviyo, "/api/tags") == 2


def test_a_connection_that_may_not_tag_is_not_asked_to(ready, alice, klaviyo):
    ready.account.scopes = ["accounts:read", "flows:read", "flows:write"]
    ready.account.save()
    publication = run(confirm_install(install=ready, by=alice))
    assert (publication.state, publication.reason) == ("published", "")
    assert not publication.attempts.filter(step__contains="tag").exists()


def test_an_email_that_klaviyo_refuses_is_said_at_its_steps(ready, alice, klaviyo):
    klaviyo.fault("status", "POST", "/api/templates", status=400)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "refused"
    assert {one["step"] for one in publication.refusals} == {"mail-1"}
    assert publish.run(publication.pk) is None
    assert created(klaviyo) == []
