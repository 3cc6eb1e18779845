"""The OpenAPI document: valid by the specification's own validator, and it says what the routes do."""

import json
from typing import Any, Literal

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, Field

from chassis import errors, openapi
from chassis.parked_api import parked_routes
from chassis.web import Answer, Body, Call, Router


class Part(Body):
    name: str = Field(min_length=1)


class ThingBody(Body):
    name: str
    parts: tuple[Part, ...] = ()


class Shown(BaseModel):
    id: str
    parts: list[Part]


class Filter(BaseModel):
    colour: Literal["red", "blue"] | None = None
    part: Part | None = None
    limit: int = Field(default=50, ge=1, le=200)
    agency: str


def router() -> Router:
    router = Router("toy", {"toy.write": "Makes things", "parked.manage": "Parked messages"})

    @router.post("/things", scope="toy.write", needs="key", answers={201: Shown}, raises=[errors.WrongState])
    def make_thing(call: Call, body: ThingBody) -> Answer:
        """Makes a thing.

        It may take
        a while.
        """
        return Answer()

    @router.put("/things/<id>", scope="toy.write", needs="key_or_match", answers={200: Shown, 201: Shown})
    def put_thing(call: Call, id: str, body: ThingBody) -> Answer:
        return Answer()

    @router.get("/things", public="it is a toy", answers={200: Shown})
    def find_things(call: Call, query: Filter) -> Answer:
        return Answer()

    @router.get("/things/<id>/<int:year>", public="it is a toy", answers={200: "text/csv", 204: None})
    def show_year(call: Call, id: str, year: int) -> Answer:
        return Answer()

    parked_routes(router, lambda: None)
    return router


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document(router(), "1.2.3")


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][f"/api/toy/v1{path}"][method]
    return found


def test_it_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_it_is_json_and_the_same_every_time(document: dict[str, Any]) -> None:
    assert json.dumps(document) == json.dumps(openapi.document(router(), "1.2.3"))
    assert document["info"]["version"] == "1.2.3"


def test_an_operation_says_what_it_takes_and_who_may(document: dict[str, Any]) -> None:
    made = operation(document, "post", "/things")
    assert (made["operationId"], made["summary"]) == ("make_thing", "Makes a thing.")
    assert made["description"] == "It may take a while.\n\nNeeds the scope `toy.write`."
    assert made["security"] == [{"bearer": []}, {"api_key": []}]
    assert {(p["name"], p["in"], p["required"]) for p in made["parameters"]} == {
        ("Idempotency-Key", "header", True), ("Occurred-At", "header", False),
    }  # fmt: skip
    assert made["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ThingBody")
    assert set(made["responses"]) == {"201", "400", "401", "403", "409", "413", "415", "422", "428", "503"}
    assert "application/problem+json" in made["responses"]["422"]["content"]
    found = operation(document, "get", "/things")
    assert (found["security"], found["description"]) == ([], "Public: it is a toy")
    assert "401" not in found["responses"]


def test_a_change_may_name_the_version_it_saw(document: dict[str, Any]) -> None:
    changed = operation(document, "put", "/things/{id}")
    assert {(p["name"], p["required"]) for p in changed["parameters"]} == {
        ("id", True), ("Idempotency-Key", False), ("If-Match", False),
    }  # fmt: skip
    assert {"404", "412", "428"} <= set(changed["responses"])


def test_path_and_query_are_parameters(document: dict[str, Any]) -> None:
    shown = operation(document, "get", "/things/{id}/{year}")
    assert [(p["name"], p["in"]) for p in shown["parameters"]] == [("id", "path"), ("year", "path")]
    assert shown["responses"]["200"]["content"] == {"text/csv": {"schema": {"type": "string"}}}
    assert "content" not in shown["responses"]["204"]
    query = {p["name"]: p for p in operation(document, "get", "/things")["parameters"]}
    assert {name: p["required"] for name, p in query.items()} == {
        "colour": False, "part": False, "limit": False, "agency": True,
    }  # fmt: skip
    assert query["limit"]["schema"]["maximum"] == 200


def test_every_scope_is_described(document: dict[str, Any]) -> None:
    description = document["components"]["securitySchemes"]["bearer"]["description"]
    assert "- `toy.write`: Makes things" in description
    assert "- `parked.manage`: Parked messages" in description
