"""Intake and workflow together: what an agency asks for, what the applicant does, and the clock that goes on."""

from typing import Any

from chassis.consume import Done
from tests.intake.making import body, paper
from tests.intake.test_workflow_news import shown
from tests.support.services import Clock, Running, problem


def tell(teller: Running, listener: Running) -> None:
    """What one publishes is heard by the other, twice."""
    news = teller.publish()
    listener.hear(news)
    assert Done() not in listener.hear(news)


def worked_on(intake: Running, workflow: Running, clock: Clock) -> str:
    made = intake.post("dossiers", "citizen", body())
    id = str(made.get_json()["id"])
    clock.move(minutes=10)
    assert intake.post(f"dossiers/{id}/reception", "counter_officer", {}).status_code == 200
    tell(intake, workflow)
    tell(workflow, intake)
    return id


def act(workflow: Running, path: str, sent: dict[str, Any]) -> dict[str, Any]:
    answer = workflow.post(path, "officer", sent)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def due(workflow: Running, id: str) -> Any:
    return workflow.get(f"dossiers/{id}/clock", "officer").get_json()["due_at"]


def test_a_supplement_goes_there_and_back(intake: Running, workflow: Running, clock: Clock) -> None:
    id = worked_on(intake, workflow, clock)
    promised = shown(intake, id)["due_at"]
    clock.move(hours=2)
    asked = {"components": ["TP2"], "reason": "Thiếu hợp đồng", "until": "2026-03-20"}
    assert act(workflow, f"tasks/{id}.s1/supplement-request", asked)["state"] == "paused"
    tell(workflow, intake)
    assert shown(intake, id)["status"] == "supplement_asked"
    problem(intake.post(f"dossiers/{id}/reception", "counter_officer", {}), 409, "not_filed")
    clock.move(days=2)
    given = intake.post(f"dossiers/{id}/supplement", "citizen", {"components": [paper("TP2")]})
    assert given.status_code == 200, given.text
    tell(intake, workflow)
    assert workflow.get(f"dossiers/{id}/clock", "officer").get_json()["state"] == "running"
    tell(workflow, intake)
    found = shown(intake, id)
    assert (found["status"], found["pause"]) == ("in_process", None)
    assert found["due_at"] == due(workflow, id) > promised
    assert [(change["why"], change["previous_due_at"]) for change in found["due_changes"]] == [("pause", promised)]


def test_a_fee_goes_there_and_back_though_another_one_is_still_to_be_paid(
    intake: Running, workflow: Running, clock: Clock
) -> None:
    id = worked_on(intake, workflow, clock)
    clock.move(hours=2)
    fee = {"amount": 80_000, "reason": "Phí đo đạc", "basis": "Nghị quyết 10/NQ-HĐND"}
    act(workflow, f"tasks/{id}.s1/fee-request", fee)
    tell(workflow, intake)
    assert shown(intake, id)["status"] == "fee_asked"
    clock.move(days=1)
    assert intake.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 80_000}).status_code == 201
    tell(intake, workflow)
    tell(workflow, intake)
    found = shown(intake, id)
    assert (found["status"], found["pause"], found["due_at"]) == ("in_process", None, due(workflow, id))


def test_more_time_and_a_stop_are_told(intake: Running, workflow: Running, clock: Clock) -> None:
    id = worked_on(intake, workflow, clock)
    clock.move(hours=2)
    act(workflow, f"dossiers/{id}/extension", {"amount": 2, "reason": "Chờ ý kiến", "apology": True})
    tell(workflow, intake)
    (change,) = shown(intake, id)["due_changes"]
    assert (change["why"], change["apology"], change["due_at"]) == ("extension", True, due(workflow, id))
    clock.move(days=1)
    act(workflow, f"dossiers/{id}/stop", {"reason": "Đất có tranh chấp"})
    tell(workflow, intake)
    assert shown(intake, id)["status"] == "stopped"
    problem(intake.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "x"}), 409, "not_withdrawable")


def test_what_is_withdrawn_while_it_waits_stays_withdrawn(intake: Running, workflow: Running, clock: Clock) -> None:
    id = worked_on(intake, workflow, clock)
    clock.move(hours=2)
    act(workflow, f"tasks/{id}.s1/supplement-request", {"reason": "Thiếu hợp đồng"})
    clock.move(hours=2)
    assert intake.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "Thôi"}).status_code == 200
    tell(workflow, intake)
    tell(intake, workflow)
    tell(workflow, intake)
    assert shown(intake, id)["status"] == "withdrawn"
