"""What can be done with the rules: the project brings an edition of them, an editor changes them, and telling asks."""

from collections.abc import Callable, Sequence
from typing import get_args

from chassis import errors, logs
from chassis.cache import Cached
from chassis.clock import Clock
from chassis.web import Answer, Call
from notify.domain import rules
from notify.domain.rules import NAME, RELEASE, Book, Line
from notify.domain.telling import Language, Rule
from notify.routing import EDITION, LINES
from notify.store import NotifyStore
from notify.store.series import id_of
from notify.templates import Templates
from notify.usecases.editing import append

log = logs.get()
SECONDS = 3.0
"""How old the rules may be that a worker goes by."""


class RulesWrong(errors.Invalid):
    """Somebody would be told of nothing, or in words that there are not."""

    code, title = "rules_invalid", "Quy tắc thông báo không hợp lệ"


class Rules:
    def __init__(
        self,
        store: NotifyStore,
        clock: Clock,
        templates: Templates,
        edition: int = EDITION,
        lines: Sequence[Line] = LINES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._templates = templates
        self._edition = edition
        self._lines = tuple(lines)
        self._current = Cached(lambda _: rules.flat(self.book().lines), SECONDS)

    def current(self) -> Sequence[Rule]:
        """The rules that count, not older than a few seconds."""
        return self._current()

    def book(self) -> Book:
        """The newest version; before there is one, the project's, as number 0."""
        return self._store.rules.newest(NAME) or self._brought(0, self._lines)

    def bring(self) -> None:
        """Puts the project's edition into the store, if it is newer than what is there; see `rules.merged`."""
        newest = self._store.rules.newest(NAME)
        if newest is not None and newest.edition >= self._edition:
            return
        lines = self._lines if newest is None else rules.merged(newest, self._lines)
        # Where another process was faster, it brought the same one.
        if self._store.rules.add(self._brought(newest.number + 1 if newest else 1, lines)):
            log.info("rules_brought", edition=self._edition)

    def put(self, call: Call, lines: tuple[Line, ...], note: str | None, render: Callable[[Book], Answer]) -> Answer:
        """Makes an editor's rules the ones that count. Raises RulesWrong."""

        def decide(newest: Book | None) -> Book:
            wrong = rules.errors(lines, get_args(Language), self._templates.needs)
            if wrong:
                raise RulesWrong("some rules are not usable", errors=wrong[:50])
            number = newest.number + 1 if newest else 1
            return Book(
                id=id_of(NAME, number),
                name=NAME,
                number=number,
                lines=lines,
                edition=newest.edition if newest else self._edition,
                brought=newest.brought if newest else self._lines,
                by=call.principal.subject,
                at=call.now,
                note=note,
            )

        return append(self._store.rules, NAME, call, decide=decide, render=render)

    def _brought(self, number: int, lines: tuple[Line, ...]) -> Book:
        return Book(
            id=id_of(NAME, number),
            name=NAME,
            number=number,
            lines=lines,
            edition=self._edition,
            brought=self._lines,
            by=RELEASE,
            at=self._clock(),
        )
