"""An email made ready to be looked at: its light, the place one writes at, the data; whatever it holds."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbuilder.emails.judging import judge, words_in
from flowbuilder.emails.samples import OWN, SAMPLES, UnableToRead, data_of
from flowbuilder.emails.showing import HERE, in_light, page, unseen, with_place
from flowbuilder.kinds.samples import SAMPLE
from flowbuilder.operations.emails import LIMIT
from flowbuilder.starters import starters

MAIL = """<head><meta name="color-scheme" content="light dark"><style>
:root { color-scheme: light dark; } @media (prefers-color-scheme: dark) { p { color: #fff } }</style></head>
<body><!-- <p>old</p> --><h1>One</h1><p class="a">Two</p><p id="own">Three</p></body>"""


def test_the_light_is_chosen_by_name():
    """`prefers-color-scheme` holds or does not, whatever the machine prefers."""
    dark, light = in_light(MAIL, "dark"), in_light(MAIL, "light")
    assert "@media (min-width: 0px) { p" in dark
    assert "@media (max-width: 0px) { p" in light
    for shown, scheme in ((dark, "dark"), (light, "light")):
        assert f":root {{ color-scheme: {scheme}; }}" in shown
        assert f'content="{scheme}"' in shown
    assert in_light("<p>a light dark blue</p>", "dark") == "<p>a light dark blue</p>"


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("<body>", ""),
        ("<h1>On", "<h1"),
        ("<h1>One</h1><p cl", "<p"),
        ("<p class=", "<p"),
        ("Three", "<p"),  # its own id stays: the one before it is taken
        ("<!-- <p>ol", ""),
        ("prefers-color", ""),
    ],
)
def test_the_frame_opens_where_one_writes(before: str, found: str):
    at = MAIL.index(before) + len(before)
    shown = with_place(MAIL, at)
    if not found:
        assert shown == MAIL
        return
    assert shown.count(f' id="{HERE}"') == 1
    place = shown.index(f' id="{HERE}"')
    assert shown[:place].endswith(found)
    assert place <= at
    assert shown.replace(f' id="{HERE}"', "").startswith(MAIL)


@given(st.text("<>!-/phead styl=idm{}%'\"() :\n", max_size=300), st.integers(0, 400))
def test_nothing_can_stop_it(html: str, at: int):
    spans = list(unseen(html))
    assert all(0 <= start < end <= len(html) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    page(html, html, data=SAMPLE, scheme="dark", at=at)
    judge(html, "")


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!--",
        "<style",
        "<meta name=color-scheme ",
        "{{",
        "{%",
        "(",
        "<p ",
        "< p",
        "{% if a %}",
        "<p>x</p>",
        "İ<style>",
    ],
)
def test_the_longest_email_is_no_stone_in_the_way(piece: str):
    """Linear, however it is broken: half a million characters are judged and shown in a moment."""
    html = (piece * LIMIT)[:LIMIT]
    started = time.process_time()
    judge(html, "")
    page(html, "", data=SAMPLE, at=LIMIT)
    assert time.process_time() - started < 5


def test_words_are_counted():
    assert (
        words_in("<title>no</title><style>a b</style><p>one <b>two</b></p>{% if x %}{{ y }}<!-- no -->") == 2
    )


# --- Sample data ------------------------------------------------------------------------------------------------


def test_every_sample_fills_every_starter():
    """Nobody without a name is greeted with a hole, and no tag stays."""
    for starter in starters():
        for content in starter.document["contents"].values():
            for sample in SAMPLES:
                shown = page(content["html"], content["text"], data=sample.data)
                assert "{{" not in shown
                assert "{%" not in shown


def test_one_s_own_data_lies_on_the_first_sample():
    data = data_of(OWN, '{"event": {"a": 1}, "first_name": "Kim"}')
    assert (data["event"], data["first_name"], data["organization"]) == (
        {"a": 1},
        "Kim",
        SAMPLE["organization"],
    )
    assert data_of(OWN, "") == SAMPLE
    assert data_of("no-such", "{") == SAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        "NaN",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        "[" * 50_000,
        '{"a": ' + "9" * 5000 + "}",
        "x" * 200_000,
    ],
)
def test_what_cannot_be_read_is_said(text: str):
    with pytest.raises(UnableToRead, match=r"sample data .*\."):
        data_of(OWN, text)
