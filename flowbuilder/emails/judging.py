"""What a person should know of an email before it is sent: tags, the way out, its size."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowbuilder.emails.showing import unseen
from flowbuilder.kinds.tags import check_tags, has_unsubscribe

CLIPPED_AT = 102 * 1024  # bytes of HTML, beyond which Gmail cuts a message off
_MARKS = re.compile(r"<[^<>]+>|\{\{[^{}]*\}\}|\{[%#][^{}]*[%#]\}")


@dataclass(frozen=True, slots=True)
class Remark:
    """`part` is the field that it is about, `line` its line, from 1; 0 for the whole."""

    tone: str
    text: str
    part: str = "html"
    line: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    remarks: tuple[Remark, ...]
    words: int
    size: int

    @property
    def kilobytes(self) -> str:
        return f"{self.size / 1024:.1f}"


def judge(html: str, text: str, *, wrong_data: str = "") -> Judged:
    """`wrong_data`: what is wrong with one's own sample data."""
    remarks = [Remark("bad", wrong_data, "sample")] if wrong_data else []
    remarks += [
        Remark("bad" if one.blocks else "warn", one.text, part, one.line)
        for part, content in (("html", html), ("text", text))
        for one in check_tags(content)
    ]
    if not html.strip() and not text.strip():
        remarks.append(Remark("bad", "The email says nothing yet."))
    elif not has_unsubscribe(html or text):
        sentence = "There is no unsubscribe link: put {% unsubscribe %} where people look for it, at the end."
        remarks.append(Remark("warn", sentence))
    size = len(html.encode())
    if size > CLIPPED_AT:
        sentence = (
            f"Gmail cuts messages off after 102 KB; this one has {size / 1024:.0f} KB. Take something out."
        )
        remarks.append(Remark("warn", sentence))
    return Judged(tuple(remarks), words_in(html or text), size)


def words_in(html: str) -> int:
    """Words that can be read: no tags of either kind, no styles."""
    pieces, last = [], 0
    for start, end in unseen(html):
        pieces.append(html[last:start])
        last = end
    pieces.append(html[last:])
    return len(_MARKS.sub(" ", " ".join(pieces)).split())
