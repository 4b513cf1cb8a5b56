"""The receipt's page: what it says, who reads it, and that it says when it does not hold."""

from __future__ import annotations

from flowbuilder.models import Attempt, Receipt
from flowbuilder.publisher.states import move
from tests.history import make
from tests.history.conftest import World, signed_in
from tests.history.make import S


def landed(world: World):
    one = make.publication(world.version, world.account, world.mia, S.VERIFYING)
    move(one, S.PUBLISHED)
    return one


def test_it_says_what_landed_and_its_place_in_the_chain(world: World):
    before, one = landed(world), landed(world)
    first, link = Receipt.objects.order_by("number")
    client = signed_in(world.mia)
    html = client.get(f"/history/{one.pk}/receipt/").content.decode()
    for part in (
        "Receipt 2 of Harbour &amp; Pine",
        "T23ivh",
        "Mia (owner)",
        world.version.content_hash,
        link.body_hash,
        link.previous_hash,
        link.hash,
        "Email template “Come back",
    ):
        assert part in html, part
    assert link.previous_hash == first.hash
    assert "does not hold" not in html
    assert "None: this is the first." in client.get(f"/history/{before.pk}/receipt/").content.decode()
    assert f'href="/history/{one.pk}/receipt/"' in client.get(f"/history/{one.pk}/").content.decode()


def test_it_is_for_those_who_see_the_publication(world: World):
    one = landed(world)
    old = make.publication(world.version, world.account, world.mia)  # landed before there were receipts
    for user, code in ((world.bob, 200), (world.rowan, 200), (world.ada, 404), (world.charlie, 404)):
        assert signed_in(user).get(f"/history/{one.pk}/receipt/").status_code == code, user
    assert signed_in(world.mia).get(f"/history/{old.pk}/receipt/").status_code == 404
    assert "/receipt/" not in signed_in(world.mia).get(f"/history/{old.pk}/").content.decode()


def test_it_says_when_it_does_not_hold(world: World):
    one = landed(world)
    Attempt.objects.filter(publication=one, step="create-flow").update(request={"data": "another"})
    html = signed_in(world.mia).get(f"/history/{one.pk}/receipt/").content.decode()
    assert "This receipt does not hold" in html
    assert "is not what was sealed" in html
