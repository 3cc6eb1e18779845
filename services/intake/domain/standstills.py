"""What workflow says of its clock: it stands still and waits for something, it goes on, or work has ended without a
decision. Plain Python.

Each note holds whatever the others' order of arrival: workflow's sequence says what came after what. The same dossier
comes back when nothing is new.
"""

from datetime import datetime

from chassis.evolving import replace
from intake.domain.dossiers import WORKFLOW, By, Dossier, noted, restated
from intake.domain.parts import Standstill, Stop, Supplement
from intake.inbound import DossierStopped, SupplementRequested


def note_clock(dossier: Dossier, said: Standstill) -> Dossier:
    """The clock stands still, or goes on: what was said last counts."""
    if dossier.standstill is not None and dossier.standstill.sequence >= said.sequence:
        return dossier
    return restated(replace(dossier, standstill=said))


def note_supplement_requested(
    dossier: Dossier, told: SupplementRequested, sequence: int, recorded_at: datetime
) -> Dossier:
    """The agency that works on it asks for more (form 02), in workflow's event with this sequence."""
    if any(asked.told == sequence for asked in dossier.supplements):
        return dossier
    asked = Supplement(
        asked_at=told.requested_at,
        components=told.components,
        reason=told.reason,
        until=told.until,
        told=sequence,
        agency=told.agency,
    )
    supplements = tuple(sorted((*dossier.supplements, asked), key=lambda each: each.told))
    by = By(WORKFLOW, told.requested_at, recorded_at)
    return restated(noted(dossier, "supplement_requested", by, told.reason, supplements=supplements))


def note_stopped(dossier: Dossier, told: DossierStopped, recorded_at: datetime) -> Dossier:
    """Of a withdrawal and a stop the earlier one counts, and the stop when both are of the same instant, as with the
    end by a decision.

    A stop in a pause moves the due date in workflow's account. Here the one that was promised last stays, which hurts
    nothing: no result is due any more, a stop is neither early nor late, and what is open alone can be overdue."""
    withdrawn = dossier.withdrawal
    if dossier.stop is not None or (withdrawn is not None and withdrawn.at < told.stopped_at):
        return dossier
    stop = Stop(at=told.stopped_at, reason=told.reason, basis=told.basis)
    by = By(WORKFLOW, told.stopped_at, recorded_at)
    return restated(noted(dossier, "stopped", by, told.reason, stop=stop))
