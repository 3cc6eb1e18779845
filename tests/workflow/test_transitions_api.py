"""A dossier's clock and its end over HTTP: what officers may do with it, who may, and what the applicant's own acts
do."""

import json
from datetime import date, datetime, timedelta
from typing import Any, Literal

import pytest
from werkzeug.test import TestResponse

from catalog.domain import Durations, Step
from chassis.consume import Done, Duplicate, Later
from native.access import Persona
from tests.intake.making import body, paper
from tests.support import catalogue
from tests.support.catalogue import ELSEWHERE, HERE, LAND, PROVINCE, days
from tests.support.samples import sample
from tests.support.services import Clock, Running, another_process, pointers, problem
from tests.workflow import nesting
from tests.workflow.test_api import begin, claim, complete
from tests.workflow.test_successions import NEW, new_agency, succeeded

COLLEAGUE = Persona("Lê Văn Tám", ("tasks.read", "tasks.work"), HERE)
HEAD = Persona("Đỗ Văn Chín", ("tasks.read", "tasks.work"), HERE, roles=("leader",))
EXPERT = Persona("Mai Văn Mười", ("tasks.read", "tasks.work"), HERE, roles=("expert",))
AT_THE_PROVINCE = Persona("Bùi Thị Sáu", ("tasks.read", "tasks.work"), PROVINCE)
READER = Persona("Cao Thị Bảy", ("tasks.read", "tasks.work", "dossiers.read_all"), ELSEWHERE)
DECREE = "Luật Thanh tra, Điều 5"
REQUEST = {"components": ["TP2"], "reason": "Thiếu hợp đồng", "until": "2026-03-20"}
FEE = {"amount": 50_000, "reason": "Phí thẩm định", "basis": "Thông tư 85/2019/TT-BTC"}
PAUSE = {"reason": "Chờ kết luận thanh tra", "basis": DECREE}
EXTENSION = {"amount": 1, "reason": "Cần xác minh", "apology": True}
TRANSFER = {"to": PROVINCE, "reason": "Thuộc thẩm quyền tỉnh"}

BODIES: dict[str, dict[str, Any]] = {
    "tasks/{id}.s1/supplement-request": REQUEST,
    "tasks/{id}.s1/fee-request": FEE,
    "dossiers/{id}/pause": PAUSE,
    "dossiers/{id}/resumption": {"reason": "Đã có kết luận"},
    "dossiers/{id}/extension": EXTENSION,
    "dossiers/{id}/stop": {"reason": "Không bổ sung"},
    "dossiers/{id}/refusal": {"reason": "Không đủ điều kiện", "basis": "Luật Hộ tịch, Điều 18"},
    "dossiers/{id}/transfer": TRANSFER,
}
"""Every route of this noun, with a body that is right for it."""


def act(workflow: Running, id: str, path: str, who: str | Persona = "officer", **options: Any) -> TestResponse:
    """`path` is one of `BODIES`, or its last word."""
    (found,) = [each for each in BODIES if each.endswith(path)]
    sent = options.pop("body", BODIES[found])
    return workflow.post(found.format(id=id), who, sent, **options)


def told(workflow: Running, *nouns: str) -> list[dict[str, Any]]:
    """The events that wait in the outboxes, of these types."""
    found = [json.loads(event) for event in workflow.told()]
    return [event for event in found if any(noun in event["type"] for noun in nouns)]


def news(name: str, id: str, at: datetime, **data: Any) -> bytes:
    """Intake's event about the dossier."""
    event = json.loads(sample(f"intake.{name}.v1"))
    event |= {"subject": id, "id": f"intake.{name}:{id}:{at.timestamp()}"}
    event["data"] |= {"code": "H56.30-260304-0001", f"{name.partition('.')[2]}_at": at.isoformat(), **data}
    return json.dumps(event).encode()


# --- acts -------------------------------------------------------------------------------------------------------------


def test_a_supplement_request_and_its_answer(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(hours=1)
    answer = act(workflow, id, "supplement-request")
    found = answer.get_json()
    assert (answer.status_code, found["state"], found["version"]) == (200, "paused", 2)
    assert found["pause"] == {
        "kind": "supplement",
        "begin": "2026-03-04T03:00:00Z",
        "basis": "Nghị định 118/2025/NĐ-CP",
        "reason": "Thiếu hợp đồng",
        "number": 1,
        "components": ["TP2"],
        "until": "2026-03-20",
        "amount": None,
    }
    assert [event["type"] for event in told(workflow, "supplement", "paused")] == [
        "workflow.supplement.requested.v1",
        "workflow.dossier.paused.v1",
    ]
    problem(complete(workflow, f"{id}.s1"), 409, "not_running")
    problem(claim(workflow, f"{id}.s1"), 409, "not_running")
    clock.move(days=1)
    event = news("dossier.supplemented", id, clock.now)
    assert workflow.hear([event, event]) == [Done(), Duplicate()]
    (resumed,) = told(workflow, "resumed")
    assert resumed["data"]["resumed_at"] == "2026-03-05T03:00:00Z"
    assert resumed["data"]["due_at"] > resumed["data"]["previous_due_at"]
    assert complete(workflow, f"{id}.s1").status_code == 200
    assert workflow.hear([event]) == [Duplicate()]


def test_a_fee_request_and_its_payment(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    found = act(workflow, id, "fee-request").get_json()
    assert (found["state"], found["pause"]["kind"], found["pause"]["amount"]) == ("paused", "fee", 50_000)
    (asked,) = told(workflow, "fee.requested")
    clock.move(hours=1)
    assert workflow.hear([news("fee.paid", id, clock.now, settled=True)]) == [Done()], "the fee of the filing"
    assert told(workflow, "resumed") == []
    paid = news("fee.paid", id, clock.now, requested_at=asked["data"]["requested_at"])
    assert workflow.hear([paid, paid]) == [Done(), Duplicate()]
    assert [event["data"]["kind"] for event in told(workflow, "resumed")] == ["fee"]
    clock.move(hours=1)
    assert act(workflow, id, "fee-request").get_json()["pause"]["number"] == 2
    assert workflow.hear([paid]) == [Duplicate()], "it was for the first request"


def test_a_fee_request_and_its_cancellation(workflow: Running, clock: Clock) -> None:
    id, other = begin(workflow), begin(workflow)
    before = act(workflow, id, "fee-request").get_json()["due_at"]
    clock.move(hours=1)
    act(workflow, other, "fee-request")
    requests = {event["subject"]: event["data"]["requested_at"] for event in told(workflow, "fee.requested")}
    clock.move(days=1)
    assert workflow.hear([news("fee.cancelled", id, clock.now)]) == [Done()], "the fee of the filing"
    assert workflow.hear([news("fee.cancelled", id, clock.now, requested_at=requests[other])]) == [Duplicate()]
    assert told(workflow, "resumed") == []
    cancelled = news("fee.cancelled", id, clock.now, requested_at=requests[id], reason="Được miễn theo Luật Phí")
    paid = news("fee.paid", id, clock.now, requested_at=requests[id])
    assert workflow.hear([cancelled, cancelled, paid]) == [Done(), Duplicate(), Duplicate()]
    assert workflow.hear([cancelled]) == [Duplicate()]
    (resumed,) = told(workflow, "resumed")
    assert (resumed["subject"], resumed["data"]["kind"]) == (id, "fee")
    assert resumed["data"]["due_at"] > resumed["data"]["previous_due_at"] == before
    timeline = workflow.get(f"dossiers/{id}/timeline", "officer").get_json()
    entry = timeline["journal"][-1]
    assert (entry["act"], entry["by"], entry["note"]) == ("fee_cancelled", "system:intake", "Được miễn theo Luật Phí")
    assert (timeline["state"], timeline["due_at"], timeline["intact"]) == ("running", resumed["data"]["due_at"], True)
    assert complete(workflow, f"{id}.s1").status_code == 200
    problem(complete(workflow, f"{other}.s1"), 409, "not_running")


def test_pause_resumption_and_extension(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    paused = act(workflow, id, "pause")
    assert (paused.status_code, paused.get_json()["state"]) == (200, "paused")
    problem(act(workflow, id, "pause"), 409, "already_paused")
    problem(act(workflow, id, "extension"), 409, "not_running")
    clock.move(days=1)
    resumed = act(workflow, id, "resumption").get_json()
    assert (resumed["state"], resumed["pause"], resumed["due_at"]) == ("running", None, "2026-03-09T02:00:00Z")
    problem(act(workflow, id, "resumption"), 409, "not_paused")
    extended = act(workflow, id, "extension").get_json()
    assert extended["due_at"] == "2026-03-10T02:00:00Z"
    (row,) = workflow.rows("dossiers")
    assert [entry["act"] for entry in row["journal"]][-3:] == ["paused", "resumed", "extended"]


@pytest.mark.parametrize(
    ("amount", "due_at"),
    [
        ({"amount": 2}, "2026-03-10T02:00:00Z"),
        ({"amount": {"amount": 2, "unit": "working_day"}}, "2026-03-10T02:00:00Z"),
        ({"amount": 1, "unit": "hour"}, "2026-03-07T03:00:00Z"),
        ({"amount": {"amount": 1, "unit": "hour"}}, "2026-03-07T03:00:00Z"),
    ],
    ids=str,
)
def test_an_extension_may_say_its_amount_in_two_ways(workflow: Running, amount: dict[str, Any], due_at: str) -> None:
    """Received on Wednesday 09:00; the Saturday is worked, so three days end on Saturday 09:00."""
    id = begin(workflow)
    found = act(workflow, id, "extension", body={**amount, "reason": "x"})
    assert found.status_code == 200, found.text
    assert found.get_json()["due_at"] == due_at


def test_a_stop_and_a_refusal_end_the_work(workflow: Running) -> None:
    stopped, refused = begin(workflow), begin(workflow)
    act(workflow, stopped, "pause")
    assert act(workflow, stopped, "stop").get_json()["state"] == "stopped"
    found = act(workflow, refused, "refusal").get_json()
    assert (found["state"], found["outcome"], found["open_tasks"]) == ("finished", "rejected", [])
    assert [event["subject"] for event in told(workflow, "stopped")] == [stopped]
    (finished,) = told(workflow, "finished")
    assert (finished["data"]["outcome"], finished["data"]["refusal"]) == ("rejected", "Không đủ điều kiện")
    for id in (stopped, refused):
        problem(act(workflow, id, "/stop"), 409, "already_ended")
        problem(act(workflow, id, "pause"), 409, "not_running")
        problem(act(workflow, id, "supplement-request"), 409, "task_not_open")
    assert workflow.get("tasks", "officer").get_json()["items"] == []
    found = workflow.get(f"dossiers/{stopped}/timeline", "officer").get_json()
    assert (found["stopped_at"], found["finished_at"]) == ("2026-03-04T02:00:00Z", None)


def test_a_transfer_to_the_competent_agency(workflow: Running) -> None:
    id = begin(workflow)
    problem(claim(workflow, f"{id}.s1", AT_THE_PROVINCE), 404)
    found = act(workflow, id, "transfer")
    assert found.status_code == 200, found.text
    (transferred,) = told(workflow, "transferred")
    assert transferred["data"]["basis"] == "competence"
    assert claim(workflow, f"{id}.s1", AT_THE_PROVINCE).status_code == 200
    problem(claim(workflow, f"{id}.s1"), 404)
    problem(act(workflow, id, "transfer"), 403, "not_your_turn")
    other = begin(workflow)
    one = {**TRANSFER, "task": f"{other}.s1"}
    assert act(workflow, other, "transfer", body=one).status_code == 200
    (row,) = [row for row in workflow.rows("dossiers") if row["_id"] == other]
    assert [each["agency"] for each in row["tasks"]] == [PROVINCE, HERE, HERE, HERE]


def test_a_transfer_goes_to_whoever_took_over(workflow: Running) -> None:
    workflow.hear([catalogue.changed(new_agency()), succeeded(ELSEWHERE, on=date(2026, 3, 1))])
    id = begin(workflow)
    with another_process(workflow) as fresh:
        assert act(fresh, id, "transfer", body={**TRANSFER, "to": ELSEWHERE}).status_code == 200
    (row,) = workflow.rows("dossiers")
    assert {each["agency"] for each in row["tasks"]} == {NEW}


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BODIES)
def test_to_another_agency_what_is_there_and_what_is_not_answer_alike(workflow: Running, path: str) -> None:
    id = begin(workflow)
    before = workflow.rows("dossiers")
    there = problem(workflow.post(path.format(id=id), "other_officer", BODIES[path]), 404, "not_found")
    nowhere = problem(workflow.post(path.format(id="nowhere"), "other_officer", BODIES[path]), 404, "not_found")
    assert there["title"] == nowhere["title"]
    assert there["detail"].replace(id, "nowhere") == nowhere["detail"]
    assert workflow.rows("dossiers") == before


@pytest.mark.parametrize("path", BODIES)
def test_what_another_officer_has_is_theirs_or_their_leaders(workflow: Running, path: str) -> None:
    id = begin(workflow)
    assert claim(workflow, f"{id}.s1").status_code == 200
    if path.endswith("resumption"):
        act(workflow, id, "pause")
    problem(workflow.post(path.format(id=id), COLLEAGUE, BODIES[path]), 409, "task_claimed")
    problem(workflow.post(path.format(id=id), EXPERT, BODIES[path]), 403, "role_missing")
    answer = workflow.post(path.format(id=id), HEAD, BODIES[path])
    assert answer.status_code == 200, answer.text


def test_an_agency_that_sees_it_and_has_nothing_to_do_may_not_act(workflow: Running) -> None:
    """The second step is the province's, so that the receiving agency has nothing open then."""
    id = begin(workflow, LAND)
    assert complete(workflow, f"{id}.s1").status_code == 200
    for path in BODIES:
        if path.startswith("dossiers/"):
            problem(act(workflow, id, path), 403, "not_your_turn")
    assert act(workflow, id, "pause", AT_THE_PROVINCE).status_code == 200


@pytest.mark.parametrize(("kind", "child"), [("opinion", None), ("child", nesting.INNER)])
def test_while_others_are_waited_for_they_decide_nothing_and_who_goes_on_does(
    workflow: Running, kind: Literal["opinion", "child"], child: str | None
) -> None:
    elsewhere = Step(id="s1", name="Lấy ý kiến", role="expert", agency=PROVINCE, amount=days(1), kind=kind, child=child)
    process = catalogue.steps(
        Step(id="in", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
        elsewhere,
        Step(id="sign", name="Ký", role="leader", amount=days(0.5), decision=True),
    )
    changed = catalogue.procedure(nesting.OUTER, process=process, durations=Durations(counter=days(3)))
    workflow.hear([catalogue.published(changed)])
    id = nesting.begin(workflow, nesting.OUTER)
    assert complete(workflow, f"{id}.in").status_code == 200
    before = workflow.rows("dossiers")
    for path in (each for each in BODIES if each.startswith("dossiers/")):
        if kind == "opinion":
            problem(act(workflow, id, path, AT_THE_PROVINCE), 403, "not_your_turn")
        else:
            problem(act(workflow, id, path, AT_THE_PROVINCE), 404, "not_found")
        problem(act(workflow, id, path, EXPERT), 403, "role_missing")
        problem(act(workflow, id, path, READER), 403, "not_your_turn")
    assert workflow.rows("dossiers") == before
    assert act(workflow, id, "pause", HEAD).status_code == 200
    assert act(workflow, id, "stop").status_code == 200


def test_what_is_done_is_not_to_be_transferred(workflow: Running) -> None:
    """So that whoever has all that is left needs no word of those who did the rest."""
    process = catalogue.steps(
        Step(id="in", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
        Step(id="look", name="Thẩm định", role="expert", amount=days(1), decision=True),
    )
    workflow.hear([catalogue.published(catalogue.procedure(nesting.OUTER, process=process))])
    id = nesting.begin(workflow, nesting.OUTER)
    assert complete(workflow, f"{id}.in").status_code == 200
    assert act(workflow, id, "transfer", EXPERT).status_code == 200
    (row,) = workflow.rows("dossiers")
    assert [each["agency"] for each in row["tasks"]] == [HERE, PROVINCE]


def test_a_scope_is_needed(workflow: Running) -> None:
    id = begin(workflow)
    for path, sent in BODIES.items():
        problem(workflow.post(path.format(id=id), "leader", sent), 403, "forbidden")


# --- requests that are wrong, repeated, late, at once -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "changed", "expected"),
    [
        ("supplement-request", {"components": ["TP1", "TP7"]}, [("/components/1", "unknown_component")]),
        ("supplement-request", {"components": ["TP1", "TP1"]}, [("/components", "value_error")]),
        ("supplement-request", {"until": "2026-03-03"}, [("/until", "past")]),
        ("supplement-request", {"reason": "  "}, [("/reason", "string_too_short")]),
        ("supplement-request", {"basis": "a\x00"}, [("/basis", "string_pattern_mismatch")]),
        ("fee-request", {"amount": 0}, [("/amount", "greater_than")]),
        ("fee-request", {"amount": 1.5}, [("/amount", "int_from_float")]),
        ("pause", {"basis": None}, [("/basis", "string_type")]),
        ("extension", {"amount": 0}, [("/amount", "greater_than")]),
        ("extension", {"amount": 1001}, [("/amount", "less_than_equal")]),
        ("extension", {"amount": "NaN"}, [("/amount", "finite_number")]),
        ("extension", {"amount": {"amount": 1}}, [("/amount", "float_type")]),
        ("extension", {"amount": 1.5, "unit": "calendar_day"}, [("/amount", "wrong_amount")]),
        ("extension", {"unit": "week"}, [("/unit", "literal_error")]),
        ("transfer", {"to": "H99.99"}, [("/to", "unknown_agency")]),
        ("transfer", {"to": HERE}, [("/to", "nothing_to_transfer")]),
        ("transfer", {"task": "d.s9"}, [("/task", "no_such_task")]),
        ("dossiers/{id}/stop", {"why": "x"}, [("/why", "extra_forbidden")]),
    ],
    ids=str,
)
def test_a_field_that_is_wrong_is_pointed_at(
    workflow: Running, path: str, changed: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    id = begin(workflow)
    before = workflow.rows("dossiers")
    (full,) = [each for each in BODIES if each.endswith(path)]
    assert pointers(act(workflow, id, path, body={**BODIES[full], **changed})) == expected
    assert workflow.rows("dossiers") == before


def test_the_same_click_twice_gets_the_first_answer(workflow: Running) -> None:
    id = begin(workflow)
    problem(workflow.post(f"dossiers/{id}/pause", "officer", PAUSE, key=None), 428)
    first = act(workflow, id, "pause", key="k-1")
    assert act(workflow, id, "pause", key="k-1").data == first.data
    problem(act(workflow, id, "pause", body={**PAUSE, "reason": "y"}, key="k-1"), 422, "idempotency_key_reused")
    problem(act(workflow, id, "resumption", match=1), 412, "stale")
    assert act(workflow, id, "resumption", match=2).status_code == 200
    assert len(told(workflow, "paused")) == 1


def test_acts_that_are_learnt_of_later_count_when_they_happened(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(days=2)
    for path, at, expected in (
        ("pause", "2026-03-04T01:00:00Z", "before_reception"),
        ("pause", "2026-03-04T03:00:00Z", None),
        ("resumption", "2026-03-04T02:30:00Z", "before_pause"),
        ("resumption", "2026-03-05T03:00:00Z", None),
        ("extension", "2026-03-05T02:00:00Z", "before_last_pause"),
        ("supplement-request", "2026-03-05T02:00:00Z", "before_last_pause"),
    ):
        answer = act(workflow, id, path, "backdate", headers={"Occurred-At": at})
        if expected is None:
            assert answer.status_code == 200, answer.text
        else:
            problem(answer, 422, expected)
    (row,) = workflow.rows("dossiers")
    (pause,) = row["pauses"]
    assert (pause["begin"].isoformat(), pause["end"].isoformat()) == (
        "2026-03-04T03:00:00+00:00",
        "2026-03-05T03:00:00+00:00",
    )
    assert row["journal"][-1]["recorded_at"] == clock.now


# --- news of intake ---------------------------------------------------------------------------------------------------


def test_news_of_a_dossier_that_is_not_here_yet_wait_for_it(workflow: Running, clock: Clock) -> None:
    supplement = news("dossier.supplemented", "d-unknown", clock.now)
    before_reception = news("dossier.supplemented", "d-unknown", clock.now, code=None)
    paid = news("fee.paid", "d-unknown", clock.now, requested_at=clock.now.isoformat())
    at_filing = news("fee.paid", "d-unknown", clock.now)
    cancelled = news("fee.cancelled", "d-unknown", clock.now, requested_at=clock.now.isoformat())
    assert workflow.hear([supplement, before_reception, paid, at_filing, cancelled]) == [
        Later("process_not_here_yet"), Done(), Later("process_not_here_yet"), Done(), Later("process_not_here_yet"),
    ]  # fmt: skip


def test_a_batch_of_news_is_one_write_and_each_finds_what_the_one_before_made(workflow: Running, clock: Clock) -> None:
    ids = [begin(workflow) for _ in range(5)]
    for id in ids:
        act(workflow, id, "supplement-request")
    clock.move(hours=1)
    events = [news("dossier.supplemented", id, clock.now) for id in ids]
    later = [news("dossier.supplemented", id, clock.now + timedelta(minutes=1)) for id in ids]
    withdrawn = news("dossier.withdrawn", ids[0], clock.now + timedelta(minutes=5), received_at=clock.now.isoformat())
    assert workflow.hear([*events, *later, withdrawn]) == [*[Done()] * 5, *[Duplicate()] * 5, Done()]
    rows = {row["_id"]: row for row in workflow.rows("dossiers")}
    assert {row["pauses"][0]["end"] for row in rows.values()} == {clock.now}
    assert [rows[id]["state"] for id in ids] == ["withdrawn", *["running"] * 4]


def test_a_withdrawn_dossier_stays_so_when_its_supplement_is_heard_of_later(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    act(workflow, id, "supplement-request")
    clock.move(hours=1)
    supplement = news("dossier.supplemented", id, clock.now)
    clock.move(hours=1)
    withdrawn = news("dossier.withdrawn", id, clock.now, received_at=clock.now.isoformat())
    assert workflow.hear([withdrawn]) == [Done()]
    assert workflow.hear([supplement]) == [Done()]
    assert told(workflow, "resumed") == []
    found = workflow.get(f"dossiers/{id}/timeline", "officer").get_json()
    assert (found["state"], found["intact"]) == ("withdrawn", True)
    assert {task["state"] for task in found["tasks"]} == {"closed"}


def test_an_agency_elsewhere_is_not_told_by_a_transfer_that_failed(workflow: Running) -> None:
    id = begin(workflow)
    act(workflow, id, "pause")
    problem(act(workflow, id, "transfer", body={**TRANSFER, "to": ELSEWHERE}), 409, "not_running")
    problem(workflow.get(f"dossiers/{id}/timeline", "other_officer"), 404)


# --- with intake ------------------------------------------------------------------------------------------------------


def test_what_intake_takes_from_the_applicant_lets_the_clock_go_on(
    intake: Running, workflow: Running, clock: Clock
) -> None:
    """A supplement, then a fee while the fee of the filing is still unpaid, which is paid first and changes nothing."""
    id = str(intake.post("dossiers", "counter_officer", body(channel="counter")).get_json()["id"])
    at_filing = intake.get(f"dossiers/{id}/fee", "counter_officer").get_json()["amount"]
    workflow.hear(intake.publish())
    clock.move(hours=1)
    assert act(workflow, id, "supplement-request").status_code == 200
    intake.hear(workflow.publish())
    clock.move(hours=1)
    given = {"components": [paper("TP2")]}
    answer = intake.post(f"dossiers/{id}/supplement", "counter_officer", given)
    assert answer.status_code == 200, answer.text
    assert Done() in workflow.hear(intake.publish())
    assert where(workflow, id) == ("running", None)
    clock.move(hours=1)
    assert act(workflow, id, "fee-request").status_code == 200
    filed = intake.post(f"dossiers/{id}/payments", "counter_officer", {"amount": at_filing})
    assert filed.status_code == 201, filed.text
    workflow.hear(intake.publish())
    assert where(workflow, id) == ("paused", "fee")
    intake.hear(workflow.publish())
    clock.move(hours=1)
    assert intake.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 50_000}).status_code == 201
    workflow.hear(intake.publish())
    assert where(workflow, id) == ("running", None)


def where(workflow: Running, id: str) -> tuple[str, str | None]:
    """The process's state, and what it waits for."""
    row = workflow.database["dossiers"].find_one({"_id": id})
    assert row is not None
    return row["state"], next((each["kind"] for each in row["pauses"] if each["end"] is None), None)
