"""What the client hands back: small frozen values read from JSON:API resources.

Made by client.py, read by anyone. Each `resource` is the untouched resource object {type, id, attributes,
relationships, links}. Attributes that are absent or of the wrong kind become None (or ""), for Klaviyo adds
and drops attributes between revisions; an absent id is Unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from accounts.klaviyo.errors import Unknown

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """Anything with an id and a name; a list, a segment and a tag need no more."""

    id: str
    name: str
    resource: Resource = field(repr=False, compare=False)

    @property
    def updated_at(self) -> datetime | None:
        """When it was last changed, where Klaviyo says so."""
        return _time(_attributes(self.resource), "updated")

    @classmethod
    def read(cls, resource: Any) -> Self:
        attributes = _attributes(resource)
        return cls(_id(resource), _text(attributes, "name") or "", resource, **cls._more(attributes))

    @classmethod
    def _more(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Segment(Named):
    """`definition`: {"condition_groups": [...]}, None where Klaviyo does not tell."""

    definition: dict[str, Any] | None

    @classmethod
    def _more(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        definition = attributes.get("definition")
        return {"definition": definition if isinstance(definition, dict) else None}


@dataclass(frozen=True, slots=True)
class Account(Named):
    """The one account of a connection; `id` is the six-character company id. `name`: the organisation's."""

    is_test: bool
    timezone: str | None
    currency: str | None
    sender_name: str | None
    sender_email: str | None

    @classmethod
    def read(cls, resource: Any) -> Self:
        attributes = _attributes(resource)
        contact = attributes.get("contact_information")
        contact = contact if isinstance(contact, dict) else {}
        return cls(
            id=_id(resource),
            name=_text(contact, "organization_name") or "",
            resource=resource,
            is_test=attributes.get("test_account") is True,
            timezone=_text(attributes, "timezone"),
            currency=_text(attributes, "preferred_currency"),
            sender_name=_text(contact, "default_sender_name"),
            sender_email=_text(contact, "default_sender_email"),
        )


@dataclass(frozen=True, slots=True)
class Metric(Named):
    """A kind of event. Two metrics may share a name when their integrations differ."""

    integration: str | None
    category: str | None

    @classmethod
    def _more(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        integration = attributes.get("integration")
        integration = integration if isinstance(integration, dict) else {}
        return {"integration": _text(integration, "name"), "category": _text(integration, "category")}


@dataclass(frozen=True, slots=True)
class MetricProperty:
    """A property that events of a metric carry. `type` as Klaviyo infers it; `samples` are values seen lately."""

    name: str
    label: str
    type: str
    samples: tuple[str, ...]

    @classmethod
    def read(cls, resource: Any) -> Self:
        attributes = _attributes(resource)
        name = _text(attributes, "property") or _text(attributes, "label") or ""
        given = attributes.get("sample_values")
        samples = tuple(str(one) for one in given if one not in (None, "")) if isinstance(given, list) else ()
        label, kind = _text(attributes, "label"), _text(attributes, "inferred_type")
        return cls(name, label or name, kind or "", samples)


@dataclass(frozen=True, slots=True)
class Template(Named):
    """An email template. `html` may be None for templates made in Klaviyo's own editor."""

    editor_type: str | None
    html: str | None = field(repr=False)
    text: str | None = field(repr=False)

    @classmethod
    def _more(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        return {name: _text(attributes, name) for name in ("editor_type", "html", "text")}


@dataclass(frozen=True, slots=True)
class Flow(Named):
    """A flow. `status`: draft, manual or live. `definition`: None unless asked for. Times are aware."""

    status: str | None
    trigger_type: str | None
    is_archived: bool
    created: datetime | None
    updated: datetime | None
    definition: dict[str, Any] | None = field(repr=False)

    @classmethod
    def _more(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        definition = attributes.get("definition")
        return {
            "status": _text(attributes, "status"),
            "trigger_type": _text(attributes, "trigger_type"),
            "is_archived": attributes.get("archived") is True,
            "created": _time(attributes, "created"),
            "updated": _time(attributes, "updated"),
            "definition": definition if isinstance(definition, dict) else None,
        }


def _attributes(resource: Any) -> dict[str, Any]:
    attributes = resource.get("attributes") if isinstance(resource, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _id(resource: Any) -> str:
    value = resource.get("id") if isinstance(resource, dict) else None
    if not isinstance(value, str) or not value:
        raise Unknown("Klaviyo's answer names no id for what was asked; the request may have taken effect.")
    return value


def _text(attributes: dict[str, Any], name: str) -> str | None:
    value = attributes.get(name)
    return value if isinstance(value, str) else None


def _time(attributes: dict[str, Any], name: str) -> datetime | None:
    try:
        value = datetime.fromisoformat(attributes[name])
    except (KeyError, TypeError, ValueError):
        return None
    return value if value.tzinfo else None
