"""What notify can tell of: for each event whom it may tell, and which params its templates may use. Plain Python.

The consumer makes the params (see `notify.consumer`); a rule that an editor writes is checked against this table.
"""

from dataclasses import dataclass

from notify.domain.telling import Audience

COMMON = frozenset({"name", "procedure_name", "agency_name", "code", "lookup", "choices"})
"""What every message has: whom it addresses, what it is about, and two addresses: where the dossier is looked up, and
where to choose which e-mails one gets, None where one cannot."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """`choices`: params that a rule may ask for (`when`), with the values that they may have."""

    audience: Audience
    params: frozenset[str]
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()


def _applicant(*params: str, choices: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> Occasion:
    return Occasion("applicant", frozenset(params), choices)


def _agency(*params: str) -> Occasion:
    return Occasion("agency", frozenset(params))


_KINDS = ("kind", ("supplement", "fee", "other"))
OCCASIONS = {
    "intake.dossier.filed.v1": _applicant("filed_at"),
    "intake.dossier.received.v1": _applicant("received_at", "due_at"),
    "intake.dossier.refused.v1": _applicant("refused_at", "reason"),
    "intake.dossier.supplement_requested.v1": _applicant("requested_at", "reason", "until"),
    "intake.dossier.withdrawn.v1": _applicant("withdrawn_at"),
    "intake.dossier.handed_over.v1": _applicant(
        "handed_over_at", "method", choices=(("method", ("collect", "post", "electronic")),)
    ),
    "intake.fee.asked.v1": _applicant("asked_at", "amount", "reason"),
    "intake.fee.paid.v1": _applicant("paid_at", "amount", "settled", choices=(("settled", ("yes",)),)),
    "workflow.supplement.requested.v1": _applicant("requested_at", "reason", "until"),
    "workflow.dossier.finished.v1": _applicant(
        "finished_at", "outcome", "result_name", choices=(("outcome", ("approved", "rejected")),)
    ),
    "workflow.dossier.paused.v1": _applicant("paused_at", "kind", "reason", "basis", choices=(_KINDS,)),
    "workflow.dossier.resumed.v1": _applicant("resumed_at", "due_at"),
    "workflow.dossier.rescheduled.v1": _applicant("rescheduled_at", "due_at", "previous_due_at", "basis"),
    "workflow.dossier.extended.v1": _applicant(
        "extended_at", "reason", "due_at", "previous_due_at", "apology", choices=(("apology", ("issued",)),)
    ),
    "workflow.dossier.stopped.v1": _applicant("stopped_at", "reason"),
    "notify.post.failed.v1": _applicant("failed_at", "order", "returned", choices=(("returned", ("yes",)),)),
    "workflow.deadline.approaching.v1": _agency("due_at"),
    "workflow.deadline.missed.v1": _agency("due_at", "apology"),
    "workflow.task.overdue.v1": _agency("due_at", "step_name"),
}
