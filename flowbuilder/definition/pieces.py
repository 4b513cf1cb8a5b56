"""Coupons, web addresses, pictures and email addresses inside a text or an email: found, and others put in their place.

    for piece in pieces_in(html, is_html=True): ...               Piece("coupon", "SAVE10", 41, 47, "tag")
    email_for(content, "mail-1", questions, answers)              the email as it is written for one account

Where a question stands in emails is kept with it, in limits["emails"]: [{"email", "what", "value"}]. The email itself
stays whole, so that it can be edited, looked at and tested as any other. Pure.

What is put in is written as its place needs it. It never ends an attribute or a tag, whatever it holds: answers are
judged before (answering.py), and this does not rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any, Literal, Protocol
from urllib.parse import quote

from flowbuilder.graph.values import Config

EMAILS = "emails"  # in the limits of a question
KIND_OF = {
    "coupon": "coupon",
    "url": "text",
    "picture": "image",
    "address": "text",
}  # what -> kind of question
COUPON = re.compile(r"\{%-?\s*coupon_code\s+(['\"])(.+?)\1")
TAGS = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_QUOTE = (
    r"&(?:quot|apos|lt|gt|nbsp|#0*(?:3[49]|60|62|160)|#x0*(?:2[27]|3[ce]|a0));"  # ends an address as well
)
_URL = re.compile(rf"https?://(?:(?!{_QUOTE})[^\s\"'<>\\)\]}}|])+", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE)
_ENDS = ".,;:!?"  # of a sentence, not of the address before
_ENTITY = re.compile(r"&#?\w+;$")
_STYLES = re.compile(r"<style\b[^>]*>.*?(?:</style|\Z)", re.DOTALL | re.IGNORECASE)
_SCRIPTS = re.compile(r"<script\b[^>]*>.*?(?:</script|\Z)", re.DOTALL | re.IGNORECASE)
_OF_PICTURE = re.compile(
    r"(?:\b(?:src|background|poster)\s*=\s*['\"]?|\bsrcset\s*=\s*['\"]?[^'\"<>]*?|\burl\(\s*(?:['\"]|&\#?\w+;)?)\Z",
    re.IGNORECASE,
)
_NO_PICTURE = re.compile(r"\.(?:css|js|woff2?|ttf|otf|eot)(?:[?#]|$)", re.IGNORECASE)
# Addresses that stand in every email of the world: they belong to nobody's shop.
_OF_NOBODY = re.compile(r"https?://(?:www\.)?(?:w3\.org|schemas?\.|fonts\.g|ogp\.me)")
_LOOKED_BACK = 300  # characters before an address that say whether it is of a picture


@dataclass(frozen=True, slots=True)
class Piece:
    """`place`: how it is written there. In a "tag" between quotes; in "html" with & as &amp;; "raw" as it is."""

    what: str
    value: str
    start: int
    end: int
    place: Literal["tag", "html", "raw"]


class Asked(Protocol):
    """A question, as far as it stands in emails: definition.frozen.Question is one."""

    @property
    def key(self) -> str: ...
    @property
    def limits(self) -> Mapping[str, Any]: ...


# --- Finding -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def pieces_in(text: str, *, is_html: bool = False) -> tuple[Piece, ...]:
    """In their order; none overlaps another. Emails are large and rarely change, and are read with every check."""
    styles = [match.span() for match in _STYLES.finditer(text)] if is_html else []
    rest = _blank(_SCRIPTS, text) if is_html else text
    found = [Piece("coupon", one[2], one.start(2), one.end(2), "tag") for one in COUPON.finditer(rest)]
    rest = _blank(TAGS, rest)
    for match in _URL.finditer(rest):
        written = _without_end(match[0])
        in_style = any(start <= match.start() < end for start, end in styles)
        if not _OF_NOBODY.match(written) and not (in_style and _NO_PICTURE.search(written)):
            before = rest[max(0, match.start() - _LOOKED_BACK) : match.start()]
            what = "picture" if is_html and _OF_PICTURE.search(before) else "url"
            value = unescape(written) if is_html and not in_style else written
            place: Literal["html", "raw"] = "html" if is_html and not in_style else "raw"
            found.append(Piece(what, value, match.start(), match.start() + len(written), place))
    for match in _ADDRESS.finditer(_blank(_URL, rest)):
        found.append(Piece("address", match[0], *match.span(), "html" if is_html else "raw"))
    return tuple(sorted(found, key=lambda one: one.start))


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """The same text, as long as it was, with nothing where the pattern was."""
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _without_end(url: str) -> str:
    while url[-1:] in _ENDS and not _ENTITY.search(url):
        url = url[:-1]
    return url


def pieces_of(email: Mapping[str, str]) -> list[Piece]:
    """Of an email's HTML and its text."""
    return [*pieces_in(email.get("html", ""), is_html=True), *pieces_in(email.get("text", ""))]


# --- Putting in ----------------------------------------------------------------------------------------------------


def put_in(text: str, values: Mapping[tuple[str, str], str], *, is_html: bool = False) -> str:
    """`values`: (what, value) -> what stands in its place, wherever it stands."""
    parts, at = [], 0
    for piece in pieces_in(text, is_html=is_html):
        new = values.get((piece.what, piece.value))
        if new is not None and (written := _written(piece, new)):
            parts += [text[at : piece.start], written]
            at = piece.end
    return "".join((*parts, text[at:])) if parts else text


def _written(piece: Piece, new: str) -> str:
    """As it can stand at the place; empty where it cannot."""
    new = "".join(one for one in new if one.isprintable())
    if piece.what == "coupon":
        return re.sub(r"['\"{}<>\\]", "", new).strip()
    if piece.what == "address":
        plain = re.sub(r"[^\w.+@-]", "", new)
        return plain if "@" in plain else ""
    new = re.sub(r"[\s'\"<>\\{}()`^|]", lambda one: quote(one[0], safe=""), new.strip())
    new = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", new)
    if not re.match(r"https?://", new, re.IGNORECASE):
        return ""
    return new.replace("&", "&amp;") if piece.place == "html" else new


def email_for(
    content: Mapping[str, str], key: str, questions: Iterable[Asked], answers: Mapping[str, Any]
) -> Mapping[str, str]:
    """An email with an account's answers in it; what is not answered stays as it is written."""
    values = {
        (place["what"], place["value"]): str(answers[one.key])
        for one in questions
        for place in places_in(one.limits, key)
        if answers.get(one.key) not in (None, "", [])
    }
    if not values:
        return content
    html = put_in(content.get("html", ""), values, is_html=True)
    text = put_in(content.get("text", ""), values)
    return {**content, "html": html, **({"text": text} if "text" in content else {})}


# --- Which questions stand where -----------------------------------------------------------------------------------


def places_in(limits: Mapping[str, Any], email: str) -> Iterator[Mapping[str, str]]:
    """Where a question stands in one email."""
    for place in limits.get(EMAILS, ()):
        if place["email"] == email:
            yield place


def stands_in(limits: Mapping[str, Any], emails: Container[str]) -> bool:
    """Whether a question stands in one of these emails."""
    return any(place["email"] in emails for place in limits.get(EMAILS, ()))


def missing_in(questions: Iterable[Asked], emails: Container[str], answers: Mapping[str, Any]) -> list[str]:
    """Keys of the questions in these emails that have no answer."""
    return [
        one.key
        for one in questions
        if answers.get(one.key) in (None, "", []) and stands_in(one.limits, emails)
    ]


def with_place(question: Config, email: str, what: str, value: str) -> dict[str, Any]:
    """A question that stands in an email as well."""
    place = {"email": email, "what": what, "value": value}
    limits = dict(question.get("limits") or {})
    places = [one for one in limits.get(EMAILS, ()) if one != place]
    inside = {} if what == "picture" else {"inside": what}  # an image is judged by its kind
    return {**question, "limits": {**limits, **inside, EMAILS: [*places, place]}}


def without_place(question: Config, email: str, what: str, value: str) -> dict[str, Any]:
    place = {"email": email, "what": what, "value": value}
    limits = dict(question.get("limits") or {})
    limits[EMAILS] = [one for one in limits.get(EMAILS, ()) if one != place]
    if not limits[EMAILS]:
        del limits[EMAILS]
    return {**question, "limits": limits}


def moved(question: Config, keys: Mapping[str, str]) -> dict[str, Any]:
    """A question of a flow whose emails were copied: old key -> new key."""
    limits = dict(question.get("limits") or {})
    if EMAILS in limits:
        places = [{**one, "email": keys.get(one["email"], one["email"])} for one in limits[EMAILS]]
        limits[EMAILS] = places
    return {**question, "limits": limits} if limits else dict(question)
