"""The bodies and answers of the routes about drafts."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import to_json

from chassis.errors import FieldError, Invalid
from chassis.paging import PageQuery
from chassis.web import Body, field_errors
from intake.domain.dossiers import Filing
from intake.domain.drafts import MOST_BYTES, Draft, DraftTooLarge, Findings, State
from intake.schemas.dossiers import FileBody
from intake.schemas.fields import FORM_DEPTH, Identifier, check_storable
from intake.schemas.forms import FaultView

_LEVELS = FORM_DEPTH + 2


class DraftContent(BaseModel):
    """What `POST …/dossiers` takes, as far as it is filled in; only the procedure must be known. The channel is
    `online` when it is left out."""

    model_config = ConfigDict(frozen=True, extra="allow")

    procedure: Identifier

    @model_validator(mode="after")
    def _storable(self) -> Self:
        check_storable(self.model_dump(), _LEVELS)
        return self


class DraftBody(Body):
    dossier: DraftContent

    def content(self) -> dict[str, Any]:
        """Raises DraftTooLarge."""
        content = self.dossier.model_dump()
        if len(to_json(content)) > MOST_BYTES:
            raise DraftTooLarge(f"at most {MOST_BYTES} bytes")
        return content


class DiscardBody(Body):
    """Nothing is asked."""


class DraftFilingBody(Body):
    """Nothing is asked: what is filed is what was saved."""


class DraftsQuery(PageQuery):
    state: State = State.OPEN


def read(content: dict[str, Any]) -> tuple[FileBody | None, list[FieldError]]:
    """The content as the body of a filing, None when it is not one yet; and why."""
    try:
        return FileBody.model_validate_json(to_json({"channel": "online", **content})), []
    except ValidationError as error:
        return None, field_errors(error)


def filing_of(content: dict[str, Any]) -> Filing:
    """The content as it is filed, or Invalid as the filing itself would say it."""
    body, wrong = read(content)
    if body is None:
        raise Invalid("some fields are wrong", errors=wrong)
    return body.filing()


class Saved(BaseModel):
    """`complete`: it could be filed now. `missing`: what is still to be filled in; `wrong`: what would be refused."""

    id: str
    version: int
    state: State
    procedure: str
    saved_at: datetime
    expires_at: datetime
    complete: bool
    missing: list[FaultView]
    wrong: list[FaultView]

    @classmethod
    def of(cls, draft: Draft, version: int, found: Findings) -> "Saved":
        return cls(**_shown(draft, version, found))


class DraftView(Saved):
    """`content`: as it was saved last. `dossier`: what it became."""

    content: dict[str, Any]
    dossier: str | None
    created_at: datetime

    @classmethod
    def of(cls, draft: Draft, version: int, found: Findings) -> "DraftView":
        return cls(
            **_shown(draft, version, found), content=draft.content, dossier=draft.dossier, created_at=draft.created_at
        )


class Discarded(BaseModel):
    id: str
    version: int
    state: State


class ListedDraft(BaseModel):
    id: str
    version: int
    state: State
    procedure: str
    saved_at: datetime
    expires_at: datetime
    dossier: str | None

    @classmethod
    def of(cls, draft: Draft, version: int) -> "ListedDraft":
        return cls(
            id=draft.id,
            version=version,
            state=draft.state,
            procedure=draft.procedure,
            saved_at=draft.saved_at,
            expires_at=draft.expires_at,
            dossier=draft.dossier,
        )


class DraftPage(BaseModel):
    items: list[ListedDraft]
    next: str | None


def _shown(draft: Draft, version: int, found: Findings) -> dict[str, Any]:
    wrong = [*found.mistyped, *found.unfit]
    return {
        "id": draft.id,
        "version": version,
        "state": draft.state,
        "procedure": draft.procedure,
        "saved_at": draft.saved_at,
        "expires_at": draft.expires_at,
        "complete": draft.state is State.OPEN and not (wrong or found.missing),
        "missing": [FaultView.of(error) for error in found.missing],
        "wrong": [FaultView.of(error) for error in wrong],
    }
