"""The words of messages: Jinja templates in `templates/<language>/<template>.<channel>.txt`, some with an `.html` too,
and in their place whatever an editor has written since (see `notify.domain.wordings`).

A file's first line is the subject and its second is empty; those for `sms` and `chat` are a text and nothing else. A
template may use `name`, `procedure_name`, `agency_name`, `code` (None before there is one), `lookup` (the address of
the look-up page), `choices` (where to choose which e-mails one gets, or None) and the params of its event, which the
consumer gives; a name that is not there is an error, not an empty place.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, nodes
from jinja2.exceptions import FilterArgumentError, TemplateRuntimeError
from jinja2.meta import find_referenced_templates, find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chassis.worktime import ZONE
from notify.domain import digests
from notify.domain.messages import Message
from notify.domain.occasions import OCCASIONS
from notify.domain.segments import unaccented
from notify.domain.telling import Channel, Language
from notify.domain.wordings import SUBJECTLESS, Wording, Words, name_of

FOLDER = Path(__file__).with_name("templates")
MOST_CHARACTERS = 200_000
"""Of a message's text, and of its HTML."""
_WRONG_AS_DATA = (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What a template raises that does with a value what cannot be done with it."""


class TemplateBroken(Exception):  # noqa: N818 (what it is, not what happened)
    """A template is missing, or asks for what the message does not have. Its text holds no data of the message."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """In NFC. `subject` is one line without control characters, empty where the channel has none. `version`: of the
    words, 0 for the project's own. `unsubscribe`: where whoever gets it may say that they want no more like it, None
    where they may not."""

    subject: str
    text: str
    html: str | None
    version: int = 0
    unsubscribe: str | None = None


class Shelf(Protocol):
    """What editors wrote."""

    def newest(self) -> Mapping[str, Wording]:
        """By name; not older than a few seconds."""

    def version(self, name: str, number: int) -> Wording | None: ...


class _Empty:
    def newest(self) -> Mapping[str, Wording]:
        return {}

    def version(self, _name: str, _number: int) -> Wording | None:
        return None


def local(instant: datetime) -> str:
    """23/08/2024 17:00, in Asia/Ho_Chi_Minh."""
    if not isinstance(instant, datetime):
        raise FilterArgumentError("local takes an instant")
    return instant.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: Template | None
    text: Template
    html: Template | None
    version: int


class Templates:
    """`plain_sms`: SMS are sent without accents, for a fourth of the price. `choices`: the address of the page where
    the owner of an e-mail address chooses what comes to it, None where there is no such page."""

    def __init__(
        self,
        public_url: str,
        folder: Path = FOLDER,
        *,
        shelf: Shelf | None = None,
        plain_sms: bool = True,
        choices: Callable[[str], str | None] = lambda _address: None,
    ) -> None:
        self._public_url = public_url.rstrip("/")
        self._loader = FileSystemLoader(folder)
        self._shelf = shelf or _Empty()
        self._plain_sms = plain_sms
        self._choices = choices
        self.environment = ImmutableSandboxedEnvironment(
            loader=self._loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            autoescape=lambda name: name is not None and name.endswith(".html"),
        )  # fmt: skip
        self.environment.filters["local"] = local
        # For a source that has no file name to tell that it is HTML.
        self._marked_up = self.environment.overlay(autoescape=True)
        self._compiled = lru_cache(maxsize=2000)(self._compile)
        self._own = lru_cache(maxsize=None)(self._read)
        self._asked_by = lru_cache(maxsize=None)(self._asks)

    # -- messages

    def render(self, message: Message) -> Rendered:
        """What the message says, in the words it was told in, or else in the newest; raises TemplateBroken."""
        name = name_of(message.template, message.channel, message.language)
        number = self.newest(name) if message.template_version is None else message.template_version
        choices = self._choices_of(message)
        values = {**message.params, "code": message.code, "lookup": self.lookup(message), "choices": choices}
        try:
            rendered = self._fill(self._compiled(name, number), values, message.channel)
            return replace(rendered, unsubscribe=None if message.obligatory else choices)
        except _WRONG_AS_DATA as error:
            raise TemplateBroken(f"{message.template}.{message.channel}: {type(error).__name__}") from None

    def lookup(self, message: Message) -> str:
        """The public page that shows where the dossier stands; before it has a code, its id is its code."""
        return self.lookup_of(message.code or message.dossier)

    def lookup_of(self, code: str) -> str:
        """The same, of a dossier's code."""
        return f"{self._public_url}/tra-cuu?ma={quote(code, safe='')}"

    def _choices_of(self, message: Message) -> str | None:
        occasion = OCCASIONS.get(message.event_type)
        to_applicant = message.event_type == digests.EVENT_TYPE or (occasion and occasion.audience == "applicant")
        return self._choices(message.to) if message.channel == "email" and to_applicant else None

    # -- their words

    def newest(self, name: str) -> int:
        """The number of the newest words, 0 for the project's own."""
        found = self._shelf.newest().get(name)
        return found.number if found else 0

    def words(self, name: str, number: int | None = None) -> Words | None:
        """The newest words, or those of a version; None where there are none."""
        number = self.newest(name) if number is None else number
        if number == 0:
            try:
                return self._own(name)
            except TemplateError:
                return None
        newest = self._shelf.newest().get(name)
        found = newest if newest and newest.number == number else self._shelf.version(name, number)
        return found.words if found else None

    def names(self) -> list[str]:
        """Of all words that the project has."""
        return sorted(
            name.removesuffix(".txt")
            for name in self._loader.list_templates()
            if name.endswith(".txt") and name.count(".") == 2
        )

    def fill(self, words: Words, values: Mapping[str, Any], channel: Channel) -> Rendered:
        """The words with these values; raises TemplateBroken with what is wrong."""
        try:
            return self._fill(self._compile_words(words, 0), values, channel)
        except _WRONG_AS_DATA as error:
            said = error.message if isinstance(error, TemplateError) else None
            raise TemplateBroken((said or type(error).__name__)[:200]) from None

    def needs(self, template: str, channel: Channel, language: Language) -> frozenset[str] | None:
        """The names that a template asks for, with what it includes; None when there is no such template."""
        words = self.words(name_of(template, channel, language))
        return None if words is None else self.asked(words)

    def asked(self, words: Words) -> frozenset[str]:
        """The names that words ask for, with what they include. Raises TemplateError."""
        sources = filter(None, (words.subject, words.text, words.html))
        return frozenset(name for source in sources for name in self._asked(source))

    def _asked(self, source: str) -> Iterable[str]:
        tree = self.environment.parse(source)
        # Within a block jinja2 does not see what the template imported at its top.
        yield from find_undeclared_variables(tree) - {node.target for node in tree.find_all(nodes.Import)}
        for name in find_referenced_templates(tree):
            if name is not None:
                yield from self._asked_by(name)

    def _asks(self, name: str) -> frozenset[str]:
        return frozenset(self._asked(self._loader.get_source(self.environment, name)[0]))

    def _read(self, name: str) -> Words:
        source, _, _ = self._loader.get_source(self.environment, f"{name}.txt")
        html = f"{name}.html"
        there = html in self._loader.list_templates()
        if name.rpartition(".")[2] in SUBJECTLESS:
            return Words(subject=None, text=source)
        subject, separator, text = source.partition("\n\n")
        if not separator or "\n" in subject:
            raise TemplateError(f"{name}.txt does not begin with a subject and an empty line")
        marked = self._loader.get_source(self.environment, html)[0] if there else None
        return Words(subject=subject, text=text, html=marked)

    def _compile(self, name: str, number: int) -> _Compiled:
        words = self._own(name) if number == 0 else self.words(name, number)
        if words is None:
            raise TemplateError(f"{name} has no version {number}")
        return self._compile_words(words, number)

    def _compile_words(self, words: Words, number: int) -> _Compiled:
        return _Compiled(
            None if words.subject is None else self.environment.from_string(words.subject),
            self.environment.from_string(words.text),
            None if words.html is None else self._marked_up.from_string(words.html),
            number,
        )

    def _fill(self, compiled: _Compiled, values: Mapping[str, Any], channel: Channel) -> Rendered:
        subject = "" if compiled.subject is None else _limited(compiled.subject, values)
        text = _limited(compiled.text, values)
        if channel == "sms":
            text = " ".join((unaccented(text) if self._plain_sms else text).split())
        elif channel in SUBJECTLESS:
            text = text.strip()
        html = None if compiled.html is None else _limited(compiled.html, values)
        # The subject becomes a header: whatever a name holds, it stays one line.
        return Rendered(" ".join(subject.split()), text, html, compiled.version)


def _limited(template: Template, values: Mapping[str, Any]) -> str:
    """The text in NFC, which is given up when it outgrows any message."""
    pieces: list[str] = []
    size = 0
    for piece in template.generate(values):
        size += len(piece)
        if size > MOST_CHARACTERS:
            raise TemplateRuntimeError("the text is too long")
        pieces.append(piece)
    return unicodedata.normalize("NFC", "".join(pieces))
