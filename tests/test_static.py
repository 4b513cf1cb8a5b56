"""What the browser is given: vendored scripts are the ones written down, and nothing needs a hole in the policy.

Needs no database. The strict Content-Security-Policy refuses inline handlers, styles and scripts; here they are refused
before a browser has to.
"""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
STYLES = sorted((STATIC / "css").rglob("*.css"))
ROW = re.compile(
    r"^\| `(?P<file>[^`]+)` \| (?P<package>\S+) \| (?P<version>\S+) \| .* `(?P<licence>\S+)` \| `(?P<sha>\w{64})` \|$",
    re.MULTILINE,
)
VENDORED = [row.groupdict() for row in ROW.finditer((VENDOR / "README.md").read_text())]

# Name of the hole -> how it is written. Email templates are mail, not pages: mail programs want inline styles.
HOLES = {
    "htmx handler": re.compile(r"\bhx-on\b|\bdata-hx-on\b"),
    "inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "inline style": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE),
    "script address": re.compile(r"javascript:", re.IGNORECASE),
    "evaluated value": re.compile(r"[\"']js:"),
}
SCRIPT_HOLES = {
    **{name: HOLES[name] for name in ("htmx handler", "script address")},
    "eval": re.compile(r"\beval\(|new Function\("),
    "handler as text": re.compile(r"setAttribute\(\s*[\"'](on|style)"),
    "markup as text": re.compile(r"innerHTML\s*[+]?=|insertAdjacentHTML|document\.write"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_vendored_files_and_their_table_say_the_same():
    assert {row["file"] for row in VENDORED} == {path.name for path in VENDOR.glob("*.js")}
    for row in VENDORED:
        assert hashlib.sha256((VENDOR / row["file"]).read_bytes()).hexdigest() == row["sha"], row["file"]
        assert (VENDOR / row["licence"]).stat().st_size > 200, row["licence"]


def test_htmx_stays_on_the_2_0_line():
    [version] = re.findall(r'version:"([\d.]+)"', (VENDOR / "htmx.min.js").read_text())
    assert version.startswith("2.0."), (
        "4.x changes the meaning of hx-disable: a silent jump removes a defence"
    )
    assert version == next(row["version"] for row in VENDORED if row["package"] == "htmx.org")


def test_htmx_is_configured_for_the_policy():
    [content] = re.findall(
        r"<meta name=\"htmx-config\" content='([^']+)'>", (ROOT / "templates/base.html").read_text()
    )
    config = json.loads(content)
    closed = {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
    }
    assert closed.items() <= config.items()
    assert config["historyCacheSize"] == 0
    assert {"code": "409|422", "swap": True} in config["responseHandling"]


@pytest.mark.parametrize("path", [path for path in TEMPLATES if "/email/" not in str(path)], ids=name_of)
def test_template_needs_no_hole_in_the_policy(path):
    text = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.DOTALL)
    assert [name for name, hole in HOLES.items() if hole.search(text)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_script_needs_no_hole_in_the_policy(path):
    text = path.read_text()
    assert [name for name, hole in SCRIPT_HOLES.items() if hole.search(text)] == []
    assert len(text.splitlines()) <= 250, "an island, not a continent"


@pytest.mark.parametrize("path", STYLES, ids=name_of)
def test_style_is_layered_and_known(path):
    text = path.read_text()
    assert len(text.splitlines()) < 400
    assert re.search(r"^@layer \w+ \{", text, re.MULTILINE), "a rule outside the layers wins over all of them"
    defined = set(re.findall(r"(--[\w-]+)\s*:", "".join(style.read_text() for style in STYLES)))
    set_by_script = {"--zoom", "--pan-x", "--pan-y"}
    assert set(re.findall(r"var\((--[\w-]+)", text)) <= defined | set_by_script


def test_pictures_that_templates_name_are_in_the_sprite():
    there = set(re.findall(r'<symbol id="i-([\w-]+)"', (STATIC / "icons.svg").read_text()))
    named = {}
    for path in TEMPLATES:
        for picture in re.findall(r'components/icon\.html" with [^%]*?name="([\w-]+)"', path.read_text()):
            named.setdefault(picture, name_of(path))
    assert {picture: where for picture, where in named.items() if picture not in there} == {}


def test_static_files_that_templates_name_exist():
    missing = {
        (name_of(path), name)
        for path in TEMPLATES
        for name in re.findall(r"\{% static '([^']+)' %\}|\{% static \"([^\"]+)\" %\}", path.read_text())
        for name in name
        if name and not (STATIC / name).exists()
    }
    # Django's and other packages' own files may be named too.
    assert {entry for entry in missing if not entry[1].startswith(("admin/", "account/", "drf"))} == set()
