"""What intake's and workflow's events say of a dossier. None of it identifies a person."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from stats.domain.facts import (
    Channel,
    Clock,
    Coded,
    Dimensions,
    Due,
    Extension,
    Finish,
    Given,
    HandOver,
    Moment,
    PauseKind,
    Paying,
    Rating,
    Reception,
    Result,
    Scanning,
    ServiceLevel,
    Statements,
    Timing,
    Withdrawal,
)
from stats.inbound.codes import Code, Instant


class Saying:
    """A reading that says something of the dossier that is the event's subject. No ABC: whether a reading is one is
    asked of every event, and asking an ABC takes ten times as long."""

    __slots__ = ()

    def says(self, sequence: int) -> Statements:
        raise AssertionError(f"{type(self).__name__} {sequence} says nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierDimensions:
    procedure: Code
    field: Code
    service_level: ServiceLevel
    agency: Code
    channel: Channel

    def stated(self, sequence: int) -> Dimensions:
        return Dimensions(
            sequence=sequence, agency=self.agency, field=self.field, procedure=self.procedure, channel=self.channel,
            service_level=self.service_level,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFiled(Saying):
    dimensions: DossierDimensions
    agency_name: str
    filed_at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(
            dimensions=self.dimensions.stated(sequence), filed=Moment(sequence=sequence, at=self.filed_at)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived(Saying):
    dimensions: DossierDimensions
    code: str
    agency_name: str
    filed_at: Instant
    received_at: Instant
    due_at: Instant | None
    digitised: bool

    def says(self, sequence: int) -> Statements:
        return Statements(
            dimensions=self.dimensions.stated(sequence),
            filed=Moment(sequence=sequence, at=self.filed_at),
            code=Coded(sequence=sequence, text=self.code),
            received=Reception(sequence=sequence, at=self.received_at, due_at=self.due_at, digitised=self.digitised),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRefused(Saying):
    dimensions: DossierDimensions
    agency_name: str
    filed_at: Instant
    refused_at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(
            dimensions=self.dimensions.stated(sequence),
            filed=Moment(sequence=sequence, at=self.filed_at),
            refused=Moment(sequence=sequence, at=self.refused_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierWithdrawn(Saying):
    dimensions: DossierDimensions
    filed_at: Instant
    received_at: Instant | None
    withdrawn_at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(
            dimensions=self.dimensions.stated(sequence),
            filed=Moment(sequence=sequence, at=self.filed_at),
            withdrawn=Withdrawal(sequence=sequence, at=self.withdrawn_at, received=self.received_at is not None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDigitised(Saying):
    """Paper was scanned, or a scan was taken back. `digitised`: now all paper is scanned."""

    dimensions: DossierDimensions
    digitised: bool

    def says(self, sequence: int) -> Statements:
        return Statements(
            dimensions=self.dimensions.stated(sequence), scanned=Scanning(sequence=sequence, whole=self.digitised)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierSupplemented(Saying):
    """Something else was handed in. What of it comes from the electronic store, events that follow say."""

    dimensions: DossierDimensions
    components: tuple[str, ...]
    digitised: bool

    def says(self, sequence: int) -> Statements:
        return Statements(
            dimensions=self.dimensions.stated(sequence),
            scanned=Scanning(sequence=sequence, whole=self.digitised),
            given=(Given(sequence=sequence, components=self.components, reused=False),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReused(Saying):
    """The electronic store had a component; only what somebody chose there counts as reused."""

    dimensions: DossierDimensions
    component: str
    chosen: bool

    def says(self, sequence: int) -> Statements:
        given = Given(sequence=sequence, components=(self.component,), reused=self.chosen)
        return Statements(dimensions=self.dimensions.stated(sequence), given=(given,))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierHandedOver(Saying):
    dimensions: DossierDimensions
    handed_over_at: Instant
    method: Literal["collect", "post", "electronic"]

    def says(self, sequence: int) -> Statements:
        handed_over = HandOver(sequence=sequence, at=self.handed_over_at, electronic=self.method == "electronic")
        return Statements(dimensions=self.dimensions.stated(sequence), handed_over=handed_over)


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRated(Saying):
    dimensions: DossierDimensions
    score: Annotated[int, Field(ge=1, le=5)]
    rated_at: Instant

    def says(self, sequence: int) -> Statements:
        rated = Rating(sequence=sequence, at=self.rated_at, score=self.score)
        return Statements(dimensions=self.dimensions.stated(sequence), rated=rated)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePaid(Saying):
    dimensions: DossierDimensions
    payment: str
    channel: Literal["online", "counter"]
    paid_at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(dimensions=self.dimensions.stated(sequence), payments=(self._paying(sequence, stands=True),))

    def _paying(self, sequence: int, *, stands: bool) -> Paying:
        return Paying(
            sequence=sequence, payment=self.payment, at=self.paid_at, online=self.channel == "online", stands=stands
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeReversed(FeePaid):
    """The payment counts no more."""

    def says(self, sequence: int) -> Statements:
        return Statements(dimensions=self.dimensions.stated(sequence), payments=(self._paying(sequence, stands=False),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStarted(Saying):
    due_at: Instant | None

    def says(self, sequence: int) -> Statements:
        return Statements(due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRescheduled(Saying):
    """The calendar changed, and the due date with it."""

    due_at: Instant | None

    def says(self, sequence: int) -> Statements:
        return Statements(due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierPaused(Saying):
    kind: PauseKind
    paused_at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(clock=(Clock(sequence=sequence, at=self.paused_at, kind=self.kind),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierResumed(Saying):
    resumed_at: Instant
    due_at: Instant | None

    def says(self, sequence: int) -> Statements:
        going_on = Clock(sequence=sequence, at=self.resumed_at, kind=None)
        return Statements(clock=(going_on,), due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierExtended(Saying):
    extended_at: Instant
    apology: bool
    due_at: Instant

    def says(self, sequence: int) -> Statements:
        extension = Extension(sequence=sequence, at=self.extended_at, apology=self.apology)
        return Statements(due=Due(sequence=sequence, at=self.due_at), extensions=(extension,))


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRequested(Saying):
    """After the reception; the clock's standing still has an event of its own."""

    requested_at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(requests=(Moment(sequence=sequence, at=self.requested_at),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStopped(Saying):
    stopped_at: Instant
    due_at: Instant | None

    def says(self, sequence: int) -> Statements:
        due = Due(sequence=sequence, at=self.due_at)
        return Statements(due=due, stopped=Moment(sequence=sequence, at=self.stopped_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFinished(Saying):
    finished_at: Instant
    due_at: Instant | None
    timing: Timing

    def says(self, sequence: int) -> Statements:
        finish = Finish(sequence=sequence, at=self.finished_at, timing=self.timing)
        return Statements(due=Due(sequence=sequence, at=self.due_at), finished=finish)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultIssued(Saying):
    result: str
    signed: bool

    def says(self, sequence: int) -> Statements:
        return Statements(results=(Result(sequence=sequence, result=self.result, signed=self.signed, stands=True),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEnded(Saying):
    """Recalled, or another took its place."""

    result: str

    def says(self, sequence: int) -> Statements:
        return Statements(results=(Result(sequence=sequence, result=self.result, signed=False, stands=False),))
