"""Tokens at rest: a field whose database value is always encrypted and whose Python value never shows itself.

Used by accounts.models; `.reveal()` is called by accounts.connection alone. Keys are settings.TOKEN_KEYS:
urlsafe base64 of 32 bytes each, the first encrypts, all decrypt. To change keys: put the new one first,
rotate() every stored value, then drop the old one. Format: Fernet (AES-128-CBC with HMAC-SHA256),
cryptography.io.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute

MASK = "•••"


class UnableToDecrypt(Exception):
    """A stored secret cannot be read with any of the keys we have."""


class Secret:
    """A text that shows itself only to `.reveal()`: not in str, repr, f-strings, JSON, pickles or templates.

    One that came from the database stays encrypted until revealed, so that a row whose key was lost can still
    be listed and reconnected; `.reveal()` then raises UnableToDecrypt.
    """

    __slots__ = ("_sealed", "_text")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"A secret is a text, not {type(text).__name__}.")
        self._text: str | None = text
        self._sealed: str | None = None

    @classmethod
    def from_sealed(cls, ciphertext: str) -> Secret:
        """One that is stored as `ciphertext`."""
        secret = cls("")
        secret._text, secret._sealed = None, ciphertext
        return secret

    def reveal(self) -> str:
        """The text. UnableToDecrypt when its key is no longer among ours, or it was never encrypted."""
        if self._text is None:
            self._text = decrypt(self._sealed or "")
        return self._text

    def is_stored_as(self, other: Secret | None) -> bool:
        """Whether both were read from one and the same stored text; without opening either."""
        return other is not None and self._sealed is not None and self._sealed == other._sealed

    reveal.do_not_call_in_templates = True  # type: ignore[attr-defined]

    def seal(self) -> str:
        """The text to store, under the first key. What cannot be read is stored again as it is."""
        if self._sealed is None:
            return encrypt(self._text or "")
        try:
            return rotate(self._sealed)
        except UnableToDecrypt:
            return self._sealed

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: Any) -> Secret:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A secret is not pickled: pass the id of its row instead.")


if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class _Attribute(DeferredAttribute):
    """Wraps what is assigned, so that a model instance never holds a plain text."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class EncryptedTextField(_TextField):
    """Text encrypted at rest; a Secret in Python, None stays None, "" is encrypted like any text.

    Cannot be searched or compared (only isnull), is in no form and in no dumpdata.
    """

    descriptor_class = _Attribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        kwargs["serialize"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        kwargs.pop("serialize", None)
        return name, path, args, kwargs

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Secret) or hasattr(value, "resolve_expression"):
            return value
        return Secret(value)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        return None if value is None else Secret.from_sealed(value)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return self.to_python(value).seal()

    def value_to_string(self, obj: models.Model) -> str:
        return "" if self.value_from_object(obj) is None else MASK

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"'{self.name}' is encrypted and cannot be searched; only isnull works.")

    def get_transform(self, lookup_name: str) -> NoReturn:
        raise FieldError(f"'{self.name}' is encrypted and cannot be searched; only isnull works.")


def encrypt(text: str) -> str:
    """The text under the first key, as ASCII."""
    return _keys().encrypt(text.encode()).decode("ascii")


def decrypt(ciphertext: str) -> str:
    """The text under whichever key fits. UnableToDecrypt if none does."""
    try:
        return _keys().decrypt(ciphertext.encode()).decode()
    except InvalidToken:
        pass
    raise UnableToDecrypt(
        "A stored secret cannot be read with the keys in TOKEN_KEYS; connect the account again."
    )


def rotate(ciphertext: str) -> str:
    """The same text under the first key; saving a model instance does this too. UnableToDecrypt if no key
    fits.
    """
    try:
        return _keys().rotate(ciphertext.encode()).decode("ascii")
    except InvalidToken:
        pass
    raise UnableToDecrypt(
        "A stored secret cannot be moved to the newest key: none of TOKEN_KEYS can read it."
    )


def _keys() -> MultiFernet:
    keys = getattr(settings, "TOKEN_KEYS", None)
    if not keys or isinstance(keys, str):
        raise ImproperlyConfigured("TOKEN_KEYS must be a list with at least one key.")
    return _multi_fernet(tuple(keys))


@lru_cache(maxsize=4)
def _multi_fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        pass
    raise ImproperlyConfigured("Each of TOKEN_KEYS must be 32 bytes in urlsafe base64 (44 characters).")
