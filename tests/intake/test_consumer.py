"""What intake makes of workflow's news: the same dossiers whatever the batches, their order and their repetitions."""

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from chassis.consume import Done, Duplicate, Invalid, Later, Outcome
from chassis.store import Carrier, Change, Loaded
from intake import consumer
from intake.domain.dossiers import Dossier
from intake.store import IntakeStore
from tests.intake.making import body
from tests.support.catalogue import HERE, LAND
from tests.support.services import Clock, Running, hear


def received(intake: Running, count: int) -> list[str]:
    """So many dossiers of the procedure that goes to another agency and back, received at the counter."""
    answers = [
        intake.post("dossiers", "counter_officer", body(channel="counter", procedure=LAND)) for _ in range(count)
    ]
    return [answer.get_json()["id"] for answer in answers]


def finish(workflow: Running, dossier: str) -> None:
    for step, outcome in (("s1", "completed"), ("s2", "completed"), ("s3", "approved"), ("s4", "completed")):
        answer = workflow.post(f"tasks/{dossier}.{step}/completion", "backdate", {"outcome": outcome})
        assert answer.status_code == 200, answer.text


def followed(intake: Running) -> list[dict[str, Any]]:
    """What workflow's news change, which is everything but how often a document was written."""
    return [{name: value for name, value in row.items() if name != "doc_version"} for row in intake.rows("dossiers")]


def test_shuffled_repeated_and_split_batches_give_the_same_dossiers(
    intake: Running, workflow: Running, clock: Clock
) -> None:
    dossiers = received(intake, 4)
    workflow.hear(intake.publish())
    clock.move(hours=3)
    for dossier in dossiers:
        finish(workflow, dossier)
    news = workflow.publish()
    untouched = intake.rows("dossiers")
    back = [json.loads(event)["data"].get("to_agency") == HERE for event in news]
    assigned = [b"task.assigned" in event for event in news]
    # Going back to the receiving agency is nothing new to intake.
    expected_outcomes = [None if a else Duplicate() if b else Done() for a, b in zip(assigned, back, strict=True)]
    assert intake.hear(news) == expected_outcomes
    expected = followed(intake)
    assert {row["status"] for row in expected} == {"processed"}
    assert {len(row["steps_done"]) for row in expected} == {4}
    rng = random.Random(20260304)  # noqa: S311 (the same shuffles each time)
    for _ in range(8):
        intake.database["dossiers"].delete_many({})
        intake.database["dossiers"].insert_many(untouched)
        heard = [*news, *rng.choices(news, k=len(news) // 2)]
        rng.shuffle(heard)
        outcomes: list[Outcome | None] = []
        while heard:
            size = rng.randint(1, 12)
            outcomes += intake.hear(heard[:size])
            del heard[:size]
        assert followed(intake) == expected
        assert {type(outcome) for outcome in outcomes if outcome is not None} <= {Done, Duplicate}
        assert outcomes.count(Done()) == expected_outcomes.count(Done()), "each is new once"


def test_the_news_of_one_dossier_in_a_batch_are_one_write(intake: Running, workflow: Running) -> None:
    (dossier,) = received(intake, 1)
    workflow.hear(intake.publish())
    finish(workflow, dossier)
    intake.hear(workflow.publish())
    assert intake.rows("dossiers")[0]["doc_version"] == 2


def test_news_of_a_dossier_that_is_not_there_yet_wait(intake: Running, workflow: Running) -> None:
    known, unknown = received(intake, 2)
    workflow.hear(intake.publish())
    row = intake.database["dossiers"].find_one_and_delete({"_id": unknown})
    news = workflow.publish()
    outcomes = dict(zip([json.loads(event)["subject"] for event in news], intake.hear(news), strict=True))
    started = [event for event in news if b"dossier.started" in event]
    assert intake.hear(started) == [
        Duplicate() if json.loads(event)["subject"] == known else Later("dossier_unknown") for event in started
    ]
    assert outcomes.keys() == {known, unknown}
    intake.database["dossiers"].insert_one(row or {})
    assert sorted(map(str, intake.hear(started))) == ["Done()", "Duplicate()"]


def test_news_of_a_dossier_that_was_never_received_is_nonsense(intake: Running, workflow: Running) -> None:
    (dossier,) = received(intake, 1)
    workflow.hear(intake.publish())
    intake.database["dossiers"].update_one({"_id": dossier}, {"$set": {"received_at": None}})
    started = [event for event in workflow.publish() if b"dossier.started" in event]
    assert intake.hear(started) == [Invalid("process_of_a_dossier_never_received")]


def test_a_web_process_that_writes_in_between_loses_nothing(
    intake: Running, workflow: Running, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Between the consumer's reading and its writing the result is handed over."""
    dossiers = received(intake, 3)
    workflow.hear(intake.publish())
    for dossier in dossiers:
        finish(workflow, dossier)
    news = workflow.publish()
    of_these = ("dossier.finished", "dossier.transferred")
    late = [event for event in news if any(name.encode() in event for name in of_these)]
    intake.hear([event for event in news if b"dossier.finished" in event and dossiers[0].encode() in event])
    clock.move(hours=1)
    load_many, loads = IntakeStore(intake.database, Carrier(intake.clock)).dossiers.load_many, []
    table = consumer.table(store := IntakeStore(intake.database, Carrier(intake.clock)), intake.clock)

    def load_and_be_overtaken(ids: Any) -> dict[str, Loaded[Dossier]]:
        found = load_many(ids)
        loads.append(sorted(found))
        if len(loads) == 1:
            answer = intake.post(
                f"dossiers/{dossiers[0]}/handover", "counter_officer", {"to": "Hoa", "method": "collect"}
            )
            assert answer.status_code == 200, answer.text
        return found

    monkeypatch.setattr(store.dossiers, "load_many", load_and_be_overtaken)
    outcomes = hear(table, late)
    assert loads == [sorted(dossiers), [dossiers[0]]], "only what was overtaken is read again"
    assert {type(outcome) for outcome in outcomes} == {Done, Duplicate}
    by_id = {row["_id"]: row for row in intake.rows("dossiers")}
    assert by_id[dossiers[0]]["status"] == "returned"
    assert by_id[dossiers[0]]["handover"]["to"] == "Hoa"
    assert {tuple(row["agencies"]) for row in by_id.values()} == {("H56.30", "H56")}
    assert {by_id[dossier]["status"] for dossier in dossiers[1:]} == {"processed"}


def test_a_dossier_that_is_overtaken_again_and_again_waits(
    intake: Running, workflow: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dossier,) = received(intake, 1)
    workflow.hear(intake.publish())
    started = [event for event in workflow.publish() if b"dossier.started" in event]
    store = IntakeStore(intake.database, Carrier(intake.clock))
    save, tried = store.dossiers.save, []

    def overtaken(changes: Sequence[Change[Dossier]]) -> list[bool]:
        tried.append(len(changes))
        intake.database["dossiers"].update_one({"_id": dossier}, {"$inc": {"doc_version": 1}})
        return save(changes)

    monkeypatch.setattr(store.dossiers, "save", overtaken)
    assert hear(consumer.table(store, intake.clock), started) == [Later("contended")]
    assert tried == [1] * consumer.ROUNDS
    assert intake.rows("dossiers")[0]["status"] == "received"


def test_intake_and_workflow_tell_nothing_that_a_store_rounds(intake: Running, workflow: Running, clock: Clock) -> None:
    """MongoDB keeps milliseconds: an instant of an event is the one that the document has."""
    clock.now += timedelta(milliseconds=123)
    received(intake, 1)
    workflow.hear(intake.publish())
    (row,) = workflow.rows("dossiers")
    assert row["received_at"] == intake.rows("dossiers")[0]["received_at"] == clock.now
