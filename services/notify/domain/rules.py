"""The book of rules: which events tell whom, by which channels, in which words. Plain Python.

The project brings a book (`notify/rules.json`, numbered by its `edition`), an editor changes it, and every change is a
version that stays. A newer edition is merged into what counts: where the editor changed nothing it is followed, what
the editor wrote, added or took away stays so.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import FieldError
from notify.domain.occasions import COMMON, OCCASIONS
from notify.domain.telling import SUREST, Audience, Channel, Group, Language, Rule

NAME = "rules"
"""There is one book."""
RELEASE = "release"
"""Who made a version that came with the project."""
When = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """After `event`, the `audience` is told by each of the channels in the words of the template; see `Rule`. `basis`:
    what obliges to tell it, None where nothing is known to."""

    event: str
    audience: Audience
    template: str
    channels: tuple[Channel, ...]
    group: Group
    urgent: bool = False
    obligatory: bool = False
    basis: str | None = None
    when: When = ()

    @property
    def key(self) -> tuple[str, str, When]:
        return self.event, self.audience, self.when


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A version of the rules. `edition`, `brought`: the newest of the project's that is in it."""

    id: str
    name: str
    number: int
    lines: tuple[Line, ...]
    edition: int
    brought: tuple[Line, ...]
    by: str
    at: datetime
    note: str | None = None


def flat(lines: Sequence[Line]) -> tuple[Rule, ...]:
    """A rule for each channel. Of several lines for one event those with conditions come first, as they say more."""
    ordered = sorted(lines, key=lambda line: not line.when)
    return tuple(
        Rule(
            line.event,
            line.audience,
            channel,
            line.template,
            line.group,
            urgent=line.urgent,
            obligatory=line.obligatory,
            when=line.when,
        )
        for line in ordered
        for channel in line.channels
    )


def merged(book: Book, edition: Sequence[Line]) -> tuple[Line, ...]:
    """What counts when the project brings another edition."""
    before, brought = ({line.key: line for line in lines} for lines in (book.brought, edition))
    kept: list[Line] = []
    for line in book.lines:
        if line != before.get(line.key):
            kept.append(line)
        elif line.key in brought:
            kept.append(brought[line.key])
    known = {line.key for line in book.lines} | before.keys()
    return (*kept, *(line for line in edition if line.key not in known))


Needs = Callable[[str, Channel, Language], Collection[str] | None]
"""What a template (name, channel, language) asks for, None when there is none."""


def errors(lines: Sequence[Line], languages: Sequence[Language], needs: Needs) -> list[FieldError]:
    """What is wrong with a book, where."""
    found: list[FieldError] = []
    seen: set[tuple[str, str, When]] = set()
    for n, line in enumerate(lines):
        if line.key in seen:
            found.append(FieldError(f"/rules/{n}", "twice", "says of the same case what another rule says"))
        seen.add(line.key)
        found += _errors(line, f"/rules/{n}", languages, needs)
    return found


def _errors(line: Line, at: str, languages: Sequence[Language], needs: Needs) -> Iterator[FieldError]:
    occasion = OCCASIONS.get(line.event)
    if occasion is None:
        yield FieldError(f"{at}/event", "event_unknown", "no event of this type is told of")
        return
    if line.audience != occasion.audience:
        yield FieldError(f"{at}/audience", "audience_unknown", f"this event tells {occasion.audience}")
    if line.audience == "agency" and line.channels != ("email",):
        yield FieldError(f"{at}/channels", "channel_unknown", "agencies are told by email only")
    if line.obligatory and not set(line.channels) & set(SUREST[:2]):
        yield FieldError(f"{at}/channels", "channel_missing", "what is obligatory goes by email or in the portal too")
    choices = dict(occasion.choices)
    for name, value in line.when:
        if value not in choices.get(name, ()):
            yield FieldError(f"{at}/when/{name}", "condition_unknown", "this event has no such param, or no such value")
    for c, channel in enumerate(line.channels):
        for language in languages:
            asked = needs(line.template, channel, language)
            if asked is None:
                yield FieldError(f"{at}/channels/{c}", "template_missing", f"there are no words for it in {language}")
            elif missing := sorted(set(asked) - COMMON - occasion.params):
                text = f"its words in {language} ask for {', '.join(missing)}, which this event does not give"
                yield FieldError(f"{at}/channels/{c}", "field_missing", text)
