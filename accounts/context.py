"""What the shell of every page needs: the nav, where one stands, and the demo's people. A context processor.

Everything is lazy: a fragment for htmx, which has no nav, asks the database nothing; a page asks once.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from accounts.access import current_workspace, memberships_of
from accounts.demo import PEOPLE
from accounts.models import Membership, Workspace

# label, icon, the name of its address, and the rooms in which it is the current one. Three groups: what is made, where
# and whether it goes, how it does.
NAV = (
    (
        ("Flows", "flow", "editor:flows", ("editor",)),
        ("Emails", "mail", "emails:list", ("emails",)),
        ("Library", "library", "library:list", ("library", "install", "installed")),
    ),
    (
        ("Rollouts", "send", "rollouts:list", ("rollouts",)),
        ("Approvals", "check-circle", "approvals:list", ("approvals",)),
        ("Accounts", "plug", "accounts:list", ("accounts",)),
    ),
    (
        ("Performance", "chart", "performance:workspace", ("performance",)),
        ("History", "history", "history:list", ("history",)),
        ("Health", "heart", "health:page", ("health",)),
    ),
)
FOR_PARTNERS = frozenset({"rollouts:list"})
PERSONAL = frozenset(
    {"api_token", "new_workspace", "callback", "members", "invite", "change_role", "remove_member"}
)  # pages of accounts that are not under "Accounts"


def shell(request: HttpRequest) -> dict[str, Any]:
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {"demo_people": PEOPLE if settings.DEMO else ()}
    return {
        "nav": SimpleLazyObject(lambda: nav_of(request)),
        "workspace": SimpleLazyObject(lambda: current_workspace(request)),
        "workspaces": SimpleLazyObject(lambda: [_entry(one) for one in memberships_of(request)]),
    }


def nav_of(request: HttpRequest) -> list[list[dict[str, Any]]]:
    """Groups of label, name, url, active and icon of what there is; rooms that are not built are left out."""
    workspace = current_workspace(request)
    match = request.resolver_match
    room = match.namespace if match and match.url_name not in PERSONAL else ""
    found = [
        [
            {
                "label": label,
                "name": name,
                "icon": icon,
                "url": address(name, workspace),
                "active": room in rooms,
            }
            for label, icon, name, rooms in group
            if name not in FOR_PARTNERS or (workspace and workspace.kind == Workspace.Kind.PARTNER)
        ]
        for group in NAV
    ]
    return [items for group in found if (items := [item for item in group if item["url"]])]


def address(name: str, workspace: Workspace | None = None) -> str:
    """The address of a page by name, of this workspace if it has one for each; "" when there is none."""
    tries: list[tuple[str, ...]] = [(), (workspace.slug,)] if workspace else [()]
    for args in tries:
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    return ""


def landing(workspace: Workspace) -> str:
    """Where one enters a workspace: flows for those who design, accounts for those who install."""
    first = "accounts:list" if workspace.kind == Workspace.Kind.MERCHANT else "editor:flows"
    return address(first, workspace) or address("accounts:list", workspace)


def _entry(membership: Membership) -> dict[str, Any]:
    workspace = membership.workspace
    return {
        "name": workspace.name,
        "slug": workspace.slug,
        "kind": workspace.kind,
        "role": membership.get_role_display(),
        "url": landing(workspace),
    }
