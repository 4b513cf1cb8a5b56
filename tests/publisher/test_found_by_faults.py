"""What runs of tests/faults have found, each as small as it gets."""

from __future__ import annotations

import pytest

from flowbuilder.models import Made
from flowbuilder.operations.installs import confirm_install
from flowbuilder.publisher import made
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
