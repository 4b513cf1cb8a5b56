"""Tokens at rest: never plain in the database, a print, a log, a dump or a pickle; keys can be changed."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.forms import modelform_factory
from django.template import Context, Engine
from django.test.utils import isolate_apps

from accounts.crypto import EncryptedTextField, Secret, UnableToDecrypt, decrypt, encrypt, rotate

PLAIN = "r3fresh-töken-of-a-merchant"
OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.TOKEN_KEYS = [OLD]


@pytest.fixture
def safe(transactional_db: None) -> Iterator[Any]:
    """A model of its own, outside the project's apps, with a table for the length of a test."""
    with isolate_apps():

        class Safe(models.Model):
            token = EncryptedTextField(null=True)
            must = EncryptedTextField(default="")

            class Meta:
                app_label = "crypto_test"

        with connection.schema_editor() as editor:
            editor.create_model(Safe)
        yield Safe
        with connection.schema_editor() as editor:
            editor.delete_model(Safe)


def stored(model: Any, pk: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT token FROM {model._meta.db_table} WHERE id = %s", [pk])
        return str(cursor.fetchone()[0])


def store(model: Any, pk: int, raw: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET token = %s WHERE id = %s", [raw, pk])


@pytest.mark.parametrize("text", [PLAIN, "", " ", "•••", "None", "x" * 10_000])
def test_what_goes_in_comes_out_and_is_never_plain_in_between(safe: Any, text: str) -> None:
    row = safe.objects.create(token=text)
    raw = stored(safe, row.pk)
    assert raw != text
    assert not text.strip() or text not in raw
    assert raw.startswith("gAAAA")
    assert safe.objects.get().token.reveal() == text


def test_every_way_of_writing_encrypts(safe: Any) -> None:
    row = safe(token="a")
    row.save()
    safe.objects.bulk_create([safe(token="b")])
    safe.objects.filter(pk=row.pk).update(token=PLAIN)
    assert PLAIN not in stored(safe, row.pk)
    row.refresh_from_db()
    assert row.token.reveal() == PLAIN
    row.token = "bulk"
    safe.objects.bulk_update([row], ["token"])
    assert stored(safe, row.pk).startswith("gAAAA")
    assert sorted(token.reveal() for token in safe.objects.values_list("token", flat=True)) == ["b", "bulk"]
    assert {values["token"].reveal() for values in safe.objects.values("token")} == {"b", "bulk"}


def test_none_stays_none(safe: Any) -> None:
    row = safe.objects.create(token=None)
    assert safe.objects.get().token is None
    assert safe.objects.filter(token__isnull=True).get() == row
    assert safe.objects.filter(token__isnull=False).count() == 0


def test_the_same_text_is_never_stored_the_same(safe: Any) -> None:
    one, other = safe.objects.create(token=PLAIN), safe.objects.create(token=PLAIN)
    assert stored(safe, one.pk) != stored(safe, other.pk)


def test_an_instance_holds_a_secret_from_the_moment_of_assignment(safe: Any) -> None:
    row = safe(token=PLAIN)
    assert isinstance(row.token, Secret)
    assert PLAIN not in repr(vars(row))
    row.full_clean()
    deferred = safe.objects.defer("token").get(pk=safe.objects.create(token=PLAIN).pk)
    assert "token" not in vars(deferred)
    assert deferred.token.reveal() == PLAIN


@pytest.mark.parametrize("wrong", [7, b"bytes", ["x"]])
def test_only_text_is_secret(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Secret(wrong)


def test_nothing_prints_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(PLAIN)
    logging.getLogger("x").warning("%s %r", secret, secret)
    page = Engine().from_string("{{ secret }}{{ secret.reveal }}").render(Context({"secret": secret}))
    printed = [str(secret), repr(secret), f"{secret}", repr([secret]), caplog.text, page]
    assert not [text for text in printed if PLAIN in text]
    assert str(secret) == "•••"
    assert page.startswith("•••")
    with pytest.raises(TypeError):
        json.dumps(secret)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)


def test_a_secret_is_compared_as_a_secret() -> None:
    assert Secret(PLAIN) == Secret(PLAIN)
    assert Secret(PLAIN) != Secret("other")
    assert Secret(PLAIN) != PLAIN
    assert copy.deepcopy(Secret(PLAIN)) == copy.copy(Secret(PLAIN))
    with pytest.raises(TypeError):
        hash(Secret(PLAIN))


def test_dumpdata_and_forms_leave_it_out(safe: Any) -> None:
    row = safe.objects.create(token=PLAIN)
    for form in ("json", "xml"):
        dumped = serializers.serialize(form, [row])
        assert PLAIN not in dumped
        assert "token" not in dumped
    field = safe._meta.get_field("token")
    assert (field.value_to_string(row), field.value_to_string(safe())) == ("•••", "")
    assert "token" not in modelform_factory(safe, fields="__all__").base_fields


@pytest.mark.parametrize(
    "lookup",
    ["token", "token__exact", "token__in", "token__contains", "token__gt", "token__regex", "token__length"],
)
def test_it_cannot_be_searched(safe: Any, lookup: str) -> None:
    with pytest.raises(FieldError):
        list(safe.objects.filter(**{lookup: PLAIN}))


def test_keys_can_be_changed(safe: Any, settings: Any) -> None:
    row = safe.objects.create(token=PLAIN)
    first = stored(safe, row.pk)

    settings.TOKEN_KEYS = [NEW, OLD]
    assert safe.objects.get().token.reveal() == PLAIN
    moved = rotate(first)
    safe.objects.get().save()
    saved = stored(safe, row.pk)

    settings.TOKEN_KEYS = [NEW]
    assert decrypt(moved) == decrypt(saved) == PLAIN
    assert safe.objects.get().token.reveal() == PLAIN
    with pytest.raises(UnableToDecrypt):
        decrypt(first)
    with pytest.raises(UnableToDecrypt):
        rotate(first)


@pytest.mark.parametrize("raw", ["", PLAIN, "gAAAAABnonsense", encrypt.__doc__])
def test_an_unreadable_value_says_so_when_read(safe: Any, raw: str) -> None:
    row = safe.objects.create(token=PLAIN)
    store(safe, row.pk, raw)
    with pytest.raises(UnableToDecrypt) as caught:
        safe.objects.get().token.reveal()
    assert str(caught.value).endswith("connect the account again.")
    assert PLAIN not in str(caught.value)


def test_an_unreadable_row_can_still_be_listed_saved_and_mended(safe: Any, settings: Any) -> None:
    row = safe.objects.create(token=PLAIN)
    before = stored(safe, row.pk)
    settings.TOKEN_KEYS = [LOST]
    (found,) = safe.objects.all()
    found.save()
    assert stored(safe, row.pk) == before
    found.token = "new"
    found.save()
    assert safe.objects.get().token.reveal() == "new"


def test_a_tampered_value_is_not_read(safe: Any) -> None:
    row = safe.objects.create(token=PLAIN)
    raw = stored(safe, row.pk)
    store(safe, row.pk, raw[:-6] + ("A" if raw[-6] != "A" else "B") + raw[-5:])
    with pytest.raises(UnableToDecrypt):
        safe.objects.get().token.reveal()


NOT_KEYS = [
    None,
    [],
    "",
    pytest.param(OLD, id="a text, not a list"),
    ["short"],
    [OLD, ""],
    [OLD, "é" * 44],
    [7],
]


@pytest.mark.parametrize("keys", NOT_KEYS)
def test_bad_keys_are_told_without_showing_them(settings: Any, keys: Any) -> None:
    settings.TOKEN_KEYS = keys
    with pytest.raises(ImproperlyConfigured) as caught:
        encrypt(PLAIN)
    assert OLD not in str(caught.value)


def test_a_migration_can_be_written(safe: Any) -> None:
    field = safe._meta.get_field("token")
    assert field.deconstruct() == ("token", "accounts.crypto.EncryptedTextField", [], {"null": True})
    assert MigrationWriter.serialize(field)[0] == "accounts.crypto.EncryptedTextField(null=True)"
    assert field.clone().editable is False
    assert field.clone().serialize is False
