"""The clock stands still: for a supplement, for a fee, for another legal cause; and goes on. Plain Python.

One cause at a time. A pause begins behind the one before it, so the ledger is in order and no minute is in two of them.
Of an officer's word and the applicant's own act, whichever is heard of first ends a pause, and nothing ends it twice.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Literal

from chassis import worktime
from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow import events
from workflow.domain import clock, limits
from workflow.domain.parts import By, Pause, Task
from workflow.domain.processes import (
    Process,
    State,
    Turn,
    noted,
    require_not_ended,
    require_running,
    with_tasks,
)

INTAKE = "system:intake"


class AlreadyPaused(WrongState):
    code = "already_paused"
    title = "Hồ sơ đang tạm dừng"


class NotPaused(WrongState):
    code = "not_paused"
    title = "Hồ sơ không ở trạng thái tạm dừng"


class TooManySupplements(WrongState):
    code = "too_many_supplements"
    title = "Đã yêu cầu bổ sung quá số lần cho phép"


def ask_supplement(
    process: Process,
    task: Task,
    components: Sequence[str],
    reason: str,
    until: date | None,
    basis: str | None,
    known: Collection[str] | None,
    by: By,
) -> Turn:
    """The agency that has the task asks the applicant for more (form 02), and the clock stands still until it is there;
    where the procedure version says so, it begins anew then.

    `known`: the codes of the procedure version's components, None when they are not here. The event has the request's
    `number`, since Quyết định 766/QĐ-TTg counts a second one as late.
    """
    day = worktime.local_day(by.at)
    wrong = [
        FieldError(f"/components/{n}", "unknown_component", "the procedure has no such component")
        for n, code in enumerate(components)
        if known is not None and code not in known
    ]
    if until is not None and until < day:
        wrong.append(FieldError("/until", "past", "the day is over already"))
    if wrong:
        raise Invalid("the request does not fit the dossier", errors=wrong)
    number = _next_number(process, "supplement")
    if number > limits.most(limits.SUPPLEMENT_REQUESTS, day):
        raise TooManySupplements(f"a supplement was asked for {number - 1} times")
    pause = Pause(
        kind="supplement",
        begin=by.at,
        basis=basis or limits.one_stop_decree(day),
        reason=reason,
        restarts=process.supplement_rule == "restart",
        number=number,
        components=tuple(components),
        until=until,
        by=by.who,
    )
    process, paused = _begin(process, pause, by)
    requested = events.SupplementRequested(
        code=process.code,
        agency=task.agency,
        requested_at=by.at,
        number=number,
        components=pause.components,
        reason=reason,
        until=until,
    )
    return noted(process, "supplement_requested", task.id, by, reason), (requested, paused)


def ask_fee(process: Process, task: Task, amount: int, reason: str, basis: str, by: By) -> Turn:
    """The agency that has the task found a fee of `amount` đồng that is to be paid before it goes on."""
    pause = Pause(
        kind="fee",
        begin=by.at,
        basis=basis,
        reason=reason,
        number=_next_number(process, "fee"),
        amount=amount,
        by=by.who,
    )
    process, paused = _begin(process, pause, by)
    requested = events.FeeRequested(
        code=process.code, agency=task.agency, requested_at=by.at, amount=amount, reason=reason, basis=basis
    )
    return noted(process, "fee_requested", task.id, by, f"{amount}: {reason}"), (requested, paused)


def pause(process: Process, reason: str, basis: str, by: By) -> Turn:
    """The clock stands still for another cause that the law knows, an inspection or an expert's report say."""
    begun = Pause(
        kind="other",
        begin=by.at,
        basis=basis,
        reason=reason,
        number=_next_number(process, "other"),
        by=by.who,
    )
    process, paused = _begin(process, begun, by)
    return noted(process, "paused", None, by, reason), (paused,)


def resume(process: Process, reason: str, calendar: worktime.Calendar, by: By) -> Turn:
    """An officer says that there is nothing to wait for any more."""
    require_not_ended(process)
    lasting = process.pause
    if lasting is None:
        raise NotPaused(f"the process is {process.state}")
    if by.at < lasting.begin:
        raise Invalid("the act lies before the pause began", code="before_pause")
    return _go_on(process, lasting, "resumed", reason, calendar, by)


def supplemented(process: Process, at: datetime, recorded_at: datetime, calendar: worktime.Calendar) -> Turn:
    """The applicant handed in what was asked for. Nothing happens when that was for an earlier request, or when the
    clock goes on already."""
    return _over(process, "supplement", "supplemented", None, calendar, By(INTAKE, "", at, recorded_at))


def fee_paid(
    process: Process, requested_at: datetime | None, at: datetime, recorded_at: datetime, calendar: worktime.Calendar
) -> Turn:
    """The applicant paid what was asked for at `requested_at`; None: not by an agency that works on it. Nothing happens
    when that is another request than the one that is waited for, or when the clock goes on already."""
    return _fee_over(process, requested_at, "fee_paid", None, calendar, By(INTAKE, "", at, recorded_at))


def fee_cancelled(
    process: Process,
    requested_at: datetime | None,
    reason: str | None,
    at: datetime,
    recorded_at: datetime,
    calendar: worktime.Calendar,
) -> Turn:
    """The one-stop unit says that what was asked for at `requested_at` is not to be paid: it was a mistake, or is
    remitted. Nothing happens when a payment would end no pause either."""
    return _fee_over(process, requested_at, "fee_cancelled", reason, calendar, By(INTAKE, "", at, recorded_at))


def ended(process: Process, calendar: worktime.Calendar, at: datetime) -> Process:
    """Without the pause that lasts: it ended at `at`, and the due dates are what follows from that."""
    if process.pause is None:
        return process
    closed = (*process.pauses[:-1], replace(process.pauses[-1], end=at))
    return clock.redue(replace(process, state=State.RUNNING, pauses=closed), calendar)


def _begin(process: Process, begun: Pause, by: By) -> tuple[Process, events.DossierPaused]:
    if process.state is State.PAUSED:
        raise AlreadyPaused("the clock stands still already")
    require_running(process)
    if by.at < process.received_at:
        raise Invalid("the act lies before the reception", code="before_reception")
    last = process.pauses[-1] if process.pauses else None
    # At the very instant at which the last one of its kind ended, what ended that one would end this one too.
    if last is not None and last.end is not None and (begun.begin, begun.kind != last.kind) <= (last.end, False):
        raise Invalid("the act lies before the end of the last pause", code="before_last_pause")
    process = replace(process, state=State.PAUSED, pauses=(*process.pauses, begun))
    paused = events.DossierPaused(
        code=process.code, kind=begun.kind, paused_at=begun.begin, basis=begun.basis, reason=begun.reason
    )
    return with_tasks(process, process.tasks), paused


def _fee_over(
    process: Process, requested_at: datetime | None, act: str, note: str | None, calendar: worktime.Calendar, by: By
) -> Turn:
    lasting = process.pause
    if lasting is None or lasting.begin != requested_at:
        return process, ()
    # Money that was sent before it was asked for, and placed with the dossier later, is there from the first moment.
    return _over(process, "fee", act, note, calendar, replace(by, at=max(by.at, lasting.begin)))


def _over(
    process: Process,
    kind: Literal["supplement", "fee"],
    act: str,
    note: str | None,
    calendar: worktime.Calendar,
    by: By,
) -> Turn:
    """Intake says that there is nothing of this kind to wait for any more."""
    lasting = process.pause
    if lasting is None or lasting.kind != kind or by.at < lasting.begin:
        return process, ()
    if process.state is not State.PAUSED:
        # It was withdrawn meanwhile, or before that: the ledger says what happened, and no clock goes on.
        closed = (*process.pauses[:-1], replace(lasting, end=by.at))
        return noted(replace(process, pauses=closed), act, None, by, note), ()
    return _go_on(process, lasting, act, note, calendar, by)


def _go_on(process: Process, lasting: Pause, act: str, note: str | None, calendar: worktime.Calendar, by: By) -> Turn:
    previous = process.due_at
    process = noted(ended(process, calendar, by.at), act, None, by, note)
    resumed = events.DossierResumed(
        code=process.code,
        kind=lasting.kind,
        resumed_at=by.at,
        restarted=lasting.restarts,
        due_at=process.due_at,
        previous_due_at=previous,
    )
    return process, (resumed,)


def _next_number(process: Process, kind: str) -> int:
    return sum(each.kind == kind for each in process.pauses) + 1
