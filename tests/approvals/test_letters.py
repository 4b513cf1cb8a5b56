"""Mails about approvals: to whoever may decide, and to whoever asked; once each, and not when they hold no more."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils.timezone import now

from accounts.models import Membership, User
from flowbuilder.alerts.letters import send_letters
from flowbuilder.models import Letter, Publication
from flowbuilder.operations.approvals import decide
from flowbuilder.operations.installs import confirm_install
from flowbuilder.operations.publications import cancel_publication
from flowbuilder.publisher.approving import ask_for
from flowbuilder.tasks import send_letters as task
from tests import make
from tests.conftest import client_of
from tests.rollouts import make as rollouts

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=2)


def sent() -> list[tuple[str, str]]:
    """(to whom, subject) of what went out since the last call."""
    found = [(one.to[0], one.subject) for one in mail.outbox]
    mail.outbox.clear()
    return found


def test_whoever_may_decide_is_mailed_and_then_whoever_asked(asked, ruben, alice, bob, settings):
    settings.SITE_URL = "https://flows.example.org"
    approval = asked.approvals.get()
    assert task() == 1
    [letter] = mail.outbox
    assert letter.to == ["ruben@example.org"]  # not Alice, who asked, nor Bob, who designs
    assert letter.subject == f"Northwind: “{asked.flow_name}” waits for your approval"
    found = re.search(r"https://flows.example.org(/approvals/\d+/)", letter.body)
    assert found
    assert "May it be sent?" in client_of(ruben).get(found[1]).content.decode()
    assert (task(), Letter.objects.count()) == (0, 0)
    mail.outbox.clear()

    decide(approval=approval, by=ruben, verdict="no", reason="Too many texts.")
    assert task() == 1
    [letter] = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert letter.subject == f"“{asked.flow_name}”: refused"
    assert "refused by Ruben of Northwind. Too many texts." in letter.body
    found = re.search(r"https://flows.example.org(/approvals/\d+/)", letter.body)
    assert found
    assert client_of(alice).get(found[1]).status_code == 200


def test_what_is_not_committed_is_told_to_nobody(strict, ready, alice, ruben):
    with transaction.atomic():
        confirm_install(install=ready, by=alice)
        assert Letter.objects.count() == 1
        transaction.set_rollback(True)
    assert task() == 0
    assert sent() == []


def test_many_things_are_one_mail(asked, ruben, strict):
    for name in ("Second", "Third"):
        one = Publication.objects.create(
            workspace=strict,
            version=asked.version,
            account=asked.account,
            asked_by=asked.asked_by,
            flow_name=name,
            needs_approval=True,
        )
        ask_for(one, [strict])
    send_letters(now())
    text = mail.outbox[0].body
    assert sent() == [
        ("ruben@example.org", f"Northwind: “{asked.flow_name}” waits for your approval, and 2 more")
    ]
    assert len(set(re.findall(r"/approvals/\d+/", text))) == 3


def test_what_holds_no_more_is_not_sent(asked, ruben, alice):
    cancel_publication(publication=asked, by=alice)
    assert send_letters(now()) == 0
    assert (sent(), Letter.objects.count()) == ([], 0)


@pytest.mark.parametrize("left", ["role", "membership", "sign-in"])
def test_whoever_may_decide_no_more_hears_nothing(asked, ruben, left):
    mine = Membership.objects.filter(user=ruben)
    if left == "role":
        mine.update(role="designer")
    elif left == "membership":
        mine.delete()
    else:
        User.objects.filter(pk=ruben.pk).update(is_active=False)
    assert (send_letters(now()), sent()) == (0, [])


def test_an_asker_who_left_hears_nothing(asked, ruben, alice):
    approval = asked.approvals.get()
    decide(approval=approval, by=ruben, verdict="yes", seen=approval.content_hash)
    Membership.objects.filter(user=alice).delete()
    assert (send_letters(now()), sent()) == (0, [])


def test_it_is_tried_again_a_few_times_and_no_more(asked, ruben, monkeypatch):
    tried = []

    def refuse(self, **how):
        tried.append(self.to)
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    at = now()
    send_letters(at)
    send_letters(at)  # not at once
    assert len(tried) == 1
    for _ in range(20):
        at += timedelta(days=1)
        send_letters(at)
    assert len(tried) == Letter.MOST_TRIES
    assert not Letter.objects.exists()


def test_two_workers_send_once(asked, ruben, monkeypatch):
    at = now()
    send = mail.EmailMessage.send

    def while_sending(self, **how):
        monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
        assert send_letters(at) == 0  # the other worker
        return send(self, **how)

    monkeypatch.setattr("django.core.mail.EmailMessage.send", while_sending)
    assert send_letters(at) == 1
    assert len(sent()) == 1


def test_of_two_words_the_first_says_that_another_is_waited_for(strict, ready, template, ruben, alice):
    mia = make.user("mia@example.org", "Mia")
    shop = make.workspace("shop", "merchant", owner=mia)
    shop.needs_approval = True
    shop.save()
    account = ready.account
    account.owner = shop
    account.save()
    template.needs_approval = True
    template.save()
    publication = confirm_install(install=ready, by=alice)
    send_letters(now())
    assert {to for to, _ in sent()} == {"ruben@example.org", "mia@example.org"}
    approval = publication.approvals.get(workspace=shop)
    decide(approval=approval, by=mia, verdict="yes", seen=approval.content_hash)
    send_letters(now())
    assert "It still waits for somebody else's word." in mail.outbox[0].body


def test_a_rollout_is_one_mail(strict, alice, ruben):
    rollout = rollouts.started(rollouts.template(strict), alice, rollouts.accounts(strict, 3))
    send_letters(now())
    assert "to many accounts" in mail.outbox[0].body
    assert sent() == [("ruben@example.org", f"Northwind: “{rollout.name}” waits for your approval")]
