"""Klaviyo's template tags that the menu beside a text offers: about the person, the event, the company, links."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowbuilder.editor import properties
from flowbuilder.queries import Design

MOST_OF_EVENT = 12


@dataclass(frozen=True, slots=True)
class Tag:
    label: str
    code: str


PERSON = (
    Tag("First name, or “there”", "{{ first_name|default:'there' }}"),
    Tag("Last name", "{{ last_name|default:'' }}"),
    Tag("Email address", "{{ email }}"),
    Tag("City", "{{ person|lookup:'$city'|default:'' }}"),
    Tag("A property of your own", "{{ person|lookup:'Favourite colour'|default:'' }}"),
)
COMPANY = (
    Tag("Company", "{{ organization.name }}"),
    Tag("Address", "{{ organization.full_address }}"),
    Tag("Website", "{{ organization.url }}"),
)
LINKS = (
    Tag("Unsubscribe", "{% unsubscribe %}"),
    Tag("Manage preferences", "{% manage_preferences %}"),
    Tag("Open in the browser", "{% web_view %}"),
)
OTHER = (
    Tag("A coupon", "{% coupon_code 'NAME' %}"),
    Tag("Only if the first name is known", "{% if first_name %}Hello {{ first_name }}{% endif %}"),
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def tags_for(design: Design, key: str) -> list[tuple[str, list[Tag]]]:
    """(group, tags) for a text of this step. Event properties are those of the trigger's metric."""
    groups = [("About the person", list(PERSON))]
    trigger = design.graph.trigger
    if trigger is not None and trigger.type == "metric":
        metric = properties.metric_of(design, "", ())
        offers = properties.of_event(design.flow.workspace, *metric)[:MOST_OF_EVENT]
        groups.append(("About the event", [Tag(name, event_tag(name)) for name, _ in offers]))
    groups.append(("About the company", list(COMPANY)))
    step = design.graph.by_key.get(key)
    if step is not None and step.type == "send-email":
        groups.append(("Links", list(LINKS)))
    return [*groups, ("More", list(OTHER))]


def event_tag(name: str) -> str:
    if _WORD.fullmatch(name):
        return f"{{{{ event.{name}|default:'' }}}}"
    quote = '"' if "'" in name else "'"
    return f"{{{{ event|lookup:{quote}{name}{quote}|default:'' }}}}"
