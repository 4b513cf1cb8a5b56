"""Accounts named in a pasted text or a file: Klaviyo ids or names, one a line. All are found, or nothing is done."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

LARGEST = 1_000_000  # bytes
MOST_LINES = 20_000
LONGEST = 300  # characters in one name
TOLD = 5  # of what is wrong, by name
DELIMITERS = (",", ";", "\t")
HEADS = frozenset({"account", "account id", "account_id", "id", "klaviyo id", "klaviyo_id", "name"})


class UnableToRead(Exception):
    """The text names no accounts; str() says why and what to do."""


def read_bytes(data: bytes) -> str:
    """A file as text: UTF-8, with or without a mark, or UTF-16 as Excel writes it."""
    if len(data) > LARGEST:
        raise UnableToRead(f"The file has {len(data) / 1e6:.1f} MB. It may have 1 MB: one account a line.")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise UnableToRead(
            "This is not a text file. Save the list as CSV (UTF-8) and choose it again."
        ) from None
    return text


def read_lines(text: str) -> list[tuple[str, ...]]:
    """Each line once, as what it may mean: all of it (a name may hold a comma), or its first cell. A line of
    headings is left out."""
    if "\0" in text:
        raise UnableToRead("This is not a text file. Save the list as CSV (UTF-8) and choose it again.")
    if len(text) > LARGEST:
        raise UnableToRead("That is too much text: at most a million characters, one account a line.")
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise UnableToRead(f"These are {len(lines):,} lines. A list may have {MOST_LINES:,}.")
    found = list(dict.fromkeys(meanings for line in lines if (meanings := _meanings(line))))
    if found and found[0][-1].casefold() in HEADS:
        found = found[1:]
    if any(len(one[-1]) > LONGEST for one in found):
        raise UnableToRead("A line is too long to be an account. Write one id or name a line.")
    if not found:
        raise UnableToRead("There is no account in it. Write one Klaviyo account id or name a line.")
    return found


def _meanings(line: str) -> tuple[str, ...]:
    """The line, and its first cell where there are several; nothing where the first is empty."""
    whole = line.strip()
    places = [place for mark in DELIMITERS if (place := whole.find(mark)) >= 0]
    if not places and not whole.startswith('"'):
        return (whole,) if whole else ()
    delimiter = whole[min(places)] if places else ","
    if whole.startswith('"'):  # which mark parts the cells stands behind the quotes
        delimiter = next((mark for mark in DELIMITERS if f'"{mark}' in whole), delimiter)
    try:
        cells = next(csv.reader(StringIO(whole), delimiter=delimiter), [])
    except csv.Error:
        cells = [whole]
    first = cells[0].strip() if cells else ""
    return tuple(dict.fromkeys((whole, first))) if first else ()


def match(lines: Iterable[tuple[str, ...]], known: Sequence[tuple[int, str, str]]) -> list[int]:
    """The rows of `known` (key, id, name) that are named. UnableToRead names what is unknown or means several."""
    by_id = {klaviyo_id: key for key, klaviyo_id, _ in known}
    by_name: dict[str, list[int]] = {}
    for key, _, name in known:
        by_name.setdefault(name.casefold(), []).append(key)
    found: list[int] = []
    unknown: list[str] = []
    several: list[str] = []
    for meanings in lines:
        hits = [[by_id[one]] if one in by_id else by_name.get(one.casefold(), []) for one in meanings]
        keys = next((one for one in hits if one), [])
        if len(keys) == 1:
            found.append(keys[0])
        else:
            (several if keys else unknown).append(meanings[-1])
    wrong = []
    if unknown:
        what = "is no account" if len(unknown) == 1 else "are no accounts"
        wrong.append(f"{_told(unknown)} {what} that agreed.")
    if several:
        what = (
            "is the name of several accounts" if len(several) == 1 else "are names of several accounts each"
        )
        wrong.append(f"{_told(several)} {what}: write their ids.")
    if wrong:
        raise UnableToRead(f"{' '.join(wrong)} Nothing was chosen: correct the list and send it again.")
    return list(dict.fromkeys(found))


def _told(names: Sequence[str]) -> str:
    shown = [f"“{name[:60]}”" for name in names[:TOLD]]
    if len(names) > TOLD:
        return f"{', '.join(shown)} and {len(names) - TOLD:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
