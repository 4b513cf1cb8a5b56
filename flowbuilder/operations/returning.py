"""The way back to a partner's own site from an install that began there: only to addresses that the owner of the
template flow's workspace has set, https and by exact origin."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db import transaction

from accounts.models import Workspace
from flowbuilder.models import Install, ReturnAddress

LONGEST = 500
MOST = 50


class UnableToAllow(Exception):
    """The text says which address, and what is wrong with it."""


def origin_of(address: str) -> str:
    """“https://shop.example:8443” of an address there; empty for whatever a browser could read otherwise."""
    if len(address) > LONGEST or "\\" in address or any(one <= " " or one == "\x7f" for one in address):
        return ""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    if parts.scheme != "https" or not host or "@" in parts.netloc or not address.startswith("https://"):
        return ""
    if not all(one.isascii() and (one.isalnum() or one in ".-") for one in host):
        return ""
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def is_allowed(workspace: Workspace, address: str) -> bool:
    origin = origin_of(address)
    return bool(origin) and ReturnAddress.objects.filter(workspace=workspace, origin=origin).exists()


def origins_of(workspace: Workspace) -> list[str]:
    return list(ReturnAddress.objects.filter(workspace=workspace).values_list("origin", flat=True))


@transaction.atomic
def set_addresses(*, workspace: Workspace, addresses: Iterable[str]) -> None:
    """The whole list anew."""
    found = []
    for address in addresses:
        origin = origin_of(address)
        if not origin or address.rstrip("/") != origin:
            raise UnableToAllow(
                f"“{address[:100]}” is no address of a site: write it like https://www.example.com, without a path."
            )
        found.append(origin)
    if len(set(found)) > MOST:
        raise UnableToAllow(f"At most {MOST} sites.")
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    ReturnAddress.objects.filter(workspace=workspace).delete()
    ReturnAddress.objects.bulk_create(
        [ReturnAddress(workspace=workspace, origin=one) for one in dict.fromkeys(found)]
    )


def remember(*, install: Install, address: str) -> None:
    """Where to go back to; judged again when it is shown, for the list may have changed."""
    if is_allowed(install.template_flow.workspace, address):
        install.return_to = address
        install.save(update_fields=["return_to"])


def way_back(install: Install) -> str:
    """The address to go back to, while it is allowed; else empty."""
    allowed = install.return_to and is_allowed(install.template_flow.workspace, install.return_to)
    return install.return_to if allowed else ""
