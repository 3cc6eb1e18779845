"""The bodies and answers of the routes about dossiers."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from chassis.paging import PageQuery
from chassis.web import Body
from intake import texts
from intake.domain.dossiers import Applicant, Dossier, Entry, Filing, Paper, Status, Submitted
from intake.domain.formats import ORGANISATION, PERSON
from intake.domain.parts import (
    DueChange,
    Handover,
    OnBehalf,
    PauseKind,
    PostItem,
    Rating,
    Standstill,
    Stop,
    Supplement,
    Withdrawal,
)
from intake.events import ApplicantKind, Channel, Dimensions
from intake.schemas.fields import Email, FormField, Identifier, Instant, Line, Phone, ResultReturn, Text, storable
from intake.schemas.payments import FeeView
from intake.texts import RefusalReason


class ApplicantBody(Body):
    """`identity`: a person's 12 (or 9) digits, an organisation's tax code."""

    kind: ApplicantKind
    name: Line
    identity: Annotated[str, StringConstraints(max_length=20)] | None = None
    phone: Phone | None = None
    email: Email | None = None
    address: Line | None = None

    @field_validator("identity")
    @classmethod
    def _identity_fits_kind(cls, identity: str | None, others: ValidationInfo) -> str | None:
        pattern = PERSON if others.data.get("kind") == "citizen" else ORGANISATION
        if identity is not None and "kind" in others.data and not pattern.fullmatch(identity):
            raise ValueError("9 or 12 digits for a citizen, 10 or 13 for anybody else")
        return identity


class PaperBody(Body):
    """How many were handed in, at least one."""

    originals: Annotated[int, Field(ge=0, le=100)] = 0
    copies: Annotated[int, Field(ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.originals and not self.copies:
            raise PydanticCustomError("nothing_handed_in", "at least one original or copy")
        return self


class ComponentBody(Body):
    """A component: `file`, an uploaded one's id; or `reuse`, the id of a document that the electronic store holds; or
    `paper`. Paper with a file from the counter is paper that was scanned there, certified by who hands it in;
    `digitised` without a file: scanned into the office's own system. `issued_on` and `valid_to`, its last day: what the
    paper says of itself."""

    code: Identifier
    file: Identifier | None = None
    reuse: Identifier | None = None
    paper: PaperBody | None = None
    digitised: bool = False
    issued_on: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.file is None and self.reuse is None and self.paper is None:
            raise PydanticCustomError("nothing_handed_in", "a file, a document to reuse, or paper")
        if self.reuse is not None and (self.file is not None or self.paper is not None):
            raise PydanticCustomError("reused_alone", "what is reused comes neither as a file nor on paper")
        if self.digitised and self.paper is None:
            raise PydanticCustomError("not_on_paper", "only paper is digitised")
        if self.issued_on is not None and self.valid_to is not None and self.valid_to < self.issued_on:
            raise PydanticCustomError("valid_to_before_issue", "valid_to must not be before issued_on")
        return self

    def submitted(self) -> Submitted:
        return Submitted(**{**dict(self), "paper": None if self.paper is None else Paper(**dict(self.paper))})


class OnBehalfBody(Body):
    """Whoever hands in for the applicant. `authorisation`: by which paper, for example its number and day."""

    name: Line
    identity: Annotated[str, StringConstraints(pattern=PERSON.pattern)] | None = None
    authorisation: Line | None = None


class PostBody(Body):
    """The public post's own numbers: of its order, and for following the consignment."""

    order: Identifier
    tracking: Identifier | None = None


def _named(given: Any) -> Any:
    """A name alone stands for somebody of that name."""
    return {"name": given} if isinstance(given, str) else given


class FileBody(Body):
    """`office_number`: what an office's own software calls the dossier. The same thing sent again under the same number
    is the first dossier, whatever the key. `source`: it was filed with this other system, whose number of it is
    `office_number`; for the province's own integration bus."""

    procedure: Identifier
    agency: Identifier
    channel: Channel
    applicant: ApplicantBody
    on_behalf_of: Annotated[OnBehalfBody, BeforeValidator(_named)] | None = None
    assisted_by: Line | None = None
    post: PostBody | None = None
    office_number: Identifier | None = None
    form: Annotated[dict[FormField, Any], Field(max_length=200), AfterValidator(storable)] = Field(default_factory=dict)
    components: Annotated[tuple[ComponentBody, ...], Field(max_length=100)] = ()
    result_return: ResultReturn = "collect"
    exemptions: Annotated[tuple[Identifier, ...], Field(max_length=20)] = ()
    source: Literal["national_portal"] | None = None

    @model_validator(mode="after")
    def _number_of_the_source(self) -> Self:
        if self.source is not None and self.office_number is None:
            raise PydanticCustomError("source_number_missing", "a dossier from another system has its number there")
        return self

    def filing(self) -> Filing:
        return Filing(
            procedure=self.procedure,
            agency=self.agency,
            channel=self.channel,
            applicant=Applicant(**dict(self.applicant)),
            on_behalf_of=None if self.on_behalf_of is None else OnBehalf(**dict(self.on_behalf_of)),
            assisted_by=self.assisted_by,
            post=None if self.post is None else PostItem(**dict(self.post)),
            office_number=self.office_number,
            form=self.form,
            components=tuple(component.submitted() for component in self.components),
            result_return=self.result_return,
            exemptions=self.exemptions,
            source=self.source,
        )


class ReceptionBody(Body):
    """`exemptions`: the codes of those claimed exemptions from fees that are confirmed; for the others the fee is
    asked. Without it, all that are claimed are."""

    exemptions: Annotated[tuple[Identifier, ...], Field(max_length=20)] | None = None


class RefusalBody(Body):
    """`reason_code`: one of the reasons that the service lists; `reason`: in the officer's own words. One at least."""

    reason_code: RefusalReason | None = None
    reason: Annotated[Text | None, Field(validate_default=True)] = None

    @field_validator("reason")
    @classmethod
    def _some_reason(cls, reason: str | None, others: ValidationInfo) -> str | None:
        if reason is None and others.data.get("reason_code", "") is None:
            raise PydanticCustomError("missing", "a reason, or the code of one")
        return reason

    def text(self) -> str:
        """What the applicant reads."""
        listed = [] if self.reason_code is None else [texts.REFUSAL_REASONS[self.reason_code][0]]
        return ". ".join([*listed, *([] if self.reason is None else [self.reason])])


class RefusalReasonView(BaseModel):
    code: str
    vi: str
    en: str


class RefusalReasons(BaseModel):
    items: list[RefusalReasonView]
    next: None = None


class HandoverBody(Body):
    """Collected: `signature` is the file with the receiver's signature, or `signed_on_paper` says that it is on paper.
    `post`: the post's numbers of what was sent by it."""

    to: Line
    method: ResultReturn
    signature: Identifier | None = None
    signed_on_paper: bool = False
    post: PostBody | None = None


class SupplementRequestBody(Body):
    """`components`: the codes of what is to be handed in; none when the reason says what else is wrong. `until`: the
    last day that is waited for it."""

    components: Annotated[tuple[Identifier, ...], Field(max_length=100)] = ()
    reason: Text
    until: date | None = None


class SupplementBody(Body):
    """`form`: the whole form anew; without it, it stays as it was."""

    components: Annotated[tuple[ComponentBody, ...], Field(max_length=100)] = ()
    form: Annotated[dict[FormField, Any], Field(max_length=200), AfterValidator(storable)] | None = None


class WithdrawalBody(Body):
    reason: Text


class RatingBody(Body):
    """From 1, very dissatisfied, to 5, very satisfied."""

    score: Annotated[int, Field(ge=1, le=5)]
    comment: Text | None = None


class PublicRatingBody(RatingBody):
    """`secret`: the receipt's."""

    secret: Annotated[str, Field(max_length=40)]


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
            fee=FeeView.of(dossier),
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


class DueChangeView(BaseModel):
    """The due date became another one. `text`: why, in Vietnamese; `reason` and `basis`: in the agency's own words.
    `apology`: with an apology (form 04)."""

    at: datetime
    why: str
    text: str
    previous_due_at: datetime | None
    due_at: datetime | None
    reason: str | None
    basis: str | None
    apology: bool

    @classmethod
    def of(cls, change: DueChange) -> "DueChangeView":
        same = {name: getattr(change, name) for name in cls.model_fields if name != "text"}
        return cls(**same, text=texts.DUE_CHANGE[change.why][0])


class PauseView(BaseModel):
    """Since when workflow's clock stands still, and what it waits for."""

    kind: PauseKind
    text: str
    since: datetime
    reason: str | None
    basis: str | None

    @classmethod
    def of(cls, said: Standstill | None) -> "PauseView | None":
        """None while the clock goes on."""
        if said is None or said.kind is None:
            return None
        return cls(
            kind=said.kind, text=texts.PAUSE[said.kind][0], since=said.at, reason=said.reason, basis=said.basis
        )  # fmt: skip


class SupplementView(BaseModel):
    """A request to supplement (form 02). `agency`: the one that works on the dossier and asks after its reception;
    null: the one-stop unit asked before it."""

    asked_at: datetime
    components: tuple[str, ...]
    reason: str
    until: date | None
    given_at: datetime | None
    agency: str | None

    @classmethod
    def of(cls, asked: Supplement) -> "SupplementView":
        return cls(**{name: getattr(asked, name) for name in cls.model_fields})


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
    handled_by: str
    applicant: Applicant
    on_behalf_of: OnBehalf | None
    assisted_by: str | None
    post: PostItem | None
    office_number: str | None
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
    due_changes: tuple[DueChangeView, ...]
    pause: PauseView | None
    supplements: tuple[SupplementView, ...]
    withdrawal: Withdrawal | None
    stop: Stop | None
    handover: Handover | None
    rating: Rating | None

    @classmethod
    def of(cls, dossier: Dossier, version: int) -> "DossierView":
        same = {name: getattr(dossier, name) for name in cls.model_fields if hasattr(dossier, name)}
        return cls(
            **{
                **same,
                "version": version,
                "fee": FeeView.of(dossier),
                "due_changes": tuple(map(DueChangeView.of, dossier.due_changes)),
                "pause": PauseView.of(dossier.halted),
                "supplements": tuple(map(SupplementView.of, dossier.supplements)),
                "steps_total": dossier.steps_in_all,
                "steps_done": tuple(
                    StepView(name=step.name, agency=step.agency, at=step.at) for step in dossier.steps_done
                ),
                "office_number": dossier.office.number if dossier.office else None,
            }
        )


class DossierPage(BaseModel):
    items: list[Listed]
    next: str | None


class State(BaseModel):
    """What a recount needs of a dossier. `paused`: what it waits for while workflow's clock stands still, since
    `paused_since`. `supplements_asked`: when, after its reception. `reused`: somebody chose a component from the
    electronic store. `paid_at`: the first payment that stands; `paid_online`: all that stand were made online."""

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
    withdrawn_at: datetime | None
    finished_at: datetime | None
    timing: str | None
    stopped_at: datetime | None
    paused: PauseKind | None
    paused_since: datetime | None
    due_at: datetime | None
    supplements_asked: list[datetime]
    handed_over_at: datetime | None
    digitised: bool
    reused: bool = False
    paid_at: datetime | None = None
    paid_online: bool = False
    rated_at: datetime | None = None
    score: int | None = None

    @classmethod
    def of(cls, document: dict[str, Any]) -> "State":
        components, clock = document["components"], document.get("standstill") or {}
        paid = [payment for payment in document.get("payments", ()) if payment.get("reversal") is None]
        rating = document.get("rating") or {}
        instants = ("status", "filed_at", "received_at", "refused_at", "finished_at", "timing", "due_at")
        return cls.model_validate(
            {
                "id": document["_id"],
                "withdrawn_at": (document.get("withdrawal") or {}).get("at"),
                "stopped_at": (document.get("stop") or {}).get("at"),
                "paused": clock.get("kind"),
                "paused_since": clock.get("at") if clock.get("kind") else None,
                "supplements_asked": [s["asked_at"] for s in document.get("supplements", ()) if s.get("told")],
                "handed_over_at": (document.get("handover") or {}).get("at"),
                "digitised": bool(components) and all(c.get("paper") is None or c["digitised"] for c in components),
                "reused": any(c.get("reuse") is not None and c.get("chosen") for c in components),
                "paid_at": min((payment["paid_at"] for payment in paid), default=None),
                "paid_online": bool(paid) and all(payment["channel"] == "online" for payment in paid),
                "rated_at": rating.get("at"),
                "score": rating.get("score"),
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


class LackingView(BaseModel):
    """What the applicant is to hand in: `components` by their names. None are named when the request (form 02) says
    what else is wrong."""

    asked_at: datetime
    components: list[str]
    until: date | None


class DueMoved(BaseModel):
    """The due date became another one. `text`: why, in Vietnamese. The agency's own words may name people, so the
    applicant has them in the dossier and in a message."""

    at: datetime
    text: str
    apology: bool
    previous_due_at: datetime | None
    due_at: datetime | None

    @classmethod
    def of(cls, change: DueChange) -> "DueMoved":
        return cls(
            at=change.at,
            text=texts.DUE_CHANGE[change.why][0],
            apology=change.apology,
            previous_due_at=change.previous_due_at,
            due_at=change.due_at,
        )


class Tracking(BaseModel):
    """What the public sees: nothing that identifies the applicant. `lacking`: what is to be handed in. `fee_asked`:
    what is to be paid so that the dossier goes on, in đồng. `paused_since`: the clock stands still since then."""

    code: str | None
    status: Status
    status_text: str
    procedure_name: str
    agency_name: str
    filed_at: datetime
    received_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    stopped_at: datetime | None
    paused_since: datetime | None
    lacking: LackingView | None
    fee_asked: int
    due_changes: list[DueMoved]
    steps_done: list[StepView]
    steps_total: int
