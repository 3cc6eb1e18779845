"""Catalog answers what its OpenAPI document says, whatever is sent: what is asked and said about procedures' versions,
reviews, essential services, targets and replacements."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.main import CATALOG
from tests.catalog.making import agency, body, procedure
from tests.support.fuzz import fuzz
from tests.support.services import Clock, Running, Tokens, everything, running

CODE, OTHER = procedure().code, "1.000001"
REVIEW = {"name": "Rà soát", "agency": "H56.14", "deadline": "2026-12-31", "basis": "KH 12/KH-UBND"}
PROPOSAL = {"procedure": CODE, "service_level": "full", "reason": "Đủ điều kiện"}
OF_CONTENTS = ("reviews", "essential-services", "targets", "replacements", "procedures/summary", "procedures/{code}")


@pytest.fixture
def catalog(database_url: str, tmp_path: Path) -> Iterator[Running]:
    with running(CATALOG, database_url, Tokens(tmp_path), Clock()) as service:
        yield service


@pytest.mark.thorough
def test_made_up_requests_are_answered_as_the_document_says(catalog: Running) -> None:
    who = everything(CATALOG)
    for id in ("H56.14", "H56.02"):
        assert catalog.request("PUT", f"agencies/{id}", who, body(agency(id)), key=id).status_code == 201
    for code in (CODE, OTHER):
        made = procedure(code=code, local_code=None)
        assert catalog.request("PUT", f"procedures/{code}", who, body(made), key=code).status_code == 201
    review = catalog.post("reviews", who, REVIEW).get_json()["id"]
    assert catalog.post(f"reviews/{review}/proposals", who, PROPOSAL).status_code == 201
    service = {"name": "Dịch vụ", "state": "national"}
    assert catalog.request("PUT", f"essential-services/qd422/{review}", who, service, key="e").status_code == 201
    targets = {"decision": "QĐ 12/QĐ-UBND", "indicators": {"online_share": 80}}
    assert catalog.request("PUT", "targets/H56.02/2026", who, targets, key="t").status_code == 201
    known = {
        "id": review,
        "list": "qd422",
        "code": CODE,
        "name": "Tên",
        "basis": "KH 12/KH-UBND",
        "number": "QĐ 12/QĐ-UBND",
        "reason": "Đủ điều kiện",
        "text": "Chưa đủ điều kiện",
        "procedure": OTHER,
        "agency": "H56.02",
        "year": "2026",
        "to": 1,
        "from": 1,
        "on": "2026-01-01",
        "deadline": "2026-12-31",
        "date": "2026-03-01",
        "effect_on": "2026-04-01",
        "accepted": [CODE],
        "procedures": [CODE],
        "extent": None,
        "since": None,
        "waiting_for": None,
        "items": [{"code": CODE, "component": "TP1", "database": "CSDL"}],
    }
    # Proposals first: among the rest is the decision, after which none is taken.
    answered = fuzz(catalog, who, known, examples=60, only=("reviews/{id}/proposals",))
    answered = fuzz(catalog, who, known, examples=8, only=OF_CONTENTS) | answered
    assert len(answered) >= 20
    # Of made-up bodies hardly any is a whole procedure, or a service whose state and the rest agree.
    rarely = {
        "PUT /api/catalog/v1/procedures/{code}",
        "PUT /api/catalog/v1/essential-services/{list}/{id}",
        "GET /api/catalog/v1/replacements/{id}",
        "GET /api/catalog/v1/reviews/{id}/proposals",
        "PUT /api/catalog/v1/targets/{agency}/{year}",
    }
    refused = {name: found for name, found in answered.items() if name not in rarely and not found & {200, 201}}
    assert refused == {}
