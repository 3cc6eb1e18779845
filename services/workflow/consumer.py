"""What workflow consumes: catalog's news into its copies, received dossiers into processes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Later, Outcome, Received, Subscription
from chassis.copies import copying
from chassis.store import Change, New
from chassis.worktime import local_day
from workflow import inbound
from workflow.children import Children
from workflow.domain import children, course, endings, pauses
from workflow.domain.processes import ALERT_SHARE, Process, Turn
from workflow.store import WorkflowStore

ROUNDS = 5
"""How often a batch's processes are loaded anew when officers changed them in between."""


def table(store: WorkflowStore, clock: Clock, alert_share: float = ALERT_SHARE) -> list[Subscription]:
    """`alert_share`: see Process, for dossiers that begin from now on."""
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
            lambda batch: _start(store, clock, alert_share, batch),
            {"intake.dossier.received.v1": inbound.DossierReceived},
        ),
        # Behind the one that starts, so that both may come in the same batch.
        Subscription(
            lambda batch: _withdraw(store, clock, batch), {"intake.dossier.withdrawn.v1": inbound.DossierWithdrawn}
        ),
        Subscription(
            lambda batch: _supplement(store, clock, batch),
            {"intake.dossier.supplemented.v1": inbound.DossierSupplemented},
        ),
        Subscription(
            lambda batch: _settle(store, clock, batch),
            {"intake.fee.paid.v1": inbound.FeePaid, "intake.fee.cancelled.v1": inbound.FeeCancelled},
        ),
        # In the order of a child dossier's life, so that all of it may come in the same batch.
        Subscription(Children(store, clock).open, {"workflow.child.opened.v1": inbound.ChildOpened}),
        Subscription(lambda batch: _end_child(store, clock, batch), {"workflow.child.ended.v1": inbound.ChildEnded}),
        Subscription(Children(store, clock).call_off, {"workflow.child.called_off.v1": inbound.ChildCalledOff}),
    ]


def _version(procedure: inbound.Procedure) -> str:
    return f"{procedure.code}/{procedure.version}"


def _start(store: WorkflowStore, clock: Clock, alert_share: float, batch: Sequence[Received]) -> list[Outcome]:
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
        procedure, refused_children = children.bounded(procedure, ())
        process, said = course.start(
            item.event.subject,
            received,
            procedure,
            agency,
            calendar,
            now,
            acting,
            catalogue.decisions(),
            catalogue.agency,
            alert_share,
        )
        process = children.remark(process, refused_children, received.received_at, now)
        if process.due_at != received.due_at and not calendar.covers(local_day(received.received_at)):
            # Intake knew a calendar that has not come here yet, so the due date would be another than the promised one.
            outcomes[n] = Later("calendar_not_here_yet")
            continue
        begun.append((n, New(item.event.subject, process, said, received.received_at, item.event.traceparent)))
    refused = store.processes.add([new for _, new in begun])
    outcomes.update((n, Done() if field is None else Duplicate()) for (n, _), field in zip(begun, refused, strict=True))
    return [outcomes[n] for n in range(len(batch))]


def _withdraw(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """Ends the processes of withdrawn dossiers; one that was never received has none."""

    def decide(process: Process, data: inbound.DossierWithdrawn) -> Turn:
        return endings.withdraw(process, data.withdrawn_at, clock()), ()

    return _change(store, batch, decide, at=lambda data: None if data.received_at is None else data.withdrawn_at)


def _supplement(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """What an agency asked for is there; what the one-stop unit asked for before the reception is no matter here."""
    calendar = store.catalogue.calendar()

    def decide(process: Process, data: inbound.DossierSupplemented) -> Turn:
        return pauses.supplemented(process, data.supplemented_at, clock(), calendar)

    return _change(store, batch, decide, at=lambda data: None if data.code is None else data.supplemented_at)


def _settle(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """What an agency asked for is paid, or is not to be paid any more; other fees are no matter here."""
    calendar = store.catalogue.calendar()

    def decide(process: Process, data: inbound.FeePaid | inbound.FeeCancelled) -> Turn:
        if isinstance(data, inbound.FeePaid):
            return pauses.fee_paid(process, data.requested_at, data.paid_at, clock(), calendar)
        return pauses.fee_cancelled(
            process, data.requested_at, data.reason or None, data.cancelled_at, clock(), calendar
        )

    def at(data: inbound.FeePaid | inbound.FeeCancelled) -> datetime | None:
        if data.requested_at is None:
            return None
        return data.paid_at if isinstance(data, inbound.FeePaid) else data.cancelled_at

    return _change(store, batch, decide, at=at)


def _end_child(store: WorkflowStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """The step that a child dossier did is done. Several children of one dossier may come together."""
    calendar = store.catalogue.calendar()

    def decide(process: Process, data: inbound.ChildEnded) -> Turn:
        return children.ended(process, data, calendar, clock())

    return _change(
        store, batch, decide, at=lambda data: data.ended_at, of=lambda item: children.dossier_of(item.data.task)
    )


def _change(
    store: WorkflowStore,
    batch: Sequence[Received],
    decide: Callable[[Process, Any], Turn],
    at: Callable[[Any], datetime | None],
    of: Callable[[Received], str] = lambda item: item.event.subject,
) -> list[Outcome]:
    """What news of dossiers make of their processes, with one write. One whose reception has not arrived yet waits for
    it.

    `decide(process, data)`: the same process when it knew of it. `at(data)`: when it happened; None: it is no matter of
    a process. `of(item)`: which process it is about, mostly the event's subject.
    """
    outcomes: dict[int, Outcome] = {}
    waiting = {n: (item, when) for n, item in enumerate(batch) if (when := at(item.data)) is not None}
    outcomes.update((n, Done()) for n in range(len(batch)) if n not in waiting)
    for _ in range(ROUNDS):
        loaded = store.processes.load_many({of(item) for item, _ in waiting.values()})
        changes: dict[str, Change[Process]] = {}
        changing: dict[int, str] = {}
        for n, (item, when) in waiting.items():
            id = of(item)
            if id not in loaded:
                outcomes[n] = Later("process_not_here_yet")
                continue
            # Of several news of the same dossier, each finds what the one before it made.
            known = changes.get(id, Change(loaded[id], loaded[id].state, (), when, item.event.traceparent))
            after, said = decide(known.state, item.data)
            if after is known.state:
                outcomes[n] = Duplicate()
                continue
            changing[n] = id
            changes[id] = replace(known, state=after, events=(*known.events, *said))
        written = store.processes.save(list(changes.values()))
        done = {id for id, saved in zip(changes, written, strict=True) if saved}
        outcomes.update((n, Done()) for n, id in changing.items() if id in done)
        waiting = {n: each for n, each in waiting.items() if of(each[0]) in changes.keys() - done}
        if not waiting:
            break
    return [outcomes.get(n, Later("contended")) for n in range(len(batch))]
