"""Two judges of a create-flow body that are not ours: the official schema, and the official SDK's models.

The schema stands beside the checkout where the project is developed (../shared); elsewhere its tests skip, loudly.
The SDK holds triggers and actions as free objects: a weak judge of those, a good one of the envelope.
"""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"

VALIDATE = SHARED / "klaviyo" / "validate.py"
SPEC = SHARED / "klaviyo" / "openapi" / "klaviyo-2026-07-15.json"


@cache
def _schema() -> Any:
    spec = importlib.util.spec_from_file_location("official_schema", VALIDATE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves the document open
        spec.loader.exec_module(module)
        return module, [module.Spec(str(SPEC), anyof=True), module.Spec(str(SPEC), strict=True, anyof=True)]


def by_schema(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Complaints of the official document, about unpublished keys as well. A oneOf is read as anyOf."""
    if not VALIDATE.exists():
        pytest.skip(f"LOUD: {VALIDATE} is not here, so nobody official judged this payload")
    module, (spec, strict) = _schema()
    definition = body["data"]["attributes"]["definition"]
    complaints = module.check(spec, "FlowCreateQuery", body)
    for one in (spec, strict):
        complaints += module.check(one, "FlowDefinition", definition)
    return list(complaints)


def by_sdk(body: dict[str, Any]) -> list[str]:
    """Complaints of the official SDK."""
    from openapi_client.models.flow_create_query import FlowCreateQuery

    try:
        read = FlowCreateQuery.from_dict(body)
    except Exception as error:
        return [str(error)]
    return [] if read is not None else ["the SDK read nothing"]


def judge(body: dict[str, Any]) -> list[Any]:
    return [*by_schema(body), *by_sdk(body)]
