"""Workflow answers what its OpenAPI document says, whatever is sent. What a route does to a dossier that allows it is
tested with its noun; here most of them meet whatever state the requests before have left."""

from typing import Any

import pytest

from tests.support.fuzz import fuzz
from tests.support.samples import sample
from tests.support.services import Running, everything
from workflow.main import WORKFLOW

DOSSIER = "0198f3a1-6c00-8000-9000-00000000d001"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("paths", "known", "examples", "reached"),
    [
        pytest.param(
            ("tasks",),
            {"id": f"{DOSSIER}.s1", "outcome": "completed", "tasks": [{"id": f"{DOSSIER}.s1", "outcome": "completed"}]},
            6,
            {"tasks", "tasks/claims", "tasks/completions", "tasks/{id}/undo"},
            id="tasks",
        ),
        pytest.param(
            ("dossiers",),
            {"id": DOSSIER},
            5,
            {"dossiers", "dossiers/{id}/clock", "dossiers/{id}/timeline"},
            id="dossiers",
        ),
        pytest.param(
            ("delegations", "officers", "reschedulings", "results", "signings", "simulations", "workload"),
            {},
            5,
            {"delegations", "officers", "reschedulings", "workload"},
            id="others",
        ),
    ],
)
def test_made_up_requests_are_answered_as_the_document_says(
    workflow: Running, paths: tuple[str, ...], known: dict[str, Any], examples: int, reached: set[str]
) -> None:
    workflow.hear([sample("intake.dossier.received.v1")])
    answered = fuzz(workflow, everything(WORKFLOW), known, examples=examples, only=paths)
    assert reached <= {operation.rpartition("/v1/")[2] for operation, found in answered.items() if found & {200, 201}}
