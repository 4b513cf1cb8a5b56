"""Accounts named in a text: ids or names, one a line; what is unknown is named and nothing is chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbuilder.rollouts.table import UnableToRead, match, read_bytes, read_lines

KNOWN = [
    (1, "UpK3sZ", "Harbour & Pine"),
    (2, "Xy12Ab", "Twins"),
    (3, "Xy12Ac", "twins"),
    (4, "Qq1111", "A, b"),
]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("UpK3sZ\nXy12Ab", [1, 2]),
        ("  UpK3sZ  \r\n\r\n\r\nXy12Ab\r\n", [1, 2]),
        ("Account ID,Name\nUpK3sZ,Harbour", [1]),
        ("UpK3sZ;Harbour, the\nXy12Ab;Twins", [1, 2]),
        ("UpK3sZ\tHarbour\nXy12Ab\tTwins", [1, 2]),
        ('"A, b",Berlin', [4]),
        ("A, b", [4]),
        ('"UpK3sZ";"Harbour, the"', [1]),
        ("UpK3sZ\nUpK3sZ\nHarbour & Pine", [1]),
        ("harbour & PINE", [1]),
    ],
)
def test_a_line_is_an_id_or_a_name_or_begins_with_one(text: str, chosen: list[int]):
    assert match(read_lines(text), KNOWN) == chosen


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "There is no account in it"),
        ("\n \n,\n", "There is no account in it"),
        ("name\n", "There is no account in it"),
        ("x" * 301, "too long to be an account"),
        ("a\0b", "not a text file"),
        ("a\n" * 20_001, "20,001 lines"),
        ("a" * 1_000_001, "too much text"),
    ],
)
def test_what_names_no_accounts_is_told(text: str, told: str):
    with pytest.raises(UnableToRead, match=told):
        read_lines(text)


def test_files_of_excel_are_read():
    assert read_bytes("Käse".encode("utf-16")) == "Käse"
    assert read_bytes(b"\xef\xbb\xbfUpK3sZ") == "UpK3sZ"


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_names_or_a_sentence(data: bytes):
    try:
        lines = read_lines(read_bytes(data))
    except UnableToRead:
        return
    assert all(one[-1] for one in lines)
    with pytest.raises(UnableToRead, match=r"Nothing was chosen: correct the list and send it again\.$"):
        match(lines, [])


def test_ids_are_as_klaviyo_writes_them():
    with pytest.raises(UnableToRead, match="“upk3sz” is no account that agreed"):
        match([("upk3sz",)], KNOWN)


def test_a_name_of_several_is_asked_for_by_id():
    with pytest.raises(UnableToRead, match="“TWINS” is the name of several accounts: write their ids"):
        match([("TWINS",)], KNOWN)


def test_what_is_unknown_is_named_up_to_five():
    with pytest.raises(UnableToRead) as told:
        match([("UpK3sZ",), *((f"No {n}, Berlin", f"No {n}") for n in range(7))], KNOWN)
    assert str(told.value) == (
        "“No 0”, “No 1”, “No 2”, “No 3”, “No 4” and 2 more are no accounts that agreed. "
        "Nothing was chosen: correct the list and send it again."
    )
