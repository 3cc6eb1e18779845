"""Intake answers what its OpenAPI document says, whatever is sent."""

import pytest

from intake.main import INTAKE
from tests.intake.making import body
from tests.support.catalogue import BUSINESS, HERE
from tests.support.fuzz import fuzz
from tests.support.services import Running, everything


@pytest.mark.thorough
def test_made_up_requests_are_answered_as_the_document_says(intake: Running) -> None:
    waiting = intake.post("dossiers", "citizen", body()).get_json()
    known = {
        "id": waiting["id"],
        "code": waiting["tracking"]["code"],
        "secret": waiting["tracking"]["secret"],
        "phone": "0912345678",
        "procedure": BUSINESS,
        "agency": HERE,
        "components": [{"code": "TP1", "paper": {"originals": 1}}],
        "channel": "counter",
        "applicant": body()["applicant"],
    }
    # Fewer than usual: most routes are sent more by the tests of their own nouns.
    answered = fuzz(intake, everything(INTAKE), known, examples=6)
    reached = {operation.rpartition("/v1/")[2] for operation, statuses in answered.items() if statuses & {200, 201}}
    # What only a dossier in another state allows is reached by the tests of the routes' own nouns.
    assert reached >= {
        "dossiers", "dossiers/states", "dossiers/{id}", "dossiers/{id}/journal", "dossiers/{id}/journal/verification",
        "dossiers/{id}/reception", "drafts", "files", "prefill/lookups", "tracking/{code}", "uploads",
    }  # fmt: skip
    assert set.union(*answered.values()) >= {200, 400, 404, 409, 422}
