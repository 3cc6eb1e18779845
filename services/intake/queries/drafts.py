"""What can be asked about drafts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from chassis import store as chassis_store
from chassis import worktime
from chassis.errors import FieldError, Invalid
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Call
from intake.domain import dossiers, forms
from intake.domain.dossiers import Filing
from intake.domain.drafts import Draft, Findings, State, note_filed, sort_out
from intake.store import IntakeStore
from intake.usecases.drafts import dossier_of, mine


class DraftQueries:
    def __init__(self, store: IntakeStore) -> None:
        self._store = store

    def draft(self, call: Call, id: str) -> chassis_store.Loaded[Draft]:
        """The caller's own draft, or NotFound."""
        loaded = mine(call.principal, self._store.drafts.load(id), call)
        if loaded.state.state is State.OPEN:
            dossier = dossier_of(loaded.state)
            if self._store.dossiers.load(dossier) is not None:
                return replace(loaded, state=note_filed(loaded.state, dossier))
        return loaded

    def drafts(
        self, call: Call, state: State, cursor: str | None, limit: int
    ) -> tuple[Sequence[chassis_store.Loaded[Draft]], str | None]:
        """The caller's own drafts, the one saved last first, without their content."""
        keys = keys_of(cursor, datetime, str)
        after = (keys[0], keys[1]) if keys else None
        found = self._store.drafts.page(call.principal.subject, state, call.now, after, limit + 1)
        return page(found, limit, lambda last: cursor_of(last.state.saved_at, last.id))

    def findings(
        self, content: dict[str, Any], filing: Filing | None, wrong: Sequence[FieldError], at: datetime
    ) -> Findings:
        """What keeps a draft's content from being filed at that instant. `filing`: the content as one, None when it is
        none yet; `wrong`: why."""
        day = worktime.local_day(at)
        return sort_out([*wrong, *self._unfit(content, filing, day)])

    def _unfit(self, content: dict[str, Any], filing: Filing | None, day: date) -> Sequence[FieldError]:
        procedure = self._store.catalogue.in_force(content["procedure"], day)
        if procedure is None:
            return [FieldError("/procedure", "unknown_procedure", "no such procedure is in force on that day")]
        if filing is None:
            answers = content.get("form", {})
            return forms.check(procedure, answers) if isinstance(answers, dict) else []
        agency = self._store.catalogue.agency(filing.agency, day)
        if agency is None:
            return [
                FieldError("/agency", "unknown_agency", "there is no such agency"),
                *forms.check(procedure, filing.form),
            ]
        try:
            dossiers.check(filing, procedure, agency, day)
        except Invalid as invalid:
            return invalid.errors
        return []
