"""Making, signing, recalling and replacing results: one function for each act. Each is one write."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chassis import acts
from chassis.errors import FieldError, Invalid, NotFound, Unavailable
from chassis.store import Loaded
from chassis.web import Answer, Call, Upload
from chassis.worktime import local_day
from workflow import rendering
from workflow.domain import issuing, results
from workflow.domain.issuing import Demand
from workflow.domain.parts import Outcome, Paper, Task
from workflow.domain.processes import Process
from workflow.domain.results import Item, NoTemplate, Result, Signed, Signing, TooManyResults
from workflow.inbound import Procedure
from workflow.producing import verification_url
from workflow.signing.inspection import Inspected, Inspector, PdfRefused
from workflow.signing.keys import Kind
from workflow.store import WorkflowStore
from workflow.usecases.access import ANY_AGENCY, by

ResultRender = Callable[[Result, Process, int], Answer]
SigningRender = Callable[[Signing, int], Answer]


class ResultUseCases:
    """`demand`: which approvals need a signed result."""

    def __init__(self, store: WorkflowStore, inspector: Inspector, public_url: str, demand: Demand) -> None:
        self._store = store
        self._inspector = inspector
        self._public_url = public_url
        self._demand = demand

    # -- making --------------------------------------------------------------------------------------------------------

    def make(self, call: Call, dossier: str, number: str | None, note: str | None, render: ResultRender) -> Answer:
        """A draft from the procedure's template; a worker prints it. Raises NotFound, NoTemplate, TemplateRefused,
        DataMissing, TooManyResults, NoResultNow."""
        process = self._at_work(call, dossier)
        id = call.id_for_new("result")
        if (first := acts.first_answer(self._store.results.load(id), call)) is not None:
            return first
        procedure = self._procedure(process)
        if procedure.result.template is None:
            raise NoTemplate(f"{process.procedure} has no template")
        plain = self._draft(call, process, procedure, id, "template", number)
        url = verification_url(self._public_url, plain.token)
        data = _data(process, plain, note, local_day(call.occurred_at).isoformat())
        content = {
            "title": plain.name,
            "agency_name": plain.agency_name,
            "number": number,
            "date": data["date"],
            "code": process.code,
            "url": url,
            "body": rendering.fill(procedure.result.template, data),
        }
        drafted = replace(plain, printing="waiting", content=content, print_at=call.now)
        return self._created(call, process, drafted, render)

    def upload(self, call: Call, dossier: str, upload: Upload, render: ResultRender) -> Answer:
        """A PDF that was made elsewhere. When somebody whom the province trusts has signed it, it is signed; when a
        signature in it is broken, it is refused. Raises NotFound, PdfRefused, Busy, TooManyResults, NoResultNow."""
        process = self._at_work(call, dossier)
        id = call.id_for_new("result")
        if (first := acts.first_answer(self._store.results.load(id), call)) is not None:
            return first
        plain = self._draft(call, process, self._procedure(process), id, "upload", None)
        found = self._inspector.inspected(upload.file)
        if any(not each.intact for each in found.signatures):
            raise PdfRefused("a signature in the PDF is broken", code="signature_broken")
        data = upload.file.read()
        drafted = replace(
            plain,
            file=self._store.contents.put(data, call.now),
            sha256=upload.sha256,
            size=len(data),
            pages=found.pages,
            signature=_signature(call, upload.sha256, found),
        )
        return self._created(call, process, drafted, render)

    def _created(self, call: Call, process: Process, result: Result, render: ResultRender) -> Answer:
        made = results.begun(result, by(call))
        return acts.create(
            self._store.results, made.id, made, (), call, lambda state, version: render(state, process, version)
        )

    def _draft(
        self, call: Call, process: Process, procedure: Procedure, id: str, source: Any, number: str | None
    ) -> Result:
        results.require_results_now(process)
        if len(self._store.results.of_dossier(process.id, "", results.MOST_RESULTS)) == results.MOST_RESULTS:
            raise TooManyResults(f"a dossier has {results.MOST_RESULTS} results at most")
        agency = call.principal.agency or process.handled_by or process.agency
        known = self._store.catalogue.agency(agency)
        return Result(
            id=id,
            dossier=process.id,
            code=process.code,
            procedure=process.procedure,
            procedure_version=process.procedure_version,
            name=process.result_name,
            kind=procedure.result.code,
            agency=agency,
            agency_name=agency if known is None else known.name,
            token=secrets.token_urlsafe(16),
            source=source,
            number=number,
            made_by=call.principal.subject,
            made_at=call.occurred_at,
        )

    def _procedure(self, process: Process) -> Procedure:
        found = self._store.catalogue.procedure(f"{process.procedure}/{process.procedure_version}")
        if found is None:
            raise Unavailable("the catalogue's copy is not complete; ask catalog to republish", retry_after=30)
        return found

    def _at_work(self, call: Call, dossier: str) -> Process:
        """The process, for the officers of an agency that works or worked on it. Raises NotFound."""
        found = self._store.processes.load(dossier)
        if found is None or not _works_on(call, found.state):
            raise NotFound(f"no dossier {dossier} for you")
        return found.state

    # -- deciding ------------------------------------------------------------------------------------------------------

    def decided(self, process: Process, task: Task, outcome: Outcome, result: str | None) -> Task:
        """The task with the result that its completion names. Raises Invalid, NotPrinted, ResultMissing,
        ResultNotSigned."""
        paper = None if result is None else self._paper(process, result, "/result")
        demanded = task.decision and self._demanded(process)
        issuing.check_decision(task, outcome, paper, demanded=demanded)
        return replace(task, paper=paper)

    def _demanded(self, process: Process) -> bool:
        if self._demand != "templates":
            return self._demand == "always"
        return self._procedure(process).result.template is not None

    def _paper(self, process: Process, result: str, pointer: str) -> Paper:
        found = self._store.results.load(result)
        if found is None or found.state.dossier != process.id:
            wrong = FieldError(pointer, "unknown_result", "the dossier has no such result")
            raise Invalid("the result is not the dossier's", errors=[wrong])
        return found.state.paper

    # -- signing -------------------------------------------------------------------------------------------------------

    def sign(self, call: Call, ids: Sequence[str], key: Kind, render: SigningRender) -> Answer:
        """Asks for signatures, which a worker makes. Raises Invalid with every id that is not the caller's to sign."""
        found = self._store.results.load_many(ids)
        processes = self._store.processes.load_many({loaded.state.dossier for loaded in found.values()})
        wrong = [
            FieldError(f"/ids/{n}", "twice" if id in ids[:n] else "unknown_result", "is no other result of yours")
            for n, id in enumerate(ids)
            if id in ids[:n] or not _signable(call, found.get(id), processes)
        ]
        if wrong:
            raise Invalid("some results cannot be signed", errors=wrong[:50])
        id = call.id_for_new("signing")
        signing = Signing(
            id=id,
            key=key,
            by=call.principal.subject,
            by_name=call.principal.name,
            agency=call.principal.agency,
            at=call.now,
            items=tuple(Item(result=each) for each in ids),
            free_at=call.now,
        )
        return acts.create(self._store.signings, id, signing, (), call, render)

    def sign_one(self, call: Call, result: str, key: Kind, render: SigningRender) -> Answer:
        """As `sign`; NotFound when it is not the caller's to sign."""
        self._known(call, result)
        return self.sign(call, [result], key, render)

    # -- recalling and replacing ---------------------------------------------------------------------------------------

    def recall(self, call: Call, result: str, reason: str, basis: str, render: ResultRender) -> Answer:
        """Raises NotFound, NotFinished, ResultNotInForce, Invalid."""
        state = self._known(call, result)
        return acts.change(
            self._store.processes,
            state.dossier,
            call,
            sees=lambda process: _works_on(call, process),
            decide=lambda process: issuing.recall(process, result, reason, basis, by(call)),
            render=lambda process, version: render(state, process, version),
        )

    def replace(self, call: Call, result: str, new: str, reason: str, basis: str, render: ResultRender) -> Answer:
        """Raises NotFound, NotFinished, ResultNotInForce, ResultNotSigned, Invalid."""
        state = self._known(call, result)

        def decide(process: Process) -> Any:
            paper = self._paper(process, new, "/by")
            if state.signature is not None and not paper.signed:
                raise issuing.ResultNotSigned(f"the result {new} has no signature")
            return issuing.replace_by(process, result, paper, reason, basis, by(call))

        return acts.change(
            self._store.processes,
            state.dossier,
            call,
            sees=lambda process: _works_on(call, process),
            decide=decide,
            render=lambda process, version: render(state, process, version),
        )

    def _known(self, call: Call, result: str) -> Result:
        """A result that the caller may act on. Raises NotFound, the same for one that is not there."""
        found = self._store.results.load(result)
        process = None if found is None else self._store.processes.load(found.state.dossier)
        if found is None or process is None or not _works_on(call, process.state):
            raise NotFound(f"no result {result} for you")
        return found.state


def _works_on(call: Call, process: Process) -> bool:
    """Officers of the agencies that it came to; whoever may only read everything does not act."""
    return call.principal.may(ANY_AGENCY) or call.principal.agency in process.agencies


def _signable(call: Call, found: Loaded[Result] | None, processes: dict[str, Loaded[Process]]) -> bool:
    process = None if found is None else processes.get(found.state.dossier)
    return process is not None and _works_on(call, process.state)


def _signature(call: Call, sha256: str, found: Inspected) -> Signed | None:
    """What an uploaded PDF is signed with, when that is trusted."""
    trusted = [each for each in found.signatures if each.trusted]
    if not trusted:
        return None
    last = trusted[-1]
    return Signed(
        by=call.principal.subject,
        name=last.signer,
        key="uploaded",
        at=last.at or call.now,
        signing=None,
        draft_sha256=sha256,
    )


def _data(process: Process, result: Result, note: str | None, day: str) -> dict[str, Any]:
    """What a template may ask for; what is not known is not there."""
    personal = process.personal
    known: dict[str, Any] = {
        "dossier": {
            "code": process.code,
            "received_at": process.received_at.isoformat(),
            **({} if process.due_at is None else {"due_at": process.due_at.isoformat()}),
        },
        "procedure": {"code": process.procedure, "name": process.procedure_name},
        "agency": {"id": result.agency, "name": result.agency_name},
        "result": {"name": result.name, **({} if result.number is None else {"number": result.number})},
        "decision": {} if note is None else {"note": note},
        "date": day,
        "applicant": {},
        "form": {},
    }
    if personal is not None:
        said = {"name": personal.name, "identity": personal.identity, "address": personal.address}
        known["applicant"] = {name: value for name, value in said.items() if value is not None}
        known["form"] = personal.form or {}
    return known
