"""What workflow consumes: catalog's news into its copies, received dossiers into processes."""

from collections.abc import Sequence

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Later, Outcome, Received, Subscription
from chassis.copies import copying
from chassis.store import New
from chassis.worktime import local_day
from workflow import domain, inbound
from workflow.store import WorkflowStore


def table(store: WorkflowStore, clock: Clock) -> list[Subscription]:
    return [
        Subscription(
            copying(store.procedures, inbound.Procedure, lambda data: (_version(data.procedure), data.procedure)),
            {"catalog.procedure.published.v1": inbound.ProcedurePublished},
        ),
        Subscription(
            copying(store.agencies, inbound.Agency, lambda data: (data.agency.id, data.agency)),
            {"catalog.agency.changed.v1": inbound.AgencyChanged},
        ),
        Subscription(
            copying(store.calendars, inbound.CalendarChanged, lambda data: (str(data.year), data)),
            {"catalog.calendar.changed.v1": inbound.CalendarChanged},
        ),
        Subscription(
            lambda batch: _start(store, clock, batch), {"intake.dossier.received.v1": inbound.DossierReceived}
        ),
    ]


def _version(procedure: inbound.Procedure) -> str:
    return f"{procedure.code}/{procedure.version}"


def _start(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """One process for each received dossier; a repeated event finds its `_id` taken."""
    outcomes: dict[int, Outcome] = {}
    begun: list[tuple[int, New[domain.Process]]] = []
    now, calendar = clock(), store.calendar()
    for n, item in enumerate(batch):
        received: inbound.DossierReceived = item.data
        procedure = store.procedure(f"{received.dimensions.procedure}/{received.dimensions.procedure_version}")
        agency = store.agency(received.dimensions.agency)
        if procedure is None or agency is None:
            outcomes[n] = Later("procedure_not_here_yet" if procedure is None else "agency_not_here_yet")
            continue
        process, said = domain.start(item.event.subject, received, procedure, agency, calendar, now)
        if process.due_at != received.due_at and not calendar.covers(local_day(received.received_at)):
            # Intake knew a calendar that has not come here yet, so the due date would be another than the promised one.
            outcomes[n] = Later("calendar_not_here_yet")
            continue
        begun.append((n, New(item.event.subject, process, said, received.received_at, item.event.traceparent)))
    refused = store.processes.add([new for _, new in begun])
    outcomes.update((n, Done() if field is None else Duplicate()) for (n, _), field in zip(begun, refused, strict=True))
    return [outcomes[n] for n in range(len(batch))]
