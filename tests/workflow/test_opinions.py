"""Opinions of other agencies: as steps and beside them; what does not come in time lapses, once."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from catalog.domain import Step
from chassis.consume import Done
from chassis.envelope import read
from chassis.store import Carrier
from native.access import Persona
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE, OFFICE, PROVINCE, days
from tests.support.plans import watched
from tests.support.services import Clock, Running, another_process, everything, pointers, problem
from tests.workflow import making, nesting
from tests.workflow.making import CALENDAR, DUC, LAN, by, task
from tests.workflow.nesting import OUTER, begin, of_type
from workflow import events
from workflow.domain import extensions, opinions, tasks, undo
from workflow.domain.answers import LAPSED
from workflow.domain.opinions import Question
from workflow.domain.parts import Budget, TaskState
from workflow.domain.processes import Process, State, first_broken_entry
from workflow.following import Following
from workflow.main import WORKFLOW
from workflow.store import WorkflowStore

ASKED, GIVEN = "workflow.opinion.asked.v1", "workflow.opinion.given.v1"
A_DAY = Budget(amount=1, unit="working_day")
COLLEAGUE = Persona("Lê Văn Tám", ("tasks.read", "tasks.work"), HERE)
QUESTION = {
    "agency": ELSEWHERE,
    "question": "Có phù hợp quy hoạch không?",
    "amount": {"amount": 1, "unit": "working_day"},
}


def ask(process: Process, step: str = "s1", by_: Any = None, agency: str = ELSEWHERE) -> Process:
    question = Question(agency, OFFICE, "expert", "Có phù hợp không?", A_DAY)
    return opinions.ask(process, task(process, step), question, CALENDAR, by_ or by(1))[0]


def following(workflow: Running) -> Following:
    """Another worker's timers."""
    return Following(WorkflowStore(workflow.database, Carrier(workflow.clock)), workflow.clock)


# -- asked beside the process ------------------------------------------------------------------------------------------


def test_a_question_is_a_task_of_the_asked_agency_and_holds_nothing_up() -> None:
    process, _ = making.started()
    asked = ask(process)
    question = task(asked, "s1.o1")
    assert (question.kind, question.agency, question.asker, question.state) == (
        "opinion", ELSEWHERE, "d1.s1", TaskState.OPEN,
    )  # fmt: skip
    assert question.due_at == datetime(2026, 3, 5, 3, 0, tzinfo=UTC), "a working day from Wednesday 10:00"
    assert asked.agencies == (HERE, ELSEWHERE)
    assert asked.lapses_at == question.due_at
    after, said = making.complete(asked, "s1", by(2))
    assert making.open_tasks(after) == ["s2"]
    assert (said[0].steps_done, said[0].steps_total) == (1, 4), "a question is no step"


def test_a_question_is_closed_with_the_step_that_asked() -> None:
    process = ask(ask(making.started()[0]))
    assert [task.id for task in process.tasks[-2:]] == ["d1.s1.o1", "d1.s1.o2"]
    answered, _ = making.complete(process, "s1.o2", by(1.5, DUC), note="Phù hợp")
    after, _ = making.complete(answered, "s1", by(2))
    assert [task(after, f"s1.o{n}").state for n in (1, 2)] == [TaskState.CLOSED, TaskState.DONE]
    assert (after.queues, after.lapses_at) == ((HERE,), None)
    with pytest.raises(tasks.TaskNotOpen):
        making.complete(after, "s1.o1", by(3, DUC), note="Muộn")


def test_a_process_ends_whatever_became_of_its_questions() -> None:
    process, _ = making.started()
    for n, step in enumerate(("s1", "s2", "s3", "s4")):
        process = ask(process, step, by(n + 0.25))
        if step == "s2":
            process, _ = making.complete(process, "s2.o1", by(n + 0.5, DUC), note="Đồng ý")
        process, _ = making.complete(process, step, by(n + 1))
    assert (process.state, process.outcome, process.involved) == (State.FINISHED, "approved", ())
    assert process.finished_at == by(4).at
    assert first_broken_entry(process) is None


def test_an_answer_has_words_and_no_step_follows() -> None:
    process = ask(making.started()[0])
    with pytest.raises(Exception, match="in words") as raised:
        making.complete(process, "s1.o1", by(2, DUC))
    assert raised.value.errors[0].pointer == "/note"  # type: ignore[attr-defined]
    after, said = making.complete(process, "s1.o1", by(2, DUC), note="Phù hợp")
    answer = task(after, "s1.o1")
    assert (answer.note, answer.assignee, answer.completed_at) == ("Phù hợp", DUC, by(2).at)
    assert [type(event).TYPE for event in said] == [GIVEN]
    assert (said[0].lapsed, said[0].asker, said[0].agency) == (False, "d1.s1", ELSEWHERE)
    assert making.open_tasks(after) == ["s1"]


def test_only_who_works_on_a_running_step_asks() -> None:
    process, _ = making.started()
    claimed = making.claim(process, "s1", by(1, LAN))
    with pytest.raises(tasks.TaskClaimed):
        ask(claimed, by_=by(2, DUC))
    assert task(ask(claimed, by_=by(2, LAN)), "s1.o1").state is TaskState.OPEN
    with pytest.raises(tasks.TaskNotOpen):
        ask(process, "s2")
    with pytest.raises(Exception, match="before the task was opened"):
        ask(process, by_=by(-1))
    with pytest.raises(Exception, match="paused"):
        ask(replace(process, state=State.PAUSED))
    with pytest.raises(opinions.NoStep):
        ask(ask(process), "s1.o1", by(2), PROVINCE)
    with pytest.raises(Exception, match="asking agency"):
        ask(process, agency=HERE)


def test_a_step_asks_so_often_and_no_more() -> None:
    process, _ = making.started()
    for _ in range(opinions.MOST):
        process = ask(process)
    assert process.tasks[-1].id == f"d1.s1.o{opinions.MOST}"
    with pytest.raises(opinions.TooManyOpinions):
        ask(process)
    assert ask(making.complete(process, "s1", by(2))[0], "s2", by(3)).tasks[-1].id == "d1.s2.o1"


def test_a_step_that_is_called_like_a_question_is_left_alone() -> None:
    steps = (
        Step(id="s1", name="Xem", role="expert", amount=days(1)),
        Step(id="s1.o1", name="Ký", role="leader", amount=days(1), decision=True),
    )
    process = ask(making.started(making.procedure(*steps))[0])
    assert [task.id for task in process.tasks] == ["d1.s1", "d1.s1.o1", "d1.s1.o2"]


def test_undoing_the_completion_opens_the_question_again() -> None:
    process = ask(making.started()[0])
    done, _ = making.complete(process, "s1", by(2))
    again, _ = undo.undo(done, task(done, "s1"), timedelta(minutes=5), by(2.01))
    assert again.tasks == process.tasks


# -- what lapses -------------------------------------------------------------------------------------------------------


def with_opinion() -> Process:
    """`ask` at another agency has a day; `sign` waits for it and for `work`."""
    steps = (
        Step(id="ask", name="Lấy ý kiến", role="expert", agency=ELSEWHERE, amount=days(1), kind="opinion"),
        Step(id="work", name="Thẩm định", role="expert", amount=days(1)),
        Step(id="sign", name="Ký", role="leader", amount=days(1), decision=True, after=("ask", "work")),
    )
    process = catalogue.steps(*steps)
    parallel = replace(process, steps=(process.steps[0], replace(process.steps[1], after=()), *process.steps[2:]))
    return making.started(making.procedure(process=parallel), 5)[0]


def test_an_extension_leaves_an_opinion_its_own_deadline() -> None:
    before = with_opinion()
    after, _ = extensions.extend(
        before, Budget(amount=2, unit="working_day"), "Cần xác minh", None, False, CALENDAR, by(1)
    )
    assert task(after, "ask").due_at == task(before, "ask").due_at
    assert task(after, "work").due_at != task(before, "work").due_at


def test_an_opinion_that_does_not_come_lapses_as_of_its_due_time_and_the_join_goes_on() -> None:
    process, _ = making.complete(with_opinion(), "work", by(2))
    due_at = task(process, "ask").due_at
    assert due_at is not None
    assert process.lapses_at == due_at
    now = by(200).at
    assert opinions.lapse(process, due_at - timedelta(seconds=1), CALENDAR)[0] is process
    after, said = opinions.lapse(process, now, CALENDAR)
    lapsed = task(after, "ask")
    assert (lapsed.state, lapsed.outcome, lapsed.note) == (TaskState.DONE, "completed", LAPSED)
    assert (lapsed.completed_at, lapsed.late, lapsed.assignee) == (due_at, False, None)
    assert task(after, "sign").opened_at == due_at, "whenever a worker looks"
    assert [entry.act for entry in after.journal[-2:]] == ["lapsed", "completed"]
    assert (after.journal[-2].at, after.journal[-2].recorded_at) == (due_at, now)
    assert [type(event) for event in said] == [events.TaskCompleted, events.DossierTransferred, events.TaskAssigned]
    assert opinions.lapse(after, now, CALENDAR) == (after, [])


def test_one_that_somebody_has_taken_lapses_too_and_one_that_is_answered_does_not() -> None:
    process = making.claim(with_opinion(), "ask", by(1, DUC))
    after, _ = opinions.lapse(process, by(200).at, CALENDAR)
    assert (task(after, "ask").state, task(after, "ask").assignee) == (TaskState.DONE, DUC)
    answered, _ = making.complete(process, "ask", by(2, DUC), note="Không ý kiến")
    assert answered.lapses_at is None
    assert opinions.lapse(answered, by(200).at, CALENDAR)[0] is answered


def test_nothing_lapses_while_the_dossier_is_paused_or_over() -> None:
    for state in (State.PAUSED, State.WITHDRAWN, State.STOPPED):
        process = replace(with_opinion(), state=state)
        assert opinions.lapse(process, by(200).at, CALENDAR)[0] is process


def test_opinions_one_after_the_other_lapse_at_once_after_an_outage() -> None:
    steps = (
        Step(id="first", name="Hỏi", role="expert", agency=ELSEWHERE, amount=days(1), kind="opinion"),
        Step(id="second", name="Hỏi", role="expert", agency=PROVINCE, amount=days(1), kind="opinion"),
        Step(id="sign", name="Ký", role="leader", amount=days(1), decision=True),
    )
    process, _ = making.started(making.procedure(*steps), 5)
    after, _ = opinions.lapse(process, by(400).at, CALENDAR)
    assert making.open_tasks(after) == ["sign"]
    assert task(after, "second").opened_at == task(after, "first").due_at
    assert task(after, "sign").opened_at == task(after, "second").due_at


def test_a_question_lapses_and_says_so() -> None:
    process = ask(making.started()[0])
    after, said = opinions.lapse(process, by(200).at, CALENDAR)
    assert (task(after, "s1.o1").note, after.journal[-1].act) == (LAPSED, "lapsed")
    assert [event.lapsed for event in said] == [True]
    assert making.open_tasks(after) == ["s1"]


# -- on the server -----------------------------------------------------------------------------------------------------


def asks(workflow: Running, task: str, who: str | Persona = "officer", **changes: Any) -> TestResponse:
    key = changes.pop("key", None)
    options = {} if key is None else {"key": key}
    return workflow.post(f"tasks/{task}/opinions", who, {**QUESTION, **changes}, **options)


def test_an_officer_asks_another_agency_and_gets_the_answer(workflow: Running, clock: Clock) -> None:
    begin(workflow, BUSINESS)
    problem(workflow.get("dossiers/d1/timeline", "other_officer"), 404, "not_found")
    answer = asks(workflow, "d1.s1")
    assert answer.status_code == 201, answer.text
    question = answer.get_json()["task"]
    assert (question["id"], question["kind"], question["question"]) == ("d1.s1.o1", "opinion", QUESTION["question"])
    assert question["due_at"] == "2026-03-05T02:00:00Z"
    (listed,) = workflow.get("tasks", "other_officer").get_json()["items"]
    assert (listed["id"], listed["kind"]) == ("d1.s1.o1", "opinion")
    assert workflow.get("dossiers/d1/timeline", "other_officer").status_code == 200
    problem(workflow.post("tasks/d1.s1/claim", "other_officer", {}), 404, "not_found")
    problem(workflow.post("tasks/d1.s1.o1/claim", "officer", {}), 404, "not_found")
    clock.move(hours=1)
    done = workflow.post("tasks/d1.s1.o1/completion", "other_officer", {"outcome": "completed", "note": "Phù hợp"})
    assert done.status_code == 200, done.text
    tasks_ = workflow.get("dossiers/d1/timeline", "officer").get_json()["tasks"]
    assert (tasks_[-1]["id"], tasks_[-1]["note"], tasks_[-1]["state"]) == ("d1.s1.o1", "Phù hợp", "done")
    told = workflow.publish()
    asked, given = of_type(told, ASKED), of_type(told, GIVEN)
    assert (len(asked), len(given)) == (1, 1)
    assert "quy hoạch".encode() not in b"".join(told), "what is asked stays in the dossier"


def test_the_same_click_twice_asks_once(workflow: Running) -> None:
    begin(workflow, BUSINESS)
    first, again = asks(workflow, "d1.s1", key="k"), asks(workflow, "d1.s1", key="k")
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert len(workflow.rows("dossiers")[0]["tasks"]) == 5
    problem(workflow.post("tasks/d1.s1/opinions", "officer", QUESTION, match=2), 428, "precondition_required")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"agency": "H56.99"}, "/agency", "unknown_agency"),
    ({"agency": HERE}, "/agency", "own_agency"),
    ({"agency": ""}, "/agency", "string_too_short"),
    ({"question": " "}, "/question", "string_too_short"),
    ({"question": "a\x00b"}, "/question", "string_pattern_mismatch"),
    ({"question": "x" * 2001}, "/question", "string_too_long"),
    ({"amount": 3}, "/amount", "model_type"),
    ({"amount": {"amount": 0, "unit": "hour"}}, "/amount/amount", "greater_than"),
    ({"amount": {"amount": 1e9, "unit": "hour"}}, "/amount/amount", "less_than_equal"),
    ({"amount": {"amount": 0.5, "unit": "calendar_day"}}, "/amount", "value_error"),
    ({"amount": {"amount": 1e-9, "unit": "hour"}}, "/amount", "value_error"),
    ({"amount": {"amount": 1, "unit": "week"}}, "/amount/unit", "literal_error"),
    ({"role": "king"}, "/role", "literal_error"),
    ({"urgent": True}, "/urgent", "extra_forbidden"),
]


def test_a_field_that_is_wrong_is_pointed_at(workflow: Running) -> None:
    begin(workflow, BUSINESS)
    for changes, pointer, code in WRONG:
        assert pointers(asks(workflow, "d1.s1", **changes)) == [(pointer, code)], changes
    assert len(workflow.rows("dossiers")[0]["tasks"]) == 4


def test_who_may_not_see_the_task_cannot_ask(workflow: Running) -> None:
    begin(workflow, BUSINESS)
    for task_id in ("d1.s1", "d1.none", "none.s1"):
        problem(asks(workflow, task_id, "other_officer", agency=PROVINCE), 404, "not_found")
    problem(asks(workflow, "d1.s1", "citizen"), 403)
    workflow.post("tasks/d1.s1/claim", "officer", {})
    problem(asks(workflow, "d1.s1", COLLEAGUE), 409, "task_claimed")


def opinion_procedure() -> bytes:
    process = catalogue.steps(
        Step(id="ask", name="Lấy ý kiến", role="expert", agency=ELSEWHERE, amount=days(1), kind="opinion"),
        Step(id="sign", name="Ký", role="leader", amount=days(1), decision=True),
    )
    return catalogue.published(catalogue.procedure(OUTER, process=process))


def test_many_workers_let_an_opinion_lapse_once(workflow: Running, clock: Clock) -> None:
    assert workflow.hear([opinion_procedure()]) == [Done()]
    for n in range(6):
        begin(workflow, OUTER, f"d{n}")
    workflow.publish()
    one = following(workflow)
    assert one.opinions() is False
    assert workflow.publish() == [], "it is not time yet"
    clock.move(days=1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: following(workflow).opinions(), range(8)))
    rows = workflow.rows("dossiers")
    assert [[task["state"] for task in row["tasks"]] for row in rows] == [["done", "open"]] * 6
    assert [[entry["act"] for entry in row["journal"]].count("lapsed") for row in rows] == [1] * 6
    told = [read(body) for body in workflow.publish()]
    assert [event.type for event in told].count("workflow.task.completed.v1") == 6
    assert [event.sequence for event in told if event.subject == "d0"] == sorted(
        event.sequence for event in told if event.subject == "d0"
    )
    one.opinions()
    assert workflow.publish() == []


def test_a_worker_that_was_overtaken_by_the_answer_leaves_it(
    workflow: Running, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its write the asked agency answers."""
    workflow.hear([opinion_procedure()])
    begin(workflow, OUTER)
    lapse = opinions.lapse
    # The answer came in time and is recorded after.
    clock.move(days=1)

    def meanwhile(*args: Any) -> Any:
        answer = {"outcome": "completed", "note": "Phù hợp"}
        at = {"Occurred-At": "2026-03-04T03:00:00Z"}
        sent = workflow.post("tasks/d1.ask/completion", "backdate", answer, headers=at)
        assert sent.status_code == 200, sent.text
        return lapse(*args)

    monkeypatch.setattr(opinions, "lapse", meanwhile)
    following(workflow).opinions()
    (row,) = workflow.rows("dossiers")
    assert (row["tasks"][0]["note"], row["lapses_at"]) == ("Phù hợp", None)
    assert "lapsed" not in [entry["act"] for entry in row["journal"]]


def test_a_paused_dossier_waits_and_its_opinions_lapse_later(workflow: Running, clock: Clock) -> None:
    workflow.hear([opinion_procedure()])
    begin(workflow, OUTER)
    everybody = everything(WORKFLOW)
    clock.move(hours=1)
    assert workflow.post("dossiers/d1/pause", everybody, {"reason": "Chờ", "basis": "Điều 5"}).status_code == 200
    clock.move(days=2)
    one = following(workflow)
    one.opinions()
    assert workflow.rows("dossiers")[0]["tasks"][0]["state"] == "open"
    assert workflow.post("dossiers/d1/resumption", everybody, {"reason": "Đã có"}).status_code == 200
    one.opinions()
    assert workflow.rows("dossiers")[0]["tasks"][0]["state"] == "open", "it has the rest of its time"
    clock.move(days=4)
    one.opinions()
    assert workflow.rows("dossiers")[0]["tasks"][0]["note"] == LAPSED


def test_what_lapses_is_found_by_an_index(workflow: Running, clock: Clock, mongo: MongoClient[dict[str, Any]]) -> None:
    workflow.hear([opinion_procedure()])
    for n in range(30):
        begin(workflow, BUSINESS, f"e{n}")
    begin(workflow, OUTER)
    clock.move(days=1)
    with watched(mongo, workflow.database.name) as seen:
        following(workflow).opinions()
    found = next(ran for ran in seen.of("dossiers") if "find" in ran.command)
    assert (found.plan, found.documents, found.sorted_in_memory) == ("IXSCAN { lapses_at: 1 }", 1, False)


def test_a_childs_opinions_lapse_like_any(workflow: Running, clock: Clock) -> None:
    asking = catalogue.steps(
        Step(id="ask", name="Hỏi", role="expert", agency=ELSEWHERE, amount=days(1), kind="opinion"),
        Step(id="say", name="Kết luận", role="leader", amount=days(0.5), decision=True),
    )
    inner = catalogue.procedure(nesting.INNER, process=asking)
    workflow.hear([catalogue.published(nesting.outer()), catalogue.published(inner)])
    begin(workflow, OUTER)
    workflow.post("tasks/d1.in/completion", "officer", {"outcome": "completed"})
    nesting.carried(workflow)
    clock.move(days=2)
    following(workflow).opinions()
    child = workflow.rows("dossiers")[1]
    assert [task["state"] for task in child["tasks"]] == ["done", "open"]
    assert [read(body).type for body in workflow.publish()] == []
    with another_process(workflow) as other:
        assert json.loads(other.get("dossiers/d1~sub/timeline", "officer").data)["tasks"][0]["note"] == LAPSED
