"""What can be done with the electronic store of people's documents, and the digitisation that feeds it.

Whoever looks into the store is written down before anything is shown: people look at their own, officers at those of
the applicant of a dossier at their counter, and say why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from chassis import acts, worktime
from chassis.auth import Principal
from chassis.errors import FieldError, Invalid, NotFound
from chassis.paging import cursor_of, keys_of, page
from chassis.store import Loaded
from chassis.web import Answer, Call
from intake.domain import documents
from intake.domain.documents import Act, Asked, Document, IdentityUnknown, Lookup, Offered, owner_of
from intake.domain.dossiers import Dossier, Turn
from intake.domain.files import StoredFile
from intake.inbound import Procedure
from intake.store import IntakeStore
from intake.usecases.access import ANY_AGENCY, RECEIVE, acts_for, by
from intake.usecases.components import file_problem
from intake.usecases.lookups import LookupLog

SCANS = ("application/pdf", "image/")


@dataclass(frozen=True, slots=True)
class Sight:
    """What may be looked at: the documents of `owner`, all of them, or only those that are shared."""

    owner: str
    own: bool
    purpose: str
    dossier: Dossier | None = None


class DocumentUseCases:
    def __init__(self, store: IntakeStore, log: LookupLog) -> None:
        self._store = store
        self._log = log

    # -- looking ---------------------------------------------------------------------------------------------------

    def held(
        self, call: Call, asked: Asked, cursor: str | None, limit: int
    ) -> tuple[Sequence[Loaded[Document]], str | None]:
        """What the store holds of a person, newest first. NotFound, IdentityUnknown, Invalid."""
        keys = keys_of(cursor, datetime, str)
        sight = self._sight(call, asked, at_the_counter=False)
        found = self._store.documents.page(
            sight.owner, shared=not sight.own, after=(keys[0], keys[1]) if keys else None, limit=limit + 1
        )
        shown, following = page(found, limit, lambda last: cursor_of(last.state.kept_at, last.id))
        self._note(call, sight, "listed", len(shown), None if sight.dossier is None else procedure_of(sight.dossier))
        return shown, following

    def document(self, call: Call, id: str) -> Loaded[Document]:
        """One of the caller's own. NotFound, also when it is another person's."""
        loaded = self._store.documents.load(id)
        if loaded is None or not _owns(call.principal, loaded.state):
            raise NotFound(f"no document {id} of yours")
        self._note(call, Sight(loaded.state.owner, own=True, purpose=""), "listed", 1, None)
        return loaded

    def offered(self, call: Call, code: str, asked: Asked) -> tuple[Procedure, list[Offered]]:
        """For each component of the procedure in force, which of a person's documents may stand for it, newest first.

        An officer who receives may ask before there is a dossier.
        """
        day = worktime.local_day(call.now)
        procedure = self._store.catalogue.in_force(code, day)
        if procedure is None:
            raise NotFound("no such procedure is in force")
        sight = self._sight(call, asked, at_the_counter=True)
        kinds = {kind for component in procedure.components for kind in documents.fitting_kinds(procedure, component)}
        held = self._store.documents.of_kinds(sight.owner, sorted(kinds), shared=not sight.own) if kinds else []
        offered = [
            Offered(
                component,
                tuple(documents.standing_for(procedure, component, held, day)),
                documents.is_demanded(component, documents.held_for(procedure, component, held, day)),
            )
            for component in procedure.components
        ]
        self._note(
            call, sight, "offered", len({document.id for one in offered for document in one.documents}), procedure.code
        )
        return procedure, offered

    def lookups(self, call: Call, cursor: str | None, limit: int) -> tuple[Sequence[Lookup], str | None]:
        """Who looked at the caller's own documents, newest first."""
        keys = keys_of(cursor, datetime, str)
        found = self._store.lookups.page(_own_number(call), (keys[0], keys[1]) if keys else None, limit + 1)
        return page(found, limit, lambda last: cursor_of(last.at, last.id))

    def _sight(self, call: Call, asked: Asked, *, at_the_counter: bool) -> Sight:
        """`at_the_counter`: an officer who receives may look for the person before them without a dossier."""
        principal = call.principal
        owner = None if asked.owner is None else owner_of(asked.owner)
        officer = principal.agency is not None or principal.may(ANY_AGENCY)
        if not officer or (asked.dossier is None and principal.identity is not None and owner is None):
            own = _own_number(call)
            if owner not in (None, own):
                raise NotFound("no documents of that number for you")
            return Sight(own, own=True, purpose=asked.purpose or "")
        counter = at_the_counter and principal.may(RECEIVE)
        missing = [("/purpose", asked.purpose), ("/owner", owner) if counter else ("/dossier", asked.dossier)]
        if counter and asked.dossier is not None:
            missing = missing[:1]
        wrong = [FieldError(pointer, "missing", "an officer says for what") for pointer, value in missing if not value]
        if wrong:
            raise Invalid("some query parameters are missing", errors=wrong)
        if asked.dossier is None:
            return Sight(str(owner), own=False, purpose=asked.purpose or "")
        loaded = self._store.dossiers.load(asked.dossier)
        if loaded is None or not _at_hand(principal, loaded.state):
            raise NotFound("no such dossier for you")
        applicant = loaded.state.applicant.identity
        if applicant is None or owner not in (None, owner_of(applicant)):
            raise NotFound("the dossier is not that person's")
        return Sight(owner_of(applicant), own=False, purpose=asked.purpose or "", dossier=loaded.state)

    def _note(self, call: Call, sight: Sight, act: Act, count: int, procedure: str | None) -> None:
        self._log.note(
            call,
            sight.owner,
            act=act,
            documents=count,
            purpose=sight.purpose,
            agency=None if sight.own else call.principal.agency,
            dossier=None if sight.dossier is None else sight.dossier.id,
            procedure=procedure,
        )

    # -- sharing ---------------------------------------------------------------------------------------------------

    def share(self, call: Call, id: str, shared: bool, render: Callable[[Document, int], Answer]) -> Answer:
        """The owner lets officers see the document, or does not any more."""
        return acts.change(
            self._store.documents,
            id,
            call,
            sees=lambda document: _owns(call.principal, document),
            decide=lambda document: (replace(document, shared=shared), ()),
            render=render,
        )

    # -- digitisation ----------------------------------------------------------------------------------------------

    def digitise(
        self,
        call: Call,
        id: str,
        component: str,
        *,
        file: str,
        pages: int | None,
        issued_on: date | None,
        valid_to: date | None,
        render: Callable[[Dossier, int], Answer],
    ) -> Answer:
        """The receiving agency's officer attaches the scan of a component on paper, and certifies it. Raises NotFound,
        NotOnPaper, NotDigitisable, Invalid."""
        return self._change(
            call,
            id,
            lambda dossier: documents.digitise(
                dossier, component, self._scan(call, file, pages), issued_on, valid_to, by(call)
            ),
            render,
        )

    def take_back_scan(
        self, call: Call, id: str, component: str, reason: str, render: Callable[[Dossier, int], Answer]
    ) -> Answer:
        """Takes a certified scan back."""
        return self._change(
            call, id, lambda dossier: documents.take_back_scan(dossier, component, reason, by(call)), render
        )

    def _change(
        self, call: Call, id: str, decide: Callable[[Dossier], Turn], render: Callable[[Dossier, int], Answer]
    ) -> Answer:
        def mine(dossier: Dossier) -> bool:
            day = worktime.local_day(call.occurred_at)
            return acts_for(call.principal, self._store.catalogue.successions().acting(dossier.dimensions.agency, day))

        return acts.change(self._store.dossiers, id, call, sees=mine, decide=decide, render=render)

    def _scan(self, call: Call, id: str, pages: int | None) -> StoredFile:
        """The officer's file, with its page count; `pages` is what the officer counted."""
        file = self._store.files.claim([id], call.now).get(id)
        if (problem := file_problem(call, file)) is not None or file is None:
            raise Invalid("the file cannot be attached", errors=[FieldError("/file", *(problem or ("", "")))])
        if not file.media_type.startswith(SCANS):
            raise Invalid("not a scan", errors=[FieldError("/file", "not_a_scan", "a PDF or an image is attached")])
        if pages is not None and file.pages not in (None, pages):
            wrong = FieldError("/pages", "pages_differ", f"the file has {file.pages} pages")
            raise Invalid("the scan is not whole", errors=[wrong])
        return replace(file, pages=file.pages if file.pages is not None else pages)


def procedure_of(dossier: Dossier) -> str:
    return dossier.dimensions.procedure


def _own_number(call: Call) -> str:
    """The number that the caller's token vouches for, or IdentityUnknown."""
    if call.principal.identity is None:
        raise IdentityUnknown("the token does not vouch for an identity number")
    return owner_of(call.principal.identity)


def _owns(principal: Principal, document: Document) -> bool:
    return (
        principal.identity is not None
        and owner_of(principal.identity) == document.owner
        and document.withdrawn_at is None
    )


def _at_hand(principal: Principal, dossier: Dossier) -> bool:
    """Whether the dossier lies with the officer's agency. To read every dossier is not to look into people's stores."""
    return principal.may(ANY_AGENCY) or principal.agency in dossier.agencies
