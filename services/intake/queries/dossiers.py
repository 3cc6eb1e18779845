"""What can be asked about dossiers."""

import hmac
from collections.abc import Sequence
from datetime import datetime

from chassis import store as chassis_store
from chassis.auth import Principal
from chassis.errors import NotFound
from chassis.paging import cursor_of, keys_of, page
from intake.domain.dossiers import Dossier, Status
from intake.store import IntakeStore
from intake.store.dossiers import Wanted
from intake.usecases.access import ANY_AGENCY, READ_ALL, sees


class DossierQueries:
    def __init__(self, store: IntakeStore) -> None:
        self._store = store

    def dossier(self, principal: Principal, id: str) -> chassis_store.Loaded[Dossier]:
        """The dossier, or NotFound, also when it is not the caller's to see."""
        loaded = self._store.dossiers.load(id)
        if loaded is None or not sees(principal, loaded.state):
            raise NotFound(f"no dossier {id} for you")
        return loaded

    def dossiers(
        self,
        principal: Principal,
        *,
        agency: str | None,
        status: Status | None,
        procedure: str | None,
        due_before: datetime | None,
        code: str | None,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[chassis_store.Loaded[Dossier]], str | None]:
        """The dossiers that the caller may see, newest first; another agency's is an empty list, as if it had none."""
        owner: str | None = None
        if not (principal.may(ANY_AGENCY) or principal.may(READ_ALL)):
            if principal.agency is None:
                owner = principal.subject
            elif agency is not None and agency != principal.agency:
                return [], None
            else:
                agency = principal.agency
        wanted = Wanted(
            agency=agency, owner=owner, status=status, procedure=procedure, due_before=due_before, code=code
        )
        keys = keys_of(cursor, datetime, str)
        found = self._store.dossiers.page(wanted, (keys[0], keys[1]) if keys else None, limit + 1)
        return page(found, limit, lambda last: cursor_of(last.state.filed_at, last.id))

    def states(self, cursor: str | None, limit: int) -> tuple[Sequence[chassis_store.Document], str | None]:
        """Every dossier's dimensions and instants, by id, without anything personal."""
        keys = keys_of(cursor, str)
        found = self._store.dossiers.states(keys[0] if keys else None, limit + 1)
        return page(found, limit, lambda last: cursor_of(str(last["_id"])))

    def component_names(self, dossier: Dossier) -> dict[str, str]:
        """What the components are called that are asked for, by their codes, where the catalogue's copy has them."""
        if dossier.lacking is None:
            return {}
        filed_under = dossier.dimensions
        procedure = self._store.catalogue.version(filed_under.procedure, filed_under.procedure_version)
        return {} if procedure is None else {component.code: component.name for component in procedure.components}

    def tracked(self, code: str, secret: str | None, phone: str | None, now: datetime) -> Dossier:
        """For the public: by code (or id, before there is a code) and secret or phone.

        An unknown code and a wrong secret answer alike, in the same words and after the same comparisons. After
        `guesses.LIMIT` wrong answers to one code within an hour, a phone number opens it no more for the rest of that
        hour: there are few enough numbers to try them all. The secret, which nobody can guess, still does.
        """
        loaded = self._store.dossiers.by_code(code) or self._store.dossiers.load(code)
        known = loaded.state if loaded is not None else None
        right = hmac.compare_digest(
            (known.secret if known else "-" * 10).encode(), (secret or "").strip().upper().encode()
        )
        if phone is not None and not self._store.guesses.too_many(code, now):
            expected = known.applicant.phone if known is not None and known.applicant.phone is not None else "-"
            right |= hmac.compare_digest(expected.encode(), phone.encode())
        if known is None or not right:
            self._store.guesses.note(code, now)
            raise NotFound("no dossier has this code together with this secret or phone number")
        return known
