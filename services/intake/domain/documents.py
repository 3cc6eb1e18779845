"""The electronic store of people's documents (kho quản lý dữ liệu điện tử của tổ chức, cá nhân), its reuse, and the
digitisation that feeds it. Plain Python.

What was accepted with a dossier once need not be handed in again (Nghị định 45/2020, Thông tư 01/2023/TT-VPCP). A
document's `kind` is the code of the result that it is; a component that is no procedure's result has a kind of its own,
which only the same component of the same procedure asks for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chassis.errors import Forbidden, Invalid, NotFound, WrongState
from chassis.evolving import replace
from chassis.worktime import local_day
from intake import events
from intake.domain.dossiers import By, Certified, Dossier, Status, Submitted, Turn, due_for_deposit, noted
from intake.domain.files import Scan, StoredFile
from intake.domain.results import in_force
from intake.inbound import Component, Procedure

Looker = Literal["self", "officer", "system"]
Act = Literal["listed", "offered", "reused", "refused"]


class IdentityUnknown(Forbidden):
    code = "identity_unknown"
    title = "Tài khoản chưa được xác thực số định danh nên chưa mở được kho giấy tờ"


class AlreadyHeld(WrongState):
    """The state holds it already, so it is not asked for again."""

    code = "already_held"
    title = "Giấy tờ đã có trong kho dữ liệu điện tử, không yêu cầu nộp lại"


class NotOnPaper(WrongState):
    code = "not_on_paper"
    title = "Thành phần hồ sơ không được nộp bằng bản giấy nên không cần số hóa"


class NotDigitisable(WrongState):
    code = "not_digitisable"
    title = "Hồ sơ đã bị từ chối hoặc đã rút, không số hóa được nữa"


class NotDigitised(WrongState):
    code = "not_digitised"
    title = "Thành phần hồ sơ chưa có bản số hóa được chứng thực"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of `owner`: an identity number or tax code (see `owner_of`).

    `source`: a component that was handed in with `dossier`, or the result of it. `file`: its content, None for a result
    that is not there as a file; `sha256`: that file's. `issued_on`, `valid_to` (the last day that it is valid): None
    where nobody said. `certified_by`: the officer who certified the scan. `shared`: officers may see it and it is found
    for new dossiers; its owner may always use it. `revision`: what it was made from, the dossier's `deposit`.
    `withdrawn_at`: since then it is not there any more, because the scan that it was made of was taken back, or the
    result was recalled. `result`: the signed document at workflow that it is, whose file has this `sha256`.
    """

    id: str
    owner: str
    kind: str
    name: str
    source: Literal["component", "result"]
    dossier: str
    component: str | None
    procedure: str
    agency: str
    file: str | None
    sha256: str | None
    pages: int | None
    issued_on: date | None
    valid_to: date | None
    certified_by: str | None
    kept_at: datetime
    revision: int
    shared: bool = True
    withdrawn_at: datetime | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Somebody saw what the store holds of `owner`: who, acting for which agency, for which dossier or procedure, why,
    how many documents were shown, and when. `name`: of who looked, where it is known."""

    id: str
    owner: str
    subject: str
    name: str | None
    by: Looker
    agency: str | None
    dossier: str | None
    procedure: str | None
    act: Act
    purpose: str
    documents: int
    at: datetime

    @property
    def told(self) -> events.DocumentLookedUp:
        return events.DocumentLookedUp(
            agency=self.agency,
            procedure=self.procedure,
            by=self.by,
            act=self.act,
            documents=self.documents,
            at=self.at,
        )


def owner_of(identity: str) -> str:
    """The number by which a person's documents are known; a tax code is the same with and without its hyphen."""
    return identity.replace("-", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose documents the caller wants to see, for which dossier, and why; None where nothing was said."""

    owner: str | None = None
    dossier: str | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """What the store has for one component of a procedure."""

    component: Component
    documents: tuple[Document, ...]
    demanded: bool


# -- kinds and validity ------------------------------------------------------------------------------------------------


def kind_of(procedure: Procedure, component: Component) -> str:
    return component.result_code or f"{procedure.code}/{component.code}"


def fitting_kinds(procedure: Procedure, component: Component) -> tuple[str, ...]:
    """Of what kinds a document may be that stands for the component."""
    own = f"{procedure.code}/{component.code}"
    return (own,) if component.result_code is None else (component.result_code, own)


def valid_on(document: Document, day: date) -> bool:
    """Whether it may be used on that day."""
    begun = document.issued_on is None or document.issued_on <= day
    return begun and (document.valid_to is None or day <= document.valid_to) and document.withdrawn_at is None


def standing_for(
    procedure: Procedure, component: Component, documents: Iterable[Document], day: date
) -> list[Document]:
    """Those of the documents that may be handed in for the component on that day."""
    kinds = fitting_kinds(procedure, component)
    return [document for document in documents if document.kind in kinds and valid_on(document, day)]


def held_for(procedure: Procedure, component: Component, documents: Iterable[Document], day: date) -> list[Document]:
    """Those of the documents for whose sake the component is not asked for.

    Only what an authority gave as a result is held by the state. A declaration that somebody filled in for another
    dossier is offered, but says nothing of this one.
    """
    if component.result_code is None:
        return []
    found = standing_for(procedure, component, documents, day)
    return [document for document in found if document.kind == component.result_code]


def is_demanded(component: Component, held: Sequence[Document]) -> bool:
    """Whether the applicant has to do something about the component: hand it in, or choose among several that are
    held."""
    return component.required and component.replaced_by_database is None and len(held) != 1


def reused(component: str, document: Document, *, chosen: bool) -> Submitted:
    """The component as the store's document fills it."""
    return Submitted(
        code=component,
        reuse=document.id,
        file=document.file,
        kind=document.kind,
        chosen=chosen,
        issued_on=document.issued_on,
        valid_to=document.valid_to,
    )


# -- what comes into the store -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deposit:
    """What a dossier brings to the store now. `complete`: nothing of it has to wait, as files do for their virus
    scan."""

    documents: tuple[Document, ...]
    complete: bool


def deposit(
    dossier: Dossier, procedure: Procedure, files: Mapping[str, StoredFile], id_of: Callable[[str], str]
) -> Deposit:
    """Every accepted component that has a file, and the result of an approved dossier.

    Accepted: the dossier was received, or an officer certified the scan. What was reused is there already. `id_of`: the
    identifier of the dossier's document for a component's code, or for "" of the result.
    """
    identity = dossier.applicant.identity
    if identity is None:
        return Deposit((), complete=True)
    owner, revision = owner_of(identity), abs(dossier.deposit)
    names = {component.code: component for component in procedure.components}
    documents: list[Document] = []
    complete = True
    for given in dossier.components:
        component, file = names.get(given.code), files.get(given.file or "")
        accepted_at = given.certified.at if given.certified is not None else dossier.received_at
        if component is None or given.reuse is not None or accepted_at is None or file is None:
            continue
        if file.scan is Scan.PENDING:
            complete = False
        elif file.scan is not Scan.INFECTED:
            documents.append(
                Document(
                    id=id_of(given.code),
                    owner=owner,
                    kind=kind_of(procedure, component),
                    name=component.name,
                    source="component",
                    dossier=dossier.id,
                    component=given.code,
                    procedure=procedure.code,
                    agency=dossier.dimensions.agency,
                    file=file.id,
                    sha256=file.sha256,
                    pages=file.pages,
                    issued_on=given.issued_on,
                    valid_to=given.valid_to,
                    certified_by=given.certified.by if given.certified is not None else None,
                    kept_at=accepted_at,
                    revision=revision,
                )
            )
    issued = in_force(dossier)
    taken_back = bool(dossier.results) and issued is None
    if (
        dossier.outcome == "approved"
        and dossier.finished_at is not None
        and procedure.result is not None
        and not taken_back
    ):
        documents.append(
            Document(
                id=id_of(""),
                owner=owner,
                kind=procedure.result.code or f"{procedure.code}/result",
                name=procedure.result.name,
                source="result",
                dossier=dossier.id,
                component=None,
                procedure=procedure.code,
                agency=dossier.dimensions.agency,
                file=None,
                sha256=None if issued is None else issued.sha256,
                pages=None,
                issued_on=local_day(dossier.finished_at if issued is None else issued.issued_at),
                valid_to=None,
                certified_by=None,
                kept_at=dossier.finished_at,
                revision=revision,
                result=None if issued is None else issued.id,
            )
        )
    return Deposit(tuple(documents), complete)


def renewed(known: Document, wanted: Document | None, revision: int, at: datetime) -> Document:
    """What becomes of a document when its dossier is looked at again: the newest state of the dossier counts, whoever
    looks first. `wanted`: as the dossier brings it at that `revision`, None when it does not any more."""
    if known.revision >= revision:
        return known
    if wanted is None:
        return replace(known, revision=revision, withdrawn_at=known.withdrawn_at or at)
    return replace(wanted, shared=known.shared, kept_at=known.kept_at, withdrawn_at=None)


def reuses(dossier: Dossier, id_of: Callable[[str], str]) -> list[Lookup]:
    """The look-ups that handing the dossier in was, one for each component that the store gave."""
    identity = dossier.applicant.identity
    if identity is None:
        return []
    filed = dossier.journal[0]
    return [
        Lookup(
            id=id_of(f"{given.code} {given.reuse}"),
            owner=owner_of(identity),
            subject=filed.by,
            name=None,
            by=looker(filed.by, own=dossier.owner is not None),
            agency=dossier.dimensions.agency,
            dossier=dossier.id,
            procedure=dossier.dimensions.procedure,
            act="reused",
            purpose=dossier.procedure_name,
            documents=1,
            at=filed.at,
        )
        for given in dossier.components
        if given.reuse is not None
    ]


def looker(subject: str, *, own: bool) -> Looker:
    if own:
        return "self"
    return "system" if subject.startswith("system:") else "officer"


# -- digitisation at the counter ---------------------------------------------------------------------------------------


def digitise(
    dossier: Dossier, component: str, file: StoredFile, issued_on: date | None, valid_to: date | None, by: By
) -> Turn:
    """The one-stop unit attaches the scan of a component that came on paper, and certifies it. A scan that was there is
    replaced; the journal keeps both.

    NotFound, NotOnPaper, NotDigitisable.
    """
    given = _on_paper(dossier, component, by)
    certified = Certified(by=by.who, at=by.at, pages=file.pages)
    scanned = replace(
        given,
        file=file.id,
        digitised=True,
        certified=certified,
        issued_on=issued_on or given.issued_on,
        valid_to=valid_to or given.valid_to,
    )
    return _scanned(dossier, scanned, by, "digitised", f"{component} {file.id} {file.sha256}")


def take_back_scan(dossier: Dossier, component: str, reason: str, by: By) -> Turn:
    """The certified scan of a component is taken back: a wrong or an unreadable one. NotFound, NotDigitised…"""
    given = _on_paper(dossier, component, by)
    if given.certified is None:
        raise NotDigitised(f"{component} has no certified scan")
    without = replace(given, file=None, digitised=False, certified=None)
    return _scanned(dossier, without, by, "scan_taken_back", f"{component} {given.file} {reason}")


def _on_paper(dossier: Dossier, component: str, by: By) -> Submitted:
    given = next((given for given in dossier.components if given.code == component), None)
    if given is None:
        raise NotFound(f"the dossier has no component {component}")
    if dossier.status in (Status.REFUSED, Status.WITHDRAWN):
        raise NotDigitisable(f"the dossier is {dossier.status}")
    if given.paper is None:
        raise NotOnPaper(f"{component} did not come on paper")
    if by.at < (given.certified.at if given.certified is not None else dossier.filed_at):
        raise Invalid("the act lies before what was done last", code="before_filing")
    return given


def _scanned(dossier: Dossier, given: Submitted, by: By, act: str, note: str) -> Turn:
    components = tuple(given if known.code == given.code else known for known in dossier.components)
    dossier = due_for_deposit(replace(dossier, components=components))
    told = events.DocumentDigitised(
        dimensions=dossier.dimensions,
        component=given.code,
        scanned=given.certified is not None,
        pages=None if given.certified is None else given.certified.pages,
        digitised=dossier.digitised,
        at=by.at,
    )
    return noted(dossier, act, by, note), (told,)
