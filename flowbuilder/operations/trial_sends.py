"""A test email: what an email says, sent by Klaviyo to a few addresses that a person typed. Nothing is kept of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.counted import counted, in_words
from accounts.klaviyo.client import Klaviyo
from accounts.klaviyo.errors import KlaviyoError, Throttled, Unknown
from accounts.klaviyo.wire import Transport
from accounts.models import KlaviyoAccount
from flowbuilder.models import Email
from flowbuilder.tasks import remove_later

MOST = 5  # addresses, as Klaviyo takes them
PATIENCE = 12.0  # seconds for one call: somebody waits for it


class UnableToSend(Exception):
    """No test email was sent, or nobody knows; the text says which, and what to do."""


def read_recipients(text: str) -> list[str]:
    """Addresses, separated by commas, semicolons, spaces or lines."""
    found = [one for one in re.split(r"[\s,;]+", text) if one]
    if not found:
        raise UnableToSend("Type the address that the test email goes to.")
    if len(found) > MOST:
        raise UnableToSend(f"A test email goes to at most {MOST} addresses; these are {len(found)}.")
    for one in found:
        try:
            validate_email(one)
        except ValidationError:
            raise UnableToSend(f"“{one[:80]}” is no email address. Put it right, or take it out.") from None
    return found


def send_test(
    *,
    email: Email,
    account: KlaviyoAccount,
    recipients: list[str],
    context: Mapping[str, Any],
    transport: Transport | None = None,
) -> None:
    """Make a template in the account and let Klaviyo send it; it is taken away again a while later, since Klaviyo
    only puts the email into its queue. Each call is made once: nothing is sent twice by itself.
    """
    try:
        client = counted(account, transport=transport, deadline=PATIENCE)
        template = client.create_template(f"Test of “{email.name}”"[:200], email.html, email.text or None)
    except Throttled as error:
        raise UnableToSend(_too_many(account, error)) from None
    except KlaviyoError as error:
        raise UnableToSend(f"The email could not be made in {account}: {error} Nothing was sent.") from None
    try:
        client.send_template_preview(template.id, recipients, context)
    except Unknown:
        remove_later(account.pk, template.id)
        raise UnableToSend(
            "Klaviyo's answer was lost: the test email may have been sent. Look into the inbox before trying again."
        ) from None
    except KlaviyoError as error:
        _take_away(client, template.id)
        sentence = f"Klaviyo did not send the test email: {error}"
        raise UnableToSend(_too_many(account, error) if isinstance(error, Throttled) else sentence) from None
    remove_later(account.pk, template.id)


def _too_many(account: KlaviyoAccount, error: Throttled) -> str:
    left = in_words(error.retry_after)
    if error.retry_after > 3600:
        return f"{account} has sent all test emails of a day. Nothing was sent; try again in {left}."
    return f"Klaviyo sends one test email a second, and 15 a minute. Nothing was sent; try again in {left}."


def _take_away(client: Klaviyo, template: str) -> None:
    """Nothing was sent, so nobody needs it. Left behind, it harms nobody: it only stands in the account's list."""
    try:
        client.delete_template(template)
    except KlaviyoError:
        return
