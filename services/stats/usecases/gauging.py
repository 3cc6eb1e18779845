"""The main indicators among the metrics."""

import math

from chassis import metrics
from chassis.clock import Clock
from stats.domain.indicators import MAIN
from stats.queries.counts import Queries, Wanted
from stats.queries.indicators import Asked, Indicators


class Gauging:
    """Sets the gauges anew: the province's main indicators of the current year, and what is at hand now. Their labels
    are codes of this program and name nobody."""

    def __init__(self, indicators: Indicators, queries: Queries, clock: Clock) -> None:
        self._indicators = indicators
        self._queries = queries
        self._clock = clock

    def refresh(self) -> None:
        now = self._clock()
        for item in self._indicators.read(Asked(), now, MAIN, compared=False).items:
            code, found = item.reading.indicator.code, item.reading
            metrics.INDICATOR_NUMERATOR.labels(code).set(_known(found.numerator))
            metrics.INDICATOR_DENOMINATOR.labels(code).set(_known(found.denominator))
            metrics.INDICATOR_TARGET.labels(code).set(math.nan if item.target is None else item.target / 100)
        [row] = self._queries.counts(Wanted(), now)
        states = {"open": row["open"]["total"], "overdue": row["open"]["overdue"], "waiting": row["waiting"]}
        for state, number in states.items():
            metrics.DOSSIERS.labels(state).set(number)


def _known(number: int | None) -> float:
    return math.nan if number is None else number
