"""A row that leaves the province, whatever it is and wherever it goes. Plain Python: time comes in, new states go out.

queued ──take──▶ sending ──accepted──▶ sent
  ▲                │  │
  │ deferred,      │  └─refused, given up──▶ failed ──retry──▶ queued
  └─returned ──────┘

A kind of row is a dataclass derived from `Delivery`; the steps work on all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from chassis import errors

State = Literal["queued", "sending", "sent", "delivered", "failed"]
AttemptOutcome = Literal["accepted", "deferred", "interrupted", "refused", "requested"]
_MINUTES = (1, 5, 15, 60, 120, 240, 480, *[720] * 5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in _MINUTES)
"""Between the attempts that count, 76 hours in all: what is full on Friday evening may be emptied on Monday morning."""


class NotRetriable(errors.WrongState):
    """Only what is queued or failed is sent again: what was sent may be in the person's hands."""

    code, title = "message_not_retriable", "Chỉ gửi lại được thông báo đang chờ hoặc gửi không thành công"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`deferred`: not now, said the other side. `interrupted`: nobody knows whether it was taken. `requested`: an
    operator wants it sent again, and the count begins anew. `detail`: the other side's answer, or who asked."""

    at: datetime
    outcome: AttemptOutcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Until then nobody but `holder` sends the row."""

    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`next_at`: when it is due, None when it is over. `trace`: of the event that caused it. `receipt`: under which
    number the other side took it, where it says one."""

    id: str
    state: State
    attempts: tuple[Attempt, ...]
    next_at: datetime | None
    lease: Lease | None
    created_at: datetime
    trace: str | None
    receipt: str | None = None


D = TypeVar("D", bound=Delivery)


def take(row: D, holder: str, until: datetime) -> D:
    _must_be(row, "queued")
    return replace(row, state="sending", lease=Lease(holder=holder, until=until))


def accepted(row: D, at: datetime, detail: str, receipt: str | None = None) -> D:
    _must_be(row, "sending")
    return replace(_tried(row, at, "accepted", detail), state="sent", next_at=None, receipt=receipt)


def refused(row: D, at: datetime, detail: str) -> D:
    """The other side will never take it."""
    _must_be(row, "sending")
    return replace(_tried(row, at, "refused", detail), state="failed", next_at=None)


def deferred(
    row: D,
    at: datetime,
    detail: str,
    outcome: Literal["deferred", "interrupted"] = "deferred",
    waits: Sequence[timedelta] = WAITS,
) -> D:
    """Not taken now, or nobody knows: it waits longer each time, and in the end it is given up."""
    _must_be(row, "sending")
    tried = _tried(row, at, outcome, detail)
    if (failures := _failures(tried)) > len(waits):
        return replace(tried, state="failed", next_at=None)
    return replace(tried, state="queued", next_at=at + waits[failures - 1])


def returned(row: D, next_at: datetime | None = None) -> D:
    """Not sent, through no fault of its own: nothing is counted, and it is due as it was, or at `next_at`."""
    _must_be(row, "sending")
    return replace(row, state="queued", lease=None, next_at=next_at or row.next_at)


def retry(row: D, at: datetime, by: str) -> D:
    """An operator wants it sent now; `by` is the operator's subject. Its attempts are counted anew."""
    if row.state not in ("queued", "failed"):
        raise NotRetriable(f"it is {row.state}")
    return replace(_tried(row, at, "requested", by), state="queued", next_at=at)


def attempted(row: Delivery) -> int:
    """How many attempts there were."""
    return sum(attempt.outcome != "requested" for attempt in row.attempts)


def _must_be(row: Delivery, state: State) -> None:
    if row.state != state:
        raise errors.WrongState(f"it is {row.state}, not {state}")


def _tried(row: D, at: datetime, outcome: AttemptOutcome, detail: str) -> D:
    return replace(row, attempts=(*row.attempts, Attempt(at=at, outcome=outcome, detail=detail)), lease=None)


def _failures(row: Delivery) -> int:
    """Attempts without success since the last one that an operator asked for."""
    outcomes = [attempt.outcome for attempt in row.attempts]
    last = max((n for n, outcome in enumerate(outcomes, 1) if outcome == "requested"), default=0)
    return len(outcomes) - last
