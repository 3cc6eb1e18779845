"""The package's own reading of intake's, workflow's and catalog's events: only what the portal is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chassis.envelope import Envelope, read_data
from notify.national_portal.domain.life import Charge, Component, Fact, Source

CHILD = "~"
"""In the identifier of a process that does a step of another one; it is no dossier of anybody's (docs/adr/0013)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dimensions:
    procedure: str
    field: str
    agency: str
    channel: str
    applicant_kind: str
    service_level: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Personal:
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    identity: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What describes the dossier."""

    dimensions: _Dimensions
    procedure_name: str = ""
    agency_name: str = ""
    filed_at: datetime
    components: tuple[Component, ...] | None = None
    charges: tuple[Charge, ...] | None = None
    result_return: str | None = None
    source: str | None = None
    source_code: str | None = None
    personal: _Personal | None = None

    def described(self) -> dict[str, Any]:
        """Plain values, as a fact holds them."""
        return {
            **{name: getattr(self.dimensions, name) for name in _Dimensions.__slots__},
            "procedure_name": self.procedure_name,
            "agency_name": self.agency_name,
            "filed_at": self.filed_at,
            "components": _plain(self.components),
            "charges": _plain(self.charges),
            "result_return": self.result_return,
            "from_portal": self.source == "national_portal",
            "portal_code": self.source_code if self.source == "national_portal" else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filed(_Whole):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Received(_Whole):
    code: str
    received_at: datetime
    due_at: datetime | None

    def more(self) -> dict[str, Any]:
        return {"code": self.code, "due_at": self.due_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused(_Whole):
    refused_at: datetime
    reason: str

    def more(self) -> dict[str, Any]:
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Withdrawn(_Whole):
    code: str | None
    withdrawn_at: datetime

    def more(self) -> dict[str, Any]:
        return {"code": self.code}


@dataclass(frozen=True, slots=True, kw_only=True)
class _HandedOver:
    handed_over_at: datetime
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rated:
    rated_at: datetime
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _SupplementRequested:
    requested_at: datetime
    reason: str
    agency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Supplemented:
    supplemented_at: datetime
    all_components: tuple[Component, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Digitised:
    at: datetime
    component: str
    scanned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reused:
    at: datetime
    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _FeeAsked:
    asked_at: datetime
    requested_at: datetime | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _FeePaid:
    paid_at: datetime
    payment: str
    channel: str
    settled: bool
    requested_at: datetime | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _FeeReversed:
    reversed_at: datetime
    payment: str
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _FeeCancelled:
    cancelled_at: datetime
    awaited: bool
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    started_at: datetime
    agency: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extended(_Due):
    extended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finished(_Due):
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stopped(_Due):
    stopped_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paused:
    paused_at: datetime
    kind: Literal["supplement", "fee", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resumed(_Due):
    resumed_at: datetime
    kind: Literal["supplement", "fee", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transferred:
    transferred_at: datetime
    from_agency: str
    to_agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _FeeRequested:
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    task: str
    step_name: str
    role: str
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assigned(_Task):
    assigned_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Completed(_Task):
    completed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned(_Task):
    returned_at: datetime
    due_at: datetime | None
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issued:
    issued_at: datetime
    result: str
    result_name: str
    kind: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recalled:
    recalled_at: datetime
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replaced:
    replaced_at: datetime
    result: str


_READINGS: Mapping[str, tuple[type, str | None]] = {
    "intake.dossier.filed.v1": (_Filed, "filed_at"),
    "intake.dossier.received.v1": (_Received, "received_at"),
    "intake.dossier.refused.v1": (_Refused, "refused_at"),
    "intake.dossier.withdrawn.v1": (_Withdrawn, "withdrawn_at"),
    "intake.dossier.handed_over.v1": (_HandedOver, "handed_over_at"),
    "intake.dossier.rated.v1": (_Rated, "rated_at"),
    "intake.dossier.supplement_requested.v1": (_SupplementRequested, "requested_at"),
    "intake.dossier.supplemented.v1": (_Supplemented, "supplemented_at"),
    "intake.document.digitised.v1": (_Digitised, "at"),
    "intake.document.reused.v1": (_Reused, "at"),
    "intake.fee.asked.v1": (_FeeAsked, "asked_at"),
    "intake.fee.paid.v1": (_FeePaid, "paid_at"),
    "intake.fee.reversed.v1": (_FeeReversed, "reversed_at"),
    "intake.fee.cancelled.v1": (_FeeCancelled, "cancelled_at"),
    "workflow.dossier.started.v1": (_Started, "started_at"),
    "workflow.dossier.rescheduled.v1": (_Due, None),
    "workflow.dossier.extended.v1": (_Extended, "extended_at"),
    "workflow.dossier.paused.v1": (_Paused, "paused_at"),
    "workflow.dossier.resumed.v1": (_Resumed, "resumed_at"),
    "workflow.dossier.transferred.v1": (_Transferred, "transferred_at"),
    "workflow.dossier.finished.v1": (_Finished, "finished_at"),
    "workflow.dossier.stopped.v1": (_Stopped, "stopped_at"),
    "workflow.supplement.requested.v1": (_SupplementRequested, "requested_at"),
    "workflow.fee.requested.v1": (_FeeRequested, "requested_at"),
    "workflow.task.assigned.v1": (_Assigned, "assigned_at"),
    "workflow.task.completed.v1": (_Completed, "completed_at"),
    "workflow.task.returned.v1": (_Returned, "returned_at"),
    "workflow.result.issued.v1": (_Issued, "issued_at"),
    "workflow.result.recalled.v1": (_Recalled, "recalled_at"),
    "workflow.result.replaced.v1": (_Replaced, "replaced_at"),
}
"""What is read of a type, and which of its instants it counts at; None: the event's own."""
_NO_DOSSIER = "intake.document.looked_up.v1"
"""Its subject is the look-up."""


def is_of_a_dossier(event: Envelope) -> bool:
    """Whether it has a number in the sequence of a dossier that the portal is told of."""
    return CHILD not in event.subject and event.type != _NO_DOSSIER


def fact_of(event: Envelope, seal: Callable[[Mapping[str, Any]], bytes]) -> Fact:
    """The event as a fact; Unreadable when its data is not what its type promises. `seal`: what keeps a person's data.

    An event that says nothing to the portal is a fact too: it has its place in the sequence.
    """
    source: Source = "intake" if event.type.startswith("intake.") else "workflow"
    kind, instant = _READINGS.get(event.type, (None, None))
    common: dict[str, Any] = {"source": source, "sequence": event.sequence, "type": event.type}
    if kind is None:
        return Fact(**common, at=event.time)
    said = read_data(kind, event.data)
    at = event.time if instant is None else getattr(said, instant)
    personal = getattr(said, "personal", None)
    return Fact(
        **common,
        at=at,
        data=_data(said),
        personal=None if personal is None else seal({name: getattr(personal, name) for name in _Personal.__slots__}),
        trace=event.traceparent,
    )


def _data(said: Any) -> dict[str, Any]:
    if isinstance(said, _Whole):
        return {**said.described(), **(said.more() if hasattr(said, "more") else {})}
    names = [name for kind in type(said).__mro__ for name in getattr(kind, "__slots__", ())]
    data = {name: getattr(said, name) for name in names}
    if isinstance(said, _Supplemented):
        return {"components": _plain(said.all_components)}
    return data


def _plain(things: tuple[Any, ...] | None) -> list[dict[str, Any]] | None:
    if things is None:
        return None
    return [{name: getattr(thing, name) for name in type(thing).__slots__} for thing in things]


# -- catalog -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Procedure:
    code: str
    name: str
    field: _Field


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedurePublished:
    """catalog.procedure.published"""

    procedure: _Procedure


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureWithdrawn:
    """catalog.procedure.withdrawn"""

    code: str
    version: int
