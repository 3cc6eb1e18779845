"""What notify consumes: intake's and workflow's news, turned into what people and agencies are told; and from catalog
the agencies' addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chassis.consume import Outcome, Received, Subscription
from notify import inbound
from notify.domain.phones import known_e164
from notify.domain.telling import Contact, Happened, Office, Param
from notify.usecases.telling import Telling


def table(use: Telling) -> list[Subscription]:
    return [
        Subscription(
            lambda batch: use.know_offices([(item.event.sequence, _office(item)) for item in batch]),
            {"catalog.agency.changed.v1": inbound.AgencyChanged},
        ),
        # Before those who ask for it: whom a dossier belongs to may come in the same batch.
        Subscription(
            lambda batch: _learn_and_tell(use, batch),
            {
                "intake.dossier.filed.v1": inbound.DossierFiled,
                "intake.dossier.received.v1": inbound.DossierReceived,
                "intake.dossier.refused.v1": inbound.DossierRefused,
            },
        ),
        Subscription(
            lambda batch: use.tell([happened(item) for item in batch]),
            {
                "intake.dossier.supplement_requested.v1": inbound.SupplementRequested,
                "intake.dossier.withdrawn.v1": inbound.DossierWithdrawn,
                "intake.dossier.handed_over.v1": inbound.DossierHandedOver,
                "intake.fee.asked.v1": inbound.FeeAsked,
                "intake.fee.paid.v1": inbound.FeePaid,
                "workflow.dossier.finished.v1": inbound.DossierFinished,
                "workflow.supplement.requested.v1": inbound.SupplementAsked,
                "workflow.dossier.paused.v1": inbound.DossierPaused,
                "workflow.dossier.resumed.v1": inbound.DossierResumed,
                "workflow.dossier.rescheduled.v1": inbound.DossierRescheduled,
                "workflow.dossier.extended.v1": inbound.DossierExtended,
                "workflow.dossier.stopped.v1": inbound.DossierStopped,
                "workflow.deadline.approaching.v1": inbound.DeadlineApproaching,
                "workflow.deadline.missed.v1": inbound.DeadlineMissed,
                "workflow.task.overdue.v1": inbound.TaskOverdue,
            },
        ),
        Subscription(
            lambda batch: use.tell([happened(item) for item in batch]),
            {"notify.post.failed.v1": inbound.PostFailed},
        ),
    ]


def _learn_and_tell(use: Telling, batch: Sequence[Received]) -> list[Outcome]:
    return use.learn_and_tell([(happened(item), item.event.sequence, _contact(item)) for item in batch])


def _contact(item: Received) -> Contact:
    personal: inbound.Personal = item.data.personal
    return Contact(
        name=personal.name,
        email=personal.email,
        person=personal.person,
        phone=known_e164(personal.phone),
        procedure_name=item.data.procedure_name,
        agency_name=item.data.agency_name,
        agency=item.data.dimensions.agency,
    )


def _office(item: Received) -> Office:
    agency: inbound.Agency = item.data.agency
    return Office(id=agency.id, name=agency.name, email=agency.email)


def happened(item: Received) -> Happened:
    """The event as people and agencies are told about it; each has the dossier's id as their subject,
    but for our own."""
    if isinstance(item.data, inbound.PostFailed):
        return _not_delivered(item)
    said = _said_by_intake(item.data) or _said_by_workflow(item.data, item.event.time)
    return Happened(
        event_type=item.event.type,
        event_id=item.event.id,
        dossier=item.event.subject,
        code=said.code,
        agency=said.agency,
        at=said.at,
        params=said.params,
        trace=item.event.traceparent,
        told=said.told,
    )


def _not_delivered(item: Received) -> Happened:
    data: inbound.PostFailed = item.data
    return Happened(
        event_type=item.event.type,
        event_id=item.event.id,
        dossier=data.dossier,
        code=data.code,
        agency=data.agency,
        at=data.failed_at,
        params={"failed_at": data.failed_at, "order": data.order, "returned": "yes" if data.returned else None},
        trace=item.event.traceparent,
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What of an event is its own; see Happened."""

    at: datetime
    code: str | None
    agency: str | None
    params: dict[str, Param]
    told: tuple[str, ...] = ()


def _said_by_intake(data: Any) -> _Said | None:
    match data:
        case inbound.DossierFiled(dimensions=of, filed_at=at):
            return _Said(at, None, of.agency, {"filed_at": at})
        case inbound.DossierReceived(dimensions=of, code=code, received_at=at, due_at=due_at):
            return _Said(at, code, of.agency, {"received_at": at, "due_at": due_at})
        case inbound.DossierRefused(dimensions=of, refused_at=at, reason=reason):
            return _Said(at, None, of.agency, {"refused_at": at, "reason": reason})
        case inbound.SupplementRequested(dimensions=of, requested_at=at, reason=reason, until=until):
            return _Said(at, None, of.agency, {"requested_at": at, "reason": reason, "until": _day(until)})
        case inbound.DossierWithdrawn(dimensions=of, code=code, withdrawn_at=at):
            return _Said(at, code, of.agency, {"withdrawn_at": at})
        case inbound.DossierHandedOver(dimensions=of, code=code, handed_over_at=at, method=method):
            return _Said(at, code, of.agency, {"handed_over_at": at, "method": method})
        case inbound.FeeAsked(dimensions=of, code=code, asked_at=at, amount=amount, reason=reason):
            return _Said(at, code, of.agency, {"asked_at": at, "amount": _dong(amount), "reason": reason})
        case inbound.FeePaid(dimensions=of, code=code, paid_at=at, amount=amount, settled=settled):
            paid: dict[str, Param] = {"paid_at": at, "amount": _dong(amount), "settled": "yes" if settled else None}
            return _Said(at, code, of.agency, paid)
    return None


def _said_by_workflow(data: Any, time: datetime) -> _Said:
    """`time`: the event's; a deadline is told of when it comes near or is over, or is another one, not when it is."""
    match data:
        case inbound.DossierFinished(code=code, agency=agency, finished_at=at, outcome=outcome, result_name=result):
            return _Said(at, code, agency, {"finished_at": at, "outcome": outcome, "result_name": result})
        case inbound.SupplementAsked(code=code, agency=agency, requested_at=at, reason=reason, until=until):
            return _Said(at, code, agency, {"requested_at": at, "reason": reason, "until": _day(until)})
        case inbound.DossierPaused(code=code, kind=kind, paused_at=at, basis=basis, reason=reason):
            return _Said(at, code, None, {"paused_at": at, "kind": kind, "reason": reason, "basis": basis})
        case inbound.DossierRescheduled(code=code, due_at=due_at, previous_due_at=was, basis=basis):
            moved: dict[str, Param] = {"rescheduled_at": time, "due_at": due_at, "previous_due_at": was}
            return _Said(time, code, None, {**moved, "basis": basis})
        case inbound.DossierResumed(code=code, resumed_at=at, due_at=due_at):
            return _Said(at, code, None, {"resumed_at": at, "due_at": due_at})
        case inbound.DossierExtended(code=code, extended_at=at, reason=reason, due_at=due_at, previous_due_at=was):
            dues: dict[str, Param] = {"due_at": due_at, "previous_due_at": was}
            return _Said(at, code, None, {"extended_at": at, "reason": reason, **dues, **_apology(data.apology)})
        case inbound.DossierStopped(code=code, agency=agency, stopped_at=at, reason=reason):
            return _Said(at, code, agency, {"stopped_at": at, "reason": reason})
        case inbound.DeadlineApproaching(code=code, agency=agency, due_at=due_at, told=told):
            return _Said(time, code, agency, {"due_at": due_at}, told)
        case inbound.DeadlineMissed(code=code, agency=agency, due_at=due_at, told=told, apology=apology):
            return _Said(time, code, agency, {"due_at": due_at, **_apology(apology)}, told)
        case inbound.TaskOverdue(code=code, agency=agency, due_at=due_at, told=told, step_name=step):
            return _Said(time, code, agency, {"due_at": due_at, "step_name": step}, told)
    raise AssertionError(f"nobody is told of {type(data).__name__}")


def _apology(issued: bool) -> dict[str, Param]:
    """For the templates, which ask whether it is there."""
    return {"apology": "issued" if issued else None}


def _dong(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def _day(until: date | None) -> str | None:
    return None if until is None else f"{until:%d/%m/%Y}"
