"""The deadline clock's rules one by one, what acts do to a process's due dates, and the account that people read."""

from dataclasses import replace
from datetime import date, datetime
from itertools import permutations
from typing import Any

import pytest

from catalog.domain import Step
from chassis import worktime
from tests.support import catalogue
from tests.support.catalogue import HERE, PROVINCE
from tests.support.services import Clock, Running, local
from tests.workflow import making
from tests.workflow.test_api import begin
from workflow import clock_texts, inbound
from workflow.domain import accounts, calendars, clock, course, pauses, successions
from workflow.domain.parts import Budget, Extension, Moved, Pause, Spans
from workflow.domain.processes import NO_DUE, Process, State
from workflow.domain.successions import Successions

OFFICE: Spans = catalogue.OFFICE
CALENDAR = worktime.Calendar(
    [(date(2026, 4, 30), "off"), (date(2026, 5, 1), "off"), (date(2026, 5, 9), "working")], [2026]
)
"""Thursday 30 April and Friday 1 May are off, Saturday 9 May is worked."""
NAMED = inbound.CalendarChanged(
    year=2026,
    decision="TB 9441",
    days=(
        inbound.CalendarDay(date=date(2026, 4, 30), kind="off", name="Ngày Chiến thắng"),
        inbound.CalendarDay(date=date(2026, 5, 1), kind="off", name="Ngày Quốc tế Lao động"),
        inbound.CalendarDay(date=date(2026, 5, 9), kind="working", name="Làm bù"),
    ),
)


def at(text: str) -> datetime:
    """A time of the year 2026 in Vietnam, `05-04 09:00`."""
    return local(f"2026-{text}")


def pause(begin: str, end: str | None, restarts: bool = False, **changes: Any) -> Pause:
    plain = Pause(
        kind="supplement", begin=at(begin), end=None if end is None else at(end), basis="NĐ 118", reason="thiếu",
        restarts=restarts,
    )  # fmt: skip
    return replace(plain, **changes)


def more(amount: float, unit: Any = "working_day", when: str = "05-04 10:00", **changes: Any) -> Extension:
    plain = Extension(
        amount=Budget(amount=amount, unit=unit), at=at(when), basis="NĐ 118", reason="khó", apology=True, by="lan"
    )
    return replace(plain, **changes)


def due(
    start: str, amount: float, unit: Any, ledger: tuple[Pause | Extension, ...] = (), hours: Spans = OFFICE
) -> datetime | None:
    paused = [line for line in ledger if isinstance(line, Pause)]
    extended = [line for line in ledger if isinstance(line, Extension)]
    return clock.due(at(start), Budget(amount=amount, unit=unit), hours, CALENDAR, paused, extended)


# -- the rules. Monday 4 May 2026 begins a week without days off, and its Saturday is worked.


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ([], "05-06 09:00"),
        ([pause("05-04 10:00", "05-04 15:00")], "05-06 14:00"),
        ([pause("05-04 11:30", "05-04 13:30")], "05-06 09:00"),
        ([pause("05-04 17:00", "05-05 07:00")], "05-06 09:00"),
        ([pause("05-05 07:00", "05-08 07:00")], "05-09 09:00"),
        # The last minute before the pause is the last of the time: it has run out.
        ([pause("05-06 09:00", "05-08 07:00")], "05-06 09:00"),
        ([pause("05-06 08:59", "05-08 07:00")], "05-08 07:01"),
        ([pause("05-06 09:01", "05-08 07:00")], "05-06 09:00"),
        ([pause("05-05 07:00", None)], "05-06 09:00"),
        ([pause("05-04 10:00", "05-04 11:00"), pause("05-04 10:30", "05-04 11:30")], "05-06 10:30"),
        ([pause("05-04 08:00", "05-04 10:00")], "05-06 10:00"),
        ([pause("05-03 08:00", "05-03 10:00")], "05-06 09:00"),
        ([pause("05-05 10:00", "05-04 10:00")], "05-06 09:00"),
        ([pause("05-05 07:00", "05-07 18:00", restarts=True)], "05-09 17:00"),
        ([pause("05-05 07:00", "05-06 08:00", restarts=True), pause("05-06 09:00", "05-06 10:00")], "05-08 09:00"),
        ([more(1)], "05-07 09:00"),
        ([more(1), more(4, "hour", "05-05 10:00")], "05-07 15:00"),
        ([more(1, "calendar_day")], "05-07 17:00"),
        # Thursday's day more begins where Wednesday's due time was, behind the pause that lies in between.
        ([more(1), pause("05-06 10:00", "05-07 10:00")], "05-08 09:00"),
        ([more(1), pause("05-05 07:00", "05-05 08:00", restarts=True)], "05-08 08:00"),
    ],
)  # fmt: skip
def test_working_time(ledger: list[Pause | Extension], expected: str) -> None:
    """Two working days from Monday at 09:00, in whatever order the ledger was written."""
    for order in permutations(ledger):
        assert due("05-04 09:00", 2, "working_day", order) == at(expected)


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ([], "05-11 17:00"),
        ([pause("05-05 10:00", "05-05 16:00")], "05-11 17:00"),
        ([pause("05-05 16:00", "05-06 08:00")], "05-11 17:00"),
        ([pause("05-05 16:00", "05-07 08:00")], "05-12 17:00"),
        ([pause("05-05 16:00", "05-08 08:00")], "05-13 17:00"),
        ([pause("05-08 08:00", "05-11 08:00"), pause("05-11 16:00", "05-12 08:00")], "05-14 17:00"),
        # It had moved on from Saturday the 16th: Monday is the day that moves.
        ([pause("05-05 08:00", "05-11 08:00"), pause("05-16 08:00", "05-17 08:00")], "05-18 17:00"),
        ([pause("05-05 08:00", "05-11 08:00"), pause("05-17 08:00", "05-19 08:00")], "05-20 17:00"),
        ([pause("05-11 17:00", "05-14 08:00")], "05-11 17:00"),
        ([pause("05-11 16:59", "05-14 08:00")], "05-14 17:00"),
        ([pause("05-05 08:00", "05-06 08:00", restarts=True)], "05-11 17:00"),
        ([pause("05-05 08:00", "05-07 08:00", restarts=True)], "05-12 17:00"),
        ([more(1, "calendar_day")], "05-12 17:00"),
        ([more(2)], "05-13 17:00"),
    ],
)  # fmt: skip
def test_calendar_days(ledger: list[Pause | Extension], expected: str) -> None:
    """Six calendar days from Monday 4 May end on Sunday 10 May, and so on Monday; five with a restart."""
    for order in permutations(ledger):
        assert due("05-04 09:00", 6 if not _restarts(ledger) else 5, "calendar_day", order) == at(expected)


def _restarts(ledger: list[Pause | Extension]) -> bool:
    return any(isinstance(line, Pause) and line.restarts for line in ledger)


def test_what_lies_in_no_calendar_is_refused() -> None:
    long = tuple(more(90_000, "calendar_day") for _ in range(40))
    with pytest.raises(ValueError, match="past the year 9999"):
        due("05-04 09:00", 5, "calendar_day", long)


# -- a process


def story(**changes: Any) -> Process:
    """Received on Monday 4 May at 09:00 with two working days; its first step, with half a day, is open."""
    start = at("05-04 09:00")
    received = making.received(2, received_at=start, clock_at=start, due_at=at("05-06 09:00"), **changes)
    process, _ = course.start("d1", received, making.procedure(), making.agency(), CALENDAR, start)
    return process


def test_every_line_of_the_ledger_moves_the_open_tasks_too_and_keeps_what_it_did() -> None:
    process = story()
    assert process.promised_due_at == process.due_at == at("05-06 09:00")
    assert making.task(process, "s1").due_at == at("05-04 15:00")
    paused = clock.redue(replace(process, state=State.PAUSED, pauses=(pause("05-04 10:00", None),)), CALENDAR)
    assert (paused.due_at, making.task(paused, "s1").due_at) == (at("05-06 09:00"), at("05-04 15:00"))
    assert paused.next_due_at == NO_DUE, "while the clock stands still nothing is overdue"
    assert paused.last_due_at == at("05-06 09:00"), "it follows a calendar that changes"
    assert paused.pauses[0].moved is None, "it has done nothing yet"
    ended = replace(paused, state=State.RUNNING, pauses=(pause("05-04 10:00", "05-04 11:00"),))
    resumed = clock.redue(ended, CALENDAR)
    assert (resumed.due_at, resumed.next_due_at) == (at("05-06 10:00"), at("05-04 16:00"))
    named = replace(resumed, extensions=(more(1, tasks=("d1.s1",)), more(1, "hour", "05-04 10:01")))
    extended = clock.redue(named, CALENDAR)
    assert extended.due_at == at("05-07 11:00")
    assert making.task(extended, "s1").due_at == at("05-05 16:00"), "of the extensions the one that names it"
    later, _ = calendars.reschedule(extended, 2026, "TB 1", making.CALENDAR, making.by())
    was, then = Moved(previous_due_at=at("05-06 09:00"), due_at=at("05-06 10:00")), at("05-07 11:00")
    assert [line.moved for line in later.pauses] == [was]
    assert [line.moved for line in later.extensions] == [Moved(previous_due_at=was.due_at, due_at=then)] * 2


def test_a_restart_restarts_the_open_tasks_and_those_that_open_later_know_nothing_of_it() -> None:
    process = story()
    process = clock.redue(replace(process, pauses=(pause("05-04 10:00", "05-05 08:00", restarts=True),)), CALENDAR)
    assert process.due_at == at("05-07 08:00")
    assert making.task(process, "s1").due_at == at("05-05 14:00")
    process, _ = making.complete(process, "s1", replace(making.by(), at=at("05-05 09:00")))
    second = making.task(process, "s2")
    assert second.opened_at == at("05-05 09:00")
    assert second.allowed is not None
    assert second.due_at == due("05-05 09:00", second.allowed.amount, second.allowed.unit)


def test_a_step_that_is_opened_late_is_moved_by_a_pause_that_the_ledger_has_already() -> None:
    """It was opened at 09:30, which is told after the pause from 10:00 to 11:00."""
    process = clock.redue(replace(story(), pauses=(pause("05-04 10:00", "05-04 11:00"),)), CALENDAR)
    process, _ = making.complete(process, "s1", replace(making.by(), at=at("05-04 09:30")))
    second = making.task(process, "s2")
    assert second.allowed is not None
    assert second.due_at == due("05-04 10:30", second.allowed.amount, second.allowed.unit)


def test_a_step_runs_in_the_hours_of_the_agency_that_does_it() -> None:
    mornings = (("08:00", "12:00"),)
    step = Step(
        id="s1", name="Ý kiến", role="expert", agency=PROVINCE, amount=catalogue.days(1), after=(), decision=True
    )
    known = {PROVINCE: making.agency(id=PROVINCE, parent=None, hours=mornings)}
    start = at("05-04 09:00")
    received = making.received(2, received_at=start, clock_at=start, due_at=at("05-06 09:00"))
    process, _ = course.start("d1", received, making.procedure(step), making.agency(), CALENDAR, start, known=known.get)
    assert process.due_at == at("05-06 09:00"), "the dossier's, in the receiving agency's hours"
    assert making.task(process, "s1").due_at == at("05-06 09:00"), "eight hours of three mornings"
    changed, _ = calendars.reschedule(
        process, 2026, "TB 1", worktime.Calendar([(date(2026, 5, 5), "off")], [2026]), making.by()
    )
    assert making.task(changed, "s1").due_at == at("05-07 09:00")


def test_a_step_that_is_not_open_yet_runs_in_the_hours_of_who_took_over() -> None:
    """The open one keeps the time that it was given."""
    mornings = (("08:00", "12:00"),)
    succeeded = inbound.AgencySucceeded(predecessors=(HERE,), takes_over="H56.99", on=date(2026, 5, 5), decision="NQ 1")
    known = {"H56.99": making.agency(id="H56.99", hours=mornings)}
    taken, _ = successions.hand_on(
        story(), Successions([succeeded]), date(2026, 5, 5), at("05-05 00:00"), known=known.get
    )
    assert making.task(taken, "s1").agency == "H56.99"
    assert clock.redue(taken, CALENDAR) == taken
    taken, _ = making.complete(taken, "s1", replace(making.by(), at=at("05-05 08:00")))
    second = making.task(taken, "s2")
    assert second.allowed is not None
    assert second.due_at == due("05-05 08:00", second.allowed.amount, second.allowed.unit, hours=mornings)


def test_a_changed_calendar_is_followed_with_the_ledger_and_while_it_is_paused() -> None:
    """With Tuesday off; a pause that lasts does not count, one that has ended does."""
    off = worktime.Calendar([(date(2026, 5, 5), "off")], [2026])
    process = replace(story(), pauses=(pause("05-04 10:00", "05-04 11:00"),), extensions=(more(4, "hour"),))
    process = clock.redue(process, CALENDAR)
    assert process.due_at == at("05-06 16:00")
    for state, paused in ((State.RUNNING, ()), (State.PAUSED, (pause("05-04 13:30", None),))):
        one = replace(process, state=state, pauses=(*process.pauses, *paused))
        after, said = calendars.reschedule(one, 2026, "TB 2", off, making.by())
        assert (after.due_at, after.state) == (at("05-07 16:00"), state)
        assert [each.previous_due_at for each in said] == [at("05-06 16:00")]
        assert calendars.reschedule(after, 2026, "TB 2", off, making.by()) == (after, ())
    for state in (State.FINISHED, State.WITHDRAWN, State.STOPPED):
        ended = replace(process, state=state, finished_at=at("05-04 12:00"), withdrawn_at=at("05-04 12:00"),
                        stopped_at=at("05-04 12:00"))  # fmt: skip
        assert calendars.reschedule(ended, 2026, "TB 2", off, making.by()) == (ended, ())
        assert clock.redue(ended, off) == ended


@pytest.mark.parametrize(
    ("now", "used", "left"),
    [("05-04 10:00", 60, 900), ("05-04 15:00", 60, 900), ("05-05 07:00", 60, 900)],
)
def test_a_clock_that_stands_still_uses_nothing(now: str, used: int, left: int) -> None:
    process = replace(story(), state=State.PAUSED, pauses=(pause("05-04 10:00", None),))
    assert clock.used(process, at(now), CALENDAR) == used
    assert clock.remaining(process, at(now), CALENDAR) == left


def test_used_and_left_leave_pauses_out_and_begin_anew_with_a_restart() -> None:
    process = clock.redue(replace(story(), pauses=(pause("05-04 10:00", "05-04 11:00"),)), CALENDAR)
    assert clock.used(process, at("05-05 07:00"), CALENDAR) == 300
    assert clock.remaining(process, at("05-05 07:00"), CALENDAR) == 960 - 300
    assert clock.remaining(process, at("05-06 10:00"), CALENDAR) == 0
    anew = clock.redue(replace(story(), pauses=(pause("05-04 10:00", "05-04 11:00", restarts=True),)), CALENDAR)
    assert clock.used(anew, at("05-04 11:30"), CALENDAR) == 30
    assert (
        clock.used(replace(anew, state=State.STOPPED, stopped_at=at("05-04 11:10")), at("05-30 09:00"), CALENDAR) == 10
    )


# -- the account


def told(process: Process, now: str, year: inbound.CalendarChanged = NAMED) -> tuple[list[str], list[str]]:
    calendar = worktime.Calendar([(day.date, day.kind) for day in year.days], [2026])
    lines = clock_texts.explanation(process, accounts.account(process, at(now), calendar, (year,)))
    return [vi for vi, _ in lines], [en for _, en in lines]


def test_the_account_tells_each_line_with_its_basis_and_what_it_did() -> None:
    """Received after the cut-off hour before the holidays, paused, extended, and the calendar changed meanwhile."""
    start = at("05-04 07:00")
    received = making.received(3, received_at=at("04-29 15:30"), clock_at=start, due_at=at("05-06 17:00"))
    process, _ = course.start("d1", received, making.procedure(), making.agency(), CALENDAR, start)
    process, _ = pauses.pause(process, "Chờ giám định", "Điều 9", replace(making.by(), at=at("05-04 09:00")))
    vi, en = told(process, "05-04 10:00")
    assert vi[-4:] == [
        (
            "Tạm dừng từ 09:00 04/05/2026, vì căn cứ khác (căn cứ Điều 9): đến nay 0 ngày 1 giờ 0 phút làm việc "
            "không tính; "
            "hạn trả 17:00 06/05/2026 được tính lại khi hết tạm dừng."
        ),
        "Hạn trả hiện nay: 17:00 06/05/2026.",
        "Đã dùng 0 ngày 2 giờ 0 phút làm việc.",
        "Còn lại 2 ngày 6 giờ 0 phút làm việc.",
    ]
    assert "so far 0 working days 1 hours 0 minutes not counted" in en[-4]
    process, _ = pauses.resume(process, "Có kết luận", CALENDAR, replace(making.by(), at=at("05-05 09:00")))
    process = clock.redue(replace(process, extensions=(more(2, when="05-06 08:00"),)), CALENDAR)
    without = worktime.Calendar([(date(2026, 4, 30), "off"), (date(2026, 5, 1), "off")], [2026])
    by = replace(making.by(), at=at("05-07 08:00"))
    process, _ = calendars.reschedule(process, 2026, "TB 12", without, by)
    vi, en = told(process, "05-07 09:00", replace(NAMED, days=NAMED.days[:2]))
    assert vi == [
        "Tiếp nhận lúc 15:30 29/04/2026.",
        (
            "Bắt đầu tính từ 07:00 04/05/2026 (giờ làm việc của cơ quan tiếp nhận; vì tiếp nhận sau giờ chốt "
            "nhận hồ sơ trong "
            "ngày, hoặc vào ngày nghỉ theo lịch khi đó)."
        ),
        "Thời hạn giải quyết 3 ngày làm việc: hẹn trả 17:00 06/05/2026.",
        (
            "Tạm dừng từ 09:00 04/05/2026 đến 09:00 05/05/2026, vì căn cứ khác (căn cứ Điều 9): 1 ngày 0 giờ 0 "
            "phút làm việc "
            "không tính: hạn trả 17:00 06/05/2026 → 17:00 07/05/2026."
        ),
        (
            "Gia hạn 2 ngày làm việc lúc 08:00 06/05/2026, kèm văn bản xin lỗi (căn cứ NĐ 118): hạn trả 17:00 "
            "07/05/2026 → "
            "17:00 09/05/2026."
        ),
        (
            "Lịch làm việc năm 2026 thay đổi (TB 12), tính lại lúc 08:00 07/05/2026: hạn trả 17:00 09/05/2026 → "
            "17:00 11/05/2026."
        ),
        "Hạn trả hiện nay: 17:00 11/05/2026.",
        "Các hạn đã hẹn trước đây: 17:00 06/05/2026, 17:00 07/05/2026, 17:00 09/05/2026.",
        "Đã dùng 2 ngày 2 giờ 0 phút làm việc.",
        "Còn lại 2 ngày 6 giờ 0 phút làm việc.",
    ]
    assert len(en) == len(vi)
    assert en[3:6] == [
        (
            "Paused from 09:00 04/05/2026 to 09:00 05/05/2026, another legal cause (basis Điều 9): 1 working "
            "days 0 hours 0 "
            "minutes not counted: due 17:00 06/05/2026 → 17:00 07/05/2026."
        ),
        (
            "Extended by 2 working days at 08:00 06/05/2026, with an apology (basis NĐ 118): due 17:00 07/05/2026 → "
            "17:00 09/05/2026."
        ),
        (
            "The working calendar of 2026 changed (TB 12), computed anew at 08:00 07/05/2026: due 17:00 09/05/2026 → "
            "17:00 11/05/2026."
        ),
    ]


def test_the_account_tells_that_a_fee_was_cancelled() -> None:
    begin, end = at("05-04 10:00"), at("05-05 10:00")
    process, _ = pauses.ask_fee(story(), story().tasks[0], 50_000, "Phí", "Điều 9", replace(making.by(), at=begin))
    (paid, _), (cancelled, _) = (
        pauses.fee_paid(process, begin, end, end, CALENDAR),
        pauses.fee_cancelled(process, begin, "Được miễn", end, end, CALENDAR),
    )
    for one, vi_said, en_said in (
        (paid, "", ""), (cancelled, "; bộ phận một cửa đã hủy khoản này", "; the one-stop unit cancelled it"),
    ):  # fmt: skip
        vi, en = told(one, "05-05 11:00")
        assert f"chờ thực hiện nghĩa vụ tài chính (căn cứ Điều 9){vi_said}: 1 ngày 0 giờ 0 phút" in "".join(vi)
        assert f"waiting for a fee (basis Điều 9){en_said}: 1 working days" in "".join(en)


def test_the_holidays_in_between_are_named() -> None:
    start = at("04-29 15:30")
    received = making.received(3, received_at=start, clock_at=start, due_at=at("05-06 15:30"))
    process, _ = course.start("d1", received, making.procedure(), making.agency(), CALENDAR, start)
    assert process.due_at == at("05-06 15:30")
    vi, en = told(process, "05-04 07:00")
    assert vi[3] == "Ngày nghỉ trong thời hạn: 30/04/2026 Ngày Chiến thắng; 01/05/2026 Ngày Quốc tế Lao động (TB 9441)."
    assert en[3].startswith("Days off in between: 30/04/2026 ")


def test_what_was_promised_is_never_told_anew() -> None:
    """A calendar that changed later does not change what a line says that it did."""
    process = clock.redue(replace(story(), pauses=(pause("05-04 10:00", "05-05 10:00"),)), CALENDAR)
    before = told(process, "05-05 11:00")[0]
    other = worktime.Calendar([(date(2026, 5, 5), "off"), (date(2026, 5, 6), "off")], [2026])
    after, _ = calendars.reschedule(process, 2026, "TB 2", other, making.by())
    assert after.due_at != process.due_at
    # How much of the pause was working time follows the calendar; what it did to the due date does not.
    assert [line.rpartition(": ")[2] for line in before if "Tạm dừng" in line] == [
        line.rpartition(": ")[2]
        for line in told(after, "05-05 11:00", replace(NAMED, days=()))[0]
        if "Tạm dừng" in line
    ]
    assert accounts.account(after, at("05-05 11:00"), other).previous == (at("05-06 09:00"), at("05-07 09:00"))


@pytest.mark.parametrize(
    ("received", "start", "why"),
    [
        ("05-04 09:00", "05-04 09:00", None),
        ("05-04 18:00", "05-05 07:00", "outside_hours"),
        ("05-03 10:00", "05-04 07:00", "outside_hours"),
        ("05-04 15:01", "05-05 07:00", "cut_off"),
    ],
)
def test_why_the_clock_started_later(received: str, start: str, why: str | None) -> None:
    process = replace(story(), received_at=at(received), clock_at=at(start))
    assert accounts.account(process, at("05-06 09:00"), CALENDAR).started_later == why


def test_the_clock_over_http(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(hours=1)
    assert (
        workflow.post(
            f"tasks/{id}.s1/supplement-request", "officer", {"reason": "Thiếu", "basis": "Điều 5"}
        ).status_code
        == 200
    )
    clock.move(hours=1)
    paused = workflow.get(f"dossiers/{id}/clock", "officer").get_json()
    assert (paused["state"], paused["used"], paused["due_at"]) == ("paused", 60, "2026-03-07T02:00:00Z")
    assert paused["pauses"] == [{"from": "2026-03-04T03:00:00Z", "to": None, "working_minutes": 60, "basis": "Điều 5"}]
    assert workflow.post(f"dossiers/{id}/resumption", "officer", {"reason": "Đủ"}).status_code == 200
    extension = {"amount": 2, "unit": "hour", "reason": "Khó", "apology": True, "basis": "Điều 6"}
    assert workflow.post(f"dossiers/{id}/extension", "officer", extension).status_code == 200
    running = workflow.get(f"dossiers/{id}/clock", "officer").get_json()
    assert set(running) == {
        "received_at", "budget", "unit", "used", "pauses", "extensions", "due_at", "state", "explanation",
    }  # fmt: skip
    assert (running["state"], running["used"], running["due_at"]) == ("running", 60, "2026-03-07T07:00:00Z")
    assert running["pauses"] == [
        {"from": "2026-03-04T03:00:00Z", "to": "2026-03-04T04:00:00Z", "working_minutes": 60, "basis": "Điều 5"}
    ]
    assert running["extensions"] == [
        {
            "at": "2026-03-04T04:00:00Z", "amount": 2.0, "unit": "hour", "basis": "Điều 6", "reason": "Khó",
            "apology": True, "previous_due_at": "2026-03-07T03:00:00Z",
            "due_at": "2026-03-07T07:00:00Z",
        }
    ]  # fmt: skip
    assert [line["vi"] for line in running["explanation"]][
        3
    ] == "Ngày làm việc bù trong thời hạn: 07/03/2026 Làm bù (Thông báo 1/TB)."
