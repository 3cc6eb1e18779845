"""What stats knows of a dossier, and what the dossier counts for. Plain Python.

A `Fact` holds what events said of one dossier, each kind of statement with the sequence of the event that made it.
Two facts merge statement by statement, the higher sequence stands. So merging is commutative, associative and
idempotent: events may come in any order, in any batches, and as often as they like.

A dossier counts in cells. A cell's value is nothing but the number of facts that count there, so it can be computed
anew at any time.
"""

import zlib
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from chassis.worktime import local_day

Channel = Literal["online", "counter", "post"]
ServiceLevel = Literal[1, 2, 3, 4, "partial", "full"]
Timing = Literal["early", "on_time", "late"]
Measure = Literal[
    "filed",
    "received",
    "digitised",
    "refused",
    "withdrawn",
    "withdrawn_waiting",
    "finished_early",
    "finished_on_time",
    "finished_late",
    "handed_over",
    "stopped",
    "supplement_requests",
]
MEASURES: tuple[Measure, ...] = get_args(Measure)

PARTS = 64
"""Into how many cells the dossiers of one day, agency and procedure are spread. Recomputing a cell costs as much as
it holds dossiers, so without parts a busy cell would make every batch dearer than the one before."""


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
        filed=_day(fact.filed),
        received=_day(received),
        refused=_day(fact.refused),
        withdrawn=_day(withdrawn),
        handed_over=_day(fact.handed_over),
        finished=_day(finished),
        stopped=_day(stopped),
        held=next((pause.begin for pause in pauses(fact) if pause.end is None), None),
        due=promised if fact.due is None else _day(fact.due),
    )


def _day(stated: Moment | Reception | Withdrawal | Due | Finish | None) -> date | None:
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


class Cell(NamedTuple):
    """Where dossiers are counted: their dimensions, a local day (`YYYY-MM-DD`), and the part of the dossiers."""

    agency: str
    field: str
    procedure: str
    channel: Channel
    service_level: ServiceLevel
    day: str
    part: int

    @property
    def id(self) -> str:
        return "|".join(map(str, self))

    @classmethod
    def of_id(cls, id: str) -> "Cell":
        agency, field, procedure, channel, level, day, part = id.split("|")
        service_level: Any = int(level) if level.isdigit() else level
        known: Any = channel
        return cls(agency, field, procedure, known, service_level, day, int(part))


def part_of(dossier: str) -> int:
    return zlib.crc32(dossier.encode()) % PARTS


def tally(dossier: str, fact: Fact) -> dict[Cell, tuple[Measure, ...]]:
    """The cells that the dossier counts in, and as what.

    Filed is for online dossiers, which wait to be received. Finished and handed over count once the reception is
    known too, so that whatever has not arrived yet, "carried over + received = finished + stopped + open" holds; and
    what is withdrawn is neither waiting nor open from that day on.
    """
    dimensions, on = fact.dimensions, days(fact)
    if dimensions is None:
        return {}
    counted: list[tuple[date | None, Measure]] = [(on.refused, "refused"), (on.withdrawn, "withdrawn")]
    if fact.withdrawn is not None and not fact.withdrawn.received:
        counted.append((on.withdrawn, "withdrawn_waiting"))
    if dimensions.channel == "online":
        counted.append((on.filed, "filed"))
    if fact.received is not None:
        counted += [(on.received, "received"), (on.handed_over, "handed_over"), (on.stopped, "stopped")]
        counted += [(_day(request), "supplement_requests") for request in fact.requests]
        if _is_digitised(fact.received, fact.scanned):
            counted.append((on.received, "digitised"))
        if fact.finished is not None:
            counted.append((on.finished, _FINISHED[fact.finished.timing]))
    cells: dict[Cell, tuple[Measure, ...]] = {}
    for day, measure in counted:
        if day is not None:
            cell = Cell(
                dimensions.agency, dimensions.field, dimensions.procedure, dimensions.channel, dimensions.service_level,
                day.isoformat(), part_of(dossier),
            )  # fmt: skip
            cells[cell] = (*cells.get(cell, ()), measure)
    return cells


def _is_digitised(received: Reception, scanned: Scanning | None) -> bool:
    """As the later of both statements has it: paper is scanned after the reception too, and a scan taken back."""
    if scanned is not None and scanned.sequence > received.sequence:
        return scanned.whole
    return received.digitised


_FINISHED: dict[Timing, Measure] = {"early": "finished_early", "on_time": "finished_on_time", "late": "finished_late"}


def impersonal(data: Any) -> Any:
    """An event's data without what identifies a person, which is in fields named `personal` and nowhere else."""
    if isinstance(data, dict):
        return {key: impersonal(value) for key, value in data.items() if key != "personal"}
    return [impersonal(value) for value in data] if isinstance(data, list) else data
