"""Test emails of a template: asked for, kept as a job, never sent anywhere.

Called by the server. Strict as the interface is: one template, one to five addresses, and a context that is an object.
"""

from __future__ import annotations

import re
from typing import Any

from .call import Call, Reply
from .envelope import resource, single
from .errors import ApiError, Problem
from .templates import found

MOST = 5
KIND = "template-preview-send-job"


def send_preview(call: Call) -> Reply:
    given = call.resource(KIND, ("recipients",), ("context",), relationships=("template", "profile"))
    problems = []
    recipients: Any = given["recipients"]
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST:
        text = f"'recipients' must be a list of 1 to {MOST} email addresses."
        problems.append(Problem(text, "/data/attributes/recipients"))
    else:
        problems += [
            Problem("Invalid email address.", f"/data/attributes/recipients/{index}")
            for index, one in enumerate(recipients)
            if not isinstance(one, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", one)
        ]
    if given.get("context") is not None and not isinstance(given["context"], dict):
        problems.append(Problem("'context' must be an object.", "/data/attributes/context"))
    linked = _inside(_inside(call.body["data"].get("relationships"), "template"), "data")
    if (
        not isinstance(linked, dict)
        or linked.get("type") != "template"
        or not isinstance(linked.get("id"), str)
    ):
        text = "The relationship 'template' is required and names one template."
        problems.append(Problem(text, "/data/relationships/template"))
    if problems:
        raise ApiError(*problems)
    template = found(call, linked["id"])
    attributes = {
        "recipients": recipients,
        "context": given.get("context"),
        "html": template.attributes["html"],
        "text": template.attributes.get("text"),
    }
    job = call.store.add(KIND, call.account, attributes)
    told = {"status": "queued", "created_at": job.created}
    return single(call, resource(call, KIND, job.id, told), status=202)


def _inside(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None
