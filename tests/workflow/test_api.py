"""Workflow over HTTP: what officers do with tasks, what they see of a dossier's course, and who may."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from chassis.clock import new_id
from native.access import Persona
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE, LAND, PROVINCE
from tests.support.plans import watched
from tests.support.samples import sample
from tests.support.services import Clock, Running, pointers, problem, subject_of

COLLEAGUE = Persona("Lê Văn Tám", ("tasks.read", "tasks.work"), HERE)
AT_THE_PROVINCE = Persona("Bùi Thị Sáu", ("tasks.read", "tasks.work"), PROVINCE)


def begin(workflow: Running, procedure: str = BUSINESS, agency: str = HERE, amount: float | None = 3) -> str:
    """A dossier is received; its id."""
    id = new_id()
    now = workflow.clock().isoformat()
    data = {
        "dimensions": {"procedure": procedure, "procedure_version": 1, "agency": agency},
        "code": f"{agency}-260304-{secrets.randbelow(9000) + 1000}",
        "procedure_name": "Đăng ký",
        "received_at": now,
        "clock_at": now,
        "budget": None if amount is None else {"amount": amount, "unit": "working_day"},
        "due_at": None,
    }
    event = json.loads(sample("intake.dossier.received.v1"))
    event |= {"id": f"intake.dossier:{id}:1", "subject": id, "time": now, "sequence": 1, "data": data}
    workflow.hear([json.dumps(event).encode()])
    return id


def claim(workflow: Running, task: str, who: str | Persona = "officer", **options: Any) -> TestResponse:
    return workflow.post(f"tasks/{task}/claim", who, {}, **options)


def complete(
    workflow: Running, task: str, outcome: str = "completed", who: str | Persona = "officer", **options: Any
) -> TestResponse:
    return workflow.post(f"tasks/{task}/completion", who, {"outcome": outcome}, **options)


def listed(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.get_json()["items"]]


# --- acts -------------------------------------------------------------------------------------------------------------


def test_a_task_is_claimed_and_completed(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    claimed = claim(workflow, f"{id}.s1")
    assert (claimed.status_code, claimed.headers["ETag"]) == (200, '"2"')
    assert claimed.get_json()["task"]["assignee"] == subject_of("officer")
    clock.move(hours=1)
    done = workflow.post(f"tasks/{id}.s1/completion", "officer", {"outcome": "completed", "note": "Đủ\nthành phần"})
    found = done.get_json()
    assert (done.status_code, found["version"], found["state"], found["outcome"]) == (200, 3, "running", None)
    assert found["open_tasks"] == [f"{id}.s2"]
    assert found["task"]["completed_at"] == "2026-03-04T03:00:00Z"
    assert workflow.rows("dossiers")[0]["tasks"][0]["note"] == "Đủ\nthành phần"


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_after_the_last_task_the_dossier_is_decided(workflow: Running, decision: str) -> None:
    id = begin(workflow)
    for step in ("s1", "s2"):
        assert complete(workflow, f"{id}.{step}").status_code == 200
    assert complete(workflow, f"{id}.s3", decision).get_json()["outcome"] is None, "the clerk still works on it"
    last = complete(workflow, f"{id}.s4").get_json()
    assert (last["state"], last["outcome"], last["open_tasks"]) == ("finished", decision, [])
    told = [json.loads(event) for event in workflow.told()]
    assert [event["sequence"] for event in told] == list(range(1, len(told) + 1))
    assert told[-1]["type"] == "workflow.dossier.finished.v1"
    assert told[-1]["data"]["outcome"] == decision


def test_a_task_that_is_with_somebody_else_or_not_open_says_so(workflow: Running) -> None:
    id = begin(workflow)
    claim(workflow, f"{id}.s1")
    problem(claim(workflow, f"{id}.s1", who=COLLEAGUE), 409, "task_claimed")
    problem(complete(workflow, f"{id}.s1", who=COLLEAGUE), 409, "task_claimed")
    assert claim(workflow, f"{id}.s1").status_code == 200, "one's own again is harmless"
    problem(claim(workflow, f"{id}.s2"), 409, "task_not_open")
    assert complete(workflow, f"{id}.s1").status_code == 200
    problem(complete(workflow, f"{id}.s1"), 409, "task_not_open")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, [("/outcome", "missing")]),
        ({"outcome": "done"}, [("/outcome", "literal_error")]),
        ({"outcome": "approved"}, [("/outcome", "wrong_outcome")]),
        ({"outcome": "completed", "note": ""}, [("/note", "string_too_short")]),
        ({"outcome": "completed", "note": "a\x00"}, [("/note", "string_pattern_mismatch")]),
        ({"outcome": "completed", "note": "x" * 2001}, [("/note", "string_too_long")]),
        ({"outcome": "completed", "by": "me"}, [("/by", "extra_forbidden")]),
    ],
    ids=str,
)
def test_a_field_that_is_wrong_is_pointed_at(workflow: Running, sent: Any, expected: list[tuple[str, str]]) -> None:
    id = begin(workflow)
    assert pointers(workflow.post(f"tasks/{id}.s1/completion", "officer", sent)) == expected


def test_a_repeated_key_gets_the_first_answer_byte_for_byte(workflow: Running) -> None:
    id = begin(workflow)
    first = complete(workflow, f"{id}.s1", key="k-1")
    complete(workflow, f"{id}.s2")
    again = complete(workflow, f"{id}.s1", key="k-1")
    assert (first.status_code, first.data, first.headers["ETag"]) == (
        again.status_code,
        again.data,
        again.headers["ETag"],
    )
    problem(complete(workflow, f"{id}.s1", "approved", key="k-1"), 422, "idempotency_key_reused")
    problem(complete(workflow, f"{id}.s3", "approved", key="k-1"), 422, "idempotency_key_reused")
    problem(complete(workflow, f"{id}.s1", who=COLLEAGUE, key="k-1"), 409, "task_not_open")
    assert complete(workflow, f"{begin(workflow)}.s1", key="k-1").status_code == 200, "the key is one of that dossier"


def test_stale_and_missing_preconditions(workflow: Running) -> None:
    id = begin(workflow)
    assert claim(workflow, f"{id}.s1", match=1).status_code == 200
    problem(complete(workflow, f"{id}.s1", match=1), 412, "stale")
    assert complete(workflow, f"{id}.s1", match=2).status_code == 200
    for path in (f"tasks/{id}.s2/claim", f"tasks/{id}.s2/completion"):
        body = {} if path.endswith("claim") else {"outcome": "completed"}
        problem(workflow.post(path, "officer", body, key=None), 428, "precondition_required")


def test_of_several_who_claim_at_once_one_has_the_task(workflow: Running) -> None:
    id = begin(workflow)
    officers = [Persona(f"Cán bộ {n}", ("tasks.work",), HERE) for n in range(6)]
    with ThreadPoolExecutor(6) as at_once:
        answers = list(at_once.map(lambda who: claim(workflow, f"{id}.s1", who), officers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    (process,) = workflow.rows("dossiers")
    assert [entry["act"] for entry in process["journal"]][-1] == "claimed"
    assert process["tasks"][0]["assignee"] in {subject_of(who) for who in officers}


def test_an_act_counts_when_it_happened(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(days=2)
    answer = complete(workflow, f"{id}.s1", who="backdate", headers={"Occurred-At": "2026-03-04T10:00:00+07:00"})
    assert answer.get_json()["task"]["completed_at"] == "2026-03-04T03:00:00Z"
    journal = workflow.get(f"dossiers/{id}/timeline", "officer").get_json()["journal"]
    assert (journal[-1]["at"], journal[-1]["recorded_at"]) == ("2026-03-04T03:00:00Z", "2026-03-06T02:00:00Z")
    early = {"Occurred-At": "2026-03-04T02:59:00Z"}
    problem(claim(workflow, f"{id}.s2", "backdate", headers=early), 422, "before_opening")
    problem(complete(workflow, f"{id}.s2", who="backdate", headers=early), 422, "before_opening")
    problem(complete(workflow, f"{id}.s2", headers=early), 403, "forbidden")


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "acting", "seeing"),
    [
        (None, 401, 401),
        ("citizen", 403, 403),
        ("leader", 403, 200),
        ("other_officer", 404, 404),
        ("officer", 200, 200),
        (COLLEAGUE, 200, 200),
        ("backdate", 200, 200),
        (AT_THE_PROVINCE, 404, 404),
    ],
)
def test_who_may_work_on_a_task_and_see_its_dossier(workflow: Running, who: Any, acting: int, seeing: int) -> None:
    id = begin(workflow)
    for path in ("timeline", "clock"):
        assert workflow.get(f"dossiers/{id}/{path}", who).status_code == seeing
    assert claim(workflow, f"{id}.s1", who).status_code == acting


def test_a_dossier_that_goes_to_another_agency_is_seen_by_both_and_worked_on_by_the_one_whose_turn_it_is(
    workflow: Running,
) -> None:
    id = begin(workflow, LAND, amount=10)
    problem(workflow.get(f"dossiers/{id}/timeline", AT_THE_PROVINCE), 404)
    problem(claim(workflow, f"{id}.s2"), 404, "not_found")
    assert complete(workflow, f"{id}.s1").status_code == 200
    assert workflow.get(f"dossiers/{id}/timeline", AT_THE_PROVINCE).status_code == 200
    assert listed(workflow.get("tasks", "officer")) == []
    assert listed(workflow.get("tasks", AT_THE_PROVINCE)) == [f"{id}.s2"]
    problem(complete(workflow, f"{id}.s2"), 404, "not_found")
    assert complete(workflow, f"{id}.s2", who=AT_THE_PROVINCE).status_code == 200
    assert complete(workflow, f"{id}.s3", "approved", who=AT_THE_PROVINCE).status_code == 200
    problem(complete(workflow, f"{id}.s4", who=AT_THE_PROVINCE), 404, "not_found")
    assert complete(workflow, f"{id}.s4").status_code == 200


@pytest.mark.parametrize("task", ["x", "x.s1", ".", "..", "%00", "đ.s1", "a" * 3000])
def test_a_task_that_is_not_one_is_not_there(workflow: Running, task: str) -> None:
    problem(claim(workflow, task), 404, "not_found")


def test_a_known_dossiers_unknown_task_is_not_there(workflow: Running) -> None:
    id = begin(workflow)
    for task in (id, f"{id}.", f"{id}.s9", f"{id}.s1.s1"):
        problem(claim(workflow, task), 404, "not_found")
        problem(claim(workflow, task, "backdate"), 404, "not_found")


# --- lists ------------------------------------------------------------------------------------------------------------


def test_tasks_are_listed_by_their_due_time(workflow: Running, clock: Clock) -> None:
    untimed = begin(workflow, LAND, amount=None)
    relaxed = begin(workflow, LAND, amount=30)
    urgent = begin(workflow)
    clock.move(hours=1)
    later = begin(workflow)
    there = begin(workflow, agency=ELSEWHERE)
    first_tasks = [f"{id}.s1" for id in (urgent, later, relaxed, untimed)]
    assert listed(workflow.get("tasks", "officer")) == first_tasks
    assert listed(workflow.get(f"tasks?agency={HERE}", "officer")) == first_tasks
    assert listed(workflow.get(f"tasks?agency={ELSEWHERE}", "officer")) == []
    assert listed(workflow.get("tasks", "other_officer")) == [f"{there}.s1"]
    assert set(listed(workflow.get("tasks", "leader"))) == {*first_tasks, f"{there}.s1"}
    assert listed(workflow.get(f"tasks?agency={ELSEWHERE}", "leader")) == [f"{there}.s1"]
    assert listed(workflow.get("tasks", Persona("Không cơ quan", ("tasks.read",)))) == []


def test_tasks_are_filtered(workflow: Running, clock: Clock) -> None:
    mine, theirs, free, finished = (begin(workflow) for _ in range(4))
    claim(workflow, f"{mine}.s1")
    claim(workflow, f"{theirs}.s1", COLLEAGUE)
    for step in ("s1", "s2", "s3", "s4"):
        complete(workflow, f"{finished}.{step}", "approved" if step == "s3" else "completed")
    expected = {
        "": {mine, theirs, free},
        "state=open": {free},
        "state=claimed": {mine, theirs},
        "assignee=me": {mine},
        f"assignee={subject_of(COLLEAGUE)}": {theirs},
        "assignee=nobody": set(),
        "overdue=true": set(),
    }
    for query, wanted in expected.items():
        assert set(listed(workflow.get(f"tasks?{query}", "officer"))) == {f"{id}.s1" for id in wanted}, query
    clock.set("2026-03-04 15:00")
    assert listed(workflow.get("tasks?overdue=true", "officer")) == [], "half a day from 09:00, without the break"
    clock.set("2026-03-04 15:01")
    assert len(listed(workflow.get("tasks?overdue=true", "officer"))) == 3
    assert listed(workflow.get("tasks?overdue=true&assignee=me", "officer")) == [f"{mine}.s1"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "state=done", "overdue=maybe", "agency=" + "x" * 101, "unknown=1", "cursor=abc"]
)
def test_a_wrong_parameter_is_pointed_at(workflow: Running, query: str) -> None:
    assert [pointer for pointer, _ in pointers(workflow.get(f"tasks?{query}", "officer"))] == [
        f"/{query.partition('=')[0]}"
    ]


def walk(workflow: Running, path: str, who: str | Persona, between: Any = lambda: None) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = workflow.get(f"{path}&cursor={cursor}" if cursor else path, who)
        found += listed(page)
        cursor = page.get_json()["next"]
        if not cursor:
            return found
        between()


def test_a_cursor_shows_each_task_once_while_new_ones_arrive(workflow: Running, clock: Clock) -> None:
    there = [begin(workflow) for _ in range(3)]
    clock.move(seconds=60)
    there += [begin(workflow) for _ in range(3)]
    there.append(begin(workflow, LAND, amount=None))

    def one_more() -> None:
        clock.move(hours=1)
        begin(workflow)

    found = walk(workflow, "tasks?limit=2", "officer", one_more)
    mine = [task for task in found if task.partition(".")[0] in there]
    assert sorted(mine) == sorted(f"{id}.s1" for id in there)
    assert len(set(found)) == len(found)


def test_lists_read_what_they_show_and_nothing_more(
    workflow: Running, mongo: MongoClient[dict[str, Any]], clock: Clock
) -> None:
    """By the server's own account: no scan of the collection and no sort in memory, on no page."""
    for n in range(12):
        task = f"{begin(workflow)}.s1"
        if n % 2:
            claim(workflow, task)
        begin(workflow, agency=ELSEWHERE)
        done = begin(workflow, catalogue.CHARTER, amount=None)
        complete(workflow, f"{done}.s1", "approved")
        clock.move(seconds=61)
    clock.move(days=1)
    lists: list[tuple[str, str | Persona]] = [
        ("tasks?limit=3", "officer"),
        ("tasks?limit=3&overdue=true", "officer"),
        ("tasks?limit=3", "leader"),
        ("tasks?limit=3&overdue=true", "leader"),
        (f"tasks?limit=3&agency={HERE}", "leader"),
    ]
    with watched(mongo, workflow.database.name) as seen:
        for path, who in lists:
            assert walk(workflow, path, who)
        workflow.database["dossiers"].find_one({"outbox.at": {"$exists": True}}, hint="outbox_at")
    reads = seen.of("dossiers")
    assert len(reads) > 20
    for ran in reads:
        assert "COLLSCAN" not in ran.plan, ran
        assert not ran.sorted_in_memory, ran
        assert ran.documents <= ran.returned + 3, ran
        assert ran.keys <= ran.returned + 10, ran


# --- a dossier's course -----------------------------------------------------------------------------------------------


def test_the_timeline_tells_the_whole_course(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(hours=1)
    claim(workflow, f"{id}.s1")
    complete(workflow, f"{id}.s1")
    answer = workflow.get(f"dossiers/{id}/timeline", "officer")
    found = answer.get_json()
    assert answer.headers["ETag"] == f'"{found["version"]}"' == '"3"'
    assert [(task["step"], task["state"]) for task in found["tasks"]] == [
        ("s1", "done"), ("s2", "open"), ("s3", "waiting"), ("s4", "waiting"),
    ]  # fmt: skip
    # The received event of this test promised no due date.
    assert [(entry["act"], entry["task"]) for entry in found["journal"]] == [
        ("started", None), ("due_date_differs", None), ("claimed", f"{id}.s1"), ("completed", f"{id}.s1"),
    ]  # fmt: skip
    assert (found["state"], found["timing"], found["intact"]) == ("running", None, True)
    workflow.database["dossiers"].update_one({"_id": id}, {"$set": {"journal.2.by": "somebody-else"}})
    assert workflow.get(f"dossiers/{id}/timeline", "officer").get_json()["intact"] is False


def test_the_clock_explains_the_due_date_line_by_line(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(days=1)
    running = workflow.get(f"dossiers/{id}/clock", "officer").get_json()
    lines = running.pop("explanation")
    assert running == {
        "received_at": "2026-03-04T02:00:00Z",
        "budget": 3.0,
        "unit": "working_day",
        "used": 480,
        "pauses": [],
        "extensions": [],
        "due_at": "2026-03-07T02:00:00Z",
        "state": "running",
    }
    assert [line["vi"] for line in lines] == [
        "Tiếp nhận lúc 09:00 04/03/2026.",
        "Bắt đầu tính từ 09:00 04/03/2026 (giờ làm việc của cơ quan tiếp nhận).",
        "Thời hạn giải quyết 3 ngày làm việc: hẹn trả 09:00 07/03/2026.",
        "Ngày làm việc bù trong thời hạn: 07/03/2026 Làm bù (Thông báo 1/TB).",
        # The received event of this test promised no due date.
        (
            "Lịch làm việc năm 2026 thay đổi (Thông báo 1/TB), tính lại lúc 09:00 04/03/2026: "
            "hạn trả — → 09:00 07/03/2026."
        ),
        "Hạn trả hiện nay: 09:00 07/03/2026.",
        "Đã dùng 1 ngày 0 giờ 0 phút làm việc.",
        "Còn lại 2 ngày 0 giờ 0 phút làm việc.",
    ]
    assert lines[2]["en"] == "Time limit 3 working days: due 09:00 07/03/2026."
    for step in ("s1", "s2", "s3", "s4"):
        complete(workflow, f"{id}.{step}", "approved" if step == "s3" else "completed")
    clock.move(days=30)
    finished = workflow.get(f"dossiers/{id}/clock", "officer").get_json()
    assert (finished["state"], finished["used"]) == ("finished", 480)
    assert finished["explanation"][-1] == {
        "vi": "Xử lý xong lúc 09:00 05/03/2026: trước hạn.", "en": "Finished at 09:00 05/03/2026: early.",
    }  # fmt: skip


def test_the_clock_of_a_procedure_without_a_due_date(workflow: Running) -> None:
    id = begin(workflow, catalogue.CHARTER, amount=None)
    found = workflow.get(f"dossiers/{id}/clock", "officer").get_json()
    assert (found["state"], found["budget"], found["unit"], found["due_at"]) == ("none", None, None, None)
    assert "Thủ tục không quy định thời hạn giải quyết." in [line["vi"] for line in found["explanation"]]


def test_nothing_of_workflow_tells_who_the_applicant_is(workflow: Running) -> None:
    """The event that starts a process does, and workflow keeps it in one place, for what is printed."""
    received = json.loads(sample("intake.dossier.received.v1"))
    assert "Nguyễn Thị Hoa" in json.dumps(received, ensure_ascii=False)
    workflow.hear([json.dumps(received).encode()])
    (row,) = workflow.rows("dossiers")
    assert row.pop("personal")["name"] == "Nguyễn Thị Hoa"
    kept = json.dumps(row, default=str, ensure_ascii=False)
    shown = "".join(workflow.get(path, "officer").text for path in ("tasks", f"dossiers/{row['_id']}/timeline"))
    for secret in ("Nguyễn Thị Hoa", *received["data"]["personal"].values()):
        assert not isinstance(secret, str) or secret not in kept + shown
