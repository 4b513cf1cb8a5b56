"""Who sees whose numbers: a merchant their own, a partner with consent and its own flows, peers five together."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.access import workspaces_of
from accounts.models import AuditEntry, Grant
from flowbuilder import access
from flowbuilder.models import Install, Sharing
from flowbuilder.operations import performance as operations
from flowbuilder.operations.performance import UnableToSettle
from flowbuilder.performance.versions import TemplateNumbers
from flowbuilder.queries.performance import FEWEST
from tests import make
from tests.conftest import client_of
from tests.performance.make import flow, merchant, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(workspace):
    return make.template(workspace)


@pytest.fixture
def pine(template) -> Install:
    return merchant("pinesh", template)


def page(user, install, path: str = ""):
    return client_of(user).get(f"/performance/accounts/{install.account_id}/{path}")


def everything(install) -> list[str]:
    return ["", f"flows/{install.live_flow_id}/", "numbers.csv", f"numbers.csv?flow={install.live_flow_id}"]


def test_a_merchant_sees_their_own_and_nobody_else_s(pine, template):
    other = merchant("oaksho", template)
    for path in everything(pine):
        assert page(owner_of(pine), pine, path).status_code == 200
        assert page(owner_of(other), pine, path).status_code == 404
    html = client_of(owner_of(pine)).get("/w/pinesh/performance/").content.decode()
    assert "Pinesh Shop" in html
    assert "Oaksho" not in html


def test_a_partner_sees_nothing_until_the_merchant_says_so_and_nothing_after(pine, alice, bob, workspace):
    def sees() -> set[int]:
        codes = {page(person, pine, path).status_code for person in (alice, bob) for path in everything(pine)}
        listed = "Pinesh Shop" in client_of(alice).get("/w/northwind/performance/").content.decode()
        by_version = client_of(alice).get("/performance/templates/abandoned-cart/").content.decode()
        assert listed is ("Version 1" in by_version)
        return codes | ({1} if listed else set())

    mia = owner_of(pine)
    press = f"/performance/accounts/{pine.account_id}/share/"
    assert sees() == {404}
    assert client_of(mia).post(press, {"workspace": "northwind", "act": "give"}).status_code == 302
    given = Sharing.objects.get()
    assert (given.workspace, given.given_by, given.withdrawn_at) == (workspace, mia, None)
    assert sees() == {200, 1}
    assert client_of(mia).post(press, {"workspace": "northwind", "act": "withdraw"}).status_code == 302
    given.refresh_from_db()
    assert given.withdrawn_by == mia
    assert given.withdrawn_at is not None
    assert sees() == {404}
    settled = AuditEntry.objects.filter(act="settings", workspace=pine.workspace, person=mia)
    assert list(settled.order_by("pk").values_list("detail", flat=True)) == [
        "Northwind may see its numbers.",
        "Northwind may see its numbers no more.",
    ]
    exported = AuditEntry.objects.filter(
        act="exported", person__in=(alice, bob), name__startswith="performance-"
    )
    assert exported.count() == 4, "two files, by two people, while they might"


def test_shared_are_the_flows_that_the_partner_designed_or_installed(pine, alice, workspace):
    account = pine.account
    flow(account, "Fprivate", "Mprivate")
    measuring = account.measuring
    measuring.flows["Fprivate"] = {"name": "Private matters", "ours": False, "metrics": []}
    measuring.save()
    operations.share(account=account, workspace=workspace, by=owner_of(pine))
    shown = page(alice, pine).content.decode()
    assert "Abandoned cart" in shown
    assert "Private matters" not in shown
    assert "3,000" in shown  # recipients of 30 days of the one flow
    assert "<b>6,000</b>" not in shown
    assert page(alice, pine, "flows/Fprivate/").status_code == 404
    assert page(alice, pine, "numbers.csv?flow=Fprivate").status_code == 404
    assert "Fprivate" not in page(alice, pine, "numbers.csv").getvalue().decode()
    own = page(owner_of(pine), pine).content.decode()
    assert "Private matters" in own
    assert "<b>6,000</b>" in own


def test_a_partner_decides_nothing_and_sees_no_choices(pine, alice, workspace):
    operations.share(account=pine.account, workspace=workspace, by=owner_of(pine))
    assert "Who sees these numbers" not in page(alice, pine).content.decode()
    for path in ("share/", "metric/", "ask/"):
        address = f"/performance/accounts/{pine.account_id}/{path}"
        assert client_of(alice).post(address, {"act": "give"}).status_code == 403
    designer = make.user("dee@pine.example", "Dee")
    pine.workspace.memberships.create(user=designer, role="designer")
    assert page(designer, pine).status_code == 200
    address = f"/performance/accounts/{pine.account_id}/share/"
    assert client_of(designer).post(address, {"act": "give"}).status_code == 403
    assert Sharing.objects.count() == 1


def test_a_grant_to_use_an_account_is_no_consent(pine, alice, workspace):
    Grant.objects.create(account=pine.account, workspace=workspace, can_publish=True, can_report=True)
    assert page(alice, pine).status_code == 404
    assert list(access.accounts_seen(workspace)) == []


def test_an_owner_whose_grant_ended_sees_nothing_nor_do_those_with_whom_it_was_shared(pine, alice, workspace):
    operations.share(account=pine.account, workspace=workspace, by=owner_of(pine))
    Grant.objects.update(withdrawn_at=timezone.now())
    assert page(owner_of(pine), pine).status_code == 404
    assert page(alice, pine).status_code == 404


def test_nobody_is_shown_what_they_have_no_part_in(pine, charlie):
    stranger = make.workspace("elsewhere", owner=charlie)
    with pytest.raises(UnableToSettle, match="no flow"):
        operations.share(account=pine.account, workspace=stranger, by=owner_of(pine))
    press = f"/performance/accounts/{pine.account_id}/share/"
    answer = client_of(owner_of(pine)).post(press, {"workspace": "elsewhere", "act": "give"})
    assert answer.status_code == 422
    assert Sharing.objects.count() == 0


def test_given_twice_is_given_once(pine, workspace):
    for _ in range(2):
        operations.share(account=pine.account, workspace=workspace, by=owner_of(pine))
        operations.share(account=pine.account, workspace=None, by=owner_of(pine))
    assert Sharing.objects.count() == 2
    assert operations.withdraw(account=pine.account, workspace=None, by=owner_of(pine))
    assert not operations.withdraw(account=pine.account, workspace=None, by=owner_of(pine))


# --- Peers -------------------------------------------------------------------------------------------------------


def peers(user, template) -> list:
    return TemplateNumbers(template, tuple(workspaces_of(user)), timezone.now()).peers


@pytest.fixture
def shops(template) -> list[Install]:
    made = [merchant(f"{letter}merch", template, days=20) for letter in "abcde"]
    for one in made:
        operations.share(account=one.account, workspace=None, by=owner_of(one))
    return made


def test_five_others_are_shown_and_four_are_not(template, shops, alice, pine):
    assert FEWEST == 5
    (line,) = peers(alice, template)
    assert (line.number, line.accounts, line.delivered) == (1, 5, "")
    assert line.cells[0].text == "40.0 %"
    assert all("Revenue" not in cell.label for cell in line.cells)
    assert len(peers(owner_of(pine), template)) == 1  # who has it, too
    html = client_of(alice).get("/performance/templates/abandoned-cart/").content.decode()
    assert "Others who have it" in html
    assert "Amerch" not in html
    operations.withdraw(account=shops[0].account, workspace=None, by=owner_of(shops[0]))
    assert peers(alice, template) == []


def test_one_of_the_five_sees_only_four_others(template, shops):
    assert peers(owner_of(shops[0]), template) == []


def test_who_is_seen_by_name_does_not_fill_up_a_group(template, shops, alice, workspace):
    operations.share(account=shops[0].account, workspace=workspace, by=owner_of(shops[0]))
    assert peers(alice, template) == []


def test_five_accounts_of_one_merchant_are_no_group(template, shops, alice):
    one = shops[0].workspace
    for other in shops[1:]:
        other.account.owner = one
        other.account.save()
    assert peers(alice, template) == []


def test_a_version_that_four_have_is_not_shown(template, shops, alice):
    from tests.performance.make import land

    newer = make.publish_version(flow=template.flow, by=None)
    land(shops[0], newer, 30)  # all of its 20 days of numbers are of the newer one
    assert peers(alice, template) == []


def test_peers_without_numbers_do_not_count(template, shops, alice):
    shops[0].account.figures.all().delete()
    assert peers(alice, template) == []
