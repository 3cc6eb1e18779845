"""What intake's and workflow's events say of a dossier. None of it identifies a person."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pydantic import AwareDatetime

from stats.domain.facts import (
    Channel,
    Clock,
    Dimensions,
    Due,
    Fact,
    Finish,
    Moment,
    PauseKind,
    Reception,
    Scanning,
    ServiceLevel,
    Timing,
    Withdrawal,
)
from stats.inbound.codes import Code


class Saying(ABC):
    """A reading that says something of the dossier that is the event's subject."""

    __slots__ = ()

    @abstractmethod
    def fact(self, sequence: int) -> Fact: ...


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
    filed_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(dimensions=self.dimensions.stated(sequence), filed=Moment(sequence=sequence, at=self.filed_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived(Saying):
    dimensions: DossierDimensions
    agency_name: str
    filed_at: AwareDatetime
    received_at: AwareDatetime
    due_at: AwareDatetime | None
    digitised: bool

    def fact(self, sequence: int) -> Fact:
        return Fact(
            dimensions=self.dimensions.stated(sequence),
            filed=Moment(sequence=sequence, at=self.filed_at),
            received=Reception(sequence=sequence, at=self.received_at, due_at=self.due_at, digitised=self.digitised),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRefused(Saying):
    dimensions: DossierDimensions
    agency_name: str
    filed_at: AwareDatetime
    refused_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(
            dimensions=self.dimensions.stated(sequence),
            filed=Moment(sequence=sequence, at=self.filed_at),
            refused=Moment(sequence=sequence, at=self.refused_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierWithdrawn(Saying):
    dimensions: DossierDimensions
    filed_at: AwareDatetime
    received_at: AwareDatetime | None
    withdrawn_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(
            dimensions=self.dimensions.stated(sequence),
            filed=Moment(sequence=sequence, at=self.filed_at),
            withdrawn=Withdrawal(sequence=sequence, at=self.withdrawn_at, received=self.received_at is not None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentsChanged(Saying):
    """Paper was scanned, a scan was taken back, or something else was handed in."""

    dimensions: DossierDimensions
    digitised: bool

    def fact(self, sequence: int) -> Fact:
        return Fact(
            dimensions=self.dimensions.stated(sequence), scanned=Scanning(sequence=sequence, whole=self.digitised)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierHandedOver(Saying):
    dimensions: DossierDimensions
    handed_over_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(
            dimensions=self.dimensions.stated(sequence), handed_over=Moment(sequence=sequence, at=self.handed_over_at)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStarted(Saying):
    due_at: AwareDatetime | None

    def fact(self, sequence: int) -> Fact:
        return Fact(due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRescheduled(Saying):
    """The calendar changed, and the due date with it."""

    due_at: AwareDatetime | None

    def fact(self, sequence: int) -> Fact:
        return Fact(due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierPaused(Saying):
    kind: PauseKind
    paused_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(clock=(Clock(sequence=sequence, at=self.paused_at, kind=self.kind),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierResumed(Saying):
    resumed_at: AwareDatetime
    due_at: AwareDatetime | None

    def fact(self, sequence: int) -> Fact:
        going_on = Clock(sequence=sequence, at=self.resumed_at, kind=None)
        return Fact(clock=(going_on,), due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierExtended(Saying):
    due_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(due=Due(sequence=sequence, at=self.due_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRequested(Saying):
    """After the reception; the clock's standing still has an event of its own."""

    requested_at: AwareDatetime

    def fact(self, sequence: int) -> Fact:
        return Fact(requests=(Moment(sequence=sequence, at=self.requested_at),))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStopped(Saying):
    stopped_at: AwareDatetime
    due_at: AwareDatetime | None

    def fact(self, sequence: int) -> Fact:
        due = Due(sequence=sequence, at=self.due_at)
        return Fact(due=due, stopped=Moment(sequence=sequence, at=self.stopped_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFinished(Saying):
    finished_at: AwareDatetime
    due_at: AwareDatetime | None
    timing: Timing

    def fact(self, sequence: int) -> Fact:
        finish = Finish(sequence=sequence, at=self.finished_at, timing=self.timing)
        return Fact(due=Due(sequence=sequence, at=self.due_at), finished=finish)
