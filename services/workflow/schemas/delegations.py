"""Delegations."""

from datetime import datetime

from pydantic import BaseModel, Field

from chassis.paging import Page, PageQuery
from chassis.web import Body
from workflow.domain.delegations import Delegation
from workflow.schemas.fields import Identifier, Instant, Note


class TaskDelegationBody(Body):
    """`to`: an officer's subject; in [`from`, `until`), from now on without `from`."""

    to: Identifier
    begins: Instant | None = Field(default=None, alias="from")
    until: Instant
    reason: Note


class DelegationBody(TaskDelegationBody):
    """`of`: whose work, for a leader; without it the caller's."""

    of: Identifier | None = None


class RevocationBody(Body):
    """Nothing is asked: the delegation ends now."""


class DelegationsQuery(PageQuery):
    """`agency`: all between its officers, for its leaders; without it, those that the caller gave or was given."""

    agency: Identifier | None = None


class DelegationView(BaseModel):
    """`to` acts for `of` in [`from`, `until`), on the one `task` or on all; until `revoked_at` if that is earlier."""

    id: str
    of: str
    of_name: str
    to: str
    to_name: str
    agency: str
    task: str | None
    begins: datetime = Field(alias="from")
    until: datetime
    reason: str
    made_by: str
    made_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    version: int

    @classmethod
    def of_(cls, delegation: Delegation, version: int) -> "DelegationView":
        same = {name: getattr(delegation, name) for name in cls.model_fields if hasattr(delegation, name)}
        del same["begins"]
        return cls(**same, until=delegation.ends, version=version, **{"from": delegation.begins})


class DelegationPage(Page[DelegationView]):
    """By id."""
