"""A dossier goes back to an earlier step: what opens, what waits, what stays, and what is said of it."""

from dataclasses import replace
from typing import Any

import pytest

from catalog.domain import Step
from chassis.errors import Invalid
from tests.support import catalogue
from tests.support.catalogue import HERE, PROVINCE
from tests.support.services import Clock, Running, problem
from tests.workflow import making, nesting
from tests.workflow.branching import parallel
from tests.workflow.making import CALENDAR, DUC, by
from workflow import events
from workflow.domain import returns, tasks
from workflow.domain.competence import OpinionOnly
from workflow.domain.parts import Budget, Extension, TaskState
from workflow.domain.processes import NotRunning, Process, State, first_broken_entry


def send_back(process: Process, step: str, to: str, hours: float, who: str = making.LAN) -> tuple[Process, Any]:
    this = making.task(process, step)
    return returns.send_back(process, this, to, "Thiếu chữ ký", CALENDAR, by(hours, who))


def at_signing() -> Process:
    process = parallel()
    for n, step in enumerate(("in", "left", "right", "check"), 1):
        process, _ = making.complete(process, step, by(n))
    return process


def test_the_step_opens_again_and_what_is_behind_it_waits() -> None:
    before = at_signing()
    process, said = send_back(before, "sign", "right", 5)
    states = {task.step: (task.state, task.round) for task in process.tasks}
    assert states == {
        "in": (TaskState.DONE, 1),
        "left": (TaskState.DONE, 1),
        "right": (TaskState.OPEN, 2),
        "check": (TaskState.WAITING, 2),
        "sign": (TaskState.WAITING, 2),
        "out": (TaskState.WAITING, 1),
    }
    again, was = making.task(process, "right"), making.task(before, "right")
    assert (again.opened_at, again.completed_at, again.outcome, again.assignee) == (by(5).at, None, None, None)
    assert again.due_at is not None
    assert was.due_at is not None
    assert again.due_at - by(5).at >= was.due_at - by(1).at, "its whole time anew"
    assert process.due_at == before.due_at
    assert process.journal[-1].note == "sign → right: Thiếu chữ ký"
    assert first_broken_entry(process) is None
    returned, *others = said
    assert (returned.task, returned.waiting) == ("d1.right", ("d1.check", "d1.sign"))
    assert (returned.basis, returned.steps_done, returned.steps_total) == ("return", 2, 6)
    assert others == [], "it stays at the agency"
    assert [entry.act for entry in process.journal].count("completed") == 4, "what was done stays in the journal"


def test_it_runs_to_its_end_from_there() -> None:
    process, _ = send_back(at_signing(), "sign", "in", 5)
    assert making.open_tasks(process) == ["in"]
    for n, step in enumerate(("in", "left", "right", "check", "sign", "out"), 6):
        assert step in making.open_tasks(process)
        process, _ = making.complete(process, step, by(n))
    assert process.state is State.FINISHED
    assert {task.round for task in process.tasks if task.step != "out"} == {2}


def test_a_return_to_another_agency_says_that_work_goes_on_there() -> None:
    process, said = send_back(at_signing(), "sign", "left", 5)
    assert [(each.from_agency, each.to_agency, each.basis) for each in said[1:]] == [(HERE, PROVINCE, "return")]
    assert process.queues == (PROVINCE,)
    assert making.task(process, "check").state is TaskState.DONE, "a parallel branch is as it was"


def test_a_parallel_branch_goes_on() -> None:
    process = parallel()
    for n, step in enumerate(("in", "right"), 1):
        process, _ = making.complete(process, step, by(n))
    process = making.claim(process, "left", by(3, DUC))
    process, _ = send_back(process, "check", "right", 4)
    assert sorted(making.open_tasks(process)) == ["left", "right"]
    assert making.task(process, "left").assignee == DUC
    process, said = send_back(process, "right", "in", 5)
    assert making.open_tasks(process) == ["in"], "all of it comes after the first step"
    assert said[0].waiting == ("d1.left", "d1.right")


def test_whoever_is_asked_for_an_opinion_sends_nothing_back() -> None:
    steps = (
        Step(id="in", name="Tiếp nhận", role="one_stop"),
        Step(id="ask", name="Lấy ý kiến", role="expert", agency=PROVINCE, kind="opinion"),
        Step(id="sign", name="Ký duyệt", role="leader", decision=True),
    )
    process, _ = making.complete(making.started(making.procedure(*steps))[0], "in", by(1))
    with pytest.raises(OpinionOnly):
        send_back(process, "ask", "in", 2)


def test_a_step_that_waits_for_one_of_several_waits_for_the_one_it_sent_back_to() -> None:
    steps = (
        Step(id="in", name="Tiếp nhận", role="one_stop"),
        Step(id="a", name="Thẩm tra", role="expert", after=("in",)),
        Step(id="d", name="Đo đạc", role="expert", after=("in",)),
        Step(id="f", name="Lập bản đồ", role="expert", after=("d",)),
        Step(id="c", name="Tổng hợp", role="head", after=("a", "d"), join="any"),
        Step(id="sign", name="Ký duyệt", role="leader", decision=True, after=("c", "f")),
    )
    process, _ = making.started(making.procedure(*steps))
    for n, step in enumerate(("in", "a", "d"), 1):
        process, _ = making.complete(process, step, by(n))
    process, _ = returns.send_back(process, making.task(process, "c"), "a", "Thiếu", CALENDAR, by(4))
    process, _ = making.complete(process, "f", by(5))
    assert making.open_tasks(process) == ["a"], "although `d` was done before the return"
    process, _ = making.complete(process, "a", by(6))
    assert (making.open_tasks(process), making.task(process, "c").opened_at) == (["c"], by(6).at)


@pytest.mark.parametrize("to", ["sign", "out", "nowhere", "d1.in", ""])
def test_only_an_earlier_step_that_is_done(to: str) -> None:
    with pytest.raises(Invalid) as raised:
        send_back(at_signing(), "sign", to, 5)
    assert [(error.pointer, error.code) for error in raised.value.errors] == [("/to", "not_an_earlier_step")]


def test_a_step_of_another_branch_is_no_earlier_one() -> None:
    process = parallel()
    for n, step in enumerate(("in", "left"), 1):
        process, _ = making.complete(process, step, by(n))
    with pytest.raises(Invalid):
        send_back(process, "right", "left", 3)


def test_what_is_refused() -> None:
    process = at_signing()
    with pytest.raises(tasks.TaskClaimed):
        send_back(making.claim(process, "sign", by(5, DUC)), "sign", "in", 6)
    with pytest.raises(tasks.TaskNotOpen):
        send_back(process, "out", "in", 6)
    with pytest.raises(Invalid) as raised:
        send_back(process, "sign", "in", 3)
    assert raised.value.code == "before_opening"
    with pytest.raises(NotRunning):
        send_back(replace(process, state=State.PAUSED), "sign", "in", 6)
    decided, _ = making.complete(process, "sign", by(5))
    with pytest.raises(returns.AlreadyDecided):
        send_back(decided, "out", "check", 6)


def test_not_across_a_step_that_a_dossier_of_its_own_is_doing() -> None:
    process = parallel()
    for n, step in enumerate(("in", "right"), 1):
        process, _ = making.complete(process, step, by(n))
    left = tuple(replace(task, kind="child") if task.step == "left" else task for task in process.tasks)
    process = replace(process, tasks=left)
    with pytest.raises(returns.DoneByAnotherDossier):
        send_back(process, "check", "in", 6)
    assert sorted(making.open_tasks(send_back(process, "check", "right", 6)[0])) == ["left", "right"]


def test_what_a_dossier_of_its_own_did_another_one_does_again(workflow: Running, clock: Clock) -> None:
    workflow.hear([catalogue.published(nesting.outer()), catalogue.published(nesting.inner())])
    id, officer = nesting.begin(workflow, nesting.OUTER), "backdate"

    def through(child: str) -> None:
        nesting.carried(workflow)
        for step, outcome in (("look", "completed"), ("say", "approved")):
            clock.move(hours=1)
            answer = workflow.post(f"tasks/{child}.{step}/completion", officer, {"outcome": outcome})
            assert answer.status_code == 200, answer.text
        nesting.carried(workflow)

    workflow.post(f"tasks/{id}.in/completion", officer, {"outcome": "completed"})
    through(f"{id}~sub")
    back = workflow.post(f"tasks/{id}.sign/return", officer, {"to": "sub", "reason": "Thiếu căn cứ"})
    assert back.get_json()["open_tasks"] == [f"{id}.sub"]
    problem(workflow.post(f"tasks/{id}.sign/undo", officer, {}), 409, "gone_on")
    through(f"{id}~sub:2")
    last = workflow.post(f"tasks/{id}.sign/completion", officer, {"outcome": "approved"}).get_json()
    assert (last["state"], len(workflow.rows("dossiers"))) == ("finished", 3)


def test_an_extension_of_an_earlier_round_is_none_of_the_next() -> None:
    process = at_signing()
    more = Extension(
        amount=Budget(amount=5, unit="working_day"),
        at=by(2).at,
        basis="NĐ",
        reason="Phức tạp",
        apology=True,
        by=DUC,
        tasks=("d1.right",),
    )
    plain, _ = send_back(process, "sign", "right", 5)
    extended, _ = send_back(replace(process, extensions=(more,)), "sign", "right", 5)
    assert making.task(extended, "right").due_at == making.task(plain, "right").due_at


def test_published_it_stands_in_the_contract() -> None:
    assert events.TaskReturned in events.PUBLISHED
