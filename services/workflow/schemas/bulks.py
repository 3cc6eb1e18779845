"""Many acts with one request."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chassis.web import Body
from workflow.domain.bulks import MOST
from workflow.schemas.fields import Identifier, Note
from workflow.schemas.tasks import Acted, CompletionBody


class ClaimItem(Body):
    """`version`: of the dossier, as it was seen; another one is answered 412."""

    id: Identifier
    version: Annotated[int, Field(ge=1, lt=10**12)] | None = None


class CompletionItem(CompletionBody):
    """A task to be finished. `version`: of the dossier, as it was seen; another one is answered 412."""

    id: Identifier
    version: Annotated[int, Field(ge=1, lt=10**12)] | None = None


class ClaimsBody(Body):
    tasks: Annotated[list[ClaimItem], Field(min_length=1, max_length=MOST)]


class CompletionsBody(Body):
    tasks: Annotated[list[CompletionItem], Field(min_length=1, max_length=MOST)]


class AssignmentsBody(ClaimsBody):
    """`to`: an officer's subject, who gets all these tasks."""

    to: Identifier
    reason: Note | None = None


class BulkItem(BaseModel):
    """What became of one of them: `acted` with status 200, else `problem` (RFC 9457)."""

    id: str
    status: int
    acted: Acted | None = None
    problem: dict[str, Any] | None = None


class BulkAnswer(BaseModel):
    """An item for each task, in the order of the request."""

    items: list[BulkItem]
