"""The bodies and answers of the routes about people's documents."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.paging import PageQuery
from chassis.web import Body
from intake.domain.documents import Act, Asked, Document, Looker, Lookup, Offered
from intake.domain.dossiers import Dossier, Status, Submitted
from intake.inbound import Procedure
from intake.schemas.fields import Identifier, Line, Text

IdentityNumber = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{9}|[0-9]{12}|[0-9]{10}|[0-9]{13}|[0-9]{10}-[0-9]{3})$")
]
"""A person's 9 or 12 digits, or a tax code."""
Purpose = Annotated[Line, StringConstraints(min_length=3)]


class DocumentsQuery(PageQuery):
    """People see their own: `owner`, if it is given, is the number that their token vouches for. Officers name the
    dossier at their counter for which they look, and why."""

    owner: IdentityNumber | None = None
    dossier: Identifier | None = None
    purpose: Purpose | None = None

    def asked(self) -> Asked:
        return Asked(self.owner, self.dossier, self.purpose)


class OfferedQuery(Body):
    """As in the list of documents; an officer who receives may name the `owner` in place of a dossier."""

    owner: IdentityNumber | None = None
    dossier: Identifier | None = None
    purpose: Purpose | None = None

    def asked(self) -> Asked:
        return Asked(self.owner, self.dossier, self.purpose)


class SharingBody(Body):
    shared: bool


class DigitisationBody(Body):
    """`file`: the uploaded scan. `pages`: what the officer counted; it must be what the file has. `issued_on`,
    `valid_to`, the last day: what the paper says of itself."""

    file: Identifier
    certified: Literal[True]
    pages: Annotated[int, Field(ge=1, le=10_000)] | None = None
    issued_on: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.issued_on is not None and self.valid_to is not None and self.valid_to < self.issued_on:
            raise PydanticCustomError("valid_to_before_issue", "valid_to must not be before issued_on")
        return self


class ReversalBody(Body):
    reason: Text


class DocumentView(BaseModel):
    """`valid_to`: the last day on which it is valid, None when it has no end. `file`: None for a result, which is not
    there as a file. `result`: the signed document that it is, with this `sha256`, which workflow keeps and shows to its
    owner (`/api/workflow/v1/dossiers/{dossier}/result.pdf`). `certified`: an officer certified the scan."""

    id: str
    kind: str
    name: str
    source: Literal["component", "result"]
    dossier: str
    procedure: str
    agency: str
    file: str | None
    sha256: str | None
    result: str | None
    pages: int | None
    issued_on: date | None
    valid_to: date | None
    certified: bool
    shared: bool
    kept_at: datetime
    version: int | None = None

    @classmethod
    def of(cls, document: Document, version: int | None = None) -> "DocumentView":
        same = {name: getattr(document, name) for name in cls.model_fields if hasattr(document, name)}
        return cls(**{**same, "certified": document.certified_by is not None, "version": version})


class DocumentPage(BaseModel):
    items: list[DocumentView]
    next: str | None


class OfferedComponent(BaseModel):
    """`demanded`: the applicant has to hand it in, or to choose among several documents. What is not demanded although
    it is required is reused by itself, or taken from the database `replaced_by_database`."""

    component: str
    name: str
    required: bool
    replaced_by_database: str | None
    demanded: bool
    documents: list[DocumentView]


class OfferedDocuments(BaseModel):
    procedure: str
    version: int
    components: list[OfferedComponent]

    @classmethod
    def of(cls, procedure: Procedure, offered: list[Offered]) -> "OfferedDocuments":
        return cls(
            procedure=procedure.code,
            version=procedure.version,
            components=[
                OfferedComponent(
                    component=one.component.code,
                    name=one.component.name,
                    required=one.component.required,
                    replaced_by_database=one.component.replaced_by_database,
                    demanded=one.demanded,
                    documents=[DocumentView.of(document) for document in one.documents],
                )
                for one in offered
            ],
        )


class LookupView(BaseModel):
    """`by`: the owner, an officer or another system. `name`: of who looked, None where only the account is known."""

    at: datetime
    by: Looker
    subject: str
    name: str | None
    agency: str | None
    dossier: str | None
    procedure: str | None
    act: Act
    purpose: str
    documents: int

    @classmethod
    def of(cls, lookup: Lookup) -> "LookupView":
        return cls(**{name: getattr(lookup, name) for name in cls.model_fields})


class LookupPage(BaseModel):
    items: list[LookupView]
    next: str | None


class Digitised(BaseModel):
    """`digitised`: now every component that came on paper is scanned."""

    id: str
    code: str | None
    status: Status
    version: int
    digitised: bool
    component: Submitted

    @classmethod
    def of(cls, dossier: Dossier, version: int, component: str) -> "Digitised":
        [given] = [given for given in dossier.components if given.code == component]
        return cls(
            id=dossier.id,
            code=dossier.code,
            status=dossier.status,
            version=version,
            digitised=dossier.digitised,
            component=given,
        )
