"""Walking a list of Klaviyo's page by page. Called by client.py; reading only.

Source: "Pagination" at developers.klaviyo.com: `links.next` is a full address with the cursor, null on the
last page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from accounts.klaviyo.answers import Answer
from accounts.klaviyo.errors import NotSent, Throttled, Unknown
from accounts.klaviyo.wire import require_same_origin

MOST_PAGES = 500
ATTEMPTS = 3
LONGEST_PAUSE = 5  # seconds; a longer Retry-After is for the caller to park


def walk_pages(
    get: Callable[[str, Mapping[str, str] | None], Answer],
    origin: httpx.URL,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    most_pages: int = MOST_PAGES,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Yield every resource object of every page. `get(path, params)` makes one GET.

    NotAllowed when the next page is on another host; Unknown when the pages do not end, repeat or are
    malformed: half a list must not look like a whole one.
    """
    seen = set()
    for _ in range(most_pages):
        body = _get_patiently(get, path, params, sleep).body or {}
        data = body.get("data")
        if not isinstance(data, list):
            raise Unknown("Klaviyo answered with something that is not a list.")
        yield from (resource for resource in data if isinstance(resource, dict))
        links = body.get("links")
        following = links.get("next") if isinstance(links, dict) else None
        if not following:
            return
        path, params = _path_of(following, origin), None
        if path in seen:
            raise Unknown("Klaviyo's list leads back to a page already read.")
        seen.add(path)
    raise Unknown(f"Klaviyo's list did not end after {most_pages} pages.")


def _path_of(following: Any, origin: httpx.URL) -> str:
    try:
        url = origin.join(following)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = None
    if url is None:
        raise Unknown("Klaviyo's list names a next page that is not an address.")
    require_same_origin(url, origin)
    return url.raw_path.decode("ascii")


def _get_patiently(
    get: Callable[[str, Mapping[str, str] | None], Answer],
    path: str,
    params: Mapping[str, str] | None,
    sleep: Callable[[float], None],
) -> Answer:
    """One page, asked for at most three times: reading changes nothing. Never use this for a write."""
    for attempt in range(1, ATTEMPTS):
        try:
            return get(path, params)
        except Throttled as error:
            if error.retry_after > LONGEST_PAUSE:
                raise
            sleep(error.retry_after)
        except (NotSent, Unknown):
            sleep(0.5 * attempt)
    return get(path, params)
