"""Whether a step comes: a condition over the dossier's facts and the outcomes of earlier steps. Plain Python.

A condition is JSON Schema (2020-12) of {"facts": {name: value}, "outcomes": {step: outcome}}. What it names must be
there: where JSON Schema lets a missing property pass, a missing fact, or an outcome not known yet, does not match.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from chassis import json_schemas

MAX_BYTES = 4_000
MAX_DEPTH = 12
_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")


def holds(condition: Mapping[str, Any] | None, facts: Mapping[str, Any], outcomes: Mapping[str, str]) -> bool:
    """Whether the step comes. None always holds; so does what is no schema, since a step that is done needlessly is
    mended more easily than one that was left out."""
    if condition is None:
        return True
    validator = _compiled(json.dumps(condition, sort_keys=True))
    if validator is None:
        return True
    try:
        return validator.is_valid({"facts": dict(facts), "outcomes": dict(outcomes)})
    except (TypeError, ValueError, OverflowError):
        return False


def check(condition: Mapping[str, Any]) -> None:
    """Raises `json_schemas.UnfitSchema` for what is no condition, or more than one may be."""
    json_schemas.check(condition, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, references=False)


@lru_cache(maxsize=2_000)
def _compiled(condition: str) -> jsonschema_rs.Validator | None:
    """Compiled once: that takes a hundred times as long as using it."""
    try:
        return json_schemas.compiled(_demanding(json.loads(condition), 2))
    except (json_schemas.UnfitSchema, RecursionError):
        return None


def _demanding(schema: Any, levels: int) -> Any:
    """The schema with what it names required, down to the names of facts and steps."""
    if not isinstance(schema, dict) or not levels:
        return schema
    made = dict(schema)
    for name in _LISTS:
        if isinstance(made.get(name), list):
            made[name] = [_demanding(each, levels) for each in made[name]]
    for name in _SAME:
        if name in made:
            made[name] = _demanding(made[name], levels)
    if isinstance(made.get("properties"), dict):
        required = made.get("required")
        made["required"] = sorted({*(required if isinstance(required, list) else ()), *made["properties"]})
        made["properties"] = {name: _demanding(each, levels - 1) for name, each in made["properties"].items()}
    return made
