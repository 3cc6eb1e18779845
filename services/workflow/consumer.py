"""What workflow consumes: catalog's news into its copies, received dossiers into processes."""

from collections.abc import Sequence
from functools import partial

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Later, Outcome, Received, Subscription
from chassis.copies import copying
from chassis.store import Change, New
from chassis.worktime import local_day
from workflow import inbound
from workflow.domain import course, endings
from workflow.domain.processes import Process
from workflow.store import WorkflowStore

ROUNDS = 5
"""How often a batch's processes are loaded anew when officers changed them in between."""


def table(store: WorkflowStore, clock: Clock) -> list[Subscription]:
    catalogue = store.catalogue
    return [
        Subscription(
            copying(
                store.catalogue.procedures, inbound.Procedure, lambda data: (_version(data.procedure), data.procedure)
            ),
            {"catalog.procedure.published.v1": inbound.ProcedurePublished},
        ),
        Subscription(
            copying(catalogue.agencies, inbound.Agency, lambda data: (data.agency.id, data.agency)),
            {"catalog.agency.changed.v1": inbound.AgencyChanged},
        ),
        Subscription(
            # An agency ends once, so its first predecessor names a succession.
            copying(
                store.catalogue.agencies_succeeded, inbound.AgencySucceeded, lambda data: (data.predecessors[0], data)
            ),
            {"catalog.agency.succeeded.v1": inbound.AgencySucceeded},
        ),
        Subscription(
            copying(catalogue.calendars, inbound.CalendarChanged, lambda data: (str(data.year), data)),
            {"catalog.calendar.changed.v1": inbound.CalendarChanged},
        ),
        Subscription(
            lambda batch: _start(store, clock, batch), {"intake.dossier.received.v1": inbound.DossierReceived}
        ),
        # Behind the one that starts, so that both may come in the same batch.
        Subscription(
            lambda batch: _withdraw(store, clock, batch), {"intake.dossier.withdrawn.v1": inbound.DossierWithdrawn}
        ),
    ]


def _version(procedure: inbound.Procedure) -> str:
    return f"{procedure.code}/{procedure.version}"


def _start(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """One process for each received dossier; a repeated event finds its `_id` taken."""
    outcomes: dict[int, Outcome] = {}
    begun: list[tuple[int, New[Process]]] = []
    catalogue, now = store.catalogue, clock()
    calendar, successions = catalogue.calendar(), catalogue.successions()
    for n, item in enumerate(batch):
        received: inbound.DossierReceived = item.data
        acting = partial(successions.acting, day=local_day(received.received_at))
        procedure = catalogue.procedure(f"{received.dimensions.procedure}/{received.dimensions.procedure_version}")
        agency = catalogue.agency(acting(received.dimensions.agency))
        if procedure is None or agency is None:
            outcomes[n] = Later("procedure_not_here_yet" if procedure is None else "agency_not_here_yet")
            continue
        process, said = course.start(
            item.event.subject, received, procedure, agency, calendar, now, acting, catalogue.decisions()
        )
        if process.due_at != received.due_at and not calendar.covers(local_day(received.received_at)):
            # Intake knew a calendar that has not come here yet, so the due date would be another than the promised one.
            outcomes[n] = Later("calendar_not_here_yet")
            continue
        begun.append((n, New(item.event.subject, process, said, received.received_at, item.event.traceparent)))
    refused = store.processes.add([new for _, new in begun])
    outcomes.update((n, Done() if field is None else Duplicate()) for (n, _), field in zip(begun, refused, strict=True))
    return [outcomes[n] for n in range(len(batch))]


def _withdraw(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """Ends the processes of withdrawn dossiers with one write. One whose reception has not arrived yet waits for it."""
    outcomes: dict[int, Outcome] = {}
    waiting = {n: item for n, item in enumerate(batch) if item.data.received_at is not None}
    outcomes.update((n, Done()) for n in range(len(batch)) if n not in waiting)
    for _ in range(ROUNDS):
        loaded = store.processes.load_many({item.event.subject for item in waiting.values()})
        changes: dict[int, Change[Process]] = {}
        seen: set[str] = set()
        for n, item in waiting.items():
            before = loaded.get(item.event.subject)
            if before is None:
                outcomes[n] = Later("process_not_here_yet")
                continue
            after = endings.withdraw(before.state, item.data.withdrawn_at, clock())
            if after is before.state or item.event.subject in seen:
                outcomes[n] = Duplicate()
                continue
            seen.add(item.event.subject)
            changes[n] = Change(before, after, (), item.data.withdrawn_at, item.event.traceparent)
        written = store.processes.save(list(changes.values()))
        outcomes.update((n, Done()) for n, done in zip(changes, written, strict=True) if done)
        waiting = {n: waiting[n] for n, done in zip(changes, written, strict=True) if not done}
        if not waiting:
            break
    return [outcomes.get(n, Later("contended")) for n in range(len(batch))]
