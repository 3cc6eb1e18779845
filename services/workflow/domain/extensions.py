"""More time for a dossier, with or without an apology (form 04). Plain Python."""

from chassis import worktime
from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow import events
from workflow.domain import clock, limits
from workflow.domain.parts import OPEN, Budget, By, Extension
from workflow.domain.processes import Process, Turn, noted, require_running


class NoDueDate(WrongState):
    code = "no_due_date"
    title = "Thủ tục không quy định thời hạn giải quyết nên không có gì để gia hạn"


class TooManyExtensions(WrongState):
    code = "too_many_extensions"
    title = "Đã gia hạn quá số lần cho phép"


def extend(
    process: Process,
    amount: Budget,
    reason: str,
    basis: str | None,
    apology: bool,
    calendar: worktime.Calendar,
    by: By,
) -> Turn:
    """The dossier and its open tasks get `amount` more than they had; opinions keep their own deadline.

    Until the end of the due day this needs nothing more; after it, only with an apology, and that one is not in time.
    While the clock stands still there is nothing to extend: the due date moves with the pause's end (NotRunning).
    """
    require_running(process)
    if process.due_at is None:
        raise NoDueDate("the procedure has no time limit")
    day = worktime.local_day(by.at)
    _require_amount(amount)
    if by.at < process.received_at:
        raise Invalid("the act lies before the reception", code="before_reception")
    if process.extensions and by.at < process.extensions[-1].at:
        raise Invalid("the act lies before the last extension", code="before_last_extension")
    if process.pauses and (end := process.pauses[-1].end) is not None and by.at < end:
        raise Invalid("the act lies before the end of the last pause", code="before_last_pause")
    if len(process.extensions) >= limits.most(limits.EXTENSIONS, day):
        raise TooManyExtensions(f"it was extended {len(process.extensions)} times")
    in_time = day <= worktime.local_day(process.due_at)
    if not in_time and not apology:
        wrong = FieldError("/apology", "apology_missing", "the due day is over: apologise with form 04")
        raise Invalid("a late dossier is extended with an apology only", errors=[wrong])
    given = Extension(
        amount=amount,
        at=by.at,
        basis=basis or limits.one_stop_decree(day),
        reason=reason,
        apology=apology,
        by=by.who,
        tasks=tuple(task.id for task in process.tasks if task.state in OPEN and task.kind != "opinion"),
    )
    previous = process.due_at
    try:
        process = clock.redue(replace(process, extensions=(*process.extensions, given)), calendar)
    except ValueError:
        raise Invalid("the due date would lie in no calendar", errors=[_wrong_amount("too far away")]) from None
    if process.due_at is None:
        raise AssertionError("what has a due date keeps one")
    if worktime.local_day(process.due_at) < day:
        wrong = _wrong_amount("the new due day would be over already", "past")
        raise Invalid("what is promised lies ahead", errors=[wrong])
    note = f"{previous} → {process.due_at}: {reason}"
    extended = events.DossierExtended(
        code=process.code,
        extended_at=by.at,
        amount=amount.amount,
        unit=amount.unit,
        basis=given.basis,
        reason=reason,
        apology=apology,
        in_time=in_time,
        due_at=process.due_at,
        previous_due_at=previous,
    )
    return noted(process, "extended", None, by, note), (extended,)


def _require_amount(amount: Budget) -> None:
    try:
        amount.allowed()
    except ValueError as error:
        raise Invalid("the amount is no time", errors=[_wrong_amount(str(error))]) from None


def _wrong_amount(message: str, code: str = "wrong_amount") -> FieldError:
    return FieldError("/amount", code, message)
