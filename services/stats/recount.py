"""The second opinion: the month's numbers counted straight from dossiers' states, and compared with the cells.

It shares no counting code with the projection, so that one mistake is not made on both sides.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from stats.inbound.states import State

_PROVINCE = ZoneInfo("Asia/Ho_Chi_Minh")
_SATISFIED = 4
KEY = ("agency", "procedure", "channel", "service_level", "month")
Numbers = Mapping[tuple[Any, ...], Mapping[str, int]]
"""By the values of KEY: what was counted as what. `month` is "" for what is there now."""


MEASURES = frozenset({
    "filed", "received", "digitised", "refused", "supplement_requests", "finished_early", "finished_on_time",
    "finished_late", "stopped", "withdrawn", "withdrawn_waiting", "handed_over", "waiting", "open", "supplement",
    "paused", "overdue", "reused", "paid", "paid_online", "rated", "score_sum", "satisfied", "second_supplements",
    "open_asked_twice", "overdue_asked_twice",
})  # fmt: skip
"""What intake knows of its dossiers; everything else is not compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`key` by the names of KEY; the measures that differ, as the cells and as the second opinion have them."""

    key: Mapping[str, Any]
    counted: Mapping[str, int]
    recounted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    compared: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences


def count(states: Iterable[State], today: date) -> dict[tuple[Any, ...], Counter[str]]:
    numbers: dict[tuple[Any, ...], Counter[str]] = {}
    for state in states:
        place = (state.agency, state.procedure, state.channel, state.service_level)
        for measure, at, number in (*_came(state), *_ended(state), *_besides(state)):
            if at is not None:
                month = at.astimezone(_PROVINCE).strftime("%Y-%m")
                numbers.setdefault((*place, month), Counter())[measure] += number
        if not _ends(state) and state.refused_at is None:
            numbers.setdefault((*place, ""), Counter()).update(_now(state, today))
    return numbers


Counted = tuple[str, datetime | None, int]
"""A measure, when (None: never), and how much is added to it."""


def _came(state: State) -> Iterator[Counted]:
    if state.channel == "online":
        yield "filed", state.filed_at, 1
    yield "received", state.received_at, 1
    if state.digitised:
        yield "digitised", state.received_at, 1
    if state.reused:
        yield "reused", state.received_at, 1
    yield "refused", state.refused_at, 1


def _ends(state: State) -> list[datetime]:
    return [at for at in (state.finished_at, state.stopped_at, state.withdrawn_at) if at is not None]


def _ended(state: State) -> Iterator[Counted]:
    ends = _ends(state)
    if not ends:
        return
    # What ended before it came, by a clock that is wrong, ended when it came.
    ended_at = max([min(ends), *([state.received_at] if state.received_at else [])])
    # The end, when it is of the same instant as the withdrawal.
    if state.finished_at == min(ends):
        yield f"finished_{state.timing}", ended_at, 1
    elif state.stopped_at == min(ends):
        yield "stopped", ended_at, 1
    else:
        yield "withdrawn", ended_at, 1
        if state.received_at is None:
            yield "withdrawn_waiting", ended_at, 1


def _besides(state: State) -> Iterator[Counted]:
    for asked_at in state.supplements_asked:
        yield "supplement_requests", asked_at, 1
    for asked_at in sorted(state.supplements_asked)[1:2]:
        yield "second_supplements", asked_at, 1
    yield "handed_over", state.handed_over_at, 1
    yield "paid", state.paid_at, 1
    if state.paid_online:
        yield "paid_online", state.paid_at, 1
    if state.score is not None:
        yield "rated", state.rated_at, 1
        yield "score_sum", state.rated_at, state.score
        if state.score >= _SATISFIED:
            yield "satisfied", state.rated_at, 1


def _now(state: State, today: date) -> list[str]:
    """As what a dossier counts that has not ended and was not refused."""
    if state.received_at is None:
        return ["waiting"] if state.channel == "online" else []
    twice = len(state.supplements_asked) > 1
    found = ["open"] + (["open_asked_twice"] if twice else [])
    if state.paused is not None:
        found.append("supplement" if state.paused == "supplement" else "paused")
    due_on, held_on = (at and at.astimezone(_PROVINCE).date() for at in (state.due_at, state.paused_since))
    if due_on is not None and due_on < today and (held_on is None or held_on > due_on):
        found += ["overdue", "overdue_asked_twice"] if twice else ["overdue"]
    return found


def compare(counted: Numbers, recounted: Numbers) -> Comparison:
    differences = []
    keys = counted.keys() | recounted.keys()
    for key in sorted(keys, key=lambda key: tuple(map(str, key))):
        ours, theirs = counted.get(key, {}), recounted.get(key, {})
        names = (ours.keys() | theirs.keys()) & MEASURES
        differing = sorted(name for name in names if ours.get(name, 0) != theirs.get(name, 0))
        if differing:
            differences.append(
                Difference(
                    dict(zip(KEY, key, strict=True)),
                    {name: ours.get(name, 0) for name in differing},
                    {name: theirs.get(name, 0) for name in differing},
                )
            )
    return Comparison(len(keys), tuple(differences))
