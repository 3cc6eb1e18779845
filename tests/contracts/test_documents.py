"""The contract documents in the repository are what the code says, and are valid by their own specifications."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import validate
from openapi_spec_validator.schemas import get_schema_content_v31

from tests.contracts.documents import APIS, EVENTS, TOP, documents


@pytest.mark.parametrize("path", sorted([EVENTS, *APIS.values()]), ids=lambda path: path.name)
def test_document_in_the_repository_is_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == documents()[path], "run: python -m tests.contracts.documents"


DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""That of OpenAPI 3.1's schemas."""


def references(part: Any) -> Iterator[str]:
    """Every place that a document refers to."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key == "$ref" and isinstance(value, str):
            yield value
        yield from references(value)


@pytest.mark.parametrize("path", sorted(APIS.values()), ids=lambda path: path.name)
def test_openapi_document_has_its_form_and_what_it_refers_to(path: Path) -> None:
    document = json.loads(documents()[path])
    jsonschema_rs.validator_for(dict(get_schema_content_v31())).validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})
    components = {f"#/components/{kind}/{name}" for kind, named in document["components"].items() for name in named}
    assert {*references(document)} <= components
    for where, operations in document["paths"].items():
        for operation in operations.values():
            named = {each["name"] for each in operation.get("parameters", ()) if each.get("in") == "path"}
            assert named == {*re.findall(r"{(\w+)}", where)}, where


@pytest.mark.thorough
@pytest.mark.parametrize("path", sorted(APIS.values()), ids=lambda path: path.name)
def test_openapi_document_is_valid(path: Path) -> None:
    """Every schema of it too, each default and example."""
    validate(json.loads(documents()[path]))


def test_each_sample_event_fits_its_asyncapi_schema() -> None:
    document = yaml.safe_load(documents()[EVENTS])
    messages = {message["name"]: message["payload"] for message in document["components"]["messages"].values()}
    samples = {path.stem: json.loads(path.read_text()) for path in (TOP / "tests/contracts/samples").glob("*.json")}
    assert samples.keys() == messages.keys()
    for name, payload in messages.items():
        schema = {**payload, "components": document["components"]}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(samples[name])
