"""Who may see and do what at intake."""

from chassis.auth import Principal
from chassis.web import Call
from intake.domain.dossiers import By, Dossier

ANY_AGENCY = "any_agency"
READ_ALL = "dossiers.read_all"
RECEIVE = "dossiers.receive"
VOLUNTEER = "volunteer"
"""The role of the volunteer groups (tổ công nghệ số cộng đồng) that help people to file."""


def sees(principal: Principal, dossier: Dossier) -> bool:
    """Officers see what their agency received or was given, people what they filed, leaders everything."""
    if principal.may(ANY_AGENCY) or principal.may(READ_ALL):
        return True
    if principal.agency is not None:
        return principal.agency in dossier.agencies
    return dossier.owner == principal.subject


def acts_for(principal: Principal, agency: str) -> bool:
    """Whether the officer acts for this agency."""
    return principal.may(ANY_AGENCY) or principal.agency == agency


def is_applicant(principal: Principal, dossier: Dossier) -> bool:
    """Whether the dossier is the caller's own."""
    return principal.agency is None and dossier.owner is not None and dossier.owner == principal.subject


def by(call: Call) -> By:
    return By(call.principal.subject, call.occurred_at, call.now)
