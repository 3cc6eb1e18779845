"""JSON Schemas that people wrote: what would make a compiler fetch, double or hang is refused before there is one."""

import time
from typing import Any

import pytest

from chassis.json_schemas import UnfitSchema, check, compiled, escaped


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


DOUBLING = {
    "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(20)}
    | {"d20": {"type": "string"}},
    "$ref": "#/$defs/d0",
}


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"$ref": "http://127.0.0.1:9/x"}, "/$ref"),
        ({"properties": {"a/b": {"$dynamicRef": "other"}}}, "/properties/a~1b/$dynamicRef"),
        ({"$id": "http://127.0.0.1:9/"}, "/$id"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"type": "nothing"}, "/type"),
        ({"pattern": "("}, "/pattern"),
        ({"$ref": "#/nowhere"}, ""),
        ({"maximum": float("inf")}, "/maximum"),
        ({"maximum": 2**63}, "/maximum"),
        ({"properties": {"a\x00": {}}}, "/properties"),
        (deep(41), ""),
        ({"const": "x" * 2_000}, ""),
        (DOUBLING, ""),
    ],
)
def test_an_unfit_schema_is_refused_with_its_place(schema: dict[str, Any], place: str) -> None:
    begun = time.process_time()
    with pytest.raises(UnfitSchema) as caught:
        check(schema, max_bytes=3_000 if schema is DOUBLING else 2_000, max_depth=40)
    assert caught.value.place == place
    assert time.process_time() - begun < 5


def test_references_may_be_refused_altogether() -> None:
    own = {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}
    check(own, max_bytes=2_000, max_depth=10)
    with pytest.raises(UnfitSchema, match="no reference"):
        check(own, max_bytes=2_000, max_depth=10, references=False)


def test_a_compiled_schema_matches_in_linear_time_and_fetches_nothing() -> None:
    slow = compiled({"type": "string", "pattern": "^(a+)+$"})
    begun = time.process_time()
    assert not slow.is_valid("a" * 50_000 + "b")
    assert time.process_time() - begun < 5
    with pytest.raises(UnfitSchema):
        compiled({"$ref": "http://127.0.0.1:9/x"})


def test_formats_are_checked_when_they_are_given() -> None:
    even = {"even": lambda text: len(text) % 2 == 0}
    assert not compiled({"format": "even"}, even).is_valid("abc")
    assert compiled({"format": "even"}, even).is_valid("ab")
    assert compiled({"format": "even"}).is_valid("abc")


def test_a_pointers_part_is_escaped() -> None:
    assert escaped("a/b~c") == "a~1b~0c"
