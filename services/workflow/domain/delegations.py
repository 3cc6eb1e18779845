"""An officer's work is another's for a period: leave, illness, a mission. Plain Python.

A delegate acts in the delegator's stead, on what was given to that officer and in that officer's roles, only within the
period, by when an act counts; the journal names both. It is not transitive: who acts for somebody does not hand that
on, and a delegate of the delegate has no part in it. It gives no access that the delegate's agency does not have.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow.domain.parts import By, Task

LONGEST = timedelta(days=366)
"""No source limits a delegation's length; what is longer than a year is a change of duties, not an absence."""


class DelegationEnded(WrongState):
    code = "delegation_ended"
    title = "Việc ủy quyền đã kết thúc hoặc đã bị thu hồi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """`to` acts for `of`, both officers' subjects, in [begins, ends) unless it was revoked before. `task`: only on this
    one; None: on all that `of` has at `agency`, and in `roles`, the delegator's (none: every step, as for a token that
    says none). `parties`: whose list it stands in."""

    id: str
    of: str
    of_name: str
    to: str
    to_name: str
    agency: str
    roles: tuple[str, ...]
    task: str | None
    begins: datetime
    ends: datetime
    reason: str
    made_by: str
    made_at: datetime
    parties: tuple[str, ...]
    revoked_at: datetime | None = None
    revoked_by: str | None = None


def check(of: str, to: str, begins: datetime, ends: datetime, now: datetime) -> None:
    """Invalid, with what is wrong: a period that is none, is over or too long, a delegation to oneself."""
    wrong: list[FieldError] = []
    if to == of:
        wrong.append(FieldError("/to", "oneself", "must be another officer"))
    if ends <= begins:
        wrong.append(FieldError("/until", "before_from", "must be after `from`"))
    elif ends <= now:
        wrong.append(FieldError("/until", "over", "must lie in the future"))
    elif ends - begins > LONGEST:
        wrong.append(FieldError("/until", "too_long", f"at most {LONGEST.days} days"))
    if wrong:
        raise Invalid("there is no such delegation", errors=wrong)


def revoke(delegation: Delegation, by: By) -> Delegation:
    """It ends now. Raises DelegationEnded when it has."""
    if delegation.revoked_at is not None or delegation.ends <= by.recorded_at:
        raise DelegationEnded("it is over")
    return replace(delegation, revoked_at=by.recorded_at, revoked_by=by.who)


def stands(delegation: Delegation, at: datetime) -> bool:
    """Whether the delegate acts for the delegator then."""
    over = delegation.ends if delegation.revoked_at is None else min(delegation.ends, delegation.revoked_at)
    return delegation.begins <= at < over


def covers(delegation: Delegation, task: Task) -> bool:
    """Whether it is about the task at all: given to the delegator, or in one of the delegator's roles."""
    if delegation.task is not None and delegation.task != task.id:
        return False
    if task.assignee is not None:
        return task.assignee == delegation.of
    return task.role in delegation.roles or (not delegation.roles and delegation.task is None)
