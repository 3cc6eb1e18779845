"""Requests made up from a service's own OpenAPI document, valid and invalid ones: none is answered with an error of the
service's own, and every answer is one that the document tells of.
"""

import random
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from native.access import Persona
from tests.support.services import Running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# The lines of a batch are bytes to whoever makes them up.
schemathesis.serializer.alias("application/x-ndjson", "application/octet-stream")


def fuzz(
    service: Running, who: Persona, known: Mapping[str, Any], *, examples: int = 15, only: tuple[str, ...] = ()
) -> dict[str, set[int]]:
    """The statuses that each operation answered with. The same requests each time.

    `known`: names of parameters and of the body's fields → what is really there; half of the requests name it, or they
    would all end at the first look-up. `only`: what the paths begin with, under the service's own; if it is empty, all
    of them. Operations on parked messages are left out: they need a broker.
    """
    # What hypothesis does not draw, schemathesis takes from here.
    random.seed(0)
    schema = schemathesis.openapi.from_wsgi(f"/api/{service.service.name}/v1/openapi.json", service.app)
    answered: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        path = operation.path.rpartition("/v1/")[2]
        if "/parked" not in operation.path and path.startswith(only or ("",)):
            name = f"{operation.method.upper()} {operation.path}"
            answered[name] = set().union(
                *(_sent(service, who, known, operation, mode, examples) for mode in GenerationMode)
            )
    return answered


def _sent(
    service: Running,
    who: Persona,
    known: Mapping[str, Any],
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    examples: int,
) -> set[int]:
    statuses: set[int] = set()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), real=st.booleans(), key=st.uuids())
    def send(case: Case[Any], real: bool, key: UUID) -> None:
        if real:
            # So that it is not refused for being stale, or in the future.
            for header in ("If-Match", "Occurred-At"):
                case.headers.pop(header, None)
            case.query.update(
                {parameter.name: known[parameter.name] for parameter in operation.query if parameter.name in known}
            )
            for where in (case.path_parameters, case.body):
                if isinstance(where, dict):
                    where.update({name: known[name] for name in where if name in known})
        headers = {"Authorization": f"Bearer {service.tokens.of(who)}"}
        if mode is GenerationMode.POSITIVE:
            # Generated keys are often alike, and the answer would be the first one.
            headers["Idempotency-Key"] = str(key)
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS)
        statuses.add(answer.status_code)

    try:
        send()
    except Unsatisfiable:
        # An operation that takes nothing, or any bytes there are, cannot be sent anything wrong.
        said = [body for body in operation.body if body.definition["schema"].get("format") != "binary"]
        if mode is GenerationMode.POSITIVE or operation.query or said:
            raise
    return statuses
