"""Taking an act back within minutes, while nothing that followed has been touched."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.errors import Invalid
from tests.support.catalogue import ELSEWHERE, HERE, OFFICE, PROVINCE
from tests.workflow import making
from tests.workflow.branching import parallel
from tests.workflow.making import CALENDAR, DUC, LAN, by
from workflow import events
from workflow.domain import assignments, opinions, returns, undo
from workflow.domain.opinions import Question
from workflow.domain.parts import Budget, By
from workflow.domain.processes import NotRunning, Process, State, first_broken_entry, noted

WITHIN = timedelta(minutes=5)
MINUTE = 1 / 60


def take_back(process: Process, step: str, hours: float, who: str = LAN) -> tuple[Process, Any]:
    return undo.undo(process, making.task(process, step), WITHIN, by(hours, who))


def without_history(process: Process) -> Process:
    return replace(process, journal=(), undoable=(), agencies=())


def test_a_completion_is_taken_back() -> None:
    begun = making.claim(parallel(), "in", by(1))
    done, _ = making.complete(begun, "in", by(2), note="Đủ")
    process, said = take_back(done, "in", 2 + 4 * MINUTE)
    assert without_history(process) == without_history(begun), "with its assignee and its due time"
    assert [entry.act for entry in process.journal] == [*(entry.act for entry in done.journal), "undone"]
    assert (process.journal[-1].note, process.journal[-1].task) == ("completed", "d1.in")
    assert first_broken_entry(process) is None
    assert isinstance(said[0], events.TaskReturned)
    assert (said[0].task, said[0].waiting, said[0].basis) == ("d1.in", ("d1.left", "d1.right"), "undo")
    assert (said[0].steps_done, said[0].due_at) == (0, making.task(begun, "in").due_at)
    assert [(each.from_agency, each.to_agency, each.basis) for each in said[1:]] == [(PROVINCE, HERE, "return")]
    assert making.complete(process, "in", by(3))[0].queues == done.queues, "and it goes on as before"


def test_a_claim_an_assignment_and_a_return_are_taken_back() -> None:
    process = parallel()
    claimed = making.claim(process, "in", by(1))
    assert without_history(take_back(claimed, "in", 1)[0]) == without_history(process)
    given, _ = assignments.assign(process, making.task(process, "in"), DUC, "Đức", None, by(1), leads=True)
    assert without_history(take_back(given, "in", 1)[0]) == without_history(process)
    for n, step in enumerate(("in", "left", "right"), 1):
        process, _ = making.complete(process, step, by(n))
    back, _ = returns.send_back(process, making.task(process, "check"), "in", "Sai", CALENDAR, by(4))
    restored, said = take_back(back, "check", 4 + MINUTE)
    assert without_history(restored) == without_history(process)
    # What the return had taken back is said again, so that those who follow know.
    assert [type(each).__name__ for each in said] == ["TaskCompleted"] * 3 + ["TaskAssigned"]
    assert [each.task for each in said] == ["d1.in", "d1.left", "d1.right", "d1.check"]
    assert {each.completed_at for each in said[:3]} == {by(n).at for n in (1, 2, 3)}


def test_only_by_the_one_who_did_it_and_only_within_the_minutes() -> None:
    done, _ = making.complete(parallel(), "in", by(2))
    with pytest.raises(undo.NothingToUndo):
        take_back(done, "in", 2, DUC)
    with pytest.raises(undo.NothingToUndo):
        take_back(done, "left", 2)
    assert take_back(done, "in", 2 + 5 * MINUTE)
    with pytest.raises(undo.TooLateToUndo):
        take_back(done, "in", 2 + 5 * MINUTE + 1 / 3600)
    twice, _ = take_back(done, "in", 2)
    with pytest.raises(undo.NothingToUndo):
        take_back(twice, "in", 2)


def test_the_minutes_count_from_when_it_was_recorded() -> None:
    late = By(LAN, "Lan", by(2).at, by(50).at)
    done, _ = making.complete(parallel(), "in", late)
    now = By(LAN, "Lan", by(2).at, by(50 + 4 * MINUTE).at)
    assert making.open_tasks(undo.undo(done, making.task(done, "in"), WITHIN, now)[0]) == ["in"]
    with pytest.raises(undo.TooLateToUndo):
        undo.undo(done, making.task(done, "in"), WITHIN, replace(now, recorded_at=by(50 + 6 * MINUTE).at))
    with pytest.raises(Invalid) as raised:
        undo.undo(done, making.task(done, "in"), WITHIN, replace(now, at=by(1).at))
    assert raised.value.code == "before_the_act"


def test_not_once_somebody_went_on() -> None:
    done, _ = making.complete(parallel(), "in", by(2))
    for step in ("left", "right"):
        with pytest.raises(undo.GoneOn):
            take_back(making.claim(done, step, by(2, DUC)), "in", 2)
    with pytest.raises(undo.GoneOn):
        take_back(noted(done, "rescheduled", None, by(2), None), "in", 2)
    followed, _ = assignments.follow(done, ["x"], [], by(2, DUC))
    assert making.open_tasks(take_back(followed, "in", 2)[0]) == ["in"], "who follows it touches nothing"
    with pytest.raises(NotRunning):
        take_back(replace(done, state=State.PAUSED), "in", 2)


def test_what_a_parallel_branch_opened_meanwhile_counts_too() -> None:
    process = parallel()
    for n, step in enumerate(("in", "right", "check"), 1):
        process, _ = making.complete(process, step, by(n))
    still, _ = making.complete(process, "left", by(3 + MINUTE, DUC))
    with pytest.raises(undo.GoneOn):
        # Its own completion opened nothing; the colleague's did, and builds on it.
        take_back(still, "check", 3 + 2 * MINUTE)
    claimed = making.claim(process, "left", by(3 + MINUTE, DUC))
    assert set(making.open_tasks(take_back(claimed, "check", 3 + 2 * MINUTE)[0])) == {"check", "left"}


def test_not_once_who_got_the_step_has_asked_another_agency() -> None:
    """The question would be closed with the step, behind the back of who answers it."""
    question = Question(ELSEWHERE, OFFICE, "expert", "Có phù hợp không?", Budget(amount=1, unit="working_day"))
    done, _ = making.complete(parallel(), "in", by(2))
    asked, _ = opinions.ask(done, making.task(done, "right"), question, CALENDAR, by(2, DUC))
    with pytest.raises(undo.GoneOn):
        take_back(asked, "in", 2)
    mine, _ = opinions.ask(parallel(), making.task(parallel(), "in"), question, CALENDAR, by(1))
    claimed = making.claim(mine, "in", by(1))
    free, _ = opinions.ask(claimed, making.task(claimed, "in"), question, CALENDAR, by(1))
    assert making.open_tasks(take_back(free, "in", 1)[0]) == ["in", "in.o1", "in.o2"], "whose step stays open may"
    completed, _ = making.complete(mine, "in", by(2))
    (returned, *_) = take_back(completed, "in", 2)[1]
    assert returned.steps_total == 6, "a question is no step"


def test_not_once_a_dossier_of_its_own_has_begun() -> None:
    done, _ = making.complete(parallel(), "in", by(2))
    children = tuple(replace(task, kind="child") if task.step == "left" else task for task in done.tasks)
    with pytest.raises(undo.GoneOn):
        take_back(replace(done, tasks=children), "in", 2)


def test_the_end_is_not_undone() -> None:
    ended = making.finished()
    assert ended.undoable == (), "an ended dossier carries nothing of it"
    with pytest.raises(NotRunning):
        take_back(ended, "s4", 4)


def test_a_process_keeps_few_of_them() -> None:
    process = making.claim(parallel(), "in", by(1))
    for n in range(10):
        this = making.task(process, "in")
        process, _ = assignments.assign(process, this, f"o{n}", "O", None, by(2 + n), leads=True)
    assert len(process.undoable) == undo.KEPT
    assert making.task(take_back(process, "in", 11)[0], "in").assignee == "o8"
