"""How a connection stands: by one query, without a token; and what of a day's limits was used."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.budget import spend, throttled, used_today
from accounts.klaviyo.scopes import SCOPES
from accounts.models import KlaviyoAccount
from accounts.standing import State, standings
from tests import make

NOW = timezone.now()
OAUTH = {"api_key": None, "access_token": "a", "refresh_token": "r"}


@pytest.mark.parametrize(
    ("fields", "state", "says"),
    [
        ({}, State.CONNECTED, ""),
        ({"scopes": ["accounts:read"]}, State.CONNECTED, ""),  # a key does not say what it may write
        ({**OAUTH, "scopes": sorted(SCOPES), "expires_at": NOW}, State.CONNECTED, ""),
        ({**OAUTH, "scopes": sorted(SCOPES), "expires_at": NOW - timedelta(days=9)}, State.CONNECTED, ""),
        (
            {**OAUTH, "scopes": sorted(SCOPES), "expires_at": NOW - timedelta(days=11)},
            State.EXPIRING,
            "renewed",
        ),
        ({**OAUTH, "scopes": ["flows:read"], "expires_at": NOW}, State.SCOPES, "flows:write"),
        (
            {"state": "disconnected", "state_reason": "Removed.", "disconnected_at": NOW},
            State.DISCONNECTED,
            "Rem",
        ),
    ],
)
def test_how_it_stands(workspace, fields, state, says):
    account = make.account(workspace)
    for name, value in fields.items():
        setattr(account, name, value)
    account.save()
    [found] = standings(KlaviyoAccount.objects.all(), NOW)
    assert found.state == state
    assert says in found.reason
    assert bool(found.reason) == (state != State.CONNECTED)
    assert found.since == (
        NOW if state == State.DISCONNECTED else fields.get("expires_at") if says == "renewed" else None
    )


def test_one_query_and_no_token(workspace):
    make.account(workspace)
    make.account(workspace, "QwE92b", "pk_other")
    with CaptureQueriesContext(connection) as caught:
        assert len(standings(KlaviyoAccount.objects.all(), NOW)) == 2
    assert len(caught) == 1
    assert '"access_token"' not in caught[0]["sql"]
    assert '"api_key"' not in caught[0]["sql"]


def test_what_was_used_of_a_day(workspace, settings):
    settings.KLAVIYO_SPEED = 1.0
    mine, other = make.account(workspace), make.account(workspace, "QwE92b", "pk_other")
    for hours in (25, 9, 8, 7):
        spend(mine.pk, "POST", "/api/flows", NOW - timedelta(hours=hours))
    spend(mine.pk, "GET", "/api/flows", NOW)  # has no limit of a day
    throttled(spend(other.pk, "POST", "/api/lists", NOW), 60, NOW)
    [fullest, told] = used_today(None, NOW)
    assert (fullest.account_id, fullest.endpoint, fullest.calls, fullest.allowed) == (
        mine.pk,
        "POST /api/flows",
        3,
        100,
    )
    assert (told.account_id, told.calls, told.until) == (other.pk, 0, NOW + timedelta(seconds=60))
    assert used_today([mine.pk], NOW) == [fullest]
    assert used_today([], NOW) == []
    assert used_today(None, NOW + timedelta(hours=25)) == []
