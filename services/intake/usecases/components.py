"""What comes with a dossier: files that were uploaded, and what the electronic store of documents holds already."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from chassis import worktime
from chassis.errors import FieldError, Invalid
from chassis.web import Call
from intake.domain import documents
from intake.domain.documents import AlreadyHeld, Document
from intake.domain.dossiers import Certified, Dossier, Submitted
from intake.domain.files import Scan, StoredFile, may_name
from intake.inbound import Component, Procedure
from intake.store import IntakeStore
from intake.usecases.access import RECEIVE, acts_for
from intake.usecases.lookups import LookupLog

Resolved = tuple[tuple[Submitted, ...], list[FieldError]]


class Components:
    """Fills in what was handed in, before it is checked against the procedure version."""

    def __init__(self, store: IntakeStore, log: LookupLog) -> None:
        self._store = store
        self._log = log

    def resolve(
        self,
        call: Call,
        given: Sequence[Submitted],
        procedure: Procedure,
        *,
        identity: str | None,
        agency: str,
        at_the_counter: bool,
        fill: bool,
    ) -> Resolved:
        """The components as they will be kept, and what is wrong with them.

        Files are there, the caller's, and safe from the sweep. What is reused belongs to the applicant (`identity`), is
        valid on the day and fits. With `fill`, what is demanded, was not handed in, and is held once by the state, is
        reused by itself. Only the applicant and the officers who receive for the agency see what is held: for everybody
        else the store is empty.
        """
        day = worktime.local_day(call.occurred_at)
        components, wrong = self._with_files(call, given, certifies=at_the_counter and call.principal.may(RECEIVE))
        for n, handed_in in enumerate(given):
            if handed_in.digitised and not call.principal.may(RECEIVE):
                wrong.append(
                    FieldError(f"/components/{n}/digitised", "not_at_the_counter", "the one-stop unit digitises paper")
                )
        codes = {component.code for component in given}
        missing = [c for c in procedure.components if fill and c.code not in codes and _is_asked_for(c)]
        if all(c.file is None and c.reuse is None for c in given) and all(c.result_code is None for c in missing):
            # Paper alone: nothing here is a matter of the store's, and most dossiers at the counter are like that.
            return tuple(given), wrong
        held = self._held(call, components, missing, procedure, identity, agency)
        components = [self._with_document(n, c, procedure, held, day, wrong) for n, c in enumerate(components)]
        for component in missing:
            found = documents.held_for(procedure, component, held, day)
            if len(found) == 1:
                components.append(documents.reused(component.code, found[0], chosen=False))
            elif found:
                # It is said how many there are, so somebody has looked.
                self._log.note(
                    call,
                    found[0].owner,
                    act="refused",
                    documents=len(found),
                    purpose=procedure.name,
                    agency=agency,
                    procedure=procedure.code,
                )
                wrong.append(
                    FieldError("/components", "several_held", f"{component.code}: {len(found)} are held, choose one")
                )
        return tuple(components), wrong

    def require_not_held(self, call: Call, dossier: Dossier, procedure: Procedure, codes: Sequence[str]) -> None:
        """Before something is asked for once more: AlreadyHeld when the state holds it, Invalid when a database
        replaces it. What the dossier came with or reuses already does not count, since that may be what is wrong."""
        known = {component.code: component for component in procedure.components}
        replaced = [
            FieldError(f"/components/{n}", "replaced_by_database", "a database replaces it: it is not asked for")
            for n, code in enumerate(codes)
            if code in known and known[code].replaced_by_database is not None
        ]
        if replaced:
            raise Invalid("a component is not to be asked for", errors=replaced)
        identity = dossier.applicant.identity
        asked = [known[code] for code in codes if code in known and known[code].result_code is not None]
        if identity is None or not asked:
            return
        in_use = {component.reuse for component in dossier.components}
        owner, day = documents.owner_of(identity), worktime.local_day(call.occurred_at)
        found = [
            document
            for document in self._store.documents.of_kinds(owner, _kinds(procedure, asked), shared=True)
            if document.id not in in_use and document.dossier != dossier.id
        ]
        held = {component.code: documents.held_for(procedure, component, found, day) for component in asked}
        wrong = [
            FieldError(f"/components/{n}", "already_held", f"the store holds it as document {held[code][0].id}")
            for n, code in enumerate(codes)
            if held.get(code)
        ]
        if wrong:
            self._log.note(
                call,
                owner,
                act="refused",
                documents=len(wrong),
                purpose=dossier.procedure_name,
                agency=dossier.dimensions.agency,
                dossier=dossier.id,
                procedure=procedure.code,
            )
            raise AlreadyHeld("the electronic store of documents holds what is asked for", errors=wrong)

    def _with_files(
        self, call: Call, given: Sequence[Submitted], *, certifies: bool
    ) -> tuple[list[Submitted], list[FieldError]]:
        """With `certifies`, paper that comes with its scan is certified by the officer who hands it in."""
        named = {component.file for component in given if component.file is not None}
        files = self._store.files.claim(named, call.now) if named else {}
        wrong: list[FieldError] = []
        components: list[Submitted] = []
        for n, component in enumerate(given):
            file = files.get(component.file or "")
            if component.file is not None and (problem := file_problem(call, file)) is not None:
                wrong.append(FieldError(f"/components/{n}/file", *problem))
            elif file is not None and component.paper is not None and certifies:
                certified = Certified(by=call.principal.subject, at=call.occurred_at, pages=file.pages)
                component = replace(component, digitised=True, certified=certified)  # noqa: PLW2901
            components.append(component)
        return components, wrong

    def _held(
        self,
        call: Call,
        given: Sequence[Submitted],
        missing: Sequence[Component],
        procedure: Procedure,
        identity: str | None,
        agency: str,
    ) -> list[Document]:
        """The applicant's documents of the kinds that matter here; the store is asked only when any could."""
        known = {component.code: component for component in procedure.components}
        wanted = [c for c in missing if c.result_code is not None]
        wanted += [known[c.code] for c in given if c.code in known and (c.reuse is not None or c.file is not None)]
        if identity is None or not wanted:
            return []
        owner = documents.owner_of(identity)
        own = call.principal.identity is not None and documents.owner_of(call.principal.identity) == owner
        if not own and not (call.principal.may(RECEIVE) and acts_for(call.principal, agency)):
            return []
        return self._store.documents.of_kinds(owner, _kinds(procedure, wanted), shared=not own)

    def _with_document(
        self,
        n: int,
        given: Submitted,
        procedure: Procedure,
        held: Sequence[Document],
        day: date,
        wrong: list[FieldError],
    ) -> Submitted:
        component = next((c for c in procedure.components if c.code == given.code), None)
        if component is None:
            return given
        if given.reuse is None:
            uploaded = given.file is not None and given.paper is None
            return replace(given, held=uploaded and bool(documents.held_for(procedure, component, held, day)))
        document = next((document for document in held if document.id == given.reuse), None)
        # A document of somebody else, of another kind, and none at all answer alike.
        if document is None or document.kind not in documents.fitting_kinds(procedure, component):
            wrong.append(
                FieldError(f"/components/{n}/reuse", "unknown_document", "the applicant has no such document for it")
            )
            return given
        if not documents.valid_on(document, day):
            wrong.append(FieldError(f"/components/{n}/reuse", "not_valid", "the document is not valid on that day"))
            return given
        return documents.reused(given.code, document, chosen=True)


def file_problem(call: Call, file: StoredFile | None) -> tuple[str, str] | None:
    """Why the caller may not hand this file in, as the code and message of a field; somebody else's file and none at
    all answer alike."""
    principal = call.principal
    if file is not None and may_name(file, principal.subject, principal.agency):
        return None
    if (
        file is not None
        and file.scan is Scan.INFECTED
        and may_name(replace(file, scan=Scan.PENDING), principal.subject, principal.agency)
    ):
        return "infected_file", "the virus scanner found something in the file"
    return "unknown_file", "there is no such file of yours"


def _is_asked_for(component: Component) -> bool:
    return component.required and component.replaced_by_database is None


def _kinds(procedure: Procedure, components: Sequence[Component]) -> list[str]:
    return sorted({kind for component in components for kind in documents.fitting_kinds(procedure, component)})
