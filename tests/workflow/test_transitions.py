"""Which act is legal in which state, where it leads, and by which name an illegal one is refused; what each act does to
the clock and what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import Invalid, Problem
from tests.support.catalogue import HERE, PROVINCE
from tests.workflow import making
from tests.workflow.making import CALENDAR, RECEIVED_AT, by
from workflow import events
from workflow.domain import clock, endings, extensions, limits, pauses, returns, tasks, transfers
from workflow.domain.parts import Budget, By, TaskState
from workflow.domain.processes import NO_DUE, Process, State, Turn, first_broken_entry

DECREE = "Luật Thanh tra, Điều 5"


def at(hours: float) -> datetime:
    return RECEIVED_AT + timedelta(hours=hours)


def task(process: Process) -> Any:
    return next((each for each in process.tasks if each.state in (TaskState.OPEN, TaskState.CLAIMED)), process.tasks[0])


def ask_supplement(process: Process, by_: By, **given: Any) -> Turn:
    asked = {"components": ("TP2",), "reason": "Thiếu hợp đồng", "until": None, "basis": None, "known": {"TP1", "TP2"}}
    return pauses.ask_supplement(process, task(process), **{**asked, **given}, by=by_)


def ask_fee(process: Process, by_: By) -> Turn:
    return pauses.ask_fee(process, task(process), 50_000, "Phí thẩm định", "Thông tư 85/2019/TT-BTC", by_)


def pause(process: Process, by_: By) -> Turn:
    return pauses.pause(process, "Chờ kết luận thanh tra", DECREE, by_)


def resume(process: Process, by_: By) -> Turn:
    return pauses.resume(process, "Đã có kết luận", CALENDAR, by_)


def extend(process: Process, by_: By, amount: float = 1, unit: Any = "working_day", apology: bool = False) -> Turn:
    return extensions.extend(process, Budget(amount=amount, unit=unit), "Cần xác minh", None, apology, CALENDAR, by_)


def stop(process: Process, by_: By) -> Turn:
    return endings.stop(process, "Không bổ sung trong thời hạn", None, CALENDAR, by_)


def refuse(process: Process, by_: By) -> Turn:
    return endings.refuse(process, "Không đủ điều kiện", "Luật Hộ tịch, Điều 18", CALENDAR, by_)


def transfer(process: Process, by_: By) -> Turn:
    return transfers.transfer(process, process.tasks, making.agency(id=PROVINCE), "Thuộc thẩm quyền tỉnh", by_)


def supplemented(process: Process, by_: By) -> Turn:
    return pauses.supplemented(process, by_.at, by_.recorded_at, CALENDAR)


def fee_paid(process: Process, by_: By, hours: float = 1) -> Turn:
    """`hours`: when what is paid was asked for."""
    return pauses.fee_paid(process, at(hours), by_.at, by_.recorded_at, CALENDAR)


def fee_cancelled(process: Process, by_: By, hours: float = 1) -> Turn:
    """`hours`: when what is cancelled was asked for."""
    return pauses.fee_cancelled(process, at(hours), "Miễn theo quy định", by_.at, by_.recorded_at, CALENDAR)


def withdraw(process: Process, by_: By) -> Turn:
    return endings.withdraw(process, by_.at, by_.recorded_at), ()


def claim(process: Process, by_: By) -> Turn:
    return tasks.claim(process, task(process), by_)


def complete(process: Process, by_: By) -> Turn:
    return tasks.complete(process, task(process), "completed", None, CALENDAR, by_)


def running() -> Process:
    return making.started()[0]


def waiting(act: Callable[[Process, By], Turn]) -> Process:
    return act(running(), by(1))[0]


STATES: dict[str, Callable[[], Process]] = {
    "running": running,
    "supplement": lambda: waiting(ask_supplement),
    "fee": lambda: waiting(ask_fee),
    "other": lambda: waiting(pause),
    "finished": making.finished,
    "withdrawn": lambda: waiting(withdraw),
    "stopped": lambda: waiting(stop),
}
ENDED = ("finished", "withdrawn", "stopped")
PAUSED = ("supplement", "fee", "other")
SAME = "same"

ACTS: dict[str, tuple[Callable[[Process, By], Turn], dict[str, str]]] = {
    "ask_supplement": (
        ask_supplement,
        {"running": "paused"} | dict.fromkeys(PAUSED, "already_paused") | dict.fromkeys(ENDED, "not_running"),
    ),
    "ask_fee": (
        ask_fee,
        {"running": "paused"} | dict.fromkeys(PAUSED, "already_paused") | dict.fromkeys(ENDED, "not_running"),
    ),
    "pause": (
        pause,
        {"running": "paused"} | dict.fromkeys(PAUSED, "already_paused") | dict.fromkeys(ENDED, "not_running"),
    ),
    "resume": (
        resume,
        {"running": "not_paused"} | dict.fromkeys(PAUSED, "running") | dict.fromkeys(ENDED, "already_ended"),
    ),
    "extend": (extend, {"running": "running"} | dict.fromkeys((*PAUSED, *ENDED), "not_running")),
    "stop": (stop, dict.fromkeys(("running", *PAUSED), "stopped") | dict.fromkeys(ENDED, "already_ended")),
    "refuse": (refuse, dict.fromkeys(("running", *PAUSED), "finished") | dict.fromkeys(ENDED, "already_ended")),
    "transfer": (transfer, {"running": "running"} | dict.fromkeys((*PAUSED, *ENDED), "not_running")),
    "claim": (
        claim,
        {"running": "running"} | dict.fromkeys(PAUSED, "not_running") | dict.fromkeys(ENDED, "task_not_open"),
    ),
    "complete": (
        complete,
        {"running": "running"} | dict.fromkeys(PAUSED, "not_running") | dict.fromkeys(ENDED, "task_not_open"),
    ),
    "supplemented": (
        supplemented,
        dict.fromkeys(("running", "fee", "other", *ENDED), SAME) | {"supplement": "running"},
    ),
    "fee_paid": (fee_paid, dict.fromkeys(("running", "supplement", "other", *ENDED), SAME) | {"fee": "running"}),
    "fee_cancelled": (
        fee_cancelled,
        dict.fromkeys(("running", "supplement", "other", *ENDED), SAME) | {"fee": "running"},
    ),
    "withdraw": (
        withdraw,
        dict.fromkeys(("running", *PAUSED), "withdrawn")
        | {"finished": "finished", "withdrawn": SAME, "stopped": "stopped"},
    ),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("act", ACTS)
def test_every_act_in_every_state(act: str, state: str) -> None:
    """Where it leads, or the code of the error that refuses it; nothing happens silently."""
    before = STATES[state]()
    does, table = ACTS[act]
    expected = table[state]
    if expected in set(State):
        after, _ = does(before, by(5))
        assert after.state == expected
        assert len(after.journal) > len(before.journal)
        assert first_broken_entry(after) is None
        if after.state in (State.FINISHED, State.WITHDRAWN, State.STOPPED):
            assert {each.state for each in after.tasks} <= {TaskState.DONE, TaskState.CLOSED}
            assert (after.queues, after.involved) == ((), ())
        return
    if expected == SAME:
        after, said = does(before, by(5))
        assert after is before
        assert said == ()
        return
    with pytest.raises(Problem) as refused:
        does(before, by(5))
    assert refused.value.code == expected
    assert refused.value.title


def only(said: Sequence[Any], kind: type) -> Any:
    (found,) = [each for each in said if isinstance(each, kind)]
    return found


def code(act: Callable[[], object]) -> str:
    with pytest.raises(Invalid) as refused:
        act()
    return refused.value.errors[0].code if refused.value.errors else refused.value.code


# --- supplements ------------------------------------------------------------------------------------------------------


def test_a_supplement_request_pauses_and_says_what_is_wanted() -> None:
    process, said = ask_supplement(running(), by(1), until=date(2026, 3, 20))
    asked, paused = only(said, events.SupplementRequested), only(said, events.DossierPaused)
    assert (asked.agency, asked.number, asked.components) == (HERE, 1, ("TP2",))
    assert (asked.until, asked.requested_at) == (date(2026, 3, 20), at(1))
    assert (paused.kind, paused.paused_at, paused.basis) == ("supplement", at(1), "Nghị định 118/2025/NĐ-CP")
    assert process.pause == process.pauses[-1]
    assert process.next_due_at == NO_DUE, "nothing is overdue while it waits"
    assert process.due_at == running().due_at, "the last promise stands until the pause ends"


def test_the_working_time_of_the_pause_is_not_counted() -> None:
    """Received on Wednesday at 09:00 with 3 days; paused from Thursday 09:00 until Monday 09:00: two working days."""
    process, _ = ask_supplement(running(), by(24))
    after, said = supplemented(process, by(24 * 5))
    resumed = only(said, events.DossierResumed)
    assert (resumed.kind, resumed.restarted, resumed.resumed_at) == ("supplement", False, at(24 * 5))
    assert resumed.previous_due_at == at(24 * 5), "Monday 09:00"
    assert resumed.due_at == at(24 * 7), "Wednesday 09:00"
    assert after.due_at == resumed.due_at
    assert after.pauses[0].end == at(24 * 5)
    assert after.journal[-1].act == "supplemented"
    assert after.journal[-1].by == "system:intake"


def test_by_the_other_rule_the_time_starts_anew() -> None:
    process, _ = making.started(making.procedure(supplement_rule="restart"))
    process, _ = ask_supplement(process, by(24))
    assert process.pauses[0].restarts
    after, said = supplemented(process, by(24 * 5))
    assert only(said, events.DossierResumed).restarted
    assert after.due_at == at(24 * 8), "three whole days from Monday 09:00"
    other, _ = pause(making.started(making.procedure(supplement_rule="restart"))[0], by(24))
    assert not other.pauses[0].restarts, "the rule is the supplement's only"


def test_what_is_asked_for_must_be_a_component_and_not_be_over() -> None:
    assert code(lambda: ask_supplement(running(), by(1), components=("TP9",))) == "unknown_component"
    assert code(lambda: ask_supplement(running(), by(1), until=date(2026, 3, 3))) == "past"
    assert ask_supplement(running(), by(1), until=date(2026, 3, 4))[0].state is State.PAUSED
    assert ask_supplement(running(), by(1), components=("TP9",), known=None)[0].state is State.PAUSED


def test_requests_are_numbered_and_their_number_is_limited() -> None:
    process, most = running(), limits.most(limits.SUPPLEMENT_REQUESTS, date(2026, 3, 4))
    for n in range(1, most + 1):
        process, said = ask_supplement(process, by(n))
        assert only(said, events.SupplementRequested).number == n
        process, _ = supplemented(process, by(n + 0.5))
    with pytest.raises(pauses.TooManySupplements):
        ask_supplement(process, by(most + 1))
    process, said = ask_fee(process, by(most + 1))
    assert process.pauses[-1].number == 1, "each kind is counted by itself"


def test_a_supplement_for_an_earlier_request_ends_no_later_pause() -> None:
    """An officer resumed by hand and asked again before the news of the first supplement came."""
    process, _ = ask_supplement(running(), by(1))
    process, _ = resume(process, by(3))
    process, _ = ask_supplement(process, by(4))
    assert supplemented(process, by(2)) == (process, ())
    assert supplemented(process, by(4))[0].state is State.RUNNING


def test_what_came_before_the_withdrawal_is_in_the_ledger_whichever_is_heard_of_first() -> None:
    process, _ = ask_supplement(running(), by(1))
    first, _ = supplemented(withdraw(process, by(6))[0], by(5))
    second, _ = withdraw(supplemented(process, by(5))[0], by(6))
    assert first.pauses[0].end == second.pauses[0].end == at(5)
    assert first.state is second.state is State.WITHDRAWN
    assert {each.act for each in first.journal} == {each.act for each in second.journal}


# --- fees and other causes --------------------------------------------------------------------------------------------


def test_a_fee_request_pauses_until_it_is_paid() -> None:
    process, said = ask_fee(running(), by(1))
    asked = only(said, events.FeeRequested)
    assert (asked.amount, asked.basis, asked.agency) == (50_000, "Thông tư 85/2019/TT-BTC", HERE)
    assert only(said, events.DossierPaused).kind == "fee"
    assert fee_paid(process, by(3), 0.5) == (process, ()), "another fee"
    after, said = fee_paid(process, by(3))
    assert only(said, events.DossierResumed).kind == "fee"
    assert after.journal[-1].act == "fee_paid"


def test_a_cancelled_fee_is_waited_for_no_more_and_the_journal_says_why() -> None:
    """From Thursday 09:00 until Monday 09:00: two working days, as with a supplement."""
    process, _ = ask_fee(running(), by(24))
    assert fee_cancelled(process, by(30), 23) == (process, ()), "another fee"
    after, said = fee_cancelled(process, by(24 * 5), 24)
    resumed = only(said, events.DossierResumed)
    assert (resumed.kind, resumed.restarted, resumed.resumed_at) == ("fee", False, at(24 * 5))
    assert (resumed.previous_due_at, resumed.due_at) == (at(24 * 5), at(24 * 7))
    assert (after.due_at, after.pauses[0].end) == (at(24 * 7), at(24 * 5))
    entry = after.journal[-1]
    assert (entry.act, entry.by, entry.note) == ("fee_cancelled", "system:intake", "Miễn theo quy định")
    for again in (fee_cancelled, fee_paid):
        assert again(after, by(24 * 6), 24) == (after, ()), "nothing ends a pause twice"
    asked_again, _ = ask_fee(after, by(24 * 6))
    assert fee_cancelled(asked_again, by(24 * 7), 24) == (asked_again, ()), "it was for the first request"


@pytest.mark.parametrize("over", [fee_paid, fee_cancelled])
def test_money_that_was_sent_before_it_was_asked_for_keeps_nobody_waiting(over: Callable[..., Turn]) -> None:
    """A transfer that came early is placed with the dossier by hand, and counts when it was made."""
    process, _ = ask_fee(running(), by(3))
    after, said = over(process, by(2), 3)
    assert after.state is State.RUNNING
    assert (only(said, events.DossierResumed).resumed_at, after.pauses[0].end) == (at(3), at(3))
    assert after.due_at == running().due_at


def test_a_fee_that_is_cancelled_after_the_withdrawal_adds_no_time_to_the_pause() -> None:
    process, _ = ask_fee(running(), by(1))
    first, said = fee_cancelled(withdraw(process, by(2))[0], by(5))
    second, _ = withdraw(fee_cancelled(process, by(5))[0], by(2))
    assert said == ()
    assert first.state is second.state is State.WITHDRAWN
    for each in (first, second):
        assert each.pauses[0].end == at(5)
        assert clock.paused_minutes(each, each.pauses[0], at(30), CALENDAR) == 60


def test_another_pause_names_its_legal_basis() -> None:
    process, said = pause(running(), by(1))
    assert only(said, events.DossierPaused) == events.DossierPaused(
        code=process.code, kind="other", paused_at=at(1), basis=DECREE, reason="Chờ kết luận thanh tra"
    )
    assert process.pauses[0].by == making.LAN


def test_acts_on_the_clock_keep_their_order() -> None:
    process, _ = pause(running(), by(3))
    assert code(lambda: resume(process, by(2))) == "before_pause"
    went_on, _ = resume(process, by(5))
    assert code(lambda: ask_supplement(went_on, by(4))) == "before_last_pause"
    assert code(lambda: pause(went_on, by(5))) == "before_last_pause", "what ended the last would end this one too"
    assert ask_supplement(went_on, by(5))[0].state is State.PAUSED
    assert code(lambda: pause(running(), by(-1))) == "before_reception"
    assert code(lambda: extend(went_on, by(4))) == "before_last_pause"
    assert code(lambda: stop(process, by(2))) == "before_last_act"
    assert code(lambda: stop(extend(running(), by(3))[0], by(2))) == "before_last_act"
    first, _ = making.complete(running(), "s1", by(1))
    back, _ = returns.send_back(first, making.task(first, "s2"), "s1", "Sai", CALENDAR, by(3))
    assert code(lambda: refuse(back, by(2))) == "before_last_act"


# --- extensions -------------------------------------------------------------------------------------------------------


def test_an_extension_moves_the_due_date_and_those_of_the_open_tasks() -> None:
    before = running()
    process, said = extend(before, by(1), 2)
    told = only(said, events.DossierExtended)
    assert (told.amount, told.unit, told.apology, told.in_time) == (2, "working_day", False, True)
    assert (told.previous_due_at, told.due_at) == (at(24 * 5), at(24 * 7))
    assert process.due_at == told.due_at
    old, new = before.tasks[0].due_at, process.tasks[0].due_at
    assert old is not None
    assert new is not None
    assert new - old == timedelta(days=2)
    assert process.extensions[0].tasks == (f"{process.id}.s1",)
    assert process.extensions[0].basis == "Nghị định 118/2025/NĐ-CP"


def test_what_an_extension_promises_lies_ahead() -> None:
    late = 24 * 12  # The Monday after the due one: a day more than that would be over.
    assert code(lambda: extend(running(), by(late), 1, apology=True)) == "past"
    process, _ = extend(running(), by(late), 5, apology=True)
    assert process.due_at == at(24 * 12)


@pytest.mark.parametrize(
    ("hours", "apology", "in_time", "refused"),
    [
        (24 * 5, False, True, None),  # Monday 09:00, at the due time
        (24 * 5 + 14, False, True, None),  # Monday 23:00: the due day is not over
        (24 * 5 + 15, False, False, "apology_missing"),  # Tuesday 00:00
        (24 * 5 + 15, True, False, None),
        (1, True, True, None),
    ],
)
def test_after_the_due_day_it_needs_an_apology(hours: float, apology: bool, in_time: bool, refused: str | None) -> None:
    if refused is not None:
        assert code(lambda: extend(running(), by(hours), apology=apology)) == refused
        return
    told = only(extend(running(), by(hours), apology=apology)[1], events.DossierExtended)
    assert (told.apology, told.in_time) == (apology, in_time)


def test_what_cannot_be_extended() -> None:
    with pytest.raises(extensions.NoDueDate):
        extend(making.started(amount=None)[0], by(1))
    process, most = running(), limits.most(limits.EXTENSIONS, date(2026, 3, 4))
    for n in range(most):
        process, _ = extend(process, by(1 + n))
    with pytest.raises(extensions.TooManyExtensions):
        extend(process, by(9))
    once, _ = extend(running(), by(3))
    assert code(lambda: extend(once, by(2))) == "before_last_extension"
    assert code(lambda: extend(running(), by(-1))) == "before_reception"


@pytest.mark.parametrize(("amount", "unit"), [(0.0001, "hour"), (1.5, "calendar_day"), (-1, "hour"), (1e9, "hour")])
def test_an_amount_that_is_no_time(amount: float, unit: str) -> None:
    assert code(lambda: extend(running(), by(1), amount, unit)) == "wrong_amount"


def test_a_due_date_past_the_calendar_is_refused() -> None:
    process = making.started(received_at=datetime.fromisoformat("9999-12-01T02:00:00Z"), amount=1)[0]
    process = replace(process, clock_at=process.received_at, due_at=process.received_at)
    late = By("officer-lan", "Lan", process.received_at, process.received_at)
    assert code(lambda: extend(process, late, 500)) == "wrong_amount"


# --- ends -------------------------------------------------------------------------------------------------------------


def test_a_stop_says_why() -> None:
    process, said = stop(running(), by(2))
    told = only(said, events.DossierStopped)
    assert (told.stopped_at, told.reason, told.basis) == (
        at(2),
        "Không bổ sung trong thời hạn",
        "Nghị định 118/2025/NĐ-CP",
    )
    assert process.stopped_at == at(2)
    assert (process.finished_at, process.outcome) == (None, None)
    assert (
        stop(making.started(received_at=at(-24 * 365 * 2))[0], by(-24 * 365))[1][0].basis == "Nghị định 61/2018/NĐ-CP"
    )


@pytest.mark.parametrize("end", [stop, refuse])
def test_an_end_closes_the_account_of_a_pause_that_lasts(end: Callable[[Process, By], Turn]) -> None:
    """Paused from Thursday 09:00; on Tuesday of the next week only a day and two hours of three are used."""
    paused, _ = ask_supplement(running(), by(24))
    process, said = end(paused, by(24 * 6))
    assert process.pauses[0].end == at(24 * 6)
    assert process.due_at == at(24 * 8)
    assert said[0].due_at == process.due_at
    assert process.timing == ("early" if end is refuse else None)


def test_a_refusal_decides_against_it() -> None:
    process, _ = making.complete(running(), "s1", by(1))
    assert code(lambda: refuse(process, by(0.5))) == "before_last_act"
    process, said = refuse(process, by(2))
    told = only(said, events.DossierFinished)
    assert (told.outcome, told.refusal, told.finished_at) == ("rejected", "Không đủ điều kiện", at(2))
    assert [each.state for each in process.tasks] == [TaskState.DONE, *[TaskState.CLOSED] * 3]
    assert [each.act for each in process.journal][-2:] == ["refused", "finished"]
    assert told.previous_due_at is None, "no pause lasted"
    assert only(making.complete(last_step(), "s4", by(4))[1], events.DossierFinished).refusal is None


def test_a_refusal_in_a_pause_says_what_was_promised_before_it() -> None:
    waiting_for, _ = pause(running(), by(24))
    process, said = refuse(waiting_for, by(24 * 5))
    told = only(said, events.DossierFinished)
    assert (told.previous_due_at, told.due_at) == (at(24 * 5), at(24 * 7))
    assert process.due_at == told.due_at


def last_step() -> Process:
    process = running()
    for n, step in enumerate(("s1", "s2", "s3")):
        process, _ = making.complete(process, step, by(n + 1))
    return process


@pytest.mark.parametrize(("hours", "state"), [(1.9, "withdrawn"), (2, "stopped"), (3, "stopped")])
def test_of_a_stop_and_a_withdrawal_the_earlier_one_counts(hours: float, state: str) -> None:
    stopped, _ = stop(running(), by(2))
    process, _ = withdraw(stopped, by(hours))
    assert process.state == state
    assert (process.stopped_at is None) == (state == "withdrawn")
    assert process.withdrawn_at == at(hours)


# --- transfer ---------------------------------------------------------------------------------------------------------


def test_a_transfer_gives_what_is_left_to_the_competent_agency() -> None:
    process, _ = making.complete(running(), "s1", by(1))
    process = making.claim(process, "s2", by(1))
    before = process
    process, said = transfer(process, by(2))
    assert [(each.agency, each.state) for each in process.tasks] == [
        (HERE, "done"), (PROVINCE, "open"), (PROVINCE, "waiting"), (PROVINCE, "waiting"),
    ]  # fmt: skip
    assert process.tasks[1].assignee is None
    assert process.tasks[1].due_at == before.tasks[1].due_at
    assert process.due_at == before.due_at
    assert process.agencies == (HERE, PROVINCE)
    assert process.queues == (PROVINCE,)
    assert said[0] == events.DossierTransferred(
        code=process.code, from_agency=HERE, to_agency=PROVINCE, transferred_at=at(2), basis="competence"
    )
    assert [(each.step, each.agency, each.assigned_at) for each in said[1:]] == [("s2", PROVINCE, at(2))]
    assert code(lambda: transfer(process, by(3))) == "nothing_to_transfer"
    assert code(lambda: transfer(before, by(0.5))) == "before_opening"
