"""What stands inside of emails: found where people write it, and an answer put in that is never more than an answer."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbuilder.definition.frozen import Question
from flowbuilder.definition.pieces import (
    TAGS,
    email_for,
    missing_in,
    moved,
    pieces_in,
    pieces_of,
    put_in,
    with_place,
    without_place,
)
from flowbuilder.kinds.tag_parsing import tokens

SHOP = "https://shop.example/sale?a=1&b=2"
LOGO = "https://cdn.example/logo.png"
HTML = f"""<!doctype html><html><head><style>.top {{ background: url({LOGO}) }} @import url(https://cdn.example/a.css);
</style><link href="https://fonts.googleapis.com/css?family=Inter"><script>var x = "https://no.example/s";</script></head>
<body style="background:url(&quot;{LOGO}&quot;)"><!-- see https://shop.example/note -->
<a href="https://shop.example/sale?a=1&amp;b=2" title='to the sale'>Sale</a> <a href={SHOP.split("?")[0]}>bare</a>
<img src='{LOGO}' alt=""><a href="mailto:hello@shop.example">hello@shop.example</a>
Write {{% coupon_code 'SAVE10' %}} at https://shop.example/{{{{ person.id }}}}. Or https://shop.example/help.
{{% if person.url == "https://no.example/if" %}}
<a href="https://shop.example/c/{{% coupon_code "VIP" %}}">x</a>{{% endif %}}
{{% unsubscribe %}}</body></html>"""


def found(text: str, *, is_html: bool = True) -> set[tuple[str, str]]:
    return {(one.what, one.value) for one in pieces_in(text, is_html=is_html)}


def test_they_are_found_where_people_write_them():
    assert found(HTML) == {
        ("coupon", "SAVE10"),
        ("coupon", "VIP"),
        ("url", SHOP),
        ("url", "https://shop.example/sale"),
        ("url", "https://shop.example/note"),
        ("url", "https://shop.example/"),
        ("url", "https://shop.example/help"),
        ("url", "https://shop.example/c/"),
        ("picture", LOGO),
        ("address", "hello@shop.example"),
    }
    assert [one.value for one in pieces_in(HTML, is_html=True)].count(LOGO) == 3


def test_they_are_found_in_the_plain_text():
    text = "Go to https://shop.example/sale?a=1&b=2, or write to hello@shop.example.\nCode: {% coupon_code 'SAVE10' %}"
    assert found(text, is_html=False) == {
        ("url", SHOP),
        ("address", "hello@shop.example"),
        ("coupon", "SAVE10"),
    }
    assert {one.what for one in pieces_of({"html": HTML, "text": text})} == {
        *("coupon", "url", "picture", "address"),
    }


@pytest.mark.parametrize(
    ("before", "what", "new", "after"),
    [
        (
            '<a href="https://a.example">',
            "url",
            "https://b.example/?x=1&y=2",
            "https://b.example/?x=1&amp;y=2",
        ),
        ("<a href=https://a.example>", "url", "https://b.example/a b>c", "https://b.example/a%20b%3Ec"),
        (
            "<style>a{background:url(https://a.example)}</style>",
            "picture",
            "https://b.example/?x=1&y=)",
            "?x=1&y=%29)",
        ),
        (
            "<p>https://a.example</p>",
            "url",
            "https://b.example/{{ x }}",
            "https://b.example/%7B%7B%20x%20%7D%7D</p>",
        ),
        ("{% coupon_code 'https' %}", "coupon", "A'B%}<b>", "{% coupon_code 'AB%b' %}"),
        ("<a href=mailto:a@a.example>", "address", 'b@b.example"><b>', "<a href=mailto:b@b.exampleb>"),
    ],
)
def test_each_place_has_its_own_way_of_writing(before, what, new, after):
    (piece,) = pieces_in(before, is_html=True)
    assert piece.what == what
    assert after in put_in(before, {(what, piece.value): new}, is_html=True)


@pytest.mark.parametrize("new", ["javascript:alert(1)", "", "  ", "//b.example", "no address"])
def test_what_is_no_address_is_not_put_in(new):
    html = '<a href="https://a.example">hello@a.example</a>'
    values = {("url", "https://a.example"): new, ("address", "hello@a.example"): new}
    assert put_in(html, values, is_html=True) == html


class _Shape(HTMLParser):
    """All that a browser makes of it but its texts and the values of its attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[object] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, [name for name, _ in attrs]))

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, [name for name, _ in attrs], "/"))

    def handle_endtag(self, tag):
        self.seen.append(f"/{tag}")

    def handle_comment(self, data):
        self.seen.append("<!--")

    def handle_decl(self, decl):
        self.seen.append(f"!{decl}")

    def handle_pi(self, data):
        self.seen.append("?")


def shape_of(html: str) -> list[object]:
    """As Klaviyo leaves it to a browser, its own tags worked out."""
    reader = _Shape()
    reader.feed(TAGS.sub("x", html))
    reader.close()
    return reader.seen


def tags_in(text: str) -> list[tuple[str, str]]:
    """Klaviyo's tags with all that stands in them but the coupons' names."""
    coupon = re.compile(r"(coupon_code\s+)(['\"]).*\2")
    return [(one.kind, coupon.sub(r"\1", one.text)) for one in tokens(text) if one.kind != "text"]


BREAKS_OUT = [
    '"><script>alert(1)</script>',
    "' onerror='x",
    "{{ person.email }}",
    "{% endif %}",
    "%}",
    "-->",
    "</style>",
]
BITS = [
    "&quot;",
    "\n",
    "\u2028",
    "`",
    "\\",
    ")",
    ";",
    "=",
    " x=y",
    "\0",
    "é",
    "<!--",
    "]]>",
    "{",
    "%",
    "{#",
    "#}",
]
NASTY = st.sampled_from([*BREAKS_OUT, *BITS])
ANSWERS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "https://b.example/", "HTTP://b.example?x=", "me@b.example", "SAVE"]),
        st.lists(st.one_of(NASTY, st.text(max_size=8)), max_size=5).map("".join),
    ),
)


@given(ANSWERS)
def test_an_answer_is_never_more_than_an_answer(answer):
    """Whatever somebody answers everywhere: the same HTML tags, attributes and template tags as before."""
    everywhere = {(one.what, one.value): answer for one in pieces_in(HTML, is_html=True)}
    filled = put_in(HTML, everywhere, is_html=True)
    assert shape_of(filled) == shape_of(HTML)
    assert tags_in(filled) == tags_in(HTML)
    text = "See https://a.example/x?y, write to a@a.example or say {% coupon_code 'A' %}. {{ first_name }}"
    values = {(one.what, one.value): answer for one in pieces_in(text)}
    assert tags_in(put_in(text, values)) == tags_in(text)


@given(st.from_regex(r"https://b\.example/[a-z0-9/?&=._-]{0,30}[a-z0-9]", fullmatch=True))
def test_what_was_put_in_stands_there(answer):
    """Read again, the new email holds the answer in each place of what it stands for."""
    filled = put_in(HTML, {("url", SHOP): answer, ("picture", LOGO): answer}, is_html=True)
    values = [(one.what, one.value) for one in pieces_in(filled, is_html=True)]
    assert values.count(("picture", answer)) == 3
    assert ("url", answer) in values
    assert ("url", SHOP) not in values


# --- Questions -----------------------------------------------------------------------------------------------------


def question(**limits: object) -> Question:
    return Question("coupon", "coupon", "Which coupon?", default="SAVE10", limits=limits)


def asked() -> Question:
    made = with_place({"limits": {}}, "mail-1", "coupon", "SAVE10")
    return question(**made["limits"])


def test_an_email_for_one_account():
    content = {"name": "Sale", "html": HTML, "text": "{% coupon_code 'SAVE10' %}"}
    mine = email_for(content, "mail-1", [asked()], {"coupon": "MINE5"})
    assert ("coupon", "MINE5") in found(mine["html"])
    assert mine["text"] == "{% coupon_code 'MINE5' %}"
    assert mine["name"] == "Sale"
    assert email_for(content, "mail-2", [asked()], {"coupon": "MINE5"}) is content, "of another email"
    assert email_for(content, "mail-1", [asked()], {}) is content, "without an answer"
    assert missing_in([asked()], ("mail-1",), {}) == ["coupon"]
    assert missing_in([asked()], ("mail-1",), {"coupon": "A"}) == missing_in([asked()], ("mail-2",), {}) == []


def test_a_place_comes_and_goes_and_moves():
    one = {"kind": "coupon", "limits": {}}
    here = with_place(one, "mail-1", "coupon", "SAVE10")
    assert here["limits"] == {
        "inside": "coupon",
        "emails": [{"email": "mail-1", "what": "coupon", "value": "SAVE10"}],
    }
    assert with_place(here, "mail-1", "coupon", "SAVE10") == here, "once"
    assert moved(here, {"mail-1": "mail-9"})["limits"]["emails"][0]["email"] == "mail-9"
    assert "emails" not in without_place(here, "mail-1", "coupon", "SAVE10")["limits"]
    assert "inside" not in with_place(one, "mail-1", "picture", LOGO)["limits"], (
        "an image is judged by its kind"
    )
