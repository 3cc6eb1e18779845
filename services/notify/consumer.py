"""What notify consumes: intake's and workflow's news, turned into what people are told."""

from collections.abc import Sequence

from chassis.consume import Outcome, Received, Subscription
from notify import inbound
from notify.domain import Contact, Happened, Param
from notify.usecases import UseCases


def table(use: UseCases) -> list[Subscription]:
    return [
        # First, so that what the second one asks for may come in the same batch.
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
                "workflow.dossier.finished.v1": inbound.DossierFinished,
            },
        ),
    ]


def _learn_and_tell(use: UseCases, batch: Sequence[Received]) -> list[Outcome]:
    return use.learn_and_tell([(happened(item), item.event.sequence, _contact(item)) for item in batch])


def _contact(item: Received) -> Contact:
    personal: inbound.Personal = item.data.personal
    return Contact(
        name=personal.name,
        email=personal.email,
        person=personal.person,
        procedure_name=item.data.procedure_name,
        agency_name=item.data.agency_name,
    )


def happened(item: Received) -> Happened:
    """The event as people are told about it; each has the dossier's id as their subject."""
    code: str | None = None
    params: dict[str, Param]
    match item.data:
        case inbound.DossierFiled(dimensions=dimensions, filed_at=at):
            agency, params = dimensions.agency, {"filed_at": at}
        case inbound.DossierReceived(dimensions=dimensions, code=code, received_at=at, due_at=due_at):
            agency, params = dimensions.agency, {"received_at": at, "due_at": due_at}
        case inbound.DossierRefused(dimensions=dimensions, refused_at=at, reason=reason):
            agency, params = dimensions.agency, {"refused_at": at, "reason": reason}
        case inbound.SupplementRequested(dimensions=dimensions, requested_at=at, reason=reason, until=until):
            day = None if until is None else f"{until:%d/%m/%Y}"
            agency, params = dimensions.agency, {"requested_at": at, "reason": reason, "until": day}
        case inbound.DossierWithdrawn(dimensions=dimensions, code=code, withdrawn_at=at):
            agency, params = dimensions.agency, {"withdrawn_at": at}
        case inbound.DossierHandedOver(dimensions=dimensions, code=code, handed_over_at=at, method=method):
            agency, params = dimensions.agency, {"handed_over_at": at, "method": method}
        case inbound.DossierFinished(agency=agency, code=code, finished_at=at, outcome=outcome, result_name=result):
            params = {"finished_at": at, "outcome": outcome, "result_name": result}
        case _:
            raise AssertionError(f"nobody is told of {type(item.data).__name__}")
    return Happened(
        event_type=item.event.type,
        event_id=item.event.id,
        dossier=item.event.subject,
        code=code,
        agency=agency,
        at=at,
        params=params,
        trace=item.event.traceparent,
    )
