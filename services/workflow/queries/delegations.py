"""Lists of delegations, and of the officers that work can be given to."""

from collections.abc import Sequence

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of, page
from workflow.domain.delegations import Delegation
from workflow.domain.officers import Officer
from workflow.store import WorkflowStore
from workflow.usecases.access import leads, sees_all


class DelegationQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def delegations(
        self, principal: Principal, agency: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[tuple[Delegation, int]], str | None]:
        """Those that the caller gave or was given; with `agency`, all between its officers, for its leaders. To
        anybody else that list is empty."""
        keys = keys_of(cursor, str)
        after = keys[0] if keys else ""
        if agency is None:
            found = self._store.delegations.of_party(principal.subject, after, limit + 1)
        elif sees_all(principal) or (leads(principal) and principal.agency == agency):
            found = self._store.delegations.of_agency(agency, after, limit + 1)
        else:
            return [], None
        shown, following = page(found, limit, lambda last: cursor_of(last.id))
        return [(each.state, each.version) for each in shown], following

    def officers(
        self, principal: Principal, agency: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[Officer], str | None]:
        """An agency's officers, the caller's own unless it is another that they see; else it has none."""
        wanted = agency or principal.agency
        if wanted is None or not (sees_all(principal) or wanted == principal.agency):
            return [], None
        keys = keys_of(cursor, str)
        found = self._store.officers.of(wanted, keys[0] if keys else "", limit + 1)
        shown, following = page(found, limit, lambda last: cursor_of(last.id))
        return shown, following
