"""Who works on a task, helps with it, follows a dossier."""

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from chassis.paging import Page, PageQuery
from chassis.web import Body
from workflow.domain.assignments import MOST_CO_HANDLERS, MOST_FOLLOWERS
from workflow.domain.officers import Officer
from workflow.domain.processes import Process
from workflow.schemas.fields import Identifier, Note


class AssignmentBody(Body):
    """`to`: an officer's subject, as `GET …/officers` lists them."""

    to: Identifier
    reason: Note | None = None


class ReleaseBody(Body):
    """Nothing is asked: the task is free again."""


class NoteBody(Body):
    text: Note


class _Changes(Body):
    @model_validator(mode="after")
    def _says_something(self) -> "_Changes":
        if not getattr(self, "add", ()) and not getattr(self, "remove", ()):
            raise ValueError("says neither whom to add nor whom to remove")
        return self


class CoHandlersBody(_Changes):
    """Officers' subjects. Who is in both lists is removed."""

    add: Annotated[tuple[Identifier, ...], Field(max_length=MOST_CO_HANDLERS)] = ()
    remove: Annotated[tuple[Identifier, ...], Field(max_length=MOST_CO_HANDLERS)] = ()


class FollowersBody(_Changes):
    """Officers' subjects. Who is in both lists is removed."""

    add: Annotated[tuple[Identifier, ...], Field(max_length=MOST_FOLLOWERS)] = ()
    remove: Annotated[tuple[Identifier, ...], Field(max_length=MOST_FOLLOWERS)] = ()


class Followed(BaseModel):
    dossier: str
    followers: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, process: Process, version: int) -> "Followed":
        return cls(dossier=process.id, followers=process.followers, version=version)


class OfficersQuery(PageQuery):
    """`agency`: the caller's own without it."""

    agency: Identifier | None = None


class OfficerView(BaseModel):
    """An officer who has been here. `id`: what work is given to them by."""

    id: str
    name: str
    agency: str
    roles: tuple[str, ...]

    @classmethod
    def of(cls, officer: Officer) -> "OfficerView":
        return cls(id=officer.id, name=officer.name, agency=officer.agency, roles=officer.roles)


class OfficerPage(Page[OfficerView]):
    """By id."""
