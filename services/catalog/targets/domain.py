"""The targets that agencies are assigned for a year: an indicator each, in percent, and how many dossiers they are to
receive. Plain Python."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalog.checks import Wrong
from catalog.domain import YEARS
from chassis.errors import FieldError

INDICATOR = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
MAX_INDICATORS = 100
MAX_DEMAND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the `decision` assigns to an agency for a year: indicator → percent, from 0 to 100.

    An indicator is named as the statistics name it, for example `online_share`; the lists of indicators change with the
    decisions (Quyết định 766/QĐ-TTg and the province's own), so any name will do.

    `demands`: the number of dossiers that are to come in the year, by the indicator that compares with it what has
    come, for example `demand_level_3`.
    """

    agency: str
    year: int
    decision: str
    indicators: Mapping[str, float]
    demands: Mapping[str, int] = field(default_factory=dict)


def errors_of(targets: Targets) -> list[FieldError]:
    """What is wrong with them."""
    wrong = Wrong()
    wrong.unless(targets.year in YEARS, "/year", "year", f"a year from {YEARS[0]} to {YEARS[-1]}")
    wrong.text("/decision", targets.decision)
    for name, percent in _named(wrong, "/indicators", targets.indicators):
        wrong.unless(0 <= percent <= 100, name, "range", "from 0 to 100 percent")
    for name, dossiers in _named(wrong, "/demands", targets.demands):
        wrong.unless(0 < dossiers <= MAX_DEMAND, name, "range", f"from 1 to {MAX_DEMAND} dossiers")
    return wrong.errors


def _named(wrong: Wrong, pointer: str, by_indicator: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The pointer and the value of each; what is wrong with their names and their number is added."""
    wrong.unless(len(by_indicator) <= MAX_INDICATORS, pointer, "too_many", f"at most {MAX_INDICATORS} indicators")
    for name, value in by_indicator.items():
        place = f"{pointer}/{name[:100].replace('~', '~0').replace('/', '~1')}"
        wrong.unless(INDICATOR.fullmatch(name), place, "indicator", "small letters, digits and _, at most 60")
        yield place, value
