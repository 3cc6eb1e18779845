"""The bodies and answers of the routes about dossiers."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    EmailStr,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from chassis.paging import PageQuery
from chassis.web import Body
from intake.domain.dossiers import Applicant, Dossier, Entry, Filing, Status, Submitted
from intake.events import ApplicantKind, Channel, Dimensions
from intake.schemas.fields import FormField, Identifier, Instant, Line, Phone, ResultReturn, Text, storable

_PERSON = re.compile(r"\d{9}|\d{12}", re.ASCII)
_ORGANISATION = re.compile(r"\d{10}|\d{13}|\d{10}-\d{3}", re.ASCII)


class ApplicantBody(Body):
    """`identity`: a person's 12 (or 9) digits, an organisation's tax code."""

    kind: ApplicantKind
    name: Line
    identity: Annotated[str, StringConstraints(max_length=20)] | None = None
    phone: Phone | None = None
    email: Annotated[EmailStr, Field(max_length=254)] | None = None
    address: Line | None = None

    @field_validator("identity")
    @classmethod
    def _identity_fits_kind(cls, identity: str | None, others: ValidationInfo) -> str | None:
        pattern = _PERSON if others.data.get("kind") == "citizen" else _ORGANISATION
        if identity is not None and "kind" in others.data and not pattern.fullmatch(identity):
            raise ValueError("9 or 12 digits for a citizen, 10 or 13 for anybody else")
        return identity


class ComponentBody(Body):
    """A component on paper, with how many were handed in; `digitised`: scanned at the counter."""

    code: Identifier
    originals: Annotated[int, Field(ge=0, le=100)] = 0
    copies: Annotated[int, Field(ge=0, le=100)] = 0
    digitised: bool = False


class FileBody(Body):
    procedure: Identifier
    agency: Identifier
    channel: Channel
    applicant: ApplicantBody
    on_behalf_of: Line | None = None
    assisted_by: Line | None = None
    form: Annotated[dict[FormField, Any], Field(max_length=200), AfterValidator(storable)] = Field(default_factory=dict)
    components: Annotated[tuple[ComponentBody, ...], Field(max_length=100)] = ()
    result_return: ResultReturn = "collect"

    def filing(self) -> Filing:
        return Filing(
            procedure=self.procedure,
            agency=self.agency,
            channel=self.channel,
            applicant=Applicant(**dict(self.applicant)),
            on_behalf_of=self.on_behalf_of,
            assisted_by=self.assisted_by,
            form=self.form,
            components=tuple(Submitted(**dict(component)) for component in self.components),
            result_return=self.result_return,
        )


class ReceptionBody(Body):
    """Nothing is asked yet: the code and the due date are the system's."""


class RefusalBody(Body):
    reason: Text


class HandoverBody(Body):
    to: Line
    method: ResultReturn


class ListQuery(PageQuery):
    """`q`: a dossier's whole code."""

    agency: Identifier | None = None
    status: Status | None = None
    procedure: Identifier | None = None
    due_before: Instant | None = None
    q: Annotated[str, Field(max_length=60)] | None = None


class StatesQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000


class TrackingQuery(Body):
    secret: Annotated[str, Field(max_length=40)] | None = None
    phone: Phone | None = None


class FeeView(BaseModel):
    amount: int


class TrackingKeys(BaseModel):
    code: str
    secret: str


class Filed(BaseModel):
    """`code` and `due_at` are there when the dossier was received at once."""

    id: str
    code: str | None
    status: Status
    version: int
    due_at: datetime | None
    fee: FeeView | None
    tracking: TrackingKeys

    @classmethod
    def of(cls, dossier: Dossier, version: int) -> "Filed":
        return cls(
            id=dossier.id,
            code=dossier.code,
            status=dossier.status,
            version=version,
            due_at=dossier.due_at,
            fee=FeeView(amount=dossier.fee_amount) if dossier.fee_amount else None,
            tracking=TrackingKeys(code=dossier.code or dossier.id, secret=dossier.secret),
        )


class Acted(BaseModel):
    """What an act on a dossier answers."""

    id: str
    code: str | None
    status: Status
    version: int
    due_at: datetime | None

    @classmethod
    def of(cls, dossier: Dossier, version: int) -> "Acted":
        return cls(id=dossier.id, code=dossier.code, status=dossier.status, version=version, due_at=dossier.due_at)


class StepView(BaseModel):
    name: str
    agency: str
    at: datetime


class HandoverView(BaseModel):
    at: datetime
    to: str
    method: ResultReturn


class Listed(BaseModel):
    """A dossier in a list."""

    id: str
    code: str | None
    status: Status
    version: int
    procedure: str
    procedure_name: str
    agency: str
    channel: Channel
    applicant_name: str
    filed_at: datetime
    received_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, dossier: Dossier, version: int) -> "Listed":
        return cls(
            id=dossier.id,
            code=dossier.code,
            status=dossier.status,
            version=version,
            procedure=dossier.dimensions.procedure,
            procedure_name=dossier.procedure_name,
            agency=dossier.dimensions.agency,
            channel=dossier.dimensions.channel,
            applicant_name=dossier.applicant.name,
            filed_at=dossier.filed_at,
            received_at=dossier.received_at,
            due_at=dossier.due_at,
            finished_at=dossier.finished_at,
        )


class DossierView(BaseModel):
    """A dossier, whole, for those who may see it."""

    id: str
    code: str | None
    status: Status
    version: int
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    agencies: tuple[str, ...]
    applicant: Applicant
    on_behalf_of: str | None
    assisted_by: str | None
    form: dict[str, Any]
    components: tuple[Submitted, ...]
    result_return: ResultReturn
    fee: FeeView | None
    filed_at: datetime
    received_at: datetime | None
    due_at: datetime | None
    refused_at: datetime | None
    refusal_reason: str | None
    started_at: datetime | None
    steps_total: int
    steps_done: tuple[StepView, ...]
    finished_at: datetime | None
    outcome: str | None
    timing: str | None
    handover: HandoverView | None

    @classmethod
    def of(cls, dossier: Dossier, version: int) -> "DossierView":
        same = {name: getattr(dossier, name) for name in cls.model_fields if hasattr(dossier, name)}
        return cls(
            **{
                **same,
                "version": version,
                "fee": FeeView(amount=dossier.fee_amount) if dossier.fee_amount else None,
                "steps_done": tuple(
                    StepView(name=step.name, agency=step.agency, at=step.at) for step in dossier.steps_done
                ),
                "handover": HandoverView(**{k: getattr(dossier.handover, k) for k in ("at", "to", "method")})
                if dossier.handover
                else None,
            }
        )


class DossierPage(BaseModel):
    items: list[Listed]
    next: str | None


class State(BaseModel):
    """What a recount needs of a dossier."""

    id: str
    procedure: str
    procedure_version: int
    field: str
    service_level: Any
    agency: str
    channel: Channel
    applicant_kind: ApplicantKind
    status: Status
    filed_at: datetime
    received_at: datetime | None
    refused_at: datetime | None
    finished_at: datetime | None
    timing: str | None
    handed_over_at: datetime | None
    digitised: bool

    @classmethod
    def of(cls, document: dict[str, Any]) -> "State":
        components = document["components"]
        instants = ("status", "filed_at", "received_at", "refused_at", "finished_at", "timing")
        return cls.model_validate(
            {
                "id": document["_id"],
                "handed_over_at": (document.get("handover") or {}).get("at"),
                "digitised": bool(components) and all(component["digitised"] for component in components),
                **document["dimensions"],
                **{name: document.get(name) for name in instants},
            }
        )


class StatesPage(BaseModel):
    items: list[State]
    next: str | None


class JournalEntry(BaseModel):
    act: str
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str

    @classmethod
    def of(cls, entry: Entry) -> "JournalEntry":
        return cls(
            act=entry.act, at=entry.at, recorded_at=entry.recorded_at, by=entry.by, note=entry.note, hash=entry.hash
        )


class Journal(BaseModel):
    items: list[JournalEntry]
    next: str | None


class Verification(BaseModel):
    """`first_broken`: the index of the first entry that was changed after it was written."""

    intact: bool
    entries: int
    first_broken: int | None


class Tracking(BaseModel):
    """What the public sees: nothing that identifies the applicant."""

    code: str | None
    status: Status
    status_text: str
    procedure_name: str
    agency_name: str
    filed_at: datetime
    received_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    steps_done: list[StepView]
    steps_total: int
