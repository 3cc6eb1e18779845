"""What a procedure's form may be: a JSON Schema (2020-12) of an object that needs nothing outside itself.

A form comes from whoever edits the catalogue and is compiled by every service that validates answers with it, so what
would make a compiler ask a server for a schema is refused here, before any compiler sees it.
"""

from collections.abc import Iterator
from json import dumps
from math import isfinite
from typing import Annotated, Any
from urllib.parse import unquote

import jsonschema_rs
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_BYTES = 200_000
MAX_DEPTH = 40
"""Of objects and lists in each other; a store and a schema compiler each have their own limit, far above."""
MAX_PARTS = 20_000
"""Of the form with what it refers to written out in each place: parts that refer to a next one twice double with each
of them, and so does the time that the smallest answer takes."""
_REFERENCES = ("$ref", "$dynamicRef")
_INTEGERS = range(-(2**63), 2**63)


class _UnfitError(ValueError):
    """What is wrong, and where in the form."""

    def __init__(self, place: str, wrong: str) -> None:
        super().__init__(f"at {place or '/'}: {wrong}")


def checked(form: dict[str, Any]) -> dict[str, Any]:
    """The form, or PydanticCustomError `form` that says what is wrong with it, and where."""
    try:
        _check(form)
    except _UnfitError as unfit:
        raise PydanticCustomError("form", "{wrong}", {"wrong": str(unfit)[:300]}) from None
    return form


Form = Annotated[dict[str, Any], AfterValidator(checked), WithJsonSchema({"type": "object", "title": "Form"})]


def _check(form: dict[str, Any]) -> None:
    for place, value in _walk(form, "", 1):
        _check_value(place, value)
    if len(dumps(form, ensure_ascii=False).encode()) > MAX_BYTES:
        raise _UnfitError("", f"at most {MAX_BYTES} bytes")
    if form.get("type") != "object":
        raise _UnfitError("/type", 'must be "object"')
    try:
        jsonschema_rs.meta.validate({**form, "$schema": DIALECT})
        jsonschema_rs.Draft202012Validator(form, pattern_options=jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError as error:
        place = "".join(f"/{_escaped(str(part))}" for part in error.instance_path)
        raise _UnfitError(
            place, f"{error.message.partition(chr(10))[0][:150]}, so it is no JSON Schema 2020-12"
        ) from None
    except (ValueError, jsonschema_rs.ReferencingError):
        raise _UnfitError("", "cannot be read as JSON Schema 2020-12") from None
    try:
        parts = _Parts(form).of(form)
    except RecursionError:
        parts = MAX_PARTS + 1
    if parts > MAX_PARTS:
        raise _UnfitError("", f"at most {MAX_PARTS} parts, counted with what they refer to")


class _Parts:
    """Counts a form's parts with those that they refer to. What refers back to itself counts once: it ends where the
    answers do."""

    def __init__(self, form: dict[str, Any]) -> None:
        self._known = {"#": 1}
        self._places: dict[str, Any] = {}
        for place, value in _walk(form, "", 1):
            self._places[f"#{place}"] = value
            if isinstance(value, dict):
                for name in ("$anchor", "$dynamicAnchor"):
                    self._places[f"#{value.get(name)}"] = value

    def of(self, value: Any) -> int:
        if isinstance(value, dict):
            referred = (self._referred(value[name]) for name in _REFERENCES if isinstance(value.get(name), str))
            return 1 + sum(self.of(item) for item in value.values()) + sum(referred)
        return 1 + sum(self.of(item) for item in value) if isinstance(value, list) else 1

    def _referred(self, reference: str) -> int:
        place = unquote(reference)
        if place not in self._known:
            self._known[place] = 1
            self._known[place] = self.of(self._places.get(place))
        return self._known[place]


def _walk(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH and isinstance(value, (dict, list)):
        raise _UnfitError("", f"at most {MAX_DEPTH} objects and lists in each other")
    yield place, value
    inner: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        inner = ((_escaped(name), item) for name, item in value.items())
    elif isinstance(value, list):
        inner = ((str(n), item) for n, item in enumerate(value))
    for name, item in inner:
        yield from _walk(item, f"{place}/{name}", depth + 1)


def _check_value(place: str, value: Any) -> None:
    if isinstance(value, int) and value not in _INTEGERS:
        raise _UnfitError(place, "a whole number of at most 64 bits")
    if isinstance(value, float) and not isfinite(value):
        raise _UnfitError(place, "a finite number")
    if isinstance(value, dict):
        if any(ord(letter) < 32 for name in value for letter in name):
            raise _UnfitError(place, "names without control characters")
        if value.get("$schema", DIALECT) != DIALECT:
            raise _UnfitError(f"{place}/$schema", f"must be {DIALECT}")
        if "$id" in value:
            # It would move the place that references count from, and beside a reference MongoDB reads both as its own.
            raise _UnfitError(f"{place}/$id", "is not allowed in a form")
        for name in _REFERENCES:
            if name in value and not (isinstance(value[name], str) and value[name].startswith("#")):
                raise _UnfitError(f"{place}/{name}", 'must stay in the form, like "#/$defs/address"')


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
