"""What intake consumes: catalog's news into its copies, workflow's news into the dossiers."""

from collections.abc import Sequence
from datetime import datetime

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Later, Outcome, Received, Subscription
from chassis.copies import copying
from chassis.store import Change
from intake import inbound
from intake.domain import dossiers, due_dates
from intake.domain.dossiers import Dossier, StepDone
from intake.store import IntakeStore

ROUNDS = 5
"""How often a batch's dossiers are loaded anew when web processes changed them in between."""


def table(store: IntakeStore, clock: Clock) -> list[Subscription]:
    catalogue = store.catalogue
    return [
        Subscription(
            copying(catalogue.procedures, inbound.ProcedureVersion, _version),
            {
                "catalog.procedure.published.v1": inbound.ProcedurePublished,
                "catalog.procedure.withdrawn.v1": inbound.ProcedureWithdrawn,
            },
        ),
        Subscription(
            copying(catalogue.agencies, inbound.Agency, lambda data: (data.agency.id, data.agency)),
            {"catalog.agency.changed.v1": inbound.AgencyChanged},
        ),
        Subscription(
            # An agency ends once, so its first predecessor names a succession.
            copying(catalogue.agencies_succeeded, inbound.AgencySucceeded, lambda data: (data.predecessors[0], data)),
            {"catalog.agency.succeeded.v1": inbound.AgencySucceeded},
        ),
        Subscription(
            copying(catalogue.calendars, inbound.CalendarChanged, lambda data: (str(data.year), data)),
            {"catalog.calendar.changed.v1": inbound.CalendarChanged},
        ),
        Subscription(
            lambda batch: _follow_process(store, clock, batch),
            {
                "workflow.dossier.started.v1": inbound.ProcessStarted,
                "workflow.task.completed.v1": inbound.TaskCompleted,
                "workflow.dossier.transferred.v1": inbound.DossierTransferred,
                "workflow.dossier.rescheduled.v1": inbound.DossierRescheduled,
                "workflow.dossier.finished.v1": inbound.ProcessFinished,
            },
        ),
    ]


def _version(data: inbound.ProcedurePublished | inbound.ProcedureWithdrawn) -> tuple[str, inbound.ProcedureVersion]:
    if isinstance(data, inbound.ProcedureWithdrawn):
        version = inbound.ProcedureVersion(code=data.code, version=data.version, valid_from=data.on, procedure=None)
    else:
        procedure = data.procedure
        version = inbound.ProcedureVersion(
            code=procedure.code, version=procedure.version, valid_from=procedure.valid_from, procedure=procedure
        )
    return f"{version.code}/{version.version}", version


def _note(dossier: Dossier, item: Received, now: datetime) -> Dossier:
    """The dossier with this news; the same object when it held it already."""
    match item.data:
        case inbound.ProcessStarted(started_at=at, steps_total=total):
            return dossiers.note_started(dossier, at, total)
        case inbound.TaskCompleted() as task:
            step = StepDone(task=task.task, name=task.step_name, agency=task.agency, at=task.completed_at)
            return dossiers.note_step_done(dossier, step, task.steps_total)
        case inbound.DossierTransferred(to_agency=agency):
            return dossiers.note_transferred(dossier, agency)
        case inbound.DossierRescheduled() as told:
            return due_dates.note_rescheduled(dossier, told, item.event.sequence, item.event.time, now)
        case inbound.ProcessFinished(outcome=outcome, timing=timing, finished_at=at):
            return dossiers.note_finished(dossier, outcome, timing, at)
    raise AssertionError(f"no note for {type(item.data).__name__}")


def _follow_process(store: IntakeStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """Folds each dossier's news into one change, and writes all changes at once."""
    outcomes: dict[int, Outcome] = {}
    open_items = list(enumerate(batch))
    for _ in range(ROUNDS):
        loaded = store.dossiers.load_many({item.event.subject for _, item in open_items})
        changes: list[Change[Dossier]] = []
        told: list[list[int]] = []
        for subject in dict.fromkeys(item.event.subject for _, item in open_items):
            mine = [(n, item) for n, item in open_items if item.event.subject == subject]
            before = loaded.get(subject)
            if before is None:
                outcomes.update((n, Later("dossier_unknown")) for n, _ in mine)
                continue
            if before.state.received_at is None:
                outcomes.update((n, Invalid("process_of_a_dossier_never_received")) for n, _ in mine)
                continue
            state = before.state
            changed: list[int] = []
            for n, item in mine:
                after = _note(state, item, clock())
                if after is state:
                    outcomes[n] = Duplicate()
                else:
                    state = after
                    changed.append(n)
            if changed:
                changes.append(Change(before, state, (), batch[changed[0]].event.time))
                told.append(changed)
        written = store.dossiers.save(changes)
        outcomes.update((n, Done()) for done, changed in zip(written, told, strict=True) if done for n in changed)
        lost = {n for done, changed in zip(written, told, strict=True) if not done for n in changed}
        if not lost:
            break
        open_items = [(n, batch[n]) for n in sorted(lost)]
    return [outcomes.get(n, Later("contended")) for n in range(len(batch))]
