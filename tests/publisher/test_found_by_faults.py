"""What runs of tests/faults have found, each as small as it gets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.klaviyo.errors import ConnectionLost
from flowbuilder.models import Made, Publication
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import cancel_publication
from flowbuilder.publisher import made
from flowbuilder.publisher.lanes import run_lane
from tests.publisher.test_made import posted, templates
from tests.publisher.test_publish import ripen, run, sent_long_ago

pytestmark = pytest.mark.django_db
MAKE = ("POST", "/api/templates")


def again(publication):
    ripen(publication)
    sent_long_ago(publication)
    return run(publication)


def test_a_template_whose_answer_names_no_id_is_found_and_not_made_twice(ready, alice, klaviyo):
    before = templates(ready.account)
    klaviyo.fault("no_id", *MAKE)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "waiting"
    assert again(publication).state == "published"
    assert len(templates(ready.account) - before) == posted(klaviyo, MAKE[1]) == 2, "one for each email"


def test_a_worker_that_died_before_it_wrote_down_what_it_made(ready, alice, klaviyo, monkeypatch):
    """The call is written down as done, the template is not."""
    before = templates(ready.account)
    publication = confirm_install(install=ready, by=alice)

    def die(*given):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(made, "remember", die)
        with pytest.raises(SystemExit):
            run(publication)
    assert not Made.objects.exists()
    assert again(publication).state == "published"
    assert len(templates(ready.account) - before) == posted(klaviyo, MAKE[1]) == 2


def test_a_template_whose_answer_was_lost_is_taken_away_when_the_publication_is_given_up(
    ready, alice, klaviyo
):
    before = templates(ready.account)
    klaviyo.fault("after_reset", *MAKE)
    publication = run(confirm_install(install=ready, by=alice))
    cancel_publication(publication=publication, by=alice)
    run_lane(ready.account_id)
    assert len(templates(ready.account) - before) == 1, "it may still take effect: not looked for yet"
    sent_long_ago(publication)
    Publication.objects.update(tidy_at=now())
    run_lane(ready.account_id)
    assert templates(ready.account) == before
    assert Publication.objects.get(pk=publication.pk).tidy_at is None


def test_a_connection_that_ends_while_an_email_is_made_is_no_refusal_of_the_email(
    ready, alice, klaviyo, monkeypatch
):
    def end(*given):
        raise ConnectionLost("Klaviyo has ended this connection.")

    monkeypatch.setattr(made, "make_template", end)
    publication = run(confirm_install(install=ready, by=alice))
    assert publication.state == "failed"
    assert "Reconnect" in publication.reason


@pytest.mark.parametrize("hours", [1, -1])
def test_the_clock_of_who_asked_was_set_by_an_hour(ready, alice, klaviyo, hours):
    """What was sent is looked for by when it was sent, not by when it was asked for on another host."""
    before = templates(ready.account)
    klaviyo.fault("after_reset", *MAKE)
    klaviyo.fault("after_reset", "POST", "/api/flows")
    publication = confirm_install(install=ready, by=alice)
    Publication.objects.update(created_at=now() + timedelta(hours=hours))
    run(publication)
    for _ in range(4):
        again(publication)
    assert Publication.objects.get(pk=publication.pk).state == "published"
    assert posted(klaviyo, "/api/flows") == 1, "it was found, and not sent twice"
    assert len(templates(ready.account) - before) == posted(klaviyo, MAKE[1]) == 2
