"""How far workflow is with a dossier: begun, at other agencies, decided. Plain Python.

Each of these notes holds whatever the others' order of arrival; the same dossier comes back when nothing is new.
"""

from datetime import datetime
from typing import Literal

from chassis.evolving import replace
from intake.domain.dossiers import Dossier, due_for_deposit, restated


def note_started(dossier: Dossier, started_at: datetime, steps_total: int) -> Dossier:
    if dossier.started_at is not None:
        return dossier
    return restated(replace(dossier, started_at=started_at, steps_total=steps_total))


def note_transferred(dossier: Dossier, to_agency: str) -> Dossier:
    if to_agency in dossier.agencies:
        return dossier
    receiving, *others = dossier.agencies
    return replace(dossier, agencies=(receiving, *sorted((*others, to_agency))))


def note_finished(
    dossier: Dossier,
    outcome: Literal["approved", "rejected"],
    timing: Literal["early", "on_time", "late"],
    at: datetime,
) -> Dossier:
    """Of a withdrawal and an end the earlier one counts, and the end when both are of the same instant: so workflow and
    statistics have it too, whatever they hear of first."""
    if dossier.finished_at is not None or (dossier.withdrawal is not None and dossier.withdrawal.at < at):
        return dossier
    finished = restated(replace(dossier, finished_at=at, outcome=outcome, timing=timing))
    return due_for_deposit(finished) if outcome == "approved" else finished
