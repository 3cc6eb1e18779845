"""What stats knows of a dossier. Plain Python.

A `Fact` holds what events said of one dossier, each kind of statement with the sequence of the event that made it.
What is said is merged statement by statement, the higher sequence stands. So it does not matter in which order events
come, in which batches, and how often.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple, TypedDict, TypeVar, cast

from chassis import worktime
from chassis.evolving import replace

# The same instants come again with every event of a dossier.
local_day = lru_cache(maxsize=8192)(worktime.local_day)
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
class Coded(Stated):
    """What people call the dossier, from its reception on."""

    text: str


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
class HandOver(Stated):
    """The result is with the applicant; `electronic`: as a file."""

    at: datetime
    electronic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating(Stated):
    """From 1, very dissatisfied, to 5, very satisfied."""

    at: datetime
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Stated):
    """These components were handed in anew; `reused`: somebody chose them from the electronic store instead."""

    components: tuple[str, ...]
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying(Stated):
    """A payment was made, or (`stands` false) counts no more. A payment is the whole of one bill."""

    payment: str
    at: datetime
    online: bool
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension(Stated):
    """More time was granted; `apology`: with form 04."""

    at: datetime
    apology: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Stated):
    """A result was given out as a signed file or as another, or (`stands` false) was recalled or replaced."""

    result: str
    signed: bool
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp(Stated):
    """Somebody saw what the document store holds of a person; for a procedure at an agency, or (None) of their own."""

    at: datetime
    agency: str | None
    procedure: str | None
    by: Literal["self", "officer", "system"]
    act: str
    documents: int


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What is known of a dossier. Of those kinds that are tuples (`requests` are of
    supplements, after the reception) every statement stands, by its sequence, since what was in the past is asked for
    as well.

    A look-up in the document store is no dossier; it is a fact of its own, with `looked_up` and nothing else, so that
    it counts once as a dossier does.
    """

    dimensions: Dimensions | None = None
    filed: Moment | None = None
    code: Coded | None = None
    received: Reception | None = None
    scanned: Scanning | None = None
    refused: Moment | None = None
    withdrawn: Withdrawal | None = None
    handed_over: HandOver | None = None
    due: Due | None = None
    finished: Finish | None = None
    stopped: Moment | None = None
    rated: Rating | None = None
    looked_up: LookUp | None = None
    clock: tuple[Clock, ...] = ()
    requests: tuple[Moment, ...] = ()
    given: tuple[Given, ...] = ()
    payments: tuple[Paying, ...] = ()
    extensions: tuple[Extension, ...] = ()
    results: tuple[Result, ...] = ()


NOTHING = Fact()


class Statements(TypedDict, total=False):
    """What one event says, by the names of Fact's fields: of the twenty kinds of statements one or two."""

    dimensions: Dimensions
    filed: Moment
    code: Coded
    received: Reception
    scanned: Scanning
    refused: Moment
    withdrawn: Withdrawal
    handed_over: HandOver
    due: Due
    finished: Finish
    stopped: Moment
    rated: Rating
    looked_up: LookUp
    clock: tuple[Clock, ...]
    requests: tuple[Moment, ...]
    given: tuple[Given, ...]
    payments: tuple[Paying, ...]
    extensions: tuple[Extension, ...]
    results: tuple[Result, ...]


def merge(fact: Fact, said: Iterable[Statements]) -> Fact:
    """The fact with what was said; the same object when that says nothing new."""
    known: Mapping[str, Any] = vars(fact)
    news: dict[str, Any] = {}
    for statements in said:
        for name, stated in statements.items():
            before = news[name] if name in news else known[name]
            if type(stated) is tuple:
                united = _united(before, stated)
                if united is not before:
                    news[name] = united
            elif before is None or cast("Stated", stated).sequence > before.sequence:
                news[name] = stated
    return replace(fact, **news) if news else fact


def _united(known: tuple[S, ...], said: tuple[S, ...]) -> tuple[S, ...]:
    there = {stated.sequence for stated in known}
    new = [stated for stated in said if stated.sequence not in there]
    return tuple(sorted((*known, *new), key=_sequence)) if new else known


_sequence = attrgetter("sequence")


@dataclass(frozen=True, slots=True)
class Days:
    """A fact's days in Asia/Ho_Chi_Minh. `held`: since when the clock stands still now.

    Of a withdrawal and an end, by a decision or a stop, the earlier one counts, and the end when both are of the same
    instant, as intake and workflow have it; the other has no day. A withdrawal of a dossier whose reception is not
    known yet has none either; what was received was not refused. What ended a dossier before it came (clocks differ,
    and Occurred-At is a person's word) ended it on the day on which it came: so none is ever counted out that was not
    counted in.
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

    @property
    def over(self) -> date | None:
        """When a received dossier ended."""
        return self.finished or self.stopped or self.withdrawn


def days(fact: Fact) -> Days:
    received = fact.received
    finished, stopped, withdrawn = fact.finished, fact.stopped, fact.withdrawn
    if finished is not None and stopped is not None:
        # Workflow says only one of them; the other would be a mistake that must not count twice.
        if finished.at <= stopped.at:
            stopped = None
        else:
            finished = None
    ended = finished or stopped
    if ended is not None and withdrawn is not None:
        if ended.at <= withdrawn.at:
            withdrawn = None
        else:
            finished = stopped = None
    if withdrawn is not None and withdrawn.received and received is None:
        withdrawn = None
    refused = fact.refused if received is None else None
    if refused is not None and withdrawn is not None:
        if refused.at <= withdrawn.at:
            withdrawn = None
        else:
            refused = None
    filed_on, received_on = day_of(fact.filed), day_of(received)
    promised = None if received is None or received.due_at is None else local_day(received.due_at)
    came = received_on or filed_on
    return Days(
        filed=filed_on,
        received=received_on,
        refused=_not_before(came, day_of(refused)),
        withdrawn=_not_before(came, day_of(withdrawn)),
        handed_over=day_of(fact.handed_over),
        finished=_not_before(came, day_of(finished)),
        stopped=_not_before(came, day_of(stopped)),
        held=_held(fact),
        due=promised if fact.due is None else day_of(fact.due),
    )


def _held(fact: Fact) -> date | None:
    if not fact.clock:
        return None
    return next((pause.begin for pause in pauses(fact) if pause.end is None), None)


def _not_before(first: date | None, day: date | None) -> date | None:
    return max(first, day) if first is not None and day is not None else day


def day_of(
    stated: Moment | Reception | Withdrawal | Due | Finish | HandOver | Rating | Paying | LookUp | None,
) -> date | None:
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


def reused(fact: Fact) -> bool:
    """Whether some component of the dossier is one that somebody chose from the electronic store, as it was handed in
    last."""
    last = {component: given.reused for given in fact.given for component in given.components}
    return any(last.values())


def payments(fact: Fact) -> list[Paying]:
    """The payments that count, by when they were made."""
    ended = {paying.payment for paying in fact.payments if not paying.stands}
    made = [paying for paying in fact.payments if paying.stands and paying.payment not in ended]
    return sorted(made, key=lambda paying: (paying.at, paying.sequence))


def is_electronic(fact: Fact) -> bool:
    """Whether the result exists as a file: signed and in force, or handed over as one."""
    if fact.handed_over is not None and fact.handed_over.electronic:
        return True
    ended = {result.result for result in fact.results if not result.stands}
    return any(result.signed for result in fact.results if result.stands and result.result not in ended)
