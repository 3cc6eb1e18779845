"""Workflow answers what its OpenAPI document says, whatever is sent."""

from tests.support.fuzz import fuzz
from tests.support.samples import sample
from tests.support.services import Running, everything
from workflow.main import WORKFLOW

DOSSIER = "0198f3a1-6c00-8000-9000-00000000d001"


def test_made_up_requests_are_answered_as_the_document_says(workflow: Running) -> None:
    workflow.hear([sample("intake.dossier.received.v1")])
    tasks = fuzz(workflow, everything(WORKFLOW), {"id": f"{DOSSIER}.s1", "outcome": "completed"})
    dossiers = fuzz(workflow, everything(WORKFLOW), {"id": DOSSIER}, examples=8)
    for operation, statuses in (
        tasks | {name: found for name, found in dossiers.items() if "/dossiers/" in name}
    ).items():
        assert 200 in statuses, operation
