"""What workflow, whose clock it is, says of a due date after the promise. Plain Python."""

from datetime import datetime

from chassis.evolving import replace
from chassis.worktime import ZONE
from intake.domain.dossiers import WORKFLOW, By, Dossier, noted
from intake.domain.parts import DueChange


def note_change(dossier: Dossier, change: DueChange, recorded_at: datetime) -> Dossier:
    """The dossier with this change in its history, and the due date that was said last. What was said earlier and comes
    later goes to its place and moves nothing; the same dossier comes back when nothing is new."""
    known = {dossier.due_told, *(each.sequence for each in dossier.due_changes)}
    if change.sequence in known or change.due_at == change.previous_due_at:
        return dossier
    changes = tuple(sorted((*dossier.due_changes, change), key=lambda each: each.sequence))
    if change.sequence > dossier.due_told:
        dossier = replace(dossier, due_at=change.due_at, due_told=change.sequence)
    why = change.reason or change.basis
    note = f"{_local(change.previous_due_at)} → {_local(change.due_at)}"
    by = By(WORKFLOW, change.at, recorded_at)
    return noted(dossier, "rescheduled", by, f"{note}: {why}" if why else note, due_changes=changes)


def _local(instant: datetime | None) -> str:
    return "–" if instant is None else instant.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")
