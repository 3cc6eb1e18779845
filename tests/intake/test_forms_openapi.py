"""What is said of forms, drafts and pre-filling in the OpenAPI document holds, whatever is sent."""

import pytest

from intake.main import INTAKE
from native.access import Persona
from tests.intake.making import body
from tests.support.catalogue import BUSINESS
from tests.support.fuzz import fuzz
from tests.support.services import Clock, Running, everything

OF_FORMS = ("drafts", "prefill", "procedures/{code}/form")


@pytest.mark.thorough
def test_made_up_requests_are_answered_as_the_document_says(intake: Running, clock: Clock) -> None:
    # The store takes away what is over by its own clock.
    clock.set("2100-03-03 09:00")
    scopes = everything(INTAKE).scopes
    person = Persona("Nguyễn Thị Hoa", scopes, identity="038185001234")
    whole = {name: value for name, value in body().items() if name != "channel"}
    draft = intake.post("drafts", person, {"dossier": whole}).get_json()["id"]
    known = {
        "id": draft,
        "code": BUSINESS,
        "dossier": whole,
        "identity": "038185001234",
        "name": "Nguyễn Thị Hoa",
        "birth_date": "1985-03-12",
        "draft": draft,
        "procedure": BUSINESS,
        "on": "2026-03-04",
    }
    answered = fuzz(intake, person, known, only=OF_FORMS)
    reached = {operation for operation, statuses in answered.items() if statuses & {200, 201}}
    prefix = "/api/intake/v1/"
    # The draft is thrown away before it could be filed, and at most one of its three purposes is named by chance.
    assert {operation.replace(prefix, "") for operation in reached} >= {
        "GET drafts", "POST drafts", "GET drafts/{id}", "PUT drafts/{id}", "POST drafts/{id}/discard",
        "GET prefill/lookups", "GET procedures/{code}/form",
    }  # fmt: skip
    assert len(answered) == 9
    assert set.union(*answered.values()) >= {200, 201, 400, 404, 422}
