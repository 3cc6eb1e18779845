"""The routes of fees and payments answer what the OpenAPI document says, whatever is sent."""

import pytest

from intake.main import INTAKE
from tests.intake.paying import PROVIDER, message, owed, received, tell, unmatched
from tests.support.fuzz import fuzz
from tests.support.services import Running, everything

OURS = ("payments", "dossiers/{id}/bills", "dossiers/{id}/fee", "dossiers/{id}/payments")


@pytest.mark.thorough
def test_made_up_requests_are_answered_as_the_document_says(paying: Running) -> None:
    dossier = received(paying)
    tell(paying, message("?"))
    known = {
        "id": dossier["id"],
        "provider": PROVIDER,
        "payment": unmatched(paying)[0]["id"],
        "dossier": dossier["id"],
        "number": 1,
        "bill": 1,
        "amount": owed(paying, dossier["id"])["due"],
        "reason": "Nhầm",
        "from": "2026-03-01",
        "to": "2026-03-04",
        "lines": [{"code": "PTD", "name": "Phí thẩm định", "amount": 20_000}],
    }
    answered = fuzz(paying, everything(INTAKE), known, only=OURS, examples=8)
    reached = {operation.rpartition("/v1/")[2] for operation, statuses in answered.items() if statuses & {200, 201}}
    # The bill is cancelled before it could be paid.
    assert reached >= {
        "payments",
        "dossiers/{id}/bills/{number}/cancellation",
        "dossiers/{id}/fee",
        "dossiers/{id}/fee-request",
    }
    assert set.union(*answered.values()) >= {200, 401, 404, 422}
