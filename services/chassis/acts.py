"""Requests that create or change an aggregate: repeated keys, stale versions and races, once for all services.

A repeated request gets its first answer, byte for byte: the answer is kept inside the aggregate that the request
changed (`doc_answers`), in the same write as the change, so there is no moment at which one exists without the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chassis.clock import id_from
from chassis.envelope import EventData
from chassis.errors import KeyReused, NotFound, Problem, Stale, Unavailable
from chassis.store import Aggregates, Change, FieldTaken, KeptAnswer, Loaded, New
from chassis.web import Answer, Call

T = TypeVar("T")
RACES = 10
"""How often a change is tried again when others change the same aggregate at the same moment."""

Render = Callable[[T, int], Answer]
"""The answer that shows a state at a version."""


class Taken(Exception):  # noqa: N818 (told to the caller, who tries with another value)
    """Another aggregate has this value in a unique field."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Creation(Generic[T]):
    """An aggregate to be added, the events of its birth, and the call that asks for it."""

    id: str
    state: T
    events: Sequence[EventData]
    call: Call


def create(
    aggregates: Aggregates[T], id: str, state: T, events: Sequence[EventData], call: Call, render: Render[T]
) -> Answer:
    """Adds the aggregate and answers 201; for a repetition, its first answer. Raises KeyReused, Taken."""
    outcome = create_many(aggregates, [Creation(id, state, events, call)], render)[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def create_many(
    aggregates: Aggregates[T], items: Sequence[Creation[T]], render: Render[T]
) -> list[Answer | Taken | KeyReused]:
    """Adds them all in one write; for each its answer, or what `create` would raise."""
    answers = [final(render(item.state, 1), 1) for item in items]
    refused = aggregates.add(
        [
            New(
                item.id, item.state, item.events, item.call.occurred_at, item.call.trace, answer=kept(item.call, answer)
            )
            for item, answer in zip(items, answers, strict=True)
        ]
    )
    there = [item.id for item, field in zip(items, refused, strict=True) if field == "_id"]
    known = aggregates.load_many(there) if there else {}
    return [
        answer if field is None else Taken(field) if field != "_id" else _repeated(known.get(item.id), item.call)
        for item, answer, field in zip(items, answers, refused, strict=True)
    ]


def _repeated(loaded: Loaded[Any] | None, call: Call) -> Answer | KeyReused:
    try:
        return first_answer(loaded, call) or KeyReused("this Idempotency-Key was sent for something else")
    except KeyReused as reused:
        return reused


def change(
    aggregates: Aggregates[T],
    id: str,
    call: Call,
    *,
    sees: Callable[[T], bool],
    decide: Callable[[T], tuple[T, Sequence[EventData]]],
    render: Render[T],
) -> Answer:
    """Loads the aggregate, lets `decide` make the new state, writes it, answers.

    To somebody who may not see it, what exists and what does not answer alike (NotFound). Raises KeyReused, Stale,
    Taken, and whatever `decide` raises. `decide` is called again when somebody else changed the aggregate in between.
    """
    wanted = Alteration(id, call, sees, decide, render)
    for _ in range(RACES):
        answer, changed = _prepared(aggregates.load(id), wanted)
        if changed is None:
            return answer
        try:
            written = aggregates.save([changed])[0]
        except FieldTaken as taken:
            raise Taken(taken.field) from None
        if written:
            return answer
    raise Unavailable("too many changes of the same thing at once", retry_after=1)


@dataclass(frozen=True, slots=True)
class Alteration(Generic[T]):
    """A change of one aggregate, as `change` takes it. In a request for many, each `call` has a key of its own."""

    id: str
    call: Call
    sees: Callable[[T], bool]
    decide: Callable[[T], tuple[T, Sequence[EventData]]]
    render: Render[T]


def change_many(aggregates: Aggregates[T], items: Sequence[Alteration[T]]) -> list[Answer | Problem]:
    """Each as `change` does it, with as few writes as can be: its answer, or what `change` would raise.

    Those of the same aggregate are done in their order, one after the other. No unique field may be changed.
    """
    outcomes: dict[int, Answer | Problem] = {}
    tries = dict.fromkeys(range(len(items)), RACES)
    while len(outcomes) < len(items):
        next_ones: dict[str, int] = {}
        for n, item in enumerate(items):
            if n not in outcomes:
                next_ones.setdefault(item.id, n)
        loaded = aggregates.load_many(next_ones)
        changes: dict[int, tuple[Answer, Change[T]]] = {}
        for id, n in next_ones.items():
            try:
                answer, changed = _prepared(loaded.get(id), items[n])
            except Problem as problem:
                outcomes[n] = problem
                continue
            if changed is None:
                outcomes[n] = answer
            else:
                changes[n] = answer, changed
        written = aggregates.save([changed for _, changed in changes.values()])
        for (n, (answer, _)), done in zip(changes.items(), written, strict=True):
            tries[n] -= 1
            if done:
                outcomes[n] = answer
            elif not tries[n]:
                outcomes[n] = Unavailable("too many changes of the same thing at once", retry_after=1)
    return [outcomes[n] for n in range(len(items))]


def _prepared(loaded: Loaded[T] | None, wanted: Alteration[T]) -> tuple[Answer, Change[T] | None]:
    """The answer, and the write that it takes; None for a repetition."""
    call = wanted.call
    if loaded is None or not wanted.sees(loaded.state):
        raise NotFound(f"{wanted.id} is not there for you")
    if (first := first_answer(loaded, call)) is not None:
        return first, None
    if call.if_match is not None and call.if_match != loaded.version:
        raise Stale(f"the version is {loaded.version} now")
    state, events = wanted.decide(loaded.state)
    answer = final(wanted.render(state, loaded.version + 1), loaded.version + 1)
    return answer, Change(loaded, state, events, call.occurred_at, call.trace, answer=kept(call, answer))


def put(
    aggregates: Aggregates[T],
    id: str,
    call: Call,
    *,
    decide: Callable[[T | None], tuple[T, Sequence[EventData]]],
    render: Render[T],
) -> Answer:
    """Makes the aggregate that the caller names, or changes it, and answers. Raises KeyReused, Stale, and whatever
    `decide` raises.

    `decide` gets None when it is not there yet, and is called again when somebody else wrote it in between.
    """
    for _ in range(RACES):
        loaded = aggregates.load(id)
        if (first := first_answer(loaded, call)) is not None:
            return first
        seen = 0 if loaded is None else loaded.version
        if call.if_match is not None and call.if_match != seen:
            raise Stale(f"the version is {seen} now")
        state, events = decide(None if loaded is None else loaded.state)
        answer = final(render(state, seen + 1), seen + 1)
        if loaded is None:
            new = New(id, state, events, call.occurred_at, call.trace, answer=kept(call, answer))
            written = aggregates.add([new])[0] is None
        else:
            written = aggregates.save(
                [Change(loaded, state, events, call.occurred_at, call.trace, kept(call, answer))]
            )[0]
        if written:
            return answer
    raise Unavailable("too many changes of the same thing at once", retry_after=1)


def first_answer(loaded: Loaded[Any] | None, call: Call) -> Answer | None:
    """The answer that this call's key got before, or None; KeyReused when the key came with another request."""
    key = key_of(call)
    if loaded is None or key is None:
        return None
    found = next((answer for answer in loaded.answers if answer.key == key), None)
    if found is None:
        return None
    if found.body_hash != call.body_hash:
        raise KeyReused("this Idempotency-Key was sent with another request")
    return Answer(found.body, found.status, found.version)


def final(answer: Answer, version: int) -> Answer:
    """The answer with its body as text, so that what is kept is what was sent."""
    return Answer(answer.text(), answer.status, version, answer.headers)


def kept(call: Call, answer: Answer) -> KeptAnswer | None:
    """What is written with a change, so that a repetition of the call gets the same `final` answer."""
    key = key_of(call)
    return (
        None if key is None else KeptAnswer(key, call.body_hash, answer.status, str(answer.body), answer.version or 0)
    )


def key_of(call: Call) -> str | None:
    """What is kept of the Idempotency-Key; another caller's same key is another one."""
    return None if call.key is None else id_from("answer", call.principal.subject, call.key)
