"""Why an account could not be connected, each with a title, a sentence, and what to press next.

Raised by connecting.py, shown by views.py. `url_name` "accounts:connect" is a press that starts the trip
again (in `workspace`, back to `next_url`, for `expected` if one was); the others are plain addresses.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import KlaviyoAccount, Workspace


class UnableToConnect(Exception):
    """str() is the sentence for people. `status` is that of the page that says so."""

    title = "The account was not connected"
    text = "Something kept this account from being connected. Nothing was changed in Klaviyo."
    press = "Try again"
    url_name = "accounts:connect"
    status = 400

    def __init__(self, text: str = "") -> None:
        self.text = text or self.text
        super().__init__(self.text)
        self.workspace: Workspace | None = None
        self.next_url = ""
        self.expected: KlaviyoAccount | None = None


class Denied(UnableToConnect):
    title = "You did not allow it"
    text = (
        "Klaviyo says that access was not allowed, so nothing was connected and nothing was changed. "
        "If you meant to allow it, start again; every permission is explained before you decide."
    )
    press = "Start again"
    status = 403


class ConsentFailed(UnableToConnect):
    title = "Klaviyo could not ask you"
    text = (
        "Klaviyo did not show its consent page for this app: its settings at Klaviyo and here do not agree. "
        "Only the people who run this site can put that right."
    )


class StateUnknown(UnableToConnect):
    title = "This way back is not known"
    text = (
        "You came back from Klaviyo with a note that we did not write, or have long forgotten. "
        "For your safety nothing was connected. Start again from your accounts."
    )
    press = "Go to your accounts"
    url_name = "accounts:list"


class StateReused(UnableToConnect):
    title = "This way back was used already"
    text = (
        "Each trip to Klaviyo counts once, and this one has been counted; perhaps the page was loaded twice. "
        "Look at your accounts: it may well be connected."
    )
    press = "See your accounts"
    url_name = "accounts:list"


class StateForeign(UnableToConnect):
    title = "Someone else set out on this trip"
    text = (
        "The trip to Klaviyo was begun in another browser or by another person. "
        "For your safety nothing was connected. Start again from here."
    )
    press = "Go to your accounts"
    url_name = "accounts:list"
    status = 403


class SignedOut(UnableToConnect):
    title = "You were signed out on the way"
    text = "You came back from Klaviyo, but nobody is signed in here any more. Sign in, then connect again."
    press = "Sign in"
    url_name = "account_login"
    status = 403


class StateExpired(UnableToConnect):
    title = "That took too long"
    text = "The trip to Klaviyo is good for ten minutes, and more have passed. Nothing was connected."
    press = "Start again"


class NotAMember(UnableToConnect):
    title = "You may not connect accounts here"
    text = (
        "Your role in this workspace changed while you were at Klaviyo. Nothing was connected; "
        "ask an owner of the workspace."
    )
    press = "Go to the start"
    url_name = "home"
    status = 403


class CodeNotAccepted(UnableToConnect):
    title = "Klaviyo took its word back"
    text = (
        "Klaviyo did not accept the code it had given you: it was used before, or is over five minutes old. "
        "Start again; it takes half a minute."
    )
    press = "Start again"


class ScopesMissing(UnableToConnect):
    title = "Some permissions are missing"
    press = "Allow them all"
    status = 403

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = sorted(missing)
        words = [scope_in_words(scope) for scope in self.missing]
        super().__init__(
            f"Without being allowed to {join(words)}, flows cannot be installed, so the account was not "
            "connected. Start again and allow everything Klaviyo lists."
        )


class WrongAccount(UnableToConnect):
    title = "That was another account"
    press = "Choose the right account"
    status = 403

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(
            f"You were to reconnect {expected}, but at Klaviyo you chose {found}. Nothing was connected. "
            f"Switch to {expected} in Klaviyo, then start again."
        )


class Unreachable(UnableToConnect):
    title = "Klaviyo does not answer"
    text = "Klaviyo could not be reached, or its answer was unclear. Nothing was connected; try again soon."
    status = 503


class BadApp(UnableToConnect):
    title = "This site is not set up at Klaviyo"
    text = (
        "Klaviyo does not accept the client id or secret of this site. You cannot do anything about that: "
        "the people who run this site have to check KLAVIYO_CLIENT_ID and KLAVIYO_CLIENT_SECRET."
    )
    press = "Go to your accounts"
    url_name = "accounts:list"
    status = 503


class KeyRefused(UnableToConnect):
    title = "Klaviyo does not accept this key"
    text = (
        "Klaviyo does not accept this key. Copy it again from Settings, API keys in Klaviyo: "
        "a private key begins with pk_, and a deleted one stays dead."
    )
    press = "Go to your accounts"
    url_name = "accounts:list"


class KeyLacksScopes(KeyRefused):
    title = "This key may not do enough"

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = sorted(missing)
        words = [scope_in_words(scope) for scope in self.missing]
        super().__init__(
            f"This key may not {join(words)}. A key's permissions cannot be changed afterwards: make a new "
            "private key with full access in Klaviyo, and put that one here."
        )


def scope_in_words(scope: str) -> str:
    """ "flows:write" is "change flows"."""
    thing, _, act = scope.partition(":")
    things = {"accounts": "the account's name", "templates": "email templates"}
    verb = "see" if act == "read" else "create and change"
    return f"{verb} {things.get(thing, thing.replace('-', ' '))}"


def join(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), *words[-1:]])
