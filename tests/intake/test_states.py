"""What intake tells stats of a dossier for the recount, from the document as it is stored."""

from datetime import UTC, datetime
from typing import Any

import pytest

from intake.schemas.dossiers import State

EARLY, LATE = datetime(2026, 3, 4, 2, tzinfo=UTC), datetime(2026, 3, 5, 2, tzinfo=UTC)


def state(**changes: Any) -> State:
    dimensions = {
        "procedure": "1.001612", "procedure_version": 1, "field": "F", "service_level": "full", "agency": "H56.30",
        "channel": "online", "applicant_kind": "citizen",
    }  # fmt: skip
    document = {"_id": "d", "status": "received", "filed_at": EARLY, "dimensions": dimensions, "components": []}
    return State.of({**document, **changes})


def component(**changes: Any) -> dict[str, Any]:
    return {"code": "TP1", "paper": None, "digitised": False, **changes}


@pytest.mark.parametrize(
    ("components", "reused"),
    [
        ([], False),
        ([component()], False),
        ([component(reuse="document", chosen=False)], False),
        ([component(), component(reuse="document", chosen=True)], True),
    ],
)
def test_only_what_somebody_chose_is_reused(components: list[dict[str, Any]], reused: bool) -> None:
    assert state(components=components).reused is reused


def payment(at: datetime, channel: str, *, stands: bool = True) -> dict[str, Any]:
    return {"paid_at": at, "channel": channel, "reversal": None if stands else {"at": LATE}}


@pytest.mark.parametrize(
    ("payments", "paid_at", "online"),
    [
        ([], None, False),
        ([payment(EARLY, "online", stands=False)], None, False),
        ([payment(LATE, "online"), payment(EARLY, "online")], EARLY, True),
        ([payment(EARLY, "online"), payment(LATE, "counter")], EARLY, False),
        ([payment(EARLY, "counter", stands=False), payment(LATE, "online")], LATE, True),
    ],
)
def test_what_is_paid_is_what_stands(payments: list[dict[str, Any]], paid_at: datetime | None, online: bool) -> None:
    found = state(payments=payments)
    assert (found.paid_at, found.paid_online) == (paid_at, online)


def test_a_rating_is_told_with_its_score() -> None:
    rated = state(rating={"at": LATE, "score": 4, "comment": "nhanh"})
    assert (rated.rated_at, rated.score) == (LATE, 4)
    assert (state().rated_at, state().score) == (None, None)
