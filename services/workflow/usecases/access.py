"""Who may see and do what: officers what their agency received or was given, leaders everything."""

from chassis.auth import Principal
from chassis.web import Call
from workflow.domain.parts import By
from workflow.domain.processes import Process

ANY_AGENCY = "any_agency"
READ_ALL = "dossiers.read_all"


def sees(principal: Principal, process: Process) -> bool:
    """Officers see what their agency received or was given, leaders everything."""
    return principal.may(ANY_AGENCY) or principal.may(READ_ALL) or principal.agency in process.agencies


def by(call: Call) -> By:
    return By(call.principal.subject, call.principal.name, call.occurred_at, call.now)
