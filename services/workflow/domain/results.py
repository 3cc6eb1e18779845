"""Result documents: made from the procedure's template or uploaded, signed, and, by the process, given out
(`issuing`). And the signing of many at once. Plain Python."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from chassis.errors import WrongState
from chassis.evolving import replace
from workflow.domain import issuing
from workflow.domain.parts import By, Entry, Paper
from workflow.domain.processes import Process, State, continued

MOST_RESULTS = 50
"""Of one dossier, drafts included."""
MOST_AT_ONCE = 500
"""Results that are signed by one request."""
TRIES = 3
"""So often a result is tried to be printed."""


class ResultState(StrEnum):
    """A draft is being printed or may be signed; a signed one may be decided by; an issued one is in force."""

    DRAFT = "draft"
    SIGNED = "signed"
    ISSUED = "issued"
    RECALLED = "recalled"
    REPLACED = "replaced"


class NoTemplate(WrongState):
    code = "no_template"
    title = "Thủ tục không có mẫu kết quả, xin tải tệp PDF lên"


class TemplateRefused(WrongState):
    """The procedure's template cannot be printed; `detail` says why."""

    code = "template_refused"
    title = "Mẫu kết quả của thủ tục không dùng được, xin báo người biên tập thủ tục"


class DataMissing(WrongState):
    """The template asks for something that the dossier does not have."""

    code = "result_data_missing"
    title = "Hồ sơ thiếu thông tin mà mẫu kết quả cần"


class TooManyResults(WrongState):
    code = "too_many_results"
    title = "Hồ sơ đã có quá nhiều bản kết quả"


class NoResultNow(WrongState):
    code = "no_result_now"
    title = "Hồ sơ đã rút hoặc đã dừng xử lý, không lập kết quả nữa"


class NotPrinted(WrongState):
    """There is no file yet, or it could not be printed."""

    code = "result_not_printed"
    title = "Kết quả chưa in xong hoặc không in được"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """By whom a result was signed, `name` being the certificate's. `key`: whose it is; "uploaded": it was signed before
    it came here. `signing`: the request that it was done for. `draft_sha256`: of the file before."""

    by: str
    name: str
    key: Literal["officer", "agency", "uploaded"]
    at: datetime
    signing: str | None
    draft_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`agency`: the one that makes it. `token`: opens its public verification. `printing`: of the file; `content`: what
    is printed, gone when that is done; `print_at`: when the printer is to look at it next. `file`: the content's id,
    with its `sha256`; a file that was signed is never changed again. `kind`: the code of what it is."""

    id: str
    dossier: str
    code: str
    procedure: str
    procedure_version: int
    name: str
    kind: str | None
    agency: str
    agency_name: str
    token: str
    source: Literal["template", "upload"]
    number: str | None
    made_by: str
    made_at: datetime
    printing: Literal["waiting", "made", "failed"] = "made"
    content: dict[str, Any] | None = None
    print_at: datetime | None = None
    tries: int = 0
    file: str | None = None
    sha256: str | None = None
    size: int | None = None
    pages: int | None = None
    signature: Signed | None = None
    journal: tuple[Entry, ...] = ()

    @property
    def paper(self) -> Paper:
        """As a decision names it. Raises NotPrinted."""
        if self.sha256 is None:
            raise NotPrinted(f"the result is {self.printing}")
        return Paper(id=self.id, name=self.name, kind=self.kind, sha256=self.sha256, signed=self.signature is not None)


def begun(result: Result, by: By) -> Result:
    """The result that was just made, with its first entry."""
    return _noted(result, "made", by, result.source)


def require_results_now(process: Process) -> None:
    """NoResultNow when the dossier ended without one. After its end a result may still be needed in the place of a
    wrong one."""
    if process.state in (State.WITHDRAWN, State.STOPPED):
        raise NoResultNow(f"the process is {process.state}")


def printed(result: Result, file: str, sha256: str, size: int, by: By) -> Result:
    after = replace(result, printing="made", content=None, print_at=None, file=file, sha256=sha256, size=size)
    return _noted(after, "printed", by, sha256)


def print_failed(result: Result, again_at: datetime, by: By) -> Result:
    """It is tried again at that time, unless it was tried often enough."""
    if result.tries < TRIES:
        return replace(result, print_at=again_at)
    return _noted(replace(result, printing="failed", content=None, print_at=None), "print_failed", by, None)


def signed(result: Result, file: str, sha256: str, size: int, signature: Signed, by: By) -> Result:
    """The one signature that is made here; the file that was signed is another one."""
    if result.signature is not None:
        raise AssertionError("signed before")
    after = replace(result, file=file, sha256=sha256, size=size, signature=signature)
    return _noted(after, "signed", by, f"{signature.name} {sha256}")


def state_of(result: Result, process: Process | None) -> ResultState:
    """Where it stands, which the process knows once it was given out."""
    found = None if process is None else issuing.issued(process, result.id)
    if found is not None:
        return ResultState(found.ended or "issued")
    return ResultState.DRAFT if result.signature is None else ResultState.SIGNED


def _noted(result: Result, act: str, by: By, note: str | None) -> Result:
    return replace(result, journal=continued(result.journal, act, None, by, note))


# -- many at once ------------------------------------------------------------------------------------------------------

Refusal = Literal[
    "not_found", "already_signed", "not_printed", "no_certificate", "certificate_unusable", "certificate_expired",
    "not_signable",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One result of a request to sign. `reason`: why it was refused."""

    result: str
    state: Literal["waiting", "signed", "refused"] = "waiting"
    reason: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A request to sign results with the key of the officer `by` or of `agency`. `free_at`: when a worker may take it
    up (again); None: nothing is left."""

    id: str
    key: Literal["officer", "agency"]
    by: str
    by_name: str
    agency: str | None
    at: datetime
    items: tuple[Item, ...]
    free_at: datetime | None
    finished_at: datetime | None = None


def progressed(signing: Signing, done: Item, free_at: datetime, now: datetime) -> Signing:
    """The request after one of its results was looked at; its holder keeps it until `free_at`."""
    items = tuple(done if item.result == done.result else item for item in signing.items)
    if any(item.state == "waiting" for item in items):
        return replace(signing, items=items, free_at=free_at)
    return replace(signing, items=items, free_at=None, finished_at=now)
