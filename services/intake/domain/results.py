"""The result documents that workflow gave out, as far as the applicant's papers are concerned. Plain Python."""

from chassis.evolving import replace
from intake.domain.dossiers import Dossier, due_for_deposit
from intake.domain.parts import GivenResult


def note_result(dossier: Dossier, told: GivenResult) -> Dossier:
    """The dossier with this news of a result, which the store of documents has to hear of; the same dossier when it
    knew. That it is not in force any more may be heard before that it was given out."""
    known = next((each for each in dossier.results if each.id == told.id), None)
    if known is None:
        results = (*dossier.results, told)
    elif known.ended_at is None and told.ended_at is not None:
        results = tuple(told if each.id == told.id else each for each in dossier.results)
    else:
        return dossier
    # In the order of workflow's acts, whatever is heard first.
    ordered = tuple(sorted(results, key=lambda each: (each.issued_at, each.id)))
    return due_for_deposit(replace(dossier, results=ordered))


def in_force(dossier: Dossier) -> GivenResult | None:
    """The result that was given out last, unless it was taken back."""
    return next((each for each in reversed(dossier.results) if each.ended_at is None), None)
