"""A form as a browser would post it, read from the page: for tests of what is drawn against what is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Drawn(HTMLParser):
    """The fields of one form: (name, value) in the order of the page, and the values of its act buttons."""

    form: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.is_inside = False
        self.select: str | None = None
        self.chosen: list[str] = []
        self.options: list[str] = []
        self.area: tuple[str, str] | None = None
        self.label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.is_inside = given.get("id") == self.form
        is_ours = given["form"] == self.form if "form" in given else self.is_inside
        if tag == "label":
            self.label = given.get("for", "")
        if not is_ours:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.fields.append((name, given.get("value", "on")))
        elif tag == "select":
            self.select, self.chosen, self.options = name, [], []
        elif tag == "option" and self.select is not None:
            self.options.append(given.get("value", ""))
            if "selected" in given:
                self.chosen.append(given.get("value", ""))
        elif tag == "textarea":
            self.area = (name, "")
        elif tag == "button" and name == "act":
            self.acts.append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False
        elif tag == "label":
            self.label = ""
        elif tag == "select" and self.select is not None:
            self.fields += [(self.select, one) for one in self.chosen[-1:] or self.options[:1]]
            self.select = None
        elif tag == "textarea" and self.area is not None:
            name, text = self.area
            self.fields.append((name, text.removeprefix("\n").replace("\n", "\r\n")))
            self.area = None

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area = (self.area[0], self.area[1] + data)
        if self.label:
            self.labels[self.label] = (self.labels.get(self.label, "") + data).strip()

    @property
    def posted(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        return found


def drawn(html: str, form: str = "settings-form") -> Drawn:
    reader = Drawn(form)
    reader.feed(html)
    return reader
