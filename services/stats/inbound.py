"""What stats reads of other services' events, and what each says of a dossier. None of it identifies a person.

Codes hold no `|`, since a cell's key is made of them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

from pydantic import AwareDatetime, StringConstraints

from stats.domain import (
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

Code = Annotated[str, StringConstraints(pattern=r"^[^|\s]{1,100}$")]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    id: Code
    name: str
    parent: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    agency: Agency


READINGS: dict[str, type] = {
    "intake.dossier.filed.v1": DossierFiled,
    "intake.dossier.received.v1": DossierReceived,
    "intake.dossier.refused.v1": DossierRefused,
    "intake.dossier.withdrawn.v1": DossierWithdrawn,
    "intake.dossier.supplemented.v1": ComponentsChanged,
    "intake.document.digitised.v1": ComponentsChanged,
    "intake.dossier.handed_over.v1": DossierHandedOver,
    "workflow.dossier.started.v1": DossierStarted,
    "workflow.dossier.rescheduled.v1": DossierRescheduled,
    "workflow.dossier.finished.v1": DossierFinished,
    "workflow.dossier.paused.v1": DossierPaused,
    "workflow.dossier.resumed.v1": DossierResumed,
    "workflow.dossier.extended.v1": DossierExtended,
    "workflow.dossier.stopped.v1": DossierStopped,
    "workflow.supplement.requested.v1": SupplementRequested,
    "catalog.agency.changed.v1": AgencyChanged,
}
"""Everything else is archived as it is and says nothing that is counted yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A dossier as intake itself knows it, for the recount. `paused`: what it waits for while the clock stands still,
    since `paused_since`. `supplements_asked`: when, after the reception."""

    procedure: str
    service_level: ServiceLevel
    agency: str
    channel: Channel
    filed_at: AwareDatetime | None
    received_at: AwareDatetime | None
    refused_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    timing: Timing | None
    handed_over_at: AwareDatetime | None
    digitised: bool
    stopped_at: AwareDatetime | None = None
    paused: PauseKind | None = None
    paused_since: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    supplements_asked: tuple[AwareDatetime, ...] = ()
