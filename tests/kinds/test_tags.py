"""Template tags: what is wrong with them is found and said; the preview shows what a recipient would get, safely."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowbuilder.kinds.tag_filters import FUNCTIONS
from flowbuilder.kinds.tag_tables import BLOCKS, CLOSINGS, FILTERS, MIDDLES, TAGS
from flowbuilder.kinds.tags import SAMPLE, check_tags, has_unsubscribe, render, tag_findings

FINE = """<style>@media(max-width:600px){.a{width:100%}#b{x:y}}</style>
{# a note {{ with braces #}
Hi {{ person.first_name|default:'you' }}, {{ event|lookup:'$value'|floatformat:2 }} {{ -1.2|abs }}
{% for item in event.Items|slice:':3' %}{% if not forloop.last %}{{ item.ProductName }}, {% elif item %}a
{% else %}b{% endif %}{% empty %}nothing{% endfor %}
{% with a=person|lookup:'Loyalty tier' %}{{ a|title }}{% endwith %}
{% catalog event.ProductID unpublished="cancel" %}{{ catalog_item.title }}{% endcatalog %}
{% coupon_code 'Welcome' %} {% unsubscribe 'Leave' %} {% web_view_link %} {% manage_preferences %}
{% comment %} {{ never { read %} {% endcomment %} {% verbatim %}{{ as it is {% endverbatim %}
{% today '%Y-%m-%d' as today %}{{ today|days_later:5|format_date_string|date:'M d' }} {% currency_format 5 %}"""


def codes(text: str) -> list[str]:
    return [one.code for one in check_tags(text)]


def test_what_is_right_is_left_alone():
    assert codes(FINE) == []


@pytest.mark.parametrize(
    ("text", "code", "place", "says"),
    [
        ("Hi {{ first_name }", "tag-unclosed", (1, 4), "add “}}”"),
        ("Hi {{ first_name }\n{{ email }}", "tag-unclosed", (1, 4), "add “}}”"),
        ("Hi {% unsubscribe }", "tag-unclosed", (1, 4), "add “%}”"),
        ("a\n {% if x %}b", "block-unclosed", (2, 2), "{% endif %}"),
        ("{% for a in b %}", "block-unclosed", (1, 1), "{% endfor %}"),
        ("{% catalog x %}", "block-unclosed", (1, 1), "{% endcatalog %}"),
        ("{% if x %}{% for a in b %}{% endif %}", "block-mismatched", (1, 11), "{% endfor %}"),
        ("{% endif %}", "block-unopened", (1, 1), "no “{% if %}”"),
        ("{% else %}", "tag-misplaced", (1, 1), "outside of any block"),
        ("{% for a in b %}{% else %}{% endfor %}", "tag-misplaced", (1, 17), "in “{% for %}”"),
        ("{% if a %}{% else %}{% elif b %}{% endif %}", "tag-misplaced", (1, 21), "last"),
        ("{% if a %}{% else if b %}{% endif %}", "tag-misplaced", (1, 11), "elif"),
        ("{{ }}", "tag-empty", (1, 1), "name a variable"),
        ("{%%}", "tag-empty", (1, 1), "name a tag"),
        ("{{ a|default: 'b' }}", "tag-filter-space", (1, 1), "take it out"),
        ("{% if a|lookup : 'b' %}{% endif %}", "tag-filter-space", (1, 1), "take it out"),
        ("{{ a|default:’b’ }}", "tag-quotes", (1, 1), "straight"),
    ],
)
def test_what_is_wrong_blocks(text, code, place, says):
    (found,) = check_tags(text)
    assert (found.code, (found.line, found.column), found.blocks) == (code, place, True)
    assert says in found.text


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("{% elsif x %}", "tag-unknown", "“elif”"),
        ("{% trending %}", "tag-unknown", "may refuse"),
        ("{{ a|shout }}", "tag-filter-unknown", "“shout”"),
        ("{% for a in b|shout %}{% endfor %}", "tag-filter-unknown", "“shout”"),
        ("{{ unsubscribe_link }}", "tag-as-variable", "{% unsubscribe_link %}"),
        ("{{ a b }}", "tag-unreadable", "from “b” on"),
        ("{{ first_name\n }}", "tag-across-lines", "one line"),
    ],
)
def test_what_is_only_unknown_is_a_warning(text, code, says):
    (found,) = check_tags(text)
    assert (found.code, found.blocks) == (code, False)
    assert says in found.text


def test_curly_quotes_and_colons_inside_straight_ones_are_text():
    assert codes("{{ a|default:'“x”: y | z : w' }}") == []


def test_as_findings_of_a_setting():
    path = ("message", "subject_line")
    (one,) = tag_findings("Hi {{ name }", path)
    assert (one.code, one.path, one.blocks) == ("tag-unclosed", path, True)
    assert not one.text.startswith("Line")
    (second,) = tag_findings("a\nb {{ x|shout }}", path)
    assert second.text.startswith("Line 2: ")
    assert list(tag_findings(None, path)) == []


def test_only_so_many_problems():
    assert len(codes("{{ x|shout }}\n" * 5_000)) == 100


def test_the_tables_hold_together():
    assert set(FUNCTIONS) - FILTERS == set()
    assert not TAGS & (set(BLOCKS) | set(CLOSINGS) | MIDDLES)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [("{% unsubscribe %}", True), ("{%manage_preferences_link%}", True), ("{{ unsubscribe }}", False)],
)
def test_whether_a_recipient_finds_a_way_out(text, leaves):
    assert has_unsubscribe(text) is leaves


# --- The preview ----------------------------------------------------------------------------------------------------

CONTEXT = {
    "person": {"first_name": "Ana <b>", "points": 200, "Loyalty tier": "gold"},
    "event": {"items": [{"n": "A"}, {"n": "B"}, {"n": "C"}], "none": None, "empty": []},
}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hi {{ person.first_name }}", "Hi Ana &lt;b&gt;"),
        ("{{ person.first_name|safe }}", "Ana <b>"),
        (
            "{% autoescape off %}{{ person.first_name }}{% endautoescape %}{{ person.first_name }}",
            "Ana <b>Ana &lt;b&gt;",
        ),
        ("{{ person|lookup:'Loyalty tier'|title }}", "Gold"),
        ("{{ nobody.home }}{{ person.first_name.upper }}{{ person.__class__ }}", ""),
        ("{{ nobody|default:'you' }}", "you"),
        ("{{ event.items.1.n }}", "B"),
        ("{{ event.items.9.n }}", ""),
        ("{{ person|lookup:'points'|floatformat:2 }}", "200.00"),
        ("{{ '5.05'|floatformat }}/{{ 5|floatformat }}/{{ 5.055|floatformat:2 }}", "5.1/5/5.06"),
        ("{% currency_format person.points %}", "$200.00"),
        (
            "{% for i in event.items %}{{ forloop.counter }}{{ i.n }}{% if not forloop.last %}, {% endif %}"
            "{% endfor %}",
            "1A, 2B, 3C",
        ),
        ("{% for i in event.items reversed %}{{ i.n }}{% endfor %}", "CBA"),
        ("{% for i in event.items|slice:':2' %}{{ i.n }}{% endfor %}", "AB"),
        ("{% for i in event.empty %}x{% empty %}none{% endfor %}", "none"),
        ("{% if person.points > 150 and not event.empty %}a{% else %}b{% endif %}", "a"),
        (
            "{% if person.points > 500 %}a{% elif 'gold' in person|lookup:'Loyalty tier' %}b{% else %}c{% endif %}",
            "b",
        ),
        ("{% if person.points < 'a' %}a{% else %}b{% endif %}", "b"),
        ("{% if nobody == None or nobody %}a{% endif %}", "a"),
        ("{% with x=person.points y='q' %}{{ x }}{{ y }}{% endwith %}{{ x }}", "200q"),
        ("{{ '2016-02-11T16:46:08-05:00'|format_date_string|date:'F d, o' }}", "February 11, 2016"),
        ("{{ '2016-02-11T16:46:08'|date:'m-d-Y g:i a' }}", "02-11-2016 4:46 p.m."),
        ("{% now 'Y' %} {% current_month_name %} {% today '%Y-%m-%d' as t %}{{ t }}", "2026 May 2026-05-01"),
        ("{% unsubscribe %}", '<a href="#unsubscribe">Unsubscribe</a>'),
        ("{% unsubscribe '<i>' %}", '<a href="#unsubscribe">&lt;i&gt;</a>'),
        ('<a href="{% manage_preferences_link %}">', '<a href="#manage_preferences">'),
        ("{% update_property_link 'a' 'b' 'javascript:alert(1)' %}", "#"),
        (
            "{{ nobody|missing_product_image }}",
            "https://www.klaviyo.com/media/images/missing_product_image.png",
        ),
        ("{% comment %}{{ x }}{% endcomment %}{% verbatim %}{{ x }}{% endverbatim %}{# x #}", "{{ x }}"),
        ("{% catalog event.id %}{{ catalog_item.title }}{% endcatalog %}", "Blue stoneware mug"),
        ("{% filter upper %}a{{ person.points }}{% endfilter %}", "A200"),
        ("{% mystery '<b>' %}", "{% mystery &#x27;&lt;b&gt;&#x27; %}"),
        ("{% if a %}never closed", ""),
        ("{% endif %}{% else %}x", "x"),
        ("{{ 'Hi, there,'|find_replace:',|-' }}", "Hi- there-"),
        ("{{ event.items|map:'n'|list_to_string }}", "A, B and C"),
        ("{{ 'a'|multiply:2 }}|{{ 10|multiply:'2' }}|{{ 1|divide:0 }}|", "|20||"),
    ],
)
def test_a_preview(text, says):
    assert render(text, CONTEXT) == says


def test_in_a_text_message_nothing_is_escaped():
    assert render("{{ person.first_name }} {% unsubscribe %}", CONTEXT, escape=False) == "Ana <b> Unsubscribe"


def test_the_moment_is_given():
    assert render("{% current_year %}", {}, now=datetime(2031, 1, 2, tzinfo=UTC)) == "2031"


def test_the_sample_speaks():
    text = "{{ first_name }}{{ organization.name }}{{ event.extra.line_items.0.title }}{{ event.Items.1.ProductName }}"
    assert render(text, SAMPLE) == "AlexNorthwindBlue stoneware mugGreen tea, 100 g"


def test_it_ends_however_much_it_is_asked():
    loop = "{% for a in event.items %}" * 29 + "x" + "{% endfor %}" * 29
    bombs = [
        loop,
        "{% with a='" + "x" * 1000 + "' %}" + "{{ a|append:a|append:a|append:a }}" * 3_000,
        "{{ x" + "|upper" * 300 + " }}" * 2_000,
        "{{" * 100_000,
        "{% if " * 50_000,
        "{% if x %}" * 50_000 + "{% endfor %}" * 50_000,
        "{% " + "'\"" * 900 + " %}" * 500,
        ("{% if " + "not " * 400 + "x %}") * 500,
        "{{ x|center:999999999|ljust:999999999 }}",
        "{{ 1|add:" + "9" * 1_500 + " }}",
        "{{ 9e999999|floatformat:999999 }}",
    ]
    for text in bombs:
        began = time.process_time()
        made = render(text, CONTEXT)
        list(check_tags(text))
        assert time.process_time() - began < 5, text[:40]
        assert len(made) <= 2_000_001 + len(text)


PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "{",
            "}",
            "\n",
            " ",
            "|",
            ":",
            "'",
            '"',
            ".",
            ",",
            "=",
            "\\",
            "\x00",
            "“",
        ),
        *(
            "person.first_name",
            "event.items",
            "item",
            "x",
            "1",
            "-2.5",
            "as",
            "in",
            "and",
            "not",
            "==",
            "reversed",
        ),
        *(
            f"{{% {name} %}}"
            for name in ("else", "endif", "endfor", "if x", "for a in event.items", "with a=b")
        ),
        *(f"{{% {name} " for name in sorted({*BLOCKS, *CLOSINGS, *MIDDLES, *TAGS})),
        *(f"{{{{ event.items|{name}:" for name in sorted(FILTERS)),
        *(f"{{{{ person.points|{name}:'-1' }}}}" for name in sorted(FUNCTIONS)),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=40).map("".join))
@example("{% for a in event.items %}{{ a|lookup:a }}")
@example("{{ person.points|date:'\\" + "\\' }}")
@example(
    "{% cycle %}{% firstof %}{% now %}{% today %}{% filter %}{% endfilter %}{% autoescape %}{% endautoescape %}"
)
@example(
    "{% with %}{% endwith %}{% for %}{% endfor %}{% if %}{% endif %}{% has_category as %}{% currency_format %}"
)
def test_no_text_breaks_it(text):
    """Never raises, always ends; each problem stands at a place of the text."""
    assert isinstance(render(text, CONTEXT), str)
    assert isinstance(render(text, CONTEXT, escape=False), str)
    lines = text.split("\n")
    for one in check_tags(text):
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1])


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(sorted(FUNCTIONS)),
    st.sampled_from(["", ":0", ":'a'", ":x", ":'1:2'", ":999999999", ":'%'", ":-1"]),
)
def test_no_value_breaks_a_filter(value, name, argument):
    text = f"{{{{ x|{name}{argument} }}}}{{% for a in x|{name}{argument} %}}{{{{ a }}}}{{% endfor %}}"
    assert isinstance(render(text, {"x": value}), str)


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="<>&\"'ab", min_size=1, max_size=20))
def test_what_a_variable_says_is_no_markup(value):
    """Through any filter but `safe`, no bracket of the data reaches the page."""
    for name in sorted(set(FUNCTIONS) - {"safe"}):
        made = render(f"{{{{ x|{name}:'a' }}}}", {"x": value})
        assert "<" not in made.replace("<br>", "")
