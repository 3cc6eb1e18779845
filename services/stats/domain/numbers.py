"""The numbers that people ask for, each a sum of measures: of the period's days, or at one of its ends. Plain Python.

What counts a dossier and what lists the dossiers behind the count read the same table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from stats.domain.cells import FLOWS, LEVELS, Adds, Flow, Level, Measure
from stats.domain.facts import Channel

When = Literal["period", "start", "end"]
FALLING_DUE: Mapping[Level, Flow] = {"overdue": "falling_due", "overdue_asked_twice": "falling_due_asked_twice"}


@dataclass(frozen=True, slots=True)
class Number:
    """The sum of `terms`, measure → how many times: over the days of the period, or of levels at its start or end. Of
    `channel` alone, if that is given."""

    terms: Mapping[Measure, int]
    when: When = "period"
    channel: Channel | None = None


def _flow(*measures: Flow, channel: Channel | None = None) -> Number:
    return Number(dict.fromkeys(measures, 1), channel=channel)


SUMS: tuple[Flow, ...] = ("score_sum", "process_days")
"""Measures that add up something else than dossiers, or acts on them."""
NUMBERS: Mapping[str, Number] = {
    **{measure: _flow(measure) for measure in FLOWS if measure not in SUMS and measure not in FALLING_DUE.values()},
    **{measure: Number({measure: 1}, "end") for measure in LEVELS},
    "received_online": _flow("received", channel="online"),
    "received_counter": _flow("received", channel="counter"),
    "received_post": _flow("received", channel="post"),
    "carried_over": Number({"open": 1}, "start"),
    "within": Number({"open": 1, "overdue": -1}, "end"),
    "finished": _flow("finished_early", "finished_on_time", "finished_late"),
    # In time as QĐ 766/QĐ-TTg (2.1) has it: a dossier whose supplement was asked for twice is late.
    "finished_in_time_766": Number({"finished_early": 1, "finished_on_time": 1, "finished_asked_twice": -1}),
    "open_in_time_766": Number({"open": 1, "overdue": -1, "open_asked_twice": -1, "overdue_asked_twice": 1}, "end"),
}
"""By name: what can be counted, and listed."""

LEAVES: Mapping[str, str] = {
    "received.online": "received_online",
    "received.counter": "received_counter",
    "received.post": "received_post",
    "received.total": "received",
    "carried_over": "carried_over",
    "finished.early": "finished_early",
    "finished.on_time": "finished_on_time",
    "finished.late": "finished_late",
    "finished.total": "finished",
    "open.within": "within",
    "open.overdue": "overdue",
    "open.total": "open",
    **{
        name: name
        for name in (
            "waiting",
            "supplement",
            "paused",
            "stopped",
            "supplement_requests",
            "second_supplements",
            "extensions",
            "apologies",
            "withdrawn",
            "withdrawn_waiting",
            "refused",
            "handed_over",
            "digitised",
            "reused",
            "paid",
            "paid_online",
            "electronic_results",
            "digitised_results",
            "rated",
            "satisfied",
            "document_lookups",
        )
    },
}
"""The numbers of a row of counts, by where they stand in it: the name of each in NUMBERS."""


def measure_of(measure: str, channel: Channel | None) -> str:
    """What the sums call what was counted of the channel alone; None: of all."""
    return measure if channel is None else f"{measure}_{channel}"


def not_yet_due(levels: Mapping[str, int], falling: Mapping[str, int]) -> dict[str, int]:
    """The levels that hold what falls due today or later, without it; `falling`: the flows of these days."""
    return {level: max(levels.get(level, 0) - falling.get(flow, 0), 0) for level, flow in FALLING_DUE.items()}


def value(number: Number, adds: Adds, start: date, end: date, today: date) -> int:
    """What one dossier adds to the number in the period [start, end), `today` being the last day that anything is known
    of. Of a level, what falls due today or later has not begun."""
    total = 0
    for day, sums in adds.items():
        if _counts(number.when, day, start, end):
            total += sum(number.terms.get(measure, 0) * count for measure, count in sums.items())
        if number.when == "end" and today.isoformat() <= day < end.isoformat():
            for level, falling in FALLING_DUE.items():
                total -= number.terms.get(level, 0) * sums.get(falling, 0)
    return total


def _counts(when: When, day: str, start: date, end: date) -> bool:
    match when:
        case "period":
            return start.isoformat() <= day < end.isoformat()
        case "start":
            return day < start.isoformat()
        case "end":
            return day < end.isoformat()
