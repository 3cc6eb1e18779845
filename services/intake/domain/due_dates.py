"""What workflow, whose clock it is, says of a due date after the promise. Plain Python."""

from dataclasses import replace
from datetime import datetime

from chassis.worktime import ZONE
from intake.domain.dossiers import By, Dossier, noted
from intake.inbound import DossierRescheduled

WORKFLOW = "system:workflow"


def note_rescheduled(
    dossier: Dossier, told: DossierRescheduled, sequence: int, at: datetime, recorded_at: datetime
) -> Dossier:
    """The dossier with its new due date. `sequence` is workflow's of this news: what was said earlier and comes later
    changes nothing, and the same dossier comes back."""
    if sequence <= dossier.due_told:
        return dossier
    note = f"{_local(told.previous_due_at)} → {_local(told.due_at)}: {told.basis}"
    dossier = replace(dossier, due_at=told.due_at, due_told=sequence)
    return noted(dossier, "rescheduled", By(WORKFLOW, at, recorded_at), note)


def _local(instant: datetime | None) -> str:
    return "–" if instant is None else instant.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")
