"""A starter's emails: bodies in a few plain tags -> whole HTML for mail programs, and the same as plain text.

    html_of(body, title=..., because=...)      text_of(body, because=...)

A body holds h1, h2, p, p.soft, ul, li, a, a.button, strong, br; `<!-- items -->` stands for frame/items.html. Styles
stand on each tag: many mail programs read no others.
"""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from pathlib import Path

FRAME = Path(__file__).resolve().parent / "frame"
_STYLED = {
    "<h1>": '<h1 class="title ink" style="margin:0 0 20px;font-family:Georgia,\'Times New Roman\',serif;'
    'font-size:30px;line-height:38px;font-weight:400;color:#1d2530;">',
    "<h2>": '<h2 class="ink" style="margin:28px 0 12px;font-size:17px;line-height:24px;font-weight:600;'
    'color:#1d2530;">',
    "<p>": '<p class="ink" style="margin:0 0 16px;color:#1d2530;">',
    '<p class="soft">': '<p class="soft" style="margin:0 0 16px;font-size:14px;line-height:22px;color:#5d6470;">',
    "<ul>": '<ul class="ink" style="margin:0 0 16px;padding:0 0 0 20px;color:#1d2530;">',
    "<li>": '<li style="margin:0 0 8px;">',
    '<a href="': '<a style="color:#1d2530;text-decoration:underline;" href="',
}
_BUTTON = re.compile(r'<a class="button" href="([^"]*)">(.*?)</a>')
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>')
_PIECE = re.compile(r"<!-- (\w+) -->")


@cache
def _frame(name: str) -> str:
    return (FRAME / name).read_text(encoding="utf-8").strip()


def html_of(body: str, *, title: str, because: str) -> str:
    body = body.strip()
    for tag, styled in _STYLED.items():
        body = body.replace(tag, styled)
    button = _frame("button.html")
    body = _BUTTON.sub(lambda found: button.replace("[[url]]", found[1]).replace("[[text]]", found[2]), body)
    body = _PIECE.sub(lambda found: _frame(f"{found[1]}.html"), body)
    whole = _frame("frame.html").replace("[[title]]", title).replace("[[because]]", because)
    return whole.replace("[[body]]", body) + "\n"


def text_of(body: str, *, because: str) -> str:
    body = _BUTTON.sub(r"\2: \1", body.strip())
    body = _LINK.sub(r"\2 (\1)", body)
    body = body.replace("<br>", "\n").replace("<li>", "- ").replace("<ul>\n", "")
    body = _PIECE.sub(lambda found: _frame(f"{found[1]}.txt"), body)
    body = re.sub(r"(</h1>|</h2>|</p>|</ul>)", "\n", body)
    body = re.sub(r"</?\w[^<>]*>", "", body)
    body = re.sub(r"\n{3,}", "\n\n", unescape(body)).strip()
    return _frame("frame.txt").replace("[[because]]", because).replace("[[body]]", body) + "\n"
