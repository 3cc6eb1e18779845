"""What stats knows of a dossier. Plain Python.

A `Fact` holds what events said of one dossier, each kind of statement with the sequence of the event that made it.
Two facts merge statement by statement, the higher sequence stands. So merging is commutative, associative and
idempotent: events may come in any order, in any batches, and as often as they like.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeVar

from chassis.worktime import local_day

Channel = Literal["online", "counter", "post"]
ServiceLevel = Literal[1, 2, 3, 4, "partial", "full"]
Timing = Literal["early", "on_time", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Said by the event with this sequence. Intake and workflow each count their own sequence; no kind of statement
    mixes them."""

    sequence: int


S = TypeVar("S", bound=Stated)
PauseKind = Literal["supplement", "fee", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions(Stated):
    agency: str
    field: str
    procedure: str
    channel: Channel
    service_level: ServiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(Stated):
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception(Stated):
    """`due_at` is what intake promised; None: the procedure has no due date."""

    at: datetime
    due_at: datetime | None
    digitised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning(Stated):
    """After what was handed in or scanned then, every component that came on paper was scanned, or not."""

    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Due(Stated):
    """The due date by workflow's clock, which beats what intake promised."""

    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Stated):
    """Workflow's clock stands still from then on and waits for what `kind` says; None: it goes on."""

    at: datetime
    kind: PauseKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Stated):
    at: datetime
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Stated):
    """`received`: the dossier had been received."""

    at: datetime
    received: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of a dossier; also what one event says of it. Of `clock` and `requests` (of supplements, after the
    reception) every statement stands, by its sequence, since what was in the past is asked for as well."""

    dimensions: Dimensions | None = None
    filed: Moment | None = None
    received: Reception | None = None
    scanned: Scanning | None = None
    refused: Moment | None = None
    withdrawn: Withdrawal | None = None
    handed_over: Moment | None = None
    due: Due | None = None
    finished: Finish | None = None
    stopped: Moment | None = None
    clock: tuple[Clock, ...] = ()
    requests: tuple[Moment, ...] = ()


_LEDGERS = ("clock", "requests")
_KINDS = tuple(kind.name for kind in fields(Fact) if kind.name not in _LEDGERS)


def merge(a: Fact, b: Fact) -> Fact:
    merged: dict[str, Any] = {kind: _newer(getattr(a, kind), getattr(b, kind)) for kind in _KINDS}
    return Fact(**merged, clock=_united(a.clock, b.clock), requests=_united(a.requests, b.requests))


def _united(a: tuple[S, ...], b: tuple[S, ...]) -> tuple[S, ...]:
    if not a or not b:
        return a or b
    known = {stated.sequence: stated for stated in (*b, *a)}
    return tuple(known[sequence] for sequence in sorted(known))


def _newer(a: S | None, b: S | None) -> S | None:
    if a is None or b is None:
        return b if a is None else a
    return b if b.sequence > a.sequence else a


@dataclass(frozen=True, slots=True)
class Days:
    """A fact's days in Asia/Ho_Chi_Minh. `held`: since when the clock stands still now.

    Of a withdrawal and an end, by a decision or a stop, the earlier one counts, and the end when both are of the same
    instant, as intake and workflow have it; the other has no day. A withdrawal of a dossier whose reception is not
    known yet has none either.
    """

    filed: date | None
    received: date | None
    refused: date | None
    withdrawn: date | None
    handed_over: date | None
    finished: date | None
    stopped: date | None
    due: date | None
    held: date | None


def days(fact: Fact) -> Days:
    received = fact.received
    finished, stopped, withdrawn = fact.finished, fact.stopped, fact.withdrawn
    ended_at = min((end.at for end in (finished, stopped) if end is not None), default=None)
    if ended_at is not None and withdrawn is not None:
        if ended_at <= withdrawn.at:
            withdrawn = None
        else:
            finished = stopped = None
    if withdrawn is not None and withdrawn.received and received is None:
        withdrawn = None
    promised = None if received is None or received.due_at is None else local_day(received.due_at)
    return Days(
        filed=day_of(fact.filed),
        received=day_of(received),
        refused=day_of(fact.refused),
        withdrawn=day_of(withdrawn),
        handed_over=day_of(fact.handed_over),
        finished=day_of(finished),
        stopped=day_of(stopped),
        held=next((pause.begin for pause in pauses(fact) if pause.end is None), None),
        due=promised if fact.due is None else day_of(fact.due),
    )


def day_of(stated: Moment | Reception | Withdrawal | Due | Finish | None) -> date | None:
    return None if stated is None or stated.at is None else local_day(stated.at)


class Pause(NamedTuple):
    """From the day `begin` until the day `end` the clock stood still; `end` None: it does."""

    kind: PauseKind
    begin: date
    end: date | None


def pauses(fact: Fact) -> list[Pause]:
    """By workflow's sequence. There is one at a time: another that begins ends the one before, whose end has not come
    yet."""
    found: list[Pause] = []
    for said in fact.clock:
        day = local_day(said.at)
        if found and found[-1].end is None:
            found[-1] = found[-1]._replace(end=day)
        if said.kind is not None:
            found.append(Pause(said.kind, day, None))
    return found
