"""A dossier's way through its steps: who may do what, what opens when, by when, and what is said."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.domain import Duration, Durations, Step
from chassis import worktime
from chassis.envelope import outgoing
from chassis.errors import Invalid
from intake import events as intake_events
from intake import inbound as intake_inbound
from intake.domain import dossiers as intake_domain
from tests.support import catalogue
from tests.support.catalogue import ELSEWHERE, HERE, PROVINCE
from tests.support.services import local
from tests.workflow import making
from tests.workflow.making import DUC, LAN, RECEIVED_AT, by, claim, complete, open_tasks, started, task
from workflow import events, inbound
from workflow.domain import clock, course, parts, processes, tasks
from workflow.domain.parts import Outcome, Task, TaskState
from workflow.domain.processes import NO_DUE, Process, State, Turn
from workflow.domain.tasks import TaskClaimed, TaskNotOpen

HOURS = worktime.Hours.parse(catalogue.OFFICE)


def step(
    n: int, after: tuple[str, ...] = (), *, agency: str | None = None, decision: bool = False, **time: Any
) -> Step:
    plain = time or {"amount": catalogue.days(1)}
    return Step(id=f"s{n}", name=f"Bước {n}", role="expert", agency=agency, after=after, decision=decision, **plain)


# --- the beginning ----------------------------------------------------------------------------------------------------


def test_a_process_begins_with_its_first_step_open() -> None:
    process, said = started()
    assert (process.state, process.received_at, process.clock_at) == (State.RUNNING, RECEIVED_AT, RECEIVED_AT)
    assert [t.state for t in process.tasks] == [TaskState.OPEN, *[TaskState.WAITING] * 3]
    assert [t.id for t in process.tasks] == ["d1.s1", "d1.s2", "d1.s3", "d1.s4"]
    assert said == (
        events.DossierStarted(
            code=making.CODE,
            procedure=process.procedure,
            procedure_version=1,
            agency=HERE,
            started_at=RECEIVED_AT,
            due_at=process.due_at,
            steps_total=4,
        ),
        events.TaskAssigned(
            code=making.CODE,
            task="d1.s1",
            step="s1",
            step_name="Tiếp nhận",
            role="one_stop",
            agency=HERE,
            assigned_at=RECEIVED_AT,
            due_at=local("2026-03-04 15:00"),
        ),
    )
    assert [entry.act for entry in process.journal] == ["started"]


def test_a_due_date_other_than_the_promised_is_noted_in_the_journal() -> None:
    promised = making.received().due_at
    off = worktime.Calendar([(date(2026, 3, 5), "off")], {2026})
    process, _ = course.start("d1", making.received(), making.procedure(), making.agency(), off, by().recorded_at)
    assert promised is not None
    assert process.due_at == promised + timedelta(days=1)
    entry = process.journal[-1]
    assert entry.act == "due_date_differs"
    assert entry.note is not None
    assert str(promised) in entry.note
    assert str(process.due_at) in entry.note


@pytest.mark.parametrize(
    ("agency", "parent", "where"),
    [
        (None, PROVINCE, HERE),
        ("@parent", PROVINCE, PROVINCE),
        ("@parent", None, HERE),
        (ELSEWHERE, PROVINCE, ELSEWHERE),
        (ELSEWHERE, None, ELSEWHERE),
    ],
)
def test_a_step_is_at_the_agency_that_the_process_names(agency: str | None, parent: str | None, where: str) -> None:
    procedure = making.procedure(step(1, agency=agency, decision=True))
    process, said = course.start(
        "d1", making.received(), procedure, making.agency(parent=parent), making.CALENDAR, by().recorded_at
    )
    assert task(process, "s1").agency == where
    assert process.queues == (where,)
    assert set(process.agencies) == {HERE, where}
    assert said[-1].agency == where
    transferred = [data for data in said if isinstance(data, events.DossierTransferred)]
    expected = events.DossierTransferred(
        code=making.CODE, from_agency=HERE, to_agency=where, transferred_at=RECEIVED_AT
    )
    assert transferred == ([] if where == HERE else [expected])


# --- acts on a task ---------------------------------------------------------------------------------------------------


def in_state(state: TaskState) -> Process:
    """A process whose step s1 is open, claimed by Lan or done, or whose step s2, in its place, still waits."""
    process, _ = started()
    if state is TaskState.CLAIMED:
        return claim(process, "s1", by(1))
    if state is TaskState.DONE:
        return complete(process, "s1", by(1))[0]
    return process


@pytest.mark.parametrize(
    ("state", "who", "error"),
    [
        (TaskState.WAITING, LAN, TaskNotOpen),
        (TaskState.OPEN, LAN, None),
        (TaskState.CLAIMED, LAN, None),
        (TaskState.CLAIMED, DUC, TaskClaimed),
        (TaskState.DONE, LAN, TaskNotOpen),
        (TaskState.DONE, DUC, TaskNotOpen),
    ],
)
@pytest.mark.parametrize("act", ["claim", "complete"])
def test_each_act_on_a_task_in_each_state(act: str, state: TaskState, who: str, error: Any) -> None:
    process = in_state(state)
    this = task(process, "s2" if state is TaskState.WAITING else "s1")
    assert this.state is state
    acts: dict[str, Callable[[], Turn]] = {
        "claim": lambda: tasks.claim(process, this, by(2, who)),
        "complete": lambda: tasks.complete(process, this, "completed", None, making.CALENDAR, by(2, who)),
    }
    if error is not None:
        with pytest.raises(error) as refusal:
            acts[act]()
        assert refusal.value.code == {TaskNotOpen: "task_not_open", TaskClaimed: "task_claimed"}[error]
        assert refusal.value.status == 409
        return
    after, _ = acts[act]()
    done = task(after, "s1")
    assert (done.state, done.assignee) == (TaskState.CLAIMED if act == "claim" else TaskState.DONE, who)


def test_a_claim_is_said_in_the_journal_only() -> None:
    process, _ = started()
    claimed, said = tasks.claim(process, task(process, "s1"), by(1))
    assert said == ()
    assert [entry.act for entry in claimed.journal] == ["started", "claimed"]
    assert task(claimed, "s1").assignee_name == LAN.title()


def test_claiming_ones_own_task_again_changes_nothing() -> None:
    process = in_state(TaskState.CLAIMED)
    assert tasks.claim(process, task(process, "s1"), by(3)) == (process, ())


@pytest.mark.parametrize(
    ("decides", "outcome", "fits"),
    [
        (False, "completed", True),
        (False, "approved", False),
        (False, "rejected", False),
        (True, "completed", False),
        (True, "approved", True),
        (True, "rejected", True),
    ],
)
def test_the_deciding_step_decides_and_no_other(decides: bool, outcome: Outcome, fits: bool) -> None:
    process, _ = started()
    last = "s3" if decides else "s1"
    for n, name in enumerate(("s1", "s2") if decides else ()):
        process, _ = complete(process, name, by(n))
    if fits:
        done, _ = complete(process, last, by(3), outcome)
        assert task(done, last).outcome == outcome
        return
    with pytest.raises(Invalid) as refusal:
        complete(process, last, by(3), outcome)
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/outcome", "wrong_outcome")]


@pytest.mark.parametrize("act", ["claim", "complete"])
def test_no_act_on_a_task_lies_before_its_opening(act: str) -> None:
    process, _ = complete(started()[0], "s1", by(2))
    this = task(process, "s2")
    acts: dict[str, Callable[[], Turn]] = {
        "claim": lambda: tasks.claim(process, this, by(1.9)),
        "complete": lambda: tasks.complete(process, this, "completed", None, making.CALENDAR, by(1.9)),
    }
    with pytest.raises(Invalid) as refusal:
        acts[act]()
    assert refusal.value.code == "before_opening"


def test_completing_says_so_and_opens_the_next_step() -> None:
    process, _ = started()
    process, said = complete(process, "s1", by(1), note="Đủ thành phần")
    assert open_tasks(process) == ["s2"]
    done = task(process, "s1")
    assert (done.state, done.completed_at, done.outcome, done.note, done.assignee) == (
        TaskState.DONE, by(1).at, "completed", "Đủ thành phần", LAN,
    )  # fmt: skip
    assert said == (
        events.TaskCompleted(
            code=making.CODE,
            task="d1.s1",
            step="s1",
            step_name="Tiếp nhận",
            role="one_stop",
            agency=HERE,
            outcome="completed",
            completed_at=by(1).at,
            late=False,
            steps_done=1,
            steps_total=4,
        ),
        events.TaskAssigned(
            code=making.CODE,
            task="d1.s2",
            step="s2",
            step_name="Thẩm định",
            role="expert",
            agency=HERE,
            assigned_at=by(1).at,
            due_at=local("2026-03-05 16:00"),
        ),
    )


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_after_the_last_step_the_dossier_is_decided(decision: Outcome) -> None:
    process, _ = started()
    said: list[Any] = []
    for n, name in enumerate(("s1", "s2", "s3", "s4")):
        assert process.state is State.RUNNING
        process, more = complete(process, name, by(n), decision if name == "s3" else None)
        said += more
    assert (process.state, process.outcome, process.finished_at) == (State.FINISHED, decision, by(3).at)
    assert (process.queues, process.next_due_at) == ((), NO_DUE)
    last = said[-1]
    assert isinstance(last, events.DossierFinished)
    assert (last.outcome, last.finished_at, last.timing, last.due_at) == (decision, by(3).at, "early", process.due_at)
    assert [type(data) for data in said].count(events.DossierFinished) == 1
    assert [entry.act for entry in process.journal] == ["started", *["completed"] * 4, "finished"]


def test_a_dossier_that_goes_to_another_agency_and_back_says_so_each_time() -> None:
    process, _ = started(making.land(), 10)
    moves: list[Any] = []
    for n, name in enumerate(("s1", "s2", "s3", "s4")):
        process, said = complete(process, name, by(n))
        moves += [
            (d.from_agency, d.to_agency, d.transferred_at) for d in said if isinstance(d, events.DossierTransferred)
        ]
    assert moves == [(HERE, PROVINCE, by(0).at), (PROVINCE, HERE, by(2).at)]
    assert process.agencies == (HERE, PROVINCE)


# --- parallel steps ---------------------------------------------------------------------------------------------------


def diamond() -> Process:
    """s1, then s2 and s3 at once, the latter elsewhere, then s4."""
    steps = (step(1), step(2, ("s1",)), step(3, ("s1",), agency=ELSEWHERE), step(4, ("s2", "s3"), decision=True))
    plain = catalogue.procedure()
    process = replace(plain.process, steps=steps)
    procedure = catalogue.as_read(
        inbound.ProcedurePublished, catalogue.published(replace(plain, process=process))
    ).procedure
    return complete(started(procedure, 10)[0], "s1", by(1))[0]


@pytest.mark.parametrize("order", [("s2", "s3"), ("s3", "s2")])
def test_a_step_waits_for_all_that_come_before_it(order: tuple[str, str]) -> None:
    process = diamond()
    assert open_tasks(process) == ["s2", "s3"]
    assert process.queues == (ELSEWHERE, HERE)
    process, said = complete(process, order[0], by(2))
    assert open_tasks(process) == [order[1]]
    assert [type(data) for data in said] == [events.TaskCompleted]
    process, said = complete(process, order[1], by(3))
    assert open_tasks(process) == ["s4"]
    came_from = [d.from_agency for d in said if isinstance(d, events.DossierTransferred)]
    assert came_from == ([ELSEWHERE] if order[1] == "s3" else [])


def test_a_step_opens_when_the_last_of_those_before_it_was_done_whichever_was_entered_last() -> None:
    """An office that was offline enters afterwards what it did before."""
    process, _ = complete(diamond(), "s2", by(5))
    process, said = complete(process, "s3", by(2))
    assert task(process, "s4").opened_at == by(5).at
    assert said[-1].assigned_at == by(5).at


def test_a_dossier_is_finished_when_its_last_step_was_done_whichever_was_entered_last() -> None:
    steps = (step(1), step(2, ("s1",), decision=True), step(3, ("s1",)))
    plain = catalogue.procedure()
    procedure = catalogue.as_read(
        inbound.ProcedurePublished, catalogue.published(replace(plain, process=replace(plain.process, steps=steps)))
    ).procedure
    process, _ = complete(started(procedure, 3)[0], "s1", by(1))
    process, _ = complete(process, "s3", by(30 * 24))
    process, said = complete(process, "s2", by(2))
    assert (process.finished_at, process.timing) == (by(30 * 24).at, "late")
    assert (said[-1].finished_at, said[-1].timing) == (by(30 * 24).at, "late")


# --- deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "budget", "due"),
    [
        ({"amount": catalogue.days(0.5)}, ("working_day", 3), "2026-03-04 15:00"),
        ({"amount": Duration(amount=2, unit="hour")}, ("working_day", 3), "2026-03-04 11:00"),
        ({"amount": Duration(amount=2, unit="calendar_day")}, None, "2026-03-06 17:00"),
        ({"share": 50}, ("working_day", 3), "2026-03-05 15:00"),
        ({"share": 25}, ("hour", 8), "2026-03-04 11:00"),
        ({"share": 20}, ("calendar_day", 15), "2026-03-09 09:00"),
        ({"share": 50}, None, None),
        ({"share": 1}, ("hour", 0.5), "2026-03-04 09:01"),
    ],
    ids=[
        "half a day", "hours", "calendar days", "share of days", "share of hours", "share of calendar days",
        "share of nothing", "share of under a minute",
    ],
)  # fmt: skip
def test_a_step_has_its_own_time(time: dict[str, Any], budget: tuple[Any, float] | None, due: str | None) -> None:
    procedure = making.procedure(step(1, decision=True, **time))
    allowed = None if budget is None else inbound.Duration(amount=budget[1], unit=budget[0])
    received = replace(making.received(), budget=allowed, due_at=None)
    process, said = course.start("d1", received, procedure, making.agency(), making.CALENDAR, by().recorded_at)
    expected = None if due is None else local(due)
    assert process.next_due_at == (NO_DUE if expected is None else expected)
    assert task(process, "s1").due_at == expected
    assert said[-1].due_at == expected


def test_a_step_is_late_after_its_own_due_time() -> None:
    for hours, late in ((6, False), (6.01, True)):
        _, said = complete(started()[0], "s1", by(hours))
        assert said[0].late is late, "s1 has half a day: from 09:00 until 15:00"


def test_a_step_without_a_due_time_is_never_late() -> None:
    procedure = making.procedure(step(1, share=50, decision=True), durations=None)
    _, said = complete(started(procedure, None)[0], "s1", by(2400))
    assert said[0].late is False


@pytest.mark.parametrize(
    ("finished", "timing"),
    [
        ("2026-03-08 23:59", "early"),
        ("2026-03-09 00:00", "on_time"),
        ("2026-03-09 08:59", "on_time"),
        ("2026-03-09 23:59", "on_time"),
        ("2026-03-10 00:00", "late"),
    ],
)
def test_early_on_time_and_late_are_by_the_local_day(finished: str, timing: str) -> None:
    process, _ = started(making.procedure(step(1, decision=True)), 3)
    assert process.due_at == local("2026-03-09 09:00")
    at = local(finished)
    process, said = tasks.complete(
        process, task(process, "s1"), "approved", None, making.CALENDAR, parts.By(LAN, "Lan", at, at)
    )
    assert (process.timing, said[-1].timing) == (timing, timing)


def test_without_a_due_date_it_is_on_time() -> None:
    process, _ = started(making.procedure(step(1, decision=True), durations=None), None)
    assert (process.due_at, process.budget) == (None, None)
    process, _ = complete(process, "s1", by(24 * 365))
    assert process.timing == "on_time"


def test_working_minutes_are_counted_from_the_clocks_start_to_the_end() -> None:
    process, _ = started()
    assert clock.used(process, by(1.5).at, making.CALENDAR) == 90
    assert clock.used(process, by(24).at, making.CALENDAR) == 480
    finished = making.finished(after_hours=4)
    assert clock.used(finished, by(1000).at, making.CALENDAR) == 150, "from 09:00 to 13:00, without the break"


KINDS: tuple[worktime.DayKind, ...] = ("off", "working")
spans = st.sampled_from(
    [catalogue.OFFICE, (("07:30", "12:00"), ("13:00", "16:30")), (("08:00", "14:00"),), (("00:00", "23:59"),)]
)
durations = st.builds(
    Duration,
    amount=st.sampled_from([0.25, 0.5, 1, 2.5, 3, 7, 15, 30, 45.125]),
    unit=st.sampled_from(["working_day", "hour"]),
) | st.builds(Duration, amount=st.integers(1, 60).map(float), unit=st.just("calendar_day"))
calendars = st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 6, 30)), st.sampled_from(KINDS), max_size=40).map(
    lambda listed: worktime.Calendar(listed.items(), {2026})
)


@settings(deadline=None, max_examples=60)
@given(
    received_at=st.integers(0, 120 * 24 * 60).map(
        lambda minutes: local("2026-01-01 00:00") + timedelta(minutes=minutes)
    ),
    counter=durations,
    online=st.none() | durations,
    cut_off=st.none() | st.times(time(7), time(17)).map(lambda at: f"{at:%H:%M}"),
    channel=st.sampled_from(["online", "counter", "post"]),
    hours=spans,
    calendar=calendars,
)
def test_the_clocks_due_date_is_the_one_that_reception_promised(
    received_at: datetime,
    counter: Duration,
    online: Duration | None,
    cut_off: str | None,
    channel: Any,
    hours: Any,
    calendar: worktime.Calendar,
) -> None:
    """Intake computes it from the cut-off hour, workflow from the clock's start that intake's event tells."""
    published = catalogue.published(
        catalogue.procedure(durations=Durations(counter=counter, online=online), cut_off=cut_off)
    )
    changed = catalogue.changed(catalogue.agency(hours=hours))
    promise = intake_domain.promise(
        catalogue.as_read(intake_inbound.ProcedurePublished, published).procedure,
        catalogue.as_read(intake_inbound.AgencyChanged, changed).agency,
        channel,
        received_at,
        calendar,
    )
    received = intake_events.DossierReceived(
        dimensions=intake_events.Dimensions(
            procedure=catalogue.BUSINESS, procedure_version=1, field="X", service_level="full", agency=HERE,
            channel=channel, applicant_kind="citizen",
        ),
        code=making.CODE,
        procedure_name="X",
        agency_name="X",
        filed_at=received_at,
        received_at=received_at,
        clock_at=promise.clock_at,
        budget=promise.budget,
        due_at=promise.due_at,
        digitised=False,
        personal=intake_events.Personal(name="X", email=None, phone=None, person=None),
    )  # fmt: skip
    told = outgoing(received, subject="d1", sequence=1, time=received_at).body.encode()
    process, said = course.start(
        "d1",
        catalogue.as_read(inbound.DossierReceived, told),
        catalogue.as_read(inbound.ProcedurePublished, published).procedure,
        catalogue.as_read(inbound.AgencyChanged, changed).agency,
        calendar,
        received_at,
    )
    assert process.due_at == promise.due_at
    assert said[0].due_at == promise.due_at
    assert [entry.act for entry in process.journal] == ["started"], "nothing differs"


# --- whatever the steps and whatever the order ------------------------------------------------------------------------


@st.composite
def procedures(draw: st.DrawFn) -> inbound.Procedure:
    """Up to six steps, each after some of those before it, at up to three agencies; one decides."""
    count = draw(st.integers(1, 6))
    decides = draw(st.integers(1, count))
    steps = []
    for n in range(1, count + 1):
        after = draw(st.sets(st.integers(1, n - 1), max_size=2)) if n > 1 else set()
        where = draw(st.sampled_from([None, "@parent", ELSEWHERE]))
        amount = draw(st.none() | st.sampled_from([0.25, 1, 3]).map(lambda a: Duration(amount=a, unit="working_day")))
        steps.append(
            Step(
                id=f"s{n}", name=f"Bước {n}", role="expert", agency=where, amount=amount,
                after=tuple(f"s{m}" for m in sorted(after)), decision=n == decides,
            )
        )  # fmt: skip
    plain = catalogue.procedure()
    return catalogue.as_read(
        inbound.ProcedurePublished,
        catalogue.published(replace(plain, process=replace(plain.process, steps=tuple(steps)))),
    ).procedure


def check_invariants(process: Process, said: list[Any]) -> None:
    def of(kind: type) -> list[Any]:
        return [data for data in said if type(data) is kind]

    tasks = {this.step: this for this in process.tasks}
    active = [this for this in process.tasks if this.state in (TaskState.OPEN, TaskState.CLAIMED)]
    done = [this for this in process.tasks if this.state is TaskState.DONE]
    assert set(process.queues) == {this.agency for this in active}
    assert len(set(process.queues)) == len(process.queues)
    assert process.next_due_at == min((t.due_at for t in active if t.due_at is not None), default=NO_DUE)
    assert {HERE, *(t.agency for t in (*active, *done))} == set(process.agencies)
    for this in process.tasks:
        before = [tasks[name] for name in this.after]
        ready = all(t.state is TaskState.DONE for t in before)
        assert (this.state is TaskState.WAITING) is (not ready)
        if ready:
            ended = [t.completed_at for t in before if t.completed_at is not None]
            assert this.opened_at == max(ended, default=RECEIVED_AT)
    assert Counter(data.task for data in of(events.TaskAssigned)) == Counter(t.id for t in (*active, *done))
    assert [data.steps_done for data in of(events.TaskCompleted)] == list(range(1, len(done) + 1))
    assert {data.steps_total for data in of(events.TaskCompleted)} <= {len(process.tasks)}
    moved = {data.to_agency for data in of(events.DossierTransferred)}
    assert moved >= set(process.agencies) - {HERE}, "whoever may see it was told to be"
    assert len(of(events.DossierStarted)) == 1
    assert len(of(events.DossierFinished)) == (1 if not active else 0)
    assert (process.state is State.FINISHED) is (not active)
    assert process.state is State.RUNNING or len(done) == len(process.tasks)
    assert processes.first_broken_entry(process) is None


@settings(deadline=None, max_examples=60)
@given(procedures(), st.data())
def test_whatever_the_steps_and_the_order_each_is_opened_and_said_once(
    procedure: inbound.Procedure, data: st.DataObject
) -> None:
    process, said_first = started(procedure, 10)
    said = list(said_first)
    check_invariants(process, said)
    n = 0
    while process.state is State.RUNNING:
        n += 1
        this: Task = data.draw(
            st.sampled_from([t for t in process.tasks if t.state in (TaskState.OPEN, TaskState.CLAIMED)])
        )
        # Entered in this order, but not always done in it.
        hours = n + data.draw(st.sampled_from([0, 0, 24, 240]))
        if data.draw(st.booleans()) and this.state is TaskState.OPEN:
            process = claim(process, this.step, by(max(hours, 300)))
        else:
            earliest = (this.opened_at or RECEIVED_AT) - RECEIVED_AT
            process, more = complete(process, this.step, by(max(hours, earliest / timedelta(hours=1))))
            said += more
        check_invariants(process, said)
    assert process.finished_at == max(this.completed_at for this in process.tasks if this.completed_at is not None)


# --- the journal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"act": "claimed"},
        {"task": "d1.s9"},
        {"at": RECEIVED_AT - timedelta(days=1)},
        {"recorded_at": RECEIVED_AT},
        {"by": "somebody-else"},
        {"note": "approved?"},
        {"hash": "0" * 64},
    ],
    ids=str,
)
@pytest.mark.parametrize("index", [0, 3, 5])
def test_a_changed_entry_is_found(index: int, change: dict[str, Any]) -> None:
    process = making.finished()
    journal = list(process.journal)
    assert processes.first_broken_entry(process) is None
    journal[index] = replace(journal[index], **change)
    assert processes.first_broken_entry(replace(process, journal=tuple(journal))) == index


def test_a_missing_entry_is_found() -> None:
    process = making.finished()
    assert processes.first_broken_entry(replace(process, journal=process.journal[1:])) == 0
    assert processes.first_broken_entry(replace(process, journal=(*process.journal[:2], *process.journal[3:]))) == 2
