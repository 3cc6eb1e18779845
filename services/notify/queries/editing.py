"""What editors can ask: the rules, the words of messages, and who changed them when."""

from collections.abc import Sequence
from typing import TypeVar

from chassis.errors import NotFound
from chassis.paging import cursor_of, keys_of, page
from notify import samples
from notify.domain.occasions import COMMON
from notify.domain.rules import NAME, Book
from notify.domain.telling import Channel, Language
from notify.domain.wordings import Wording, Words, name_of
from notify.store import NotifyStore
from notify.store.series import Series, Version
from notify.templates import Templates
from notify.usecases.wordings import TemplateUnknown

V = TypeVar("V", bound=Version)


class EditorQueries:
    def __init__(self, store: NotifyStore, templates: Templates) -> None:
        self._store = store
        self._templates = templates

    def rules(self, number: int) -> Book:
        """A version; NotFound when there is none with this number."""
        found = self._store.rules.version(NAME, number)
        if found is None:
            raise NotFound(f"the rules have no version {number}")
        return found

    def rules_versions(self, cursor: str | None, limit: int) -> tuple[Sequence[Book], str | None]:
        return _versions(self._store.rules, NAME, cursor, limit)

    def words(
        self, template: str, channel: Channel, language: Language, number: int | None = None
    ) -> tuple[Words, Wording | None]:
        """The newest words or those of a version, and who wrote them: None for the project's own. TemplateUnknown."""
        name = name_of(template, channel, language)
        own = self._templates.words(name, 0) if template in samples.samples() else None
        if own is None:
            raise TemplateUnknown(f"there is no template {name}")
        wordings = self._store.wordings
        found = wordings.newest(name) if number is None else wordings.version(name, number)
        if found is None and number:
            raise TemplateUnknown(f"{name} has no version {number}")
        return (found.words if found else own), found

    def words_versions(
        self, template: str, channel: Channel, language: Language, cursor: str | None, limit: int
    ) -> tuple[Sequence[Wording], str | None]:
        self.words(template, channel, language)
        return _versions(self._store.wordings, name_of(template, channel, language), cursor, limit)

    def templates(
        self,
        cursor: str | None,
        limit: int,
        *,
        template: str | None,
        channel: Channel | None,
        language: Language | None,
    ) -> tuple[Sequence[tuple[str, Wording | None]], str | None]:
        """The names of all words that fit, and the newest version where somebody changed them."""
        keys = keys_of(cursor, str)
        wanted = [
            name
            for name in self._templates.names()
            if _fits(name, template, channel, language) and (keys is None or name > keys[0])
        ]
        names, following = page(wanted[: limit + 1], limit, cursor_of)
        numbers = self._store.wordings.numbers()
        ids = {name: f"{name}:{numbers[name]}" for name in names if name in numbers}
        found = self._store.wordings.versions(ids.values())
        return [(name, found.get(ids.get(name, ""))) for name in names], following

    def fields(self, template: str) -> list[str]:
        """What a template's words may use."""
        return sorted(COMMON | samples.samples()[template].given)


def _versions(series: Series[V], name: str, cursor: str | None, limit: int) -> tuple[Sequence[V], str | None]:
    keys = keys_of(cursor, int)
    found = series.page(name, keys[0] if keys else None, limit + 1)
    return page(found, limit, lambda last: cursor_of(last.number))


def _fits(name: str, template: str | None, channel: str | None, language: str | None) -> bool:
    in_language, _, rest = name.partition("/")
    of, _, by = rest.partition(".")
    return all(asked in (None, has) for asked, has in ((template, of), (channel, by), (language, in_language)))
