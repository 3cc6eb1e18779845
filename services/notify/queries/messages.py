"""What can be asked of notify."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of, page
from chassis.store import Loaded
from notify.domain.messages import Message, MessageNotFound
from notify.store import NotifyStore
from notify.store.messages import Wanted
from notify.usecases.access import MANAGE


class Queries:
    def __init__(self, store: NotifyStore) -> None:
        self._store = store

    def message(self, principal: Principal, id: str) -> Loaded[Message]:
        """The message, or MessageNotFound, also when it is not the caller's to see."""
        loaded = self._store.messages.aggregates.load(id)
        if loaded is None or not (principal.may(MANAGE) or loaded.state.person == principal.subject):
            raise MessageNotFound(f"no message {id} for you")
        return loaded

    def messages(
        self,
        principal: Principal,
        wanted: Wanted,
        *,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[Loaded[Message]], str | None]:
        """The messages that the caller may see, newest first: people's own, or everybody's for operators."""
        if not principal.may(MANAGE):
            if wanted.person not in (None, principal.subject):
                return [], None
            wanted = replace(wanted, person=principal.subject)
        keys = keys_of(cursor, datetime, str)
        found = self._store.messages.page(wanted, (keys[0], keys[1]) if keys else None, limit + 1)
        return page(found, limit, lambda last: cursor_of(last.state.created_at, last.id))
