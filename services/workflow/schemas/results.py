"""Result documents and their signing."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from chassis.paging import PageQuery
from chassis.web import Body
from workflow.domain import issuing
from workflow.domain.processes import Process
from workflow.domain.results import MOST_AT_ONCE, Refusal, Result, ResultState, Signing, state_of
from workflow.schemas.fields import Identifier, Note
from workflow.signing.verifying import Signature

Number = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f<>]+$")]
Basis = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Key = Literal["officer", "agency"]


class ResultBody(Body):
    """A result from the procedure's template. `number`: the paper's (số, ký hiệu); `note`: the template's
    `decision.note`."""

    number: Number | None = None
    note: Note | None = None


class SignatureBody(Body):
    """With whose certificate: the caller's own, or their agency's."""

    key: Key = "agency"


class SigningsBody(Body):
    """Many at once, each once."""

    ids: Annotated[list[Identifier], Field(min_length=1, max_length=MOST_AT_ONCE)]
    key: Key = "agency"


class RecallBody(Body):
    """`basis`: the decision, or the article, by which it is taken back."""

    reason: Note
    basis: Basis


class ReplacementBody(Body):
    """`by`: the signed result that takes its place."""

    by: Identifier
    reason: Note
    basis: Basis


class ResultsQuery(PageQuery):
    """By page."""


class SignedView(BaseModel):
    """`name`: the certificate's."""

    by: str
    name: str
    key: Literal["officer", "agency", "uploaded"]
    at: datetime


class ResultView(BaseModel):
    """`printing`: whether the file is there. `verification`: the public page. `ended_at`, `reason`, `basis`: of a
    recall or a replacement; `replaced_by` is in its place."""

    id: str
    dossier: str
    code: str
    procedure: str
    name: str
    kind: str | None
    number: str | None
    agency: str
    source: Literal["template", "upload"]
    state: ResultState
    printing: Literal["waiting", "made", "failed"]
    sha256: str | None
    size: int | None
    pages: int | None
    made_by: str
    made_at: datetime
    signature: SignedView | None
    issued_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    basis: str | None
    replaced_by: str | None
    verification: str
    version: int

    @classmethod
    def of(cls, result: Result, process: Process | None, url: str, version: int) -> "ResultView":
        given = None if process is None else issuing.issued(process, result.id)
        same = {
            name: getattr(result, name)
            for name in cls.model_fields
            if name not in ("signature", "state") and hasattr(result, name)
        }
        signed = result.signature
        return cls(
            **same,
            state=state_of(result, process),
            signature=None
            if signed is None
            else SignedView(by=signed.by, name=signed.name, key=signed.key, at=signed.at),
            issued_at=None if given is None else given.issued_at,
            ended_at=None if given is None else given.ended_at,
            reason=None if given is None else given.reason,
            basis=None if given is None else given.basis,
            replaced_by=None if given is None else given.replaced_by,
            verification=url,
            version=version,
        )


class ResultPage(BaseModel):
    items: list[ResultView]
    next: str | None


class ResultWaiting(BaseModel):
    """It is being printed: ask again after Retry-After seconds."""

    state: Literal["waiting"] = "waiting"
    result: str


class ItemView(BaseModel):
    """`reason`: why it was refused."""

    result: str
    state: Literal["waiting", "signed", "refused"]
    reason: Refusal | None


class SigningView(BaseModel):
    """A request to sign, and how far it is."""

    id: str
    state: Literal["running", "finished"]
    key: Key
    at: datetime
    finished_at: datetime | None
    total: int
    signed: int
    refused: int
    waiting: int
    items: list[ItemView]

    @classmethod
    def of(cls, signing: Signing) -> "SigningView":
        states = [item.state for item in signing.items]
        return cls(
            id=signing.id,
            state="running" if signing.finished_at is None else "finished",
            key=signing.key,
            at=signing.at,
            finished_at=signing.finished_at,
            total=len(states),
            signed=states.count("signed"),
            refused=states.count("refused"),
            waiting=states.count("waiting"),
            items=[ItemView(result=item.result, state=item.state, reason=item.reason) for item in signing.items],
        )


class SignatureView(BaseModel):
    """`intact`: nothing that was signed was changed; `trusted`: its certificate leads to one that the province
    trusts."""

    signer: str
    at: datetime | None
    intact: bool
    trusted: bool

    @classmethod
    def of(cls, found: Signature) -> "SignatureView":
        return cls(signer=found.signer, at=found.at, intact=found.intact, trusted=found.trusted)


class Verification(BaseModel):
    """What a result is worth. `issued_here`: it is, byte for byte, what was given out. `valid`: it is, it is in force,
    and its signatures hold. Nothing personal."""

    valid: bool
    issued_here: bool
    state: Literal["issued", "recalled", "replaced"] | None
    name: str | None
    code: str | None
    agency: str | None
    sha256: str
    issued_at: datetime | None
    ended_at: datetime | None
    signatures: list[SignatureView]
    vi: str
    en: str
