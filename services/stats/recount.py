"""The second opinion: the month's numbers counted straight from dossiers' states, and compared with the cells.

It shares no counting code with the projection, so that one mistake is not made on both sides.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from stats.inbound.states import State

_PROVINCE = ZoneInfo("Asia/Ho_Chi_Minh")
KEY = ("agency", "procedure", "channel", "service_level", "month")
Numbers = Mapping[tuple[Any, ...], Mapping[str, int]]
"""By the values of KEY: what was counted as what. `month` is "" for what is there now."""


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

        def add(measure: str, at: datetime | None, place: tuple[Any, ...] = place) -> None:
            if at is not None:
                month = at.astimezone(_PROVINCE).strftime("%Y-%m")
                numbers.setdefault((*place, month), Counter())[measure] += 1

        if state.channel == "online":
            add("filed", state.filed_at)
        add("received", state.received_at)
        if state.digitised:
            add("digitised", state.received_at)
        add("refused", state.refused_at)
        for asked_at in state.supplements_asked:
            add("supplement_requests", asked_at)
        ends = [at for at in (state.finished_at, state.stopped_at, state.withdrawn_at) if at is not None]
        # The end, when it is of the same instant as the withdrawal.
        if ends and state.finished_at == min(ends):
            add(f"finished_{state.timing}", state.finished_at)
        elif ends and state.stopped_at == min(ends):
            add("stopped", state.stopped_at)
        else:
            add("withdrawn", state.withdrawn_at)
            if state.received_at is None:
                add("withdrawn_waiting", state.withdrawn_at)
        add("handed_over", state.handed_over_at)
        if not ends and state.refused_at is None:
            numbers.setdefault((*place, ""), Counter()).update(_now(state, today))
    return numbers


def _now(state: State, today: date) -> list[str]:
    """As what a dossier counts that has not ended and was not refused."""
    if state.received_at is None:
        return ["waiting"] if state.channel == "online" else []
    found = ["open"]
    if state.paused is not None:
        found.append("supplement" if state.paused == "supplement" else "paused")
    due_on, held_on = (at and at.astimezone(_PROVINCE).date() for at in (state.due_at, state.paused_since))
    if due_on is not None and due_on < today and (held_on is None or held_on > due_on):
        found.append("overdue")
    return found


def compare(counted: Numbers, recounted: Numbers) -> Comparison:
    differences = []
    keys = counted.keys() | recounted.keys()
    for key in sorted(keys, key=lambda key: tuple(map(str, key))):
        ours, theirs = counted.get(key, {}), recounted.get(key, {})
        differing = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name, 0) != theirs.get(name, 0))
        if differing:
            differences.append(
                Difference(
                    dict(zip(KEY, key, strict=True)),
                    {name: ours.get(name, 0) for name in differing},
                    {name: theirs.get(name, 0) for name in differing},
                )
            )
    return Comparison(len(keys), tuple(differences))
