"""Who is in a workspace and as what: invited by mail, joined by the link, changed, removed; an owner always stays."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from rest_framework.authtoken.models import Token

from accounts import members
from accounts.members import UnableToChange, change_role, invite, join, remove_member
from accounts.models import AuditEntry, Invitation, Membership, User
from tests import make
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
URL = "/w/northwind/members/"


def of(user: User, workspace) -> Membership:
    return Membership.objects.get(user=user, workspace=workspace)


def audited(act: str) -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.filter(act=act, workspace__slug="northwind").order_by("pk")
    return list(rows.values_list("person__email", "name", "detail"))


def path_in(letter: EmailMessage) -> str:
    found = re.search(r"https?://[^/]+(/join/\S+)", str(letter.body))
    assert found
    return found[1]


def invited(workspace, by: User, email: str = "dora@example.org", role: str = "designer") -> str:
    """The path of the link in the mail."""
    invite(workspace=workspace, email=email, role=role, by=by)
    return path_in(mail.outbox[-1])


# --- The page ------------------------------------------------------------------------------------------------------


def test_owners_act_and_the_others_read(workspace, alice, bob):
    text = client_of(alice).get(URL).content.decode()
    assert "bob@example.org" in text
    assert "Change<" in text
    assert "Send the invitation" in text
    text = client_of(bob).get(URL).content.decode()
    assert "alice@example.org" in text
    assert "Change<" not in text
    assert "Send the invitation" not in text
    assert text.count(f"/members/{of(bob, workspace).pk}/remove/") == 2  # he may leave
    assert f"/members/{of(alice, workspace).pk}/remove/" not in text


def test_the_page_costs_the_same_however_many(workspace, alice):
    counts = []
    for round_ in range(2):
        for number in range(5):
            person = make.user(f"n{round_}-{number}@example.org")
            Membership.objects.create(user=person, workspace=workspace, role="owner")
            invite(workspace=workspace, email=f"i{round_}-{number}@example.org", role="owner", by=person)
        with CaptureQueriesContext(connection) as seen:
            assert client_of(alice).get(URL).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_role_is_changed_and_holds_at_once(workspace, alice, bob):
    his = client_of(bob)
    assert his.get("/w/northwind/alerts/").status_code == 403
    client_of(alice).post(f"/members/{of(bob, workspace).pk}/role/", {"role": "owner"})
    assert his.get("/w/northwind/alerts/").status_code == 200
    assert audited("role") == [("alice@example.org", "Bob", "Owner, before that designer")]
    answer = client_of(alice).post(f"/members/{of(bob, workspace).pk}/role/", {"role": "king"})
    assert answer.status_code == 422
    assert "Choose one of the roles." in answer.content.decode()


def test_the_last_owner_stays_one(workspace, alice, bob):
    hers = of(alice, workspace)
    for act in (
        lambda: change_role(member=hers, role="designer", by=alice),
        lambda: remove_member(member=hers, by=alice),
    ):
        with pytest.raises(UnableToChange, match="Alice is the only owner of Northwind"):
            act()
    assert of(alice, workspace).role == "owner"
    change_role(member=of(bob, workspace), role="owner", by=alice)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(UnableToChange):  # who may not sign in looks after nothing
        remove_member(member=hers, by=alice)
    User.objects.filter(pk=bob.pk).update(is_active=True)
    change_role(member=hers, role="designer", by=alice)
    with pytest.raises(UnableToChange, match="Bob is the only owner"):
        remove_member(member=of(bob, workspace), by=bob)


def test_who_is_removed_is_out_at_once(workspace, alice, bob):
    flow = make.flow(workspace)
    his, theirs = client_of(bob), of(bob, workspace)
    token = {"Authorization": f"Token {Token.objects.create(user=bob).key}"}
    assert his.get(f"/flows/{flow.pk}/").status_code == 200
    assert Client().get(f"/api/flows/{flow.pk}/", headers=token).status_code == 200
    hers = client_of(alice)
    asked = hers.post(f"/members/{theirs.pk}/remove/")
    assert "Remove Bob?" in asked.content.decode()
    assert of(bob, workspace)
    hers.post(f"/members/{theirs.pk}/remove/", {"confirm": "yes"})
    assert his.get(f"/flows/{flow.pk}/").status_code == 404
    assert his.get(URL).status_code == 404
    assert Client().get(f"/api/flows/{flow.pk}/", headers=token).status_code == 404
    assert audited("role") == [("alice@example.org", "Bob", "Designer: removed")]
    assert hers.post(f"/members/{theirs.pk}/remove/", {"confirm": "yes"}).status_code == 404


def test_whoever_leaves_goes_to_the_start(workspace, bob):
    answer = client_of(bob).post(f"/members/{of(bob, workspace).pk}/remove/", {"confirm": "yes"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert audited("role") == [("bob@example.org", "Bob", "Designer: left")]


def test_an_owner_of_elsewhere_changes_nothing_here(workspace, bob, charlie):
    make.workspace("elsewhere", owner=charlie)
    answer = client_of(charlie).post(f"/members/{of(bob, workspace).pk}/role/", {"role": "owner"})
    assert answer.status_code == 404
    assert of(bob, workspace).role == "designer"


# --- Invitations ---------------------------------------------------------------------------------------------------


def test_whoever_has_no_sign_in_makes_one_on_the_way(workspace, alice):
    answer = client_of(alice).post(f"{URL}invite/", {"email": "Dora@Example.org", "role": "reviewer"})
    assert answer.status_code == 302
    assert audited("invited") == [("alice@example.org", "dora@example.org", "As reviewer")]
    assert mail.outbox[0].to == ["dora@example.org"]
    assert "Alice invites you to Northwind" in mail.outbox[0].subject
    # The link is in the mail and nowhere else
    assert "/join/" not in client_of(alice).get(URL).content.decode()

    path, client = path_in(mail.outbox[0]), Client()
    page = client.get(path).content.decode()
    assert "as reviewer" in page
    signup = re.search(r'href="(/account/signup/[^"]+)"', page)
    assert signup
    form = client.get(signup[1]).content.decode()
    assert 'value="dora@example.org"' in form
    given = {"email": "dora@example.org", "password1": "a-long-new-password", "next": path}
    answer = client.post("/account/signup/", given)
    assert answer["Location"] == path
    assert len(mail.outbox) == 1  # nobody has to prove the same mailbox twice
    dora = User.objects.get(email="dora@example.org")
    assert EmailAddress.objects.get(user=dora).verified
    assert client.get(URL).status_code == 404  # to open the link joins nothing
    assert client.post(path, follow=True).status_code == 200
    assert of(dora, workspace).role == "reviewer"
    assert client.get(URL).status_code == 200
    assert audited("joined") == [("dora@example.org", "dora@example.org", "As reviewer, invited by Alice")]
    answer = client.get(path)
    assert (answer.status_code, "was used" in answer.content.decode()) == (410, True)


def test_whoever_has_a_sign_in_signs_in(workspace, alice, charlie):
    path = invited(workspace, alice, "charlie@example.org")
    assert f"/account/login/?next={quote(path)}" in Client().get(path).content.decode()
    client = Client()
    client.post("/account/login/", {"login": "charlie@example.org", "password": make.PASSWORD})
    client.post(path)
    assert of(charlie, workspace).role == "designer"


def test_an_invitation_is_for_its_address_alone(workspace, alice, charlie):
    path = invited(workspace, alice)
    client = client_of(charlie)
    assert "You are signed in as charlie@example.org" in client.get(path).content.decode()
    assert client.post(path).status_code == 422
    assert not Membership.objects.filter(user=charlie).exists()
    EmailAddress.objects.create(user=charlie, email="dora@example.org", verified=False)
    assert client.post(path).status_code == 422  # anybody can write down an address
    EmailAddress.objects.filter(user=charlie).update(verified=True)
    assert client.post(path).status_code == 302
    assert of(charlie, workspace)


def test_a_link_is_over_when_it_is_old_taken_back_or_sent_anew(workspace, alice, monkeypatch):
    first = invited(workspace, alice)
    second = invited(workspace, alice)
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    assert Client().get(second[:-2] + "/").status_code == 404
    Invitation.objects.filter(ended_at=None).update(expires_at=now() - timedelta(seconds=1))
    assert "older than 14 days" in Client().get(second).content.decode()
    third = invited(workspace, alice)
    page = client_of(alice).get(URL).content.decode()
    ends = re.findall(r"/invitations/\d+/end/", page)
    assert len(ends) == 1
    client_of(alice).post(ends[0])
    assert Client().get(third).status_code == 410
    assert audited("invited")[-1] == ("alice@example.org", "dora@example.org", "Taken back")
    dora = make.user("dora@example.org")
    with pytest.raises(UnableToChange, match="used, or taken back"):
        join(invitation=Invitation.objects.latest("pk"), user=dora)


def test_a_signed_link_is_over_by_its_time_too(workspace, alice, monkeypatch):
    path = invited(workspace, alice)
    monkeypatch.setattr(members, "DAYS", 0)
    assert Client().get(path).status_code == 410


def test_whoever_was_removed_or_lowered_has_nobody_on_the_way_in(workspace, alice, bob):
    change_role(member=of(bob, workspace), role="owner", by=alice)
    path = invited(workspace, bob, role="owner")
    change_role(member=of(bob, workspace), role="designer", by=alice)
    assert Client().get(path).status_code == 410


def test_a_member_is_not_invited_and_keeps_their_role(workspace, alice, bob):
    answer = client_of(alice).post(f"{URL}invite/", {"email": "BOB@example.org", "role": "owner"})
    assert answer.status_code == 422
    assert "is a member already" in answer.content.decode()
    path = invited(workspace, alice, "eve@example.org", "owner")
    eve = make.user("eve@example.org")
    Membership.objects.create(user=eve, workspace=workspace, role="merchant")
    client_of(eve).post(path)
    assert of(eve, workspace).role == "merchant"


def test_a_mail_that_does_not_go_out_is_said(workspace, alice, monkeypatch):
    def refuse(self, **how):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    given = {"email": "dora@example.org", "role": "designer"}
    text = client_of(alice).post(f"{URL}invite/", given, follow=True).content.decode()
    assert "could not be handed over (ConnectionRefusedError)" in text
    assert "Send again" in text
    assert Invitation.objects.filter(ended_at=None).count() == 1


def test_nobody_mails_the_world(workspace, alice, monkeypatch):
    monkeypatch.setattr(members, "MOST_A_DAY", 2)
    for number in range(2):
        invited(workspace, alice, f"n{number}@example.org")
    with pytest.raises(UnableToChange, match="Go on tomorrow"):
        invited(workspace, alice, "n3@example.org")
