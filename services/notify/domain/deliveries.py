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
from hashlib import sha256
from typing import Literal, TypeVar

from chassis import errors

State = Literal["queued", "sending", "sent", "delivered", "failed", "gathered"]
AttemptOutcome = Literal["accepted", "deferred", "interrupted", "refused", "requested"]
Failed = Literal["deferred", "interrupted"]
Failure = Literal["permanent", "transient", "technical"]
"""The other side will never take it; it may take it later; nothing is known, for something broke on the way."""
_KINDS: dict[AttemptOutcome, Failure] = {"refused": "permanent", "deferred": "transient", "interrupted": "technical"}
_MINUTES = (1, 5, 15, 60, 120, 240, 480, *[720] * 5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in _MINUTES)
"""Between the attempts that count, 76 hours in all: what is full on Friday evening may be emptied on Monday morning."""
WIDEST_SPREAD = timedelta(minutes=30)
"""A wait is longer by up to half of it, and by so much at most."""


class NotRetriable(errors.WrongState):
    """Only what is queued or failed is sent again: what was sent may be in the person's hands."""

    code, title = "message_not_retriable", "Chỉ gửi lại được thông báo đang chờ hoặc gửi không thành công"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`deferred`: not now, said the other side. `interrupted`: nobody knows whether it was taken. `requested`: an
    operator wants it sent again, and the count begins anew. `detail`: the other side's answer, or who asked. `via`:
    which of several other sides it was tried with."""

    at: datetime
    outcome: AttemptOutcome
    detail: str
    via: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Until then nobody but `holder` sends the row. `via`: to which of several other sides."""

    holder: str
    until: datetime
    via: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`next_at`: when it is due, None when it is over. `over_at`: since when it is sent or failed. `trace`: of the
    event that caused it. `receipt`: under which number the other side took it, where it says one."""

    id: str
    state: State
    attempts: tuple[Attempt, ...]
    next_at: datetime | None
    lease: Lease | None
    created_at: datetime
    trace: str | None
    receipt: str | None = None
    over_at: datetime | None = None


D = TypeVar("D", bound=Delivery)


def take(row: D, holder: str, until: datetime, via: str | None = None) -> D:
    _must_be(row, "queued")
    return replace(row, state="sending", lease=Lease(holder=holder, until=until, via=via))


def accepted(row: D, at: datetime, detail: str, receipt: str | None = None, via: str | None = None) -> D:
    _must_be(row, "sending")
    return replace(_tried(row, at, "accepted", detail, via), state="sent", next_at=None, over_at=at, receipt=receipt)


def refused(row: D, at: datetime, detail: str, via: str | None = None) -> D:
    """The other side will never take it."""
    _must_be(row, "sending")
    return replace(_tried(row, at, "refused", detail, via), state="failed", next_at=None, over_at=at)


def deferred(
    row: D,
    at: datetime,
    detail: str,
    outcome: Failed = "deferred",
    waits: Sequence[timedelta] = WAITS,
    via: str | None = None,
    afterwards: timedelta | None = None,
) -> D:
    """Not taken now, or nobody knows: it waits longer each time, and in the end it is given up; or, when `afterwards`
    is given, it is tried again after that time for ever."""
    _must_be(row, "sending")
    tried = _tried(row, at, outcome, detail, via)
    failures = _failures(tried)
    wait = waits[failures - 1] if failures <= len(waits) else afterwards
    if wait is None:
        return replace(tried, state="failed", next_at=None, over_at=at)
    return replace(tried, state="queued", next_at=at + wait + spread(row.id, min(wait / 2, WIDEST_SPREAD)))


def spread(id: str, width: timedelta) -> timedelta:
    """From nothing to `width`, for the same row the same: what fell due together does not come back together."""
    drawn = int.from_bytes(sha256(id.encode()).digest()[:4], "big") / 2**32
    return timedelta(milliseconds=int(width / timedelta(milliseconds=1) * drawn))


def returned(row: D, next_at: datetime | None = None) -> D:
    """Not sent, through no fault of its own: nothing is counted, and it is due as it was, or at `next_at`."""
    _must_be(row, "sending")
    return replace(row, state="queued", lease=None, next_at=next_at or row.next_at)


def held_back(row: D, until: datetime) -> D:
    """Whom it is for has enough of them: nothing is counted, and it is due again at `until`."""
    _must_be(row, "queued")
    return replace(row, next_at=until)


def retry(row: D, at: datetime, by: str) -> D:
    """An operator wants it sent now; `by` is the operator's subject. Its attempts are counted anew."""
    if row.state not in ("queued", "failed"):
        raise NotRetriable(f"it is {row.state}")
    return replace(_tried(row, at, "requested", by), state="queued", next_at=at, over_at=None)


def in_doubt(row: Delivery) -> Attempt | None:
    """The attempt after which nobody knows whether the row was taken, when nothing is known since."""
    tried = [attempt for attempt in row.attempts if attempt.outcome != "requested"]
    return tried[-1] if tried and tried[-1].outcome == "interrupted" else None


def kind_of_failure(outcome: AttemptOutcome) -> Failure | None:
    """Whether trying again helps, and who has to do something; None for what is no failure."""
    return _KINDS.get(outcome)


def attempted(row: Delivery) -> int:
    """How many attempts there were."""
    return sum(attempt.outcome != "requested" for attempt in row.attempts)


def _must_be(row: Delivery, state: State) -> None:
    if row.state != state:
        raise errors.WrongState(f"it is {row.state}, not {state}")


def _tried(row: D, at: datetime, outcome: AttemptOutcome, detail: str, via: str | None = None) -> D:
    attempt = Attempt(at=at, outcome=outcome, detail=detail, via=via)
    return replace(row, attempts=(*row.attempts, attempt), lease=None)


def _failures(row: Delivery) -> int:
    """Attempts without success since the last one that an operator asked for."""
    outcomes = [attempt.outcome for attempt in row.attempts]
    last = max((n for n, outcome in enumerate(outcomes, 1) if outcome == "requested"), default=0)
    return len(outcomes) - last
