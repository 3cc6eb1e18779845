"""Questions about results: what there is of a dossier, and what a document is worth."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from chassis import logs
from chassis.auth import Principal
from chassis.errors import NotFound, WrongState
from chassis.paging import cursor_of, keys_of, page
from chassis.store import Loaded
from chassis.web import Upload
from workflow.domain import issuing
from workflow.domain.parts import Issued
from workflow.domain.processes import Process
from workflow.domain.results import NotPrinted, Result, Signing
from workflow.result_texts import Verdict
from workflow.signing import verifying
from workflow.signing.inspection import Inspector
from workflow.signing.verifying import Signature
from workflow.store import WorkflowStore
from workflow.usecases.access import ANY_AGENCY, sees

log = logs.get()
KEPT = 512
"""Documents of which a process remembers what their signatures are worth: they never change."""


class NoResult(WrongState):
    """No result of the dossier is in force: it is not finished, it needs none, or it was recalled."""

    code = "no_result"
    title = "Hồ sơ chưa có kết quả đang có hiệu lực"


@dataclass(frozen=True, slots=True)
class Worth:
    """What a document is worth. `given`: as what it was given out here; None: it was not."""

    verdict: Verdict
    sha256: str
    signatures: Sequence[Signature]
    result: Result | None = None
    given: Issued | None = None


class ResultQueries:
    """`certificates`: whose signatures are trusted (PEM)."""

    def __init__(self, store: WorkflowStore, inspector: Inspector, certificates: Path | None) -> None:
        self._store = store
        self._inspector = inspector
        self._certificates = certificates
        self._roots: list[Any] | None = None
        self._known: OrderedDict[str, list[Signature]] = OrderedDict()
        self._lock = Lock()

    def of_dossier(
        self, principal: Principal, dossier: str, cursor: str | None, limit: int
    ) -> tuple[Process, Sequence[Loaded[Result]], str | None]:
        process = self._seen(principal, dossier)
        keys = keys_of(cursor, str)
        found = self._store.results.of_dossier(dossier, keys[0] if keys else "", limit + 1)
        shown, following = page(found, limit, lambda last: cursor_of(last.id))
        return process, shown, following

    def result(self, principal: Principal, id: str) -> tuple[Process, Loaded[Result]]:
        """Raises NotFound."""
        loaded = self._store.results.load(id)
        if loaded is None:
            raise NotFound(f"no result {id} for you")
        return self._seen(principal, loaded.state.dossier, f"no result {id} for you"), loaded

    def file(self, principal: Principal, id: str) -> tuple[Result, bytes | None]:
        """A result's file as it is now; None while it is being printed. Raises NotFound, NotPrinted."""
        _, loaded = self.result(principal, id)
        if loaded.state.printing == "failed":
            raise NotPrinted("it could not be printed; the log says why")
        return loaded.state, None if loaded.state.file is None else self._bytes(loaded.state)

    def in_force(self, principal: Principal, dossier: str) -> bytes:
        """The file of the dossier's result, for who may see the dossier and for its applicant. Raises NotFound,
        NoResult."""
        found = self._store.processes.load(dossier)
        if found is None or not (sees(principal, found.state) or applies(principal, found.state)):
            raise NotFound(f"no dossier {dossier} for you")
        return self._bytes(self._in_force(found.state)[0])

    def signing(self, principal: Principal, id: str) -> Signing:
        """For who asked for it. Raises NotFound."""
        found = self._store.signings.load(id)
        if found is None or not (principal.may(ANY_AGENCY) or principal.subject == found.state.by):
            raise NotFound(f"no signing {id} for you")
        return found.state

    # -- what a document is worth --------------------------------------------------------------------------------------

    def verified(self, principal: Principal, dossier: str) -> Worth:
        """Of the dossier's result in force. Raises NotFound, NoResult."""
        result, given = self._in_force(self._seen(principal, dossier))
        return self._worth(result, given)

    def verified_by_token(self, token: str) -> Worth:
        """Raises NotFound, also for what was not given out."""
        result = self._store.results.by_token(token)
        given = None if result is None else self._given(result)
        if result is None or given is None:
            raise NotFound("no such result was given out")
        return self._worth(result, given)

    def verified_copy(self, upload: Upload) -> Worth:
        """Raises PdfRefused, Busy."""
        result = self._store.results.by_sha256(upload.sha256)
        given = None if result is None else self._given(result)
        if result is not None and given is not None:
            return self._worth(result, given)
        signatures = self._inspector.inspected(upload.file).signatures
        if not signatures:
            return Worth("no_signature", upload.sha256, ())
        intact = all(each.intact for each in signatures)
        return Worth("not_ours" if intact else "not_ours_broken", upload.sha256, signatures)

    def _worth(self, result: Result, given: Issued) -> Worth:
        data = self._bytes(result)
        sha256 = hashlib.sha256(data).hexdigest()
        signatures = self._signatures(data, sha256)
        verdict: Verdict = "valid"
        if given.ended is not None:
            verdict = given.ended
        elif sha256 != given.paper.sha256 or not all(each.intact for each in signatures):
            verdict = "broken"
        elif not signatures:
            verdict = "broken" if given.paper.signed else "unsigned"
        return Worth(verdict, given.paper.sha256, signatures, result, given)

    def _signatures(self, data: bytes, sha256: str) -> list[Signature]:
        with self._lock:
            known = self._known.get(sha256)
        if known is not None:
            return known
        if self._roots is None:
            self._roots = verifying.roots(self._certificates)
        try:
            found = verifying.signatures(data, self._roots)
        except verifying.Unreadable:
            log.error("result_unreadable", sha256=sha256)
            found = []
        with self._lock:
            self._known[sha256] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def _given(self, result: Result) -> Issued | None:
        process = self._store.processes.load(result.dossier)
        return None if process is None else issuing.issued(process.state, result.id)

    def _in_force(self, process: Process) -> tuple[Result, Issued]:
        given = issuing.in_force(process)
        loaded = None if given is None else self._store.results.load(given.paper.id)
        if given is None or loaded is None:
            raise NoResult("no result of the dossier is in force")
        return loaded.state, given

    def _bytes(self, result: Result) -> bytes:
        found = None if result.file is None else self._store.contents.get(result.file)
        if found is None:
            raise NotPrinted("its file is not there")
        return found

    def _seen(self, principal: Principal, dossier: str, otherwise: str | None = None) -> Process:
        found = self._store.processes.load(dossier)
        if found is None or not sees(principal, found.state):
            raise NotFound(otherwise or f"no dossier {dossier} for you")
        return found.state


def applies(principal: Principal, process: Process) -> bool:
    """Whether it is the caller's own dossier: filed with their account, or for the identity that their token vouches
    for."""
    mine = process.personal
    if mine is None:
        return False
    if mine.person is not None and mine.person == principal.subject:
        return True
    return (
        principal.identity is not None
        and mine.identity is not None
        and (mine.identity.replace("-", "") == principal.identity.replace("-", ""))
    )
