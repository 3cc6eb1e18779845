"""What a procedure's form may be: a JSON Schema (2020-12) of an object that needs nothing outside itself.

A form comes from whoever edits the catalogue and is compiled by every service that validates answers with it, so it is
looked into here, before any compiler sees it (see `chassis.json_schemas`).
"""

from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from chassis import json_schemas

MAX_BYTES = 200_000
MAX_DEPTH = 40
"""Of objects and lists in each other; a store and a schema compiler each have their own limit, far above."""


def checked(form: dict[str, Any]) -> dict[str, Any]:
    """The form, or PydanticCustomError `form` that says what is wrong with it, and where."""
    try:
        json_schemas.check(form, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except json_schemas.UnfitSchema as unfit:
        raise _wrong(unfit) from None
    if form.get("type") != "object":
        raise _wrong(json_schemas.UnfitSchema("/type", 'must be "object"'))
    return form


def _wrong(unfit: json_schemas.UnfitSchema) -> PydanticCustomError:
    return PydanticCustomError("form", "{wrong}", {"wrong": str(unfit)[:300]})


Form = Annotated[dict[str, Any], AfterValidator(checked), WithJsonSchema({"type": "object", "title": "Form"})]
