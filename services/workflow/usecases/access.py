"""Who may see what, and who may act: the one place that says so.

- An officer sees the dossiers that their agency received or was given (`Process.agencies`), and the tasks of their
  agency. To them, what is another's and what is not there answer alike (NotFound, an empty list).
- Whoever has `dossiers.read_all` or `any_agency` sees every dossier.
- An officer acts on the tasks of their agency; after a succession on those of the agencies that theirs took over from.
- A token may say in which roles its bearer works (claim `roles`). Then they act only on steps of these roles, and on
  what was given to them by name. A token that says nothing about roles acts on every step of the agency: small agencies
  have one officer for everything, and offices' API keys have no roles.
- A leader is who has the role `leader`, or acts for every agency: leaders hand out work, and see how it is spread.
"""

from datetime import datetime

from chassis.auth import Principal
from chassis.errors import Forbidden
from chassis.web import Call
from chassis.worktime import local_day
from workflow.domain.agencies import Tree
from workflow.domain.parts import By, Task
from workflow.domain.processes import Process
from workflow.domain.successions import Successions

ANY_AGENCY = "any_agency"
READ_ALL = "dossiers.read_all"
LEADER = "leader"
"""The role of those who decide and who hand out work."""


class RoleMissing(Forbidden):
    """The task is of the caller's agency, and for somebody with another role."""

    code = "role_missing"
    title = "Bước này do người giữ vai trò khác thực hiện"


def sees_all(principal: Principal) -> bool:
    """Whether every agency's dossiers are the caller's to see."""
    return principal.may(ANY_AGENCY) or principal.may(READ_ALL)


def sees(principal: Principal, process: Process) -> bool:
    """Officers see what their agency received or was given, leaders everything."""
    return sees_all(principal) or principal.agency in process.agencies


def acts_for(principal: Principal, agency: str, successions: Successions, at: datetime) -> bool:
    """Whether the caller acts for this agency at that time. Whoever took over acts from the first minute of that day
    on, even before the task shows it."""
    return principal.may(ANY_AGENCY) or principal.agency == successions.acting(agency, local_day(at))


def leads(principal: Principal) -> bool:
    """Whether the caller hands out the work of the agency that they act for."""
    return principal.may(ANY_AGENCY) or LEADER in principal.roles


def overseen(principal: Principal, agency: str, subtree: bool, tree: Tree) -> set[str]:
    """Of this agency, and with `subtree` of those below it, the ones whose work the caller may look over: who sees
    everything, every one; a leader their own agency and what is below it; any other officer their own. None of another
    agency's."""
    below = tree.below(agency) if subtree else {agency}
    if sees_all(principal):
        return below
    own = principal.agency or ""
    return below & (tree.below(own) if LEADER in principal.roles else {own})


def has_role_for(principal: Principal, task: Task) -> bool:
    """Whether the step is for somebody like the caller, or was given to the caller by name."""
    if principal.may(ANY_AGENCY) or not principal.roles or task.role in principal.roles:
        return True
    return task.assignee == principal.subject


def require_role(principal: Principal, task: Task) -> None:
    """RoleMissing unless the caller `has_role_for` the task."""
    if not has_role_for(principal, task):
        raise RoleMissing(f"the step is for {task.role}")


def by(call: Call) -> By:
    return By(call.principal.subject, call.principal.name, call.occurred_at, call.now)
