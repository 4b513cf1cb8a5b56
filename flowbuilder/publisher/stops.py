"""Why a publication cannot go on, other than what the client raises. publish.py knows what each means in which
state."""

from __future__ import annotations

from accounts.klaviyo.errors import NotAllowed, Refused


class Stop(Exception):
    """The publication cannot go on; the text tells a person why, and what to do."""


class RefusedHere(Exception):
    """An email of the design could not be made: its key, and Klaviyo's refusal or ours."""

    def __init__(self, key: str, error: Refused | NotAllowed) -> None:
        super().__init__(str(error))
        self.key, self.error = key, error
