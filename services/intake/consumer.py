"""What intake consumes: catalog's news into its copies, workflow's news into the dossiers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Later, Outcome, Received, Subscription
from chassis.copies import copying
from chassis.store import Change
from intake import inbound
from intake.domain import due_dates, payments, progress, results, standstills, steps
from intake.domain.dossiers import By, Dossier, Turn, hand_over
from intake.domain.parts import DueChange, GivenResult, PostItem, Standstill, StepDone
from intake.domain.vietqr import Account, payee_of
from intake.store import IntakeStore

ROUNDS = 5
"""How often a batch's dossiers are loaded anew when web processes changed them in between."""


def table(store: IntakeStore, clock: Clock, accounts: Mapping[str, Account] | None = None) -> list[Subscription]:
    """`accounts`: by agency, where a fee goes that workflow asks for."""
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
            partial(_follow_process, store, clock, accounts or {}),
            {
                "workflow.dossier.started.v1": inbound.ProcessStarted,
                "workflow.task.completed.v1": inbound.TaskCompleted,
                "workflow.task.returned.v1": inbound.TaskReturned,
                "workflow.dossier.transferred.v1": inbound.DossierTransferred,
                "workflow.dossier.rescheduled.v1": inbound.DossierRescheduled,
                "workflow.dossier.paused.v1": inbound.DossierPaused,
                "workflow.dossier.resumed.v1": inbound.DossierResumed,
                "workflow.dossier.extended.v1": inbound.DossierExtended,
                "workflow.supplement.requested.v1": inbound.SupplementRequested,
                "workflow.fee.requested.v1": inbound.FeeRequested,
                "workflow.dossier.stopped.v1": inbound.DossierStopped,
                "workflow.dossier.finished.v1": inbound.ProcessFinished,
                "workflow.result.issued.v1": inbound.ResultIssued,
                "workflow.result.recalled.v1": inbound.ResultRecalled,
                "workflow.result.replaced.v1": inbound.ResultReplaced,
            },
        ),
        Subscription(partial(_hand_over_by_post, store, clock), {"notify.post.delivered.v1": inbound.PostDelivered}),
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
            return progress.note_started(dossier, at, total)
        case inbound.TaskCompleted() as task:
            step = StepDone(
                task=task.task,
                name=task.step_name,
                agency=task.agency,
                at=task.completed_at,
                told=item.event.sequence,
            )
            return steps.note_done(dossier, step, task.steps_total)
        case inbound.TaskReturned(task=id, waiting=waiting):
            return steps.note_returned(dossier, (id, *waiting), item.event.sequence)
        case inbound.DossierTransferred(to_agency=agency):
            return progress.note_transferred(dossier, agency)
        case inbound.DossierRescheduled() | inbound.DossierExtended() | inbound.DossierResumed():
            return _note_clock(dossier, item, now)
        case inbound.DossierPaused(kind=kind, paused_at=at, reason=reason, basis=basis):
            said = Standstill(sequence=item.event.sequence, kind=kind, at=at, reason=reason, basis=basis)
            return standstills.note_clock(dossier, said)
        case inbound.SupplementRequested() as requested:
            return standstills.note_supplement_requested(dossier, requested, item.event.sequence, now)
        case inbound.DossierStopped() as stopped:
            return standstills.note_stopped(dossier, stopped, now)
        case inbound.ProcessFinished() as end:
            return _note_finished(dossier, end, item.event.sequence, now)
        case inbound.ResultIssued(result=id, sha256=sha256, issued_at=at):
            return results.note_result(dossier, GivenResult(id=id, sha256=sha256, issued_at=at))
        case inbound.ResultRecalled(result=id, sha256=sha256, issued_at=at, recalled_at=ended_at):
            return results.note_result(dossier, GivenResult(id=id, sha256=sha256, issued_at=at, ended_at=ended_at))
        case inbound.ResultReplaced(result=id, sha256=sha256, issued_at=at, replaced_at=ended_at):
            return results.note_result(dossier, GivenResult(id=id, sha256=sha256, issued_at=at, ended_at=ended_at))
    raise AssertionError(f"no note for {type(item.data).__name__}")


def _note_finished(dossier: Dossier, told: inbound.ProcessFinished, sequence: int, now: datetime) -> Dossier:
    """The end, and what it did to the due date: a refusal ends the pause that lasts without saying that the clock goes
    on, and the result is early or late by the date that follows from it."""
    finished = progress.note_finished(dossier, told.outcome, told.timing, told.finished_at)
    if finished is dossier or told.previous_due_at is None:
        return finished
    change = DueChange(
        sequence=sequence, why="pause", at=told.finished_at, previous_due_at=told.previous_due_at, due_at=told.due_at
    )
    return due_dates.note_change(finished, change, now)


def _note_clock(dossier: Dossier, item: Received, now: datetime) -> Dossier:
    """What moved the due date, or had the clock go on."""
    sequence = item.event.sequence
    match item.data:
        case inbound.DossierRescheduled(due_at=due_at, previous_due_at=previous, basis=basis):
            change = DueChange(
                sequence=sequence, why="calendar", at=item.event.time, previous_due_at=previous, due_at=due_at,
                basis=basis,
            )  # fmt: skip
        case inbound.DossierExtended() as told:
            change = DueChange(
                sequence=sequence, why="extension", at=told.extended_at, previous_due_at=told.previous_due_at,
                due_at=told.due_at, reason=told.reason, basis=told.basis, apology=told.apology,
            )  # fmt: skip
        case inbound.DossierResumed(resumed_at=at, restarted=restarted, due_at=due_at, previous_due_at=previous):
            dossier = standstills.note_clock(dossier, Standstill(sequence=sequence, kind=None, at=at))
            why: Literal["restart", "pause"] = "restart" if restarted else "pause"
            change = DueChange(sequence=sequence, why=why, at=at, previous_due_at=previous, due_at=due_at)
        case _:
            raise AssertionError(f"{type(item.data).__name__} moves no due date")
    return due_dates.note_change(dossier, change, now)


def _turn(dossier: Dossier, item: Received, accounts: Mapping[str, Account], now: datetime) -> Turn:
    """`_note`, and what is to be said of it."""
    if isinstance(item.data, inbound.FeeRequested):
        payee = payee_of(accounts, dossier.dimensions.agency)
        return payments.note_requested(dossier, item.data, item.event.sequence, payee, now)
    return _note(dossier, item, now), ()


def _follow_process(
    store: IntakeStore, clock: Clock, accounts: Mapping[str, Account], batch: Sequence[Received]
) -> list[Outcome]:
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
            said: list[Any] = []
            for n, item in mine:
                after, events = _turn(state, item, accounts, clock())
                if after is state:
                    outcomes[n] = Duplicate()
                else:
                    state = after
                    said += events
                    changed.append(n)
            if changed:
                first = batch[changed[0]].event
                changes.append(Change(before, state, said, first.time, first.traceparent))
                told.append(changed)
        written = store.dossiers.save(changes)
        outcomes.update((n, Done()) for done, changed in zip(written, told, strict=True) if done for n in changed)
        lost = {n for done, changed in zip(written, told, strict=True) if not done for n in changed}
        if not lost:
            break
        open_items = [(n, batch[n]) for n in sorted(lost)]
    return [outcomes.get(n, Later("contended")) for n in range(len(batch))]


def _hand_over_by_post(store: IntakeStore, clock: Clock, batch: Sequence[Received]) -> list[Outcome]:
    """What the post delivered is handed over; a dossier that was handed over already stays as it is."""
    return [_delivered(store, clock, item) for item in batch]


def _delivered(store: IntakeStore, clock: Clock, item: Received) -> Outcome:
    said: inbound.PostDelivered = item.data
    for _ in range(ROUNDS):
        loaded = store.dossiers.load_many([said.dossier]).get(said.dossier)
        if loaded is None:
            return Later("dossier_unknown")
        dossier, now = loaded.state, clock()
        if dossier.handover is not None:
            return Duplicate()
        if dossier.finished_at is None:
            # The post was faster than the news that the result is there.
            return Later("not_finished")
        # Two services' clocks may differ a little.
        by = By(who="post", at=max(dossier.finished_at, min(said.delivered_at, now)), recorded_at=now)
        post = PostItem(order=said.order, tracking=said.tracking)
        state, told = hand_over(dossier, dossier.applicant.name, "post", by, post=post)
        if store.dossiers.save([Change(loaded, state, told, item.event.time, item.event.traceparent)])[0]:
            return Done()
    return Later("contended")
