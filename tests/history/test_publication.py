"""One publication: its way, its bodies, what was refused, what may be done; and that no token is anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.authtoken.models import Token

from accounts.klaviyo import sockets
from accounts.models import KlaviyoAccount
from flowbuilder.history.wording import day, duration, step_words
from flowbuilder.models import Attempt, Publication
from flowbuilder.operations.installs import choose_account, confirm_install, start_install
from flowbuilder.publisher.publish import Ran, run
from flowbuilder.sandbox.testing import RunningSandbox
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S
from tests.make import bring
from tests.sandbox import talk

HTMX = {"HX-Request": "true"}


def page(world: World, publication: Publication, user: Any = None, query: str = "", **headers: str) -> str:
    answer = signed_in(user or world.mia).get(f"/history/{publication.pk}/{query}", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_way_of_a_publication(world: World):
    one = make.publication(world.version, world.account, world.mia)
    html = page(world, one)
    for part in (
        "Abandoned cart",
        world.version.content_hash,
        "Check that it is the right account",
        "Make the email template of “Come back”",
        "Create the flow",
        "Read the flow back and compare",
        "201 · Done",
        "0.31 s",
        f"req-{one.pk}-3",
        "ratelimit-remaining",
        "&quot;type&quot;: &quot;flow&quot;",
        f"/history/{one.pk}/attempts/3/request.json",
        "Made in the account",
        'class="picture"',
        "Show in Klaviyo",
        "(owner)",
    ):
        assert part in html, part
    assert f"/history/{one.pk}/attempts/1/request.json" not in html  # a GET has no body
    assert "every 2s" not in html


def test_bodies_can_be_had_as_files(world: World):
    one = make.publication(world.version, world.account, world.mia)
    client = signed_in(world.mia)
    answer = client.get(f"/history/{one.pk}/attempts/3/request.json")
    assert answer.json() == Attempt.objects.get(publication=one, number=3).request
    assert answer["Content-Disposition"].startswith("attachment; ")
    for missing in ("1/request.json", "9/answer.json", "3/headers.json", "3/publication.json"):
        assert client.get(f"/history/{one.pk}/attempts/{missing}").status_code == 404


def test_a_refusal_names_the_step_and_leads_there_whoever_may_go(world: World):
    more = {"refusals": [*make.REFUSALS, {"text": "No.", "pointer": "", "step": None, "path": []}]}
    one = make.publication(world.version, world.account, world.mia, S.REFUSED, **more)
    html = page(world, one)
    assert "<b>Wait 1 hour</b>: A time of day needs a delay in days." in html
    assert "?step=" not in html
    one = make.publication(
        world.version, world.account, world.ada, S.REFUSED, workspace=world.partner, **more
    )
    html = page(world, one, world.ada)
    assert f"/flows/{world.version.flow_id}/?step=mail" in html


def test_what_landed_otherwise_is_told(world: World):
    one = make.publication(
        world.version, world.account, world.mia, reason="Landed, but not quite as meant: x"
    )
    assert "Landed, not quite as meant" in page(world, one)


def test_while_it_is_open_the_page_asks_and_stops_when_it_ends(world: World):
    one = make.publication(world.version, world.account, world.mia, S.SENDING)
    html = page(world, one)
    seen = html.split("?seen=")[1].split('"')[0]
    assert 'hx-trigger="every 2s"' in html
    client = signed_in(world.mia)
    same = client.get(f"/history/{one.pk}/?seen={seen}", headers=HTMX)
    assert (same.status_code, same.content) == (204, b"")

    Attempt.objects.filter(publication=one, number=3).update(
        outcome="done", status=201, ended_at=timezone.now()
    )
    fragment = client.get(f"/history/{one.pk}/?seen={seen}", headers=HTMX).content.decode()
    assert fragment.strip().startswith('<div id="publication" hx-get=')
    assert 'id="attempt-3-bodies" hx-preserve' in fragment

    bring(one, S.PUBLISHED, ended_at=timezone.now())
    fragment = client.get(f"/history/{one.pk}/?seen={seen}", headers=HTMX).content.decode()
    assert "hx-trigger" not in fragment


def test_cancel_and_try_again(world: World):
    client = signed_in(world.mia)
    waiting = make.publication(world.version, world.account, world.mia, S.WAITING, reason="Wait.")
    assert f'action="/history/{waiting.pk}/cancel/"' in page(world, waiting)
    assert f'action="/history/{waiting.pk}/cancel/"' not in page(world, waiting, world.bob)
    assert client.get(f"/history/{waiting.pk}/cancel/").status_code == 405
    answer = client.post(f"/history/{waiting.pk}/cancel/", headers=HTMX)
    assert answer.status_code == 200
    assert "Cancelled by Mia." in answer.content.decode()
    again = client.post(f"/history/{waiting.pk}/cancel/", headers=HTMX)
    assert again.status_code == 422
    assert "Only a publication that waits can be cancelled." in again.content.decode()

    failed = make.publication(world.version, world.account, world.mia, S.FAILED, reason="Broken.")
    assert f'action="/history/{failed.pk}/retry/"' in page(world, failed)
    plain = client.post(f"/history/{failed.pk}/retry/", follow=True)
    assert "Asked for again." in plain.content.decode()
    failed.refresh_from_db()
    assert failed.state == S.ASKED


def test_a_failure_whose_install_went_on_is_history(world: World):
    template = make.template(world.partner)
    install = start_install(template=template, workspace=world.shop, by=world.mia)
    failed = make.publication(template.current_version, world.account, world.mia, S.FAILED, install=install)
    make.publication(template.current_version, world.account, world.mia, S.WAITING, install=install)
    assert "/retry/" not in page(world, failed)
    answer = signed_in(world.mia).post(f"/history/{failed.pk}/retry/", headers=HTMX)
    assert answer.status_code == 422
    failed.refresh_from_db()
    assert failed.state == S.FAILED


def test_a_long_way_costs_no_more_queries_and_shows_the_latest_bodies(world: World):
    one = make.publication(world.version, world.account, world.mia, S.UNKNOWN)
    client = signed_in(world.mia)

    def queries() -> int:
        client.get(f"/history/{one.pk}/")
        with CaptureQueriesContext(connection) as caught:
            client.get(f"/history/{one.pk}/")
        return len(caught)

    few = queries()
    for number in range(4, 64):
        make.attempt(one, number, "look-up", "GET", "/api/flows", timezone.now(), answer={"data": []})
    assert queries() == few
    html = page(world, one)
    assert 'id="attempt-63-answer"' in html
    assert 'id="attempt-10-answer"' not in html
    assert f"/history/{one.pk}/attempts/10/answer.json" in html


def test_a_huge_body_is_cut_on_the_page_and_whole_in_the_file(world: World):
    one = make.publication(world.version, world.account, world.mia)
    Attempt.objects.filter(publication=one, number=4).update(answer={"html": "<b>" * 100_000})
    html = page(world, one)
    assert len(html) < 700_000
    assert "the download has all of it" in html
    assert "<b><b>" not in html
    file = signed_in(world.mia).get(f"/history/{one.pk}/attempts/4/answer.json")
    assert len(file.json()["html"]) == 300_000


def test_words():
    assert [duration(one) for one in (0.214, 3.14, 42.4, 125, 900, 22440, 7200, 3 * 86400)] == [
        "0.21 s", "3.1 s", "42 s", "2 min 5 s", "15 min", "6 h 14 min", "2 h", "3 days",
    ]  # fmt: skip
    now = timezone.now().replace(year=2026, month=3, day=2, hour=1)
    moments = (now, now - timedelta(hours=2), now - timedelta(days=2), now - timedelta(days=200))
    assert [day(one, now) for one in moments] == ["today", "yesterday", "28 Feb", "14 Aug 2025"]
    assert step_words("look-make-template-m", {"m": "Mail"}) == "Look for the email template of “Mail”"
    assert step_words("new-thing", {}) == "New thing"


# --- A real one --------------------------------------------------------------------------------------------------


@pytest.fixture
def klaviyo() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running
    sockets.close_connections()


def test_no_token_is_anywhere_in_a_real_publication(world: World, klaviyo: RunningSandbox, settings: Any):
    settings.KLAVIYO_BASE_URL = klaviyo.url
    settings.KLAVIYO_CLIENT_ID, settings.KLAVIYO_CLIENT_SECRET = klaviyo.client_id, klaviyo.client_secret
    scope = "accounts:read flows:read flows:write templates:read templates:write"
    first = talk.connect(klaviyo, scope=scope)
    account = world.account
    account.klaviyo_id = klaviyo.account("harbour")
    account.api_key, account.access_token = None, first["access_token"]
    account.refresh_token, account.scopes = first["refresh_token"], scope.split()
    account.expires_at = timezone.now() - timedelta(seconds=5)  # so that it is renewed on the way
    account.save()
    install = start_install(template=make.template(world.partner), workspace=world.shop, by=world.mia)
    choose_account(install=install, account=account)
    publication = confirm_install(install=install, by=world.mia)
    assert run(publication.pk) == Ran(S.PUBLISHED), Publication.objects.get(pk=publication.pk).reason

    held = KlaviyoAccount.objects.get(pk=account.pk)
    assert held.access_token is not None
    assert held.refresh_token is not None
    secrets = {first["access_token"], first["refresh_token"], klaviyo.client_secret}
    secrets |= {held.access_token.reveal(), held.refresh_token.reveal()}
    assert len(secrets) >= 4  # it was renewed
    pages = [f"/history/{publication.pk}/", "/history/", "/history/?q=bearer"]
    pages += [f"/api/publications/{publication.pk}/", "/api/publications/", "/api/accounts/"]
    for one in publication.attempts.all():
        pages += [
            f"/history/{publication.pk}/attempts/{one.number}/{part}.json" for part in ("request", "answer")
        ]
    secrets.add(Token.objects.create(user=world.mia).key)
    world.rowan.is_staff = world.rowan.is_superuser = True
    world.rowan.save()
    admin = [f"/admin/flowbuilder/publication/{publication.pk}/change/", "/admin/flowbuilder/publication/"]
    admin += [f"/admin/flowbuilder/attempt/{one.pk}/change/" for one in publication.attempts.all()]
    opened = 0
    for client, addresses in ((signed_in(world.mia), pages), (signed_in(world.rowan), pages[:6] + admin)):
        for address in addresses:
            answer = client.get(address)
            opened += answer.status_code == 200
            shown = answer.content.decode() + json.dumps(dict(answer.headers))
            assert not [secret for secret in secrets if secret in shown], address
            assert "Bearer " not in shown
    assert opened > 15
