"""JSON Schemas (2020-12) that people wrote: what one may hold before any compiler sees it, and its compiling.

Whoever writes such a schema has the compiler of every service that uses it at hand. So what would make one ask a server
for a schema is refused, nothing outside is ever fetched, patterns are matched in linear time, and a schema that doubles
itself with each reference is counted as what it comes to.
"""

from collections.abc import Callable, Iterator, Mapping
from json import dumps
from math import isfinite
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_PARTS = 20_000
"""Of a schema with what it refers to written out in each place: parts that refer to a next one twice double with each
of them, and so does the time that the smallest answer takes."""
_REFERENCES = ("$ref", "$dynamicRef")
_INTEGERS = range(-(2**63), 2**63)


class UnfitSchema(ValueError):  # noqa: N818 (it is a finding before it is an error)
    """What is wrong, and where in the schema (a JSON pointer)."""

    def __init__(self, place: str, wrong: str) -> None:
        super().__init__(f"at {place or '/'}: {wrong}")
        self.place = place
        self.wrong = wrong


def check(schema: Mapping[str, Any], *, max_bytes: int, max_depth: int, references: bool = True) -> None:
    """Raises UnfitSchema. `max_depth`: of objects and lists in each other. `references`: whether it may refer to parts
    of itself."""
    for place, value in _walk(schema, "", 1, max_depth):
        _check_value(place, value, references=references)
    if len(dumps(schema, ensure_ascii=False).encode()) > max_bytes:
        raise UnfitSchema("", f"at most {max_bytes} bytes")
    try:
        jsonschema_rs.meta.validate({**schema, "$schema": DIALECT})
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise _unfit(error) from None
    compiled(schema)
    try:
        parts = _Parts(schema, max_depth).of(schema)
    except RecursionError:
        parts = MAX_PARTS + 1
    if parts > MAX_PARTS:
        raise UnfitSchema("", f"at most {MAX_PARTS} parts, counted with what they refer to")


def compiled(
    schema: Mapping[str, Any], formats: Mapping[str, Callable[[str], bool]] | None = None
) -> jsonschema_rs.Validator:
    """Its validator. `formats`: those that are checked beside the standard's; None: formats are not checked. Raises
    UnfitSchema."""
    try:
        return jsonschema_rs.Draft202012Validator(
            dict(schema),
            formats=None if formats is None else dict(formats),
            validate_formats=formats is not None,
            pattern_options=jsonschema_rs.RegexOptions(),
            offline=True,
            mask="…",
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise _unfit(error) from None


def _unfit(error: Exception) -> UnfitSchema:
    if not isinstance(error, jsonschema_rs.ValidationError):
        return UnfitSchema("", "cannot be read as JSON Schema 2020-12")
    place = "".join(f"/{escaped(str(part))}" for part in error.instance_path)
    return UnfitSchema(place, f"{error.message.partition(chr(10))[0][:150]}, so it is no JSON Schema 2020-12")


def escaped(name: str) -> str:
    """As a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


class _Parts:
    """Counts a schema's parts with those that they refer to. What refers back to itself counts once: it ends where the
    answers do."""

    def __init__(self, schema: Mapping[str, Any], max_depth: int) -> None:
        self._known = {"#": 1}
        self._places: dict[str, Any] = {}
        for place, value in _walk(schema, "", 1, max_depth):
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


def _walk(value: Any, place: str, depth: int, max_depth: int) -> Iterator[tuple[str, Any]]:
    if depth > max_depth and isinstance(value, (dict, list)):
        raise UnfitSchema("", f"at most {max_depth} objects and lists in each other")
    yield place, value
    inner: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        inner = ((escaped(name), item) for name, item in value.items())
    elif isinstance(value, list):
        inner = ((str(n), item) for n, item in enumerate(value))
    for name, item in inner:
        yield from _walk(item, f"{place}/{name}", depth + 1, max_depth)


def _check_value(place: str, value: Any, *, references: bool) -> None:
    if isinstance(value, int) and value not in _INTEGERS:
        raise UnfitSchema(place, "a whole number of at most 64 bits")
    if isinstance(value, float) and not isfinite(value):
        raise UnfitSchema(place, "a finite number")
    if isinstance(value, dict):
        if any(ord(letter) < 32 for name in value for letter in name):
            raise UnfitSchema(place, "names without control characters")
        if value.get("$schema", DIALECT) != DIALECT:
            raise UnfitSchema(f"{place}/$schema", f"must be {DIALECT}")
        if "$id" in value:
            # It would move the place that references count from, and beside a reference MongoDB reads both as its own.
            raise UnfitSchema(f"{place}/$id", "is not allowed")
        for name in _REFERENCES:
            if name not in value:
                continue
            if not references:
                raise UnfitSchema(f"{place}/{name}", "no reference is allowed here")
            if not (isinstance(value[name], str) and value[name].startswith("#")):
                raise UnfitSchema(f"{place}/{name}", 'must stay in the schema, like "#/$defs/address"')
