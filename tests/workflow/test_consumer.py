"""What workflow makes of received dossiers: one process each, whatever the batches, their order and repetitions."""

import json
import random
from datetime import date
from typing import Any

import pytest

from catalog.domain import CalendarDay, Step
from chassis.consume import Done, Duplicate, Later, Outcome
from chassis.envelope import Unreadable
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, HERE, LAND
from tests.support.samples import sample
from tests.support.services import Running, another_process

RECEIVED = "intake.dossier.received.v1"


def received(n: int, **data: Any) -> bytes:
    """Another dossier that was received."""
    event = json.loads(sample(RECEIVED))
    event |= {"id": f"intake.dossier:d{n}:2", "subject": f"d{n}"}
    event["data"] |= {"code": f"{HERE}-260304-{n:04d}", **data}
    return json.dumps(event).encode()


def versioned(version: int, procedure: str = BUSINESS) -> dict[str, Any]:
    dimensions = json.loads(sample(RECEIVED))["data"]["dimensions"]
    return {"dimensions": {**dimensions, "procedure": procedure, "procedure_version": version}}


def test_shuffled_repeated_and_split_batches_begin_each_process_once(workflow: Running) -> None:
    events = [received(n, **versioned(1, LAND if n % 2 else BUSINESS)) for n in range(12)]
    assert workflow.hear(events) == [Done()] * 12
    expected = workflow.rows("dossiers")
    rng = random.Random(20260304)  # noqa: S311 (the same shuffles each time)
    for _ in range(5):
        workflow.database["dossiers"].delete_many({})
        heard = [*events, *rng.choices(events, k=8)]
        rng.shuffle(heard)
        outcomes: list[Outcome | None] = []
        while heard:
            size = rng.randint(1, 9)
            outcomes += workflow.hear(heard[:size])
            del heard[:size]
        assert workflow.rows("dossiers") == expected
        assert outcomes.count(Done()) == 12
        assert outcomes.count(Duplicate()) == 8


def test_a_repeated_event_does_not_begin_again_what_is_under_way(workflow: Running) -> None:
    workflow.hear([received(1)])
    answer = workflow.post("tasks/d1.s1/completion", "officer", {"outcome": "completed"})
    assert answer.status_code == 200
    before = workflow.rows("dossiers")
    assert workflow.hear([received(1), received(2), received(1)]) == [Duplicate(), Done(), Duplicate()]
    assert workflow.rows("dossiers")[:1] == before


def test_a_dossier_waits_for_the_copy_of_its_procedure_version_and_its_agency(workflow: Running) -> None:
    new_version = received(1, **versioned(2))
    dimensions = {**versioned(1)["dimensions"], "agency": "H56.77"}
    new_agency = received(2, dimensions=dimensions)
    assert workflow.hear([new_version, received(3), new_agency]) == [
        Later("procedure_not_here_yet"), Done(), Later("agency_not_here_yet"),
    ]  # fmt: skip
    workflow.hear([catalogue.published(catalogue.procedure(version=2)), catalogue.changed(catalogue.agency("H56.77"))])
    assert workflow.hear([new_version, new_agency]) == [Done(), Done()]
    assert {row["_id"]: row["procedure_version"] for row in workflow.rows("dossiers")} == {"d1": 2, "d2": 1, "d3": 1}


def test_a_dossier_waits_for_the_calendar_that_its_due_date_was_promised_by(workflow: Running) -> None:
    """Received on Wednesday at 09:00, 3 working days: on the worked Saturday by this calendar, on Monday without it."""
    workflow.database["calendars"].delete_many({})
    as_promised, with_calendar = received(1), received(2, due_at="2026-03-07T02:00:00Z")
    assert workflow.hear([as_promised, with_calendar]) == [Done(), Later("calendar_not_here_yet")]
    with another_process(workflow) as later:
        later.hear([catalogue.calendar()])
        assert later.hear([with_calendar, as_promised]) == [Done(), Duplicate()]
    assert [[entry["act"] for entry in row["journal"]] for row in workflow.rows("dossiers")] == [["started"]] * 2


def test_a_process_runs_by_the_version_that_the_dossier_was_filed_under(workflow: Running) -> None:
    shorter = catalogue.steps(Step(id="s1", name="Chỉ một bước", role="expert", decision=True))
    workflow.hear([catalogue.published(catalogue.procedure(version=2, process=shorter))])
    workflow.hear([received(1), received(2, **versioned(2))])
    assert [len(row["tasks"]) for row in workflow.rows("dossiers")] == [4, 1]


def test_the_newest_copy_of_an_agency_and_of_a_calendar_wins_whatever_the_order(workflow: Running) -> None:
    mornings = catalogue.changed(catalogue.agency(hours=(("08:00", "12:00"),)), 3)
    earlier = catalogue.changed(catalogue.agency(hours=(("08:00", "09:00"),)), 2)
    off = [CalendarDay(date=date(2026, 3, 5), kind="off", name="Nghỉ")]
    assert workflow.hear([mornings, earlier, catalogue.calendar(2026, off, 3), catalogue.calendar(2026, [], 2)]) == [
        Done(), Duplicate(), Done(), Duplicate(),
    ]  # fmt: skip
    with another_process(workflow) as fresh:
        fresh.hear([received(1)])
    (row,) = workflow.rows("dossiers")
    assert row["hours"] == [["08:00", "12:00"]]
    # Received at 09:00; half a day is the three hours until 12:00, a day off, and an hour of the next morning.
    assert row["tasks"][0]["due_at"].isoformat() == "2026-03-06T02:00:00+00:00"


def test_the_trace_of_the_request_goes_on(workflow: Running) -> None:
    workflow.hear([received(1)])
    traces = {json.loads(event)["traceparent"] for event in workflow.told()}
    assert traces == {json.loads(sample(RECEIVED))["traceparent"]}


@pytest.mark.parametrize("field", ["dimensions", "code", "received_at", "clock_at", "budget", "due_at"])
def test_an_event_without_a_field_that_is_needed_is_unreadable(workflow: Running, field: str) -> None:
    event = json.loads(received(1))
    del event["data"][field]
    with pytest.raises(Unreadable):
        workflow.hear([json.dumps(event).encode()])
