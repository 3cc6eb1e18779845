"""The targets that agencies are assigned for a year: an indicator each, in percent. Plain Python."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.checks import Wrong
from catalog.domain import YEARS
from chassis.errors import FieldError

INDICATOR = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
MAX_INDICATORS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the `decision` assigns to an agency for a year: indicator → percent, from 0 to 100.

    An indicator is named as the statistics name it, for example `online_share`; the lists of indicators change with the
    decisions (Quyết định 766/QĐ-TTg and the province's own), so any name will do.
    """

    agency: str
    year: int
    decision: str
    indicators: Mapping[str, float]


def errors_of(targets: Targets) -> list[FieldError]:
    """What is wrong with them."""
    wrong = Wrong()
    wrong.unless(targets.year in YEARS, "/year", "year", f"a year from {YEARS[0]} to {YEARS[-1]}")
    wrong.text("/decision", targets.decision)
    wrong.unless(
        len(targets.indicators) <= MAX_INDICATORS, "/indicators", "too_many", f"at most {MAX_INDICATORS} indicators"
    )
    for name, percent in targets.indicators.items():
        pointer = f"/indicators/{name[:100].replace('~', '~0').replace('/', '~1')}"
        wrong.unless(INDICATOR.fullmatch(name), pointer, "indicator", "small letters, digits and _, at most 60")
        wrong.unless(0 <= percent <= 100, pointer, "range", "from 0 to 100 percent")
    return wrong.errors
