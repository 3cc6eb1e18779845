"""The routes of a dossier's life and of batches answer what the OpenAPI document says, whatever is sent."""

import pytest

from intake.main import INTAKE
from tests.intake.making import body
from tests.support.catalogue import BUSINESS, HERE
from tests.support.fuzz import fuzz
from tests.support.services import Running, everything

OURS = (
    "dossiers/batch", "dossiers/{id}/supplement", "dossiers/{id}/withdrawal", "dossiers/{id}/rating",
    "dossiers/{id}/refusal", "dossiers/{id}/handover", "refusal-reasons", "tracking/{code}/rating",
)  # fmt: skip


@pytest.mark.thorough
def test_made_up_requests_are_answered_as_the_document_says(intake: Running) -> None:
    waiting = intake.post("dossiers", "citizen", body()).get_json()
    known = {
        "id": waiting["id"],
        "code": waiting["tracking"]["code"],
        "secret": waiting["tracking"]["secret"],
        "procedure": BUSINESS,
        "agency": HERE,
        "components": ["TP2"],
    }
    answered = fuzz(intake, everything(INTAKE), known, only=OURS)
    reached = {operation.rpartition("/v1/")[2] for operation, statuses in answered.items() if statuses & {200, 201}}
    assert {"dossiers/batch", "refusal-reasons"} < reached
    assert set.union(*answered.values()) >= {200, 201, 400, 404, 409, 422}
