"""The contract documents in the repository are what the code says, and are valid by their own specifications."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import validate

from tests.contracts.documents import APIS, EVENTS, TOP, documents


@pytest.mark.parametrize("path", sorted([EVENTS, *APIS.values()]), ids=lambda path: path.name)
def test_document_in_the_repository_is_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == documents()[path], "run: python -m tests.contracts.documents"


@pytest.mark.parametrize("path", sorted(APIS.values()), ids=lambda path: path.name)
def test_openapi_document_is_valid(path: Path) -> None:
    validate(json.loads(documents()[path]))


def test_each_sample_event_fits_its_asyncapi_schema() -> None:
    document = yaml.safe_load(documents()[EVENTS])
    messages = {message["name"]: message["payload"] for message in document["components"]["messages"].values()}
    samples = {path.stem: json.loads(path.read_text()) for path in (TOP / "tests/contracts/samples").glob("*.json")}
    assert samples.keys() == messages.keys()
    for name, payload in messages.items():
        schema = {**payload, "components": document["components"]}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(samples[name])
