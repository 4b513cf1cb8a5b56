"""An A/B test in the preview: each message inside it, with its share and its content."""

from __future__ import annotations

import re

import pytest

from accounts.connection import client_for
from flowbuilder.install.golive import golive_of
from flowbuilder.install.previewing import preview_of
from flowbuilder.models import Install
from tests import make
from tests.install.make import offer, publish_now
from tests.install.test_pages import at, text_of
from tests.publisher.test_inside_experiments import document

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered(workspace, alice, klaviyo) -> Install:
    account = make.account(workspace)
    template = client_for(account).create_template("Theirs", "<p>of the account</p>").id
    return make.install(offer(workspace, document(template)), account, alice)


def test_each_variation_is_listed_under_its_step_with_its_share(answered, as_alice):
    found = [(one.title, one.share, one.when) for one in preview_of(answered).messages]
    assert found == [
        ("Which one?: Email m", "Until you start the test", "Day 1, at once"),
        ("Which one?: Email a", "25% of people", "Day 1, at once"),
        ("Which one?: Email b", "75% of people", "Day 1, at once"),
        ("Email own", "", "Day 1, at once"),
    ]
    page = text_of(as_alice.get(at(answered, "preview")))
    assert "4 messages" in page
    assert page.index("25% of people") < page.index("75% of people") < page.index('aria-label="Email own"')
    for key in "mab":
        assert f"The email template “{key}”" in page, "they are made too"


def test_what_each_says_is_shown(answered, as_alice):
    page = text_of(as_alice.get(at(answered, "preview")))
    frames = re.findall(r'<iframe class="mail-frame" src="([^"]+)"', page)
    assert [
        next(word for word in ("<p>m</p>", "<p>a</p>", "<p>b</p>", "of the account") if word in text)
        for text in (text_of(as_alice.get(one)) for one in frames)
    ] == ["<p>m</p>", "<p>a</p>", "<p>b</p>", "of the account"]
    assert as_alice.get(frames[0].replace("main", "v9")).status_code == 404


def test_its_emails_are_on_the_list_before_it_goes_live(answered, alice):
    publish_now(answered, alice)
    found = golive_of(Install.objects.get(pk=answered.pk))
    assert found is not None
    assert {"sender", "emails"} <= {one.key for one in found.lines}
