"""Who may see and do what, what the shell asks the database, and what the start page says to whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from accounts import access, catalog
from accounts.demo import PASSWORD, PEOPLE, UnableToMakePeople, make_people
from accounts.models import CatalogEntry, Grant, KlaviyoAccount, Membership, User, Workspace
from accounts.operations import UnableToCreateWorkspace, create_workspace, mark_disconnected

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]
Role, Kind = Membership.Role, Workspace.Kind


@pytest.fixture
def people(settings: Any) -> dict[str, User]:
    """Ada, Mia and Rowan, each in a workspace of their own."""
    return {user.name.split()[0].lower(): user for user in make_people().values()}


@pytest.fixture
def northwind(people: dict[str, User]) -> Workspace:
    return Workspace.objects.get(slug="northwind")


@pytest.fixture
def account(people: dict[str, User]) -> KlaviyoAccount:
    """Harbour & Pine's, with all rights."""
    owner = Workspace.objects.get(slug="harbour-pine")
    made = KlaviyoAccount.objects.create(
        klaviyo_id="UpK3sZ", name="Harbour & Pine", owner=owner, api_key="pk_secret_of_harbour"
    )
    Grant.objects.create(account=made, workspace=owner, can_publish=True, can_report=True)
    return made


def signed_in(user: User, **more: Any) -> Client:
    client = Client(**more)
    client.force_login(user)
    return client


# --- Workspaces and accounts -------------------------------------------------------------------------------------


def test_a_workspace_is_found_by_its_members_only(people: dict[str, User], northwind: Workspace) -> None:
    assert access.workspace_or_404(people["ada"], "northwind") == northwind
    assert access.membership_or_404(people["ada"], "northwind").role == Role.OWNER
    assert list(access.workspaces_of(people["ada"])) == [northwind]
    for stranger in (people["mia"], people["rowan"], AnonymousUser()):
        assert northwind not in access.workspaces_of(stranger)
        with pytest.raises(Http404):
            access.workspace_or_404(stranger, "northwind")


def test_a_missing_role_is_a_sentence(people: dict[str, User], northwind: Workspace) -> None:
    Membership.objects.create(user=people["mia"], workspace=northwind, role=Role.REVIEWER)
    with pytest.raises(PermissionDenied) as refused:
        access.workspace_or_404(people["mia"], "northwind", {Role.OWNER, Role.DESIGNER})
    assert str(refused.value) == (
        "Your role in Northwind Apps is reviewer, and this takes an owner or designer. "
        "An owner of the workspace can change your role."
    )


def test_an_account_is_reached_through_a_live_grant_with_the_right(
    people: dict[str, User], northwind: Workspace, account: KlaviyoAccount
) -> None:
    ada = people["ada"]
    assert access.account_or_404(people["mia"], account.pk, "publish") == account
    with pytest.raises(Http404):
        access.account_or_404(ada, account.pk)
    grant = Grant.objects.create(account=account, workspace=northwind)
    assert access.account_or_404(ada, account.pk) == account
    assert list(access.accounts_of(northwind)) == [account]
    assert list(access.accounts_of(northwind, "publish")) == []
    for right in ("publish", "report"):
        with pytest.raises(Http404):
            access.account_or_404(ada, account.pk, right)  # type: ignore[arg-type]
    with pytest.raises(PermissionDenied, match="belongs to another workspace"):
        access.account_or_404(ada, account.pk, "own")
    grant.withdrawn_at = grant.given_at
    grant.save()
    assert list(access.accounts_of(northwind)) == []
    for right in ("read", "own"):
        with pytest.raises(Http404):
            access.account_or_404(ada, account.pk, right)  # type: ignore[arg-type]


def test_two_grants_do_not_show_an_account_twice(
    people: dict[str, User], northwind: Workspace, account: KlaviyoAccount
) -> None:
    Grant.objects.create(account=account, workspace=northwind)
    Membership.objects.create(user=people["mia"], workspace=northwind)
    assert access.account_or_404(people["mia"], account.pk) == account
    assert access.accounts_of(account.owner).count() == 1


def test_the_operator_is_known(people: dict[str, User]) -> None:
    asked = [people["ada"], people["mia"], people["rowan"], AnonymousUser()]
    assert [access.is_operator(user) for user in asked] == [False, False, True, False]


def test_names_come_from_the_workspace_only_in_one_query(
    northwind: Workspace, account: KlaviyoAccount, django_assert_num_queries: Any
) -> None:
    CatalogEntry.objects.create(account=account, kind="list", klaviyo_id="L1", name="Newsletter")
    assert catalog.names(northwind, ["L1"]) == {}
    with django_assert_num_queries(1):
        assert catalog.names(account.owner, ["L1", "L2"]) == {"L1": "Newsletter"}
    with django_assert_num_queries(0):
        assert catalog.names(account.owner, []) == {}
    assert [entry.name for entry in catalog.choices(account, "list")] == ["Newsletter"]


# (name of the address, its arguments, how it is asked); none of these may be told from one that is not there
DOORS = [
    ("accounts:list", "slug", "get"),
    ("accounts:connect", "slug", "post"),
    ("accounts:connect_key", "slug", "post"),
    ("accounts:use", "slug", "post"),
    ("accounts:disconnect", "pk", "post"),
    ("accounts:reconnect", "pk", "post"),
]


@pytest.mark.parametrize(("name", "argument", "verb"), DOORS)
def test_a_stranger_gets_404(
    name: str, argument: str, verb: str, people: dict[str, User], account: KlaviyoAccount
) -> None:
    there, nowhere = (account.pk, 999) if argument == "pk" else ("harbour-pine", "nowhere")
    client = signed_in(people["ada"])
    answers = [getattr(client, verb)(reverse(name, args=[one])) for one in (there, nowhere)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    nobody = getattr(Client(), verb)(reverse(name, args=[there]))
    assert nobody.status_code == 302
    assert nobody["location"].startswith("/account/login/")


@pytest.mark.parametrize(("name", "argument", "verb"), [door for door in DOORS if door[2] == "post"])
def test_a_press_is_never_a_get(
    name: str, argument: str, verb: str, people: dict[str, User], account: KlaviyoAccount
) -> None:
    there = account.pk if argument == "pk" else "harbour-pine"
    assert signed_in(people["mia"]).get(reverse(name, args=[there])).status_code == 405
    strict = signed_in(people["mia"], enforce_csrf_checks=True)
    assert strict.post(reverse(name, args=[there])).status_code == 403


@pytest.mark.parametrize("name", ["accounts:connect", "accounts:connect_key"])
def test_a_reviewer_looks_but_does_not_connect(
    name: str, people: dict[str, User], account: KlaviyoAccount
) -> None:
    Membership.objects.create(user=people["rowan"], workspace=account.owner, role=Role.REVIEWER)
    client = signed_in(people["rowan"])
    page = client.get(reverse("accounts:list", args=["harbour-pine"]))
    assert page.status_code == 200
    assert b"lets you look, not connect" in page.content
    assert b"Disconnect" not in page.content
    assert client.post(reverse(name, args=["harbour-pine"])).status_code == 403
    for act in ("accounts:disconnect", "accounts:reconnect"):
        assert client.post(reverse(act, args=[account.pk])).status_code == 403
    account.refresh_from_db()
    assert account.is_connected


# --- Making a workspace ------------------------------------------------------------------------------------------


def test_a_workspace_gets_a_slug_of_its_own(people: dict[str, User]) -> None:
    made = [
        create_workspace(by=people["ada"], name=name, kind=Kind.PARTNER).slug
        for name in ("Northwind", "  Northwind ", "NORTHWIND", "工房", "工房", "x" * 120)
    ]
    assert made[:5] == ["northwind-2", "northwind-3", "northwind-4", "workspace", "workspace-2"]
    assert len(set(made)) == 6
    assert access.membership_or_404(people["ada"], "northwind-2").role == Role.OWNER


@pytest.mark.parametrize(("name", "kind"), [("Me", Kind.OPERATOR), ("Me", "king"), (" ", "partner")])
def test_what_no_workspace_is_made_of(name: str, kind: str, people: dict[str, User]) -> None:
    with pytest.raises(UnableToCreateWorkspace, match=r"\.$"):
        create_workspace(by=people["ada"], name=name, kind=kind)
    answer = signed_in(people["ada"]).post(reverse("accounts:new_workspace"), {"name": name, "kind": kind})
    assert answer.status_code == 422
    assert b"errorlist" in answer.content
    assert Workspace.objects.count() == 3


def test_a_new_workspace_is_stood_in_at_once(people: dict[str, User]) -> None:
    client = signed_in(people["ada"])
    assert client.get(reverse("accounts:new_workspace")).status_code == 200
    form = {"name": "Second <i>Studio</i>", "kind": "merchant"}
    page = client.post(reverse("accounts:new_workspace"), form, follow=True)
    assert page.status_code == 200
    assert b"<i>Studio" not in page.content
    assert page.context["standing"].name == "Second <i>Studio</i>"
    client.post(reverse("accounts:use", args=["northwind"]))
    assert client.get("/").context["standing"].slug == "northwind"
    client.get("/w/second-istudioi/accounts/")  # standing in one is using it
    assert client.get("/").context["standing"].name == "Second <i>Studio</i>"
    Membership.objects.filter(workspace__name__startswith="Second").delete()
    assert client.get("/").context["standing"].slug == "northwind"  # not a member any more: the first again


@pytest.mark.parametrize("next_url", ["https://evil.example/", "//evil.example", "/\\evil.example", "x"])
def test_use_goes_to_no_foreign_place(next_url: str, people: dict[str, User]) -> None:
    answer = signed_in(people["ada"]).post(reverse("accounts:use", args=["northwind"]), {"next": next_url})
    assert answer["location"] == "/w/northwind/flows/"


# --- The shell and the start page --------------------------------------------------------------------------------


def test_a_page_asks_for_memberships_once_and_nobody_asks_nothing(
    people: dict[str, User], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/").status_code == 200
    client = signed_in(people["ada"])
    client.get(reverse("accounts:new_workspace"))
    with django_assert_num_queries(3):  # session, user, memberships
        client.get(reverse("accounts:new_workspace"))
    with django_assert_num_queries(4):  # ... and accounts
        client.get("/")


def test_a_fragment_asks_nothing_for_the_shell(
    people: dict[str, User], account: KlaviyoAccount, django_assert_num_queries: Any
) -> None:
    client = signed_in(people["mia"])
    url = reverse("accounts:disconnect", args=[account.pk])
    with django_assert_num_queries(4):  # session, user, account, membership
        answer = client.post(url, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert answer.content.lstrip().startswith(b"<dialog")
    assert b"Keep it" in answer.content
    assert account.is_connected


@pytest.mark.parametrize("count", [1, 6])
def test_the_accounts_page_asks_the_same_however_many_there_are(
    count: int, people: dict[str, User], account: KlaviyoAccount, django_assert_num_queries: Any
) -> None:
    for number in range(count - 1):
        other = KlaviyoAccount.objects.create(klaviyo_id=f"A{number}", name=f"A{number}", owner=account.owner)
        Grant.objects.create(account=other, workspace=account.owner)
    client = signed_in(people["mia"])
    client.get("/w/harbour-pine/accounts/")
    with django_assert_num_queries(5):  # session, user, membership, memberships, accounts
        page = client.get("/w/harbour-pine/accounts/")
    assert page.content.count(b"<article") == count


def test_the_nav_says_where_one_is(people: dict[str, User]) -> None:
    page = signed_in(people["ada"]).get("/w/northwind/accounts/")
    nav = [(item["label"], item["url"], item["active"]) for group in page.context["nav"] for item in group]
    assert nav == [
        ("Flows", "/w/northwind/flows/", False),
        ("Library", "/library/", False),
        ("Accounts", "/w/northwind/accounts/", True),
        ("History", "/history/", False),
    ]
    assert [item["url"] for item in page.context["workspaces"]] == ["/w/northwind/flows/"]


def test_the_start_page_of_nobody(settings: Any) -> None:
    page = Client().get("/").content.decode()
    assert "Sign in" in page
    assert PASSWORD not in page
    assert "Ada Brandt" not in page
    settings.DEMO = True
    page = Client().get("/").content.decode()
    assert all(person.email in page and person.first in page for person in PEOPLE)


def test_one_press_signs_in(settings: Any, people: dict[str, User]) -> None:
    settings.DEMO = True
    client = Client()
    mia = client.get("/").context["people"][1]
    answer = client.post(reverse("account_login"), {"login": mia.email, "password": mia.password})
    assert (answer.status_code, answer["location"]) == (302, "/")
    assert client.get("/").context["standing"].slug == "harbour-pine"


@pytest.mark.parametrize(
    ("name", "first", "url"),
    [
        ("ada", "Design a flow", "/w/northwind/flows/"),
        ("mia", "Connect Klaviyo", "/w/harbour-pine/accounts/"),
        ("rowan", "Follow what was published", "/history/"),
    ],
)
def test_the_start_page_of_each_kind(name: str, first: str, url: str, people: dict[str, User]) -> None:
    page = signed_in(people[name]).get("/")
    [step] = [step for step in page.context["steps"] if step.is_next]
    assert (step.title, step.url) == (first, url)
    assert page.content.decode().count("btn primary") == 1


def test_a_merchant_goes_on_to_the_library_and_hears_of_a_broken_account(
    people: dict[str, User], account: KlaviyoAccount
) -> None:
    client = signed_in(people["mia"])
    assert [step.title for step in client.get("/").context["steps"] if step.is_next] == ["Pick a flow"]
    mark_disconnected(account=account, reason="The app was removed.")
    page = client.get("/").content.decode()
    assert "Harbour &amp; Pine is disconnected" in page
    assert "The app was removed." in page


def test_someone_without_a_workspace_makes_one(people: dict[str, User]) -> None:
    lone = User.objects.create_user("lone@example.com")
    page = signed_in(lone).get("/")
    assert b"Make your workspace" in page.content
    assert b'name="kind"' in page.content


# --- Demo people, the API token, the admin -----------------------------------------------------------------------


def test_making_people_twice_changes_nothing(settings: Any, people: dict[str, User]) -> None:
    make_people()
    assert (User.objects.count(), Workspace.objects.count(), Membership.objects.count()) == (3, 3, 3)
    assert people["mia"].check_password(PASSWORD)
    settings.PRODUCTION = True
    with pytest.raises(UnableToMakePeople):
        make_people()


def test_an_api_token_is_shown_once_and_renewed(people: dict[str, User]) -> None:
    client, url = signed_in(people["ada"]), reverse("accounts:api_token")
    assert b"no token yet" in client.get(url).content
    answer = client.post(url)
    first = Token.objects.get(user=people["ada"]).key
    assert first in answer.content.decode()
    assert "no-store" in answer["cache-control"]
    assert first not in client.get(url).content.decode()
    client.post(url)
    second = Token.objects.get(user=people["ada"]).key
    assert second != first
    client.post(url, {"act": "end"})
    assert not Token.objects.exists()


def test_the_admin_shows_no_secret(people: dict[str, User], account: KlaviyoAccount) -> None:
    account.access_token, account.refresh_token = "at_secret", "rt_secret"
    account.save()
    Token.objects.create(user=people["ada"])
    boss = User.objects.create_superuser("boss@example.com", "a long password")
    client = signed_in(boss)
    seen = ""
    for model in ("user", "workspace", "klaviyoaccount", "grant"):
        seen += client.get(f"/admin/accounts/{model}/").content.decode()
    for path in (f"klaviyoaccount/{account.pk}", f"user/{people['ada'].pk}", f"workspace/{account.owner_id}"):
        page = client.get(f"/admin/accounts/{path}/change/")
        assert page.status_code == 200
        seen += page.content.decode()
    row = KlaviyoAccount.objects.values_list("api_key", flat=True).get(pk=account.pk)
    assert row is not None
    for secret in ("pk_secret_of_harbour", "at_secret", "rt_secret", boss.password, people["ada"].password):
        assert secret not in seen
    for name in ("api_key", "access_token", "refresh_token", "password"):
        assert f'name="{name}"' not in seen
        assert f"field-{name}" not in seen
    assert client.get("/admin/authtoken/tokenproxy/").status_code == 404
    login = Client().get("/admin/login/?next=/admin/")
    assert login.status_code == 302
    assert login["location"].startswith("/account/login/")
