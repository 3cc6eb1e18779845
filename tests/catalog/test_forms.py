"""Forms of procedures: JSON Schema (2020-12) that needs nothing outside itself."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from catalog.forms import MAX_DEPTH, Form
from chassis.json_schemas import DIALECT
from tests.catalog.callers import Api
from tests.catalog.making import body, procedure

FORM: TypeAdapter[dict[str, Any]] = TypeAdapter(Form)
CODE = procedure().code
GOOD = {
    "$schema": DIALECT,
    "type": "object",
    "required": ["area"],
    "properties": {
        "area": {"type": "number", "minimum": 0, "title": "Diện tích (m²)"},
        "address": {"$ref": "#/$defs/address"},
        "số.thửa": {"type": "string", "pattern": "^[0-9]{1,5}$"},
    },
    "$defs": {"address": {"type": "object", "properties": {"commune": {"type": "string"}}}},
}


def nested(depth: int) -> dict[str, Any]:
    form: dict[str, Any] = {"type": "object"}
    while depth > 1:
        form = {"type": "object", "not": form}
        depth -= 1
    return form


def doubling(levels: int, reference: str = "#/$defs/a{}", **more: Any) -> dict[str, Any]:
    """A few lines that take an answer's smallest part 2 ** levels times."""
    parts = {
        f"a{n}": {"allOf": [{"$ref": reference.format(n + 1)}, {"$ref": reference.format(n + 1)}], "$anchor": f"x{n}"}
        for n in range(levels)
    }
    last = {"type": "object", "$anchor": f"x{levels}"}
    return {"type": "object", "$defs": {**parts, f"a{levels}": last}, "$ref": reference.format(0), **more}


WRONG = {
    json.dumps(doubling(30)): "/",
    json.dumps(doubling(30, "#x{}")): "/",
    json.dumps(doubling(30, "#/%24defs/a{}")): "/",
    '{"type": "string"}': "/type",
    "{}": "/type",
    '{"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}': "/$schema",
    '{"type": "object", "properties": {"a": {"$schema": "http://127.0.0.1:9/meta"}}}': "/properties/a/$schema",
    '{"type": "object", "$ref": "http://127.0.0.1:9/x"}': "/$ref",
    '{"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}': "/properties/a/$ref",
    '{"type": "object", "$dynamicRef": "http://127.0.0.1:9/x"}': "/$dynamicRef",
    '{"type": "object", "$ref": {"$id": "x"}}': "/$ref",
    '{"type": "object", "$ref": "#/$defs/nothing"}': "/",
    '{"type": "object", "$id": "urn:x", "$ref": "#"}': "/$id",
    '{"type": "object", "required": 5}': "/required",
    '{"type": "object", "properties": {"a": {"type": "strin"}}}': "/properties/a/type",
    '{"type": "object", "properties": {"a/b": {"type": "strin"}}}': "/properties/a~1b/type",
    '{"type": "object", "properties": {"a": {"pattern": "("}}}': "/properties/a/pattern",
    '{"type": "object", "properties": {"a": {"minimum": NaN}}}': "/properties/a/minimum",
    '{"type": "object", "properties": {"a": {"maximum": 99999999999999999999}}}': "/properties/a/maximum",
    '{"type": "object", "properties": {"a\\u0000b": true}}': "/properties",
    json.dumps({"type": "object", "description": "đ" * 100_001}): "/",
    json.dumps(nested(MAX_DEPTH + 1)): "/",
}


def test_a_form_is_published_stored_and_told_as_it_is(api: Api) -> None:
    made = procedure(form=GOOD)
    assert api.put(f"/procedures/{CODE}", body(made), key="a").status_code == 201
    assert api.public(f"/procedures/{CODE}").json["form"] == GOOD
    again = api.put(f"/procedures/{CODE}", body(made) | {"name": "Tên khác"}, match=1)
    assert (again.status_code, api.public(f"/procedures/{CODE}?version=2").json["form"]) == (200, GOOD)


def test_the_deepest_form_is_taken() -> None:
    assert FORM.validate_python(nested(MAX_DEPTH)) == nested(MAX_DEPTH)


@pytest.mark.parametrize(("text", "place"), WRONG.items(), ids=[f"{n}" for n in range(len(WRONG))])
def test_a_wrong_form_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FORM.validate_json(text)
    [error] = caught.value.errors()
    assert error["type"] == "form"
    assert error["msg"].startswith(f"at {place}:")


def test_a_wrong_form_spoils_a_publication_and_names_the_field(api: Api) -> None:
    answer = api.put(f"/procedures/{CODE}", body(procedure()) | {"form": {"type": "array"}}, key="a")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/form")
    assert api.public(f"/procedures/{CODE}").status_code == 404


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "$ref", "$defs", "enum", "items", "allOf", "pattern", "x", "$anchor"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=4) | st.sampled_from(["properties", "$defs", "not"]), JSON_VALUES, max_size=4))
def test_whatever_is_sent_is_a_form_or_refused(rest: dict[str, Any]) -> None:
    with suppress(ValidationError):
        taken = FORM.validate_python(rest | {"type": "object"})
        assert taken == rest | {"type": "object"}
