"""What the feed says of indicators and of targets at risk."""

from collections.abc import Iterator
from datetime import date, datetime

from chassis.worktime import local_day
from stats import texts
from stats.domain.feed import Statement, measured, raised
from stats.domain.indicators import INDICATORS, MAIN, Reading
from stats.events import Words
from stats.queries.indicators import Asked, Indicators
from stats.queries.warnings import Warnings
from stats.usecases.feed import Touched

OF_AGENCIES = tuple(code for code in MAIN if INDICATORS[code].needs == {"dossiers"} and INDICATORS[code].denominator)
"""The main indicators that agencies are told of too: those that every dossier can change."""


class IndicatorsOfTheYear:
    """The source of `stats.indicator.changed.v1`: the main indicators of each year in which something may have
    changed, of the province and of the agencies where it did."""

    def __init__(self, indicators: Indicators) -> None:
        self._indicators = indicators

    def __call__(self, touched: Touched, now: datetime) -> Iterator[Statement]:
        for year in range(touched.since.year, local_day(now).year + 1):
            asked = Asked(start=date(year, 1, 1), end=date(year + 1, 1, 1))
            for item in self._indicators.read(asked, now, MAIN, compared=False).items:
                yield from _said(item.reading, None, year, now)
            # Look-ups of one's own documents are of no agency; in a subject that would be the province.
            agencies = None if touched.agencies is None else touched.agencies - {""}
            for agency, reading in self._indicators.of_agencies(OF_AGENCIES, asked, now, agencies):
                yield from _said(reading, agency, year, now)


def _said(reading: Reading, agency: str | None, year: int, now: datetime) -> Iterator[Statement]:
    # Where nothing was assigned there is nothing to compare with.
    if reading.numerator is not None and (reading.denominator is not None or reading.indicator.denominator is None):
        yield measured(reading.indicator.code, agency, str(year), reading.numerator, reading.denominator, now)


class TargetsAtRisk:
    """The source of `stats.alert.raised.v1`: a target of the running year that is missed by far at this pace. It is
    said once a year of each."""

    def __init__(self, warnings: Warnings) -> None:
        self._warnings = warnings

    def __call__(self, _touched: Touched, now: datetime) -> Iterator[Statement]:
        found = self._warnings.outlook(now)
        for item in found.items:
            if item.forecast.severity == "alert":
                indicator = item.reading.indicator
                sentence = texts.missed(item.target, item.forecast, indicator.better or "more")
                name = texts.INDICATORS[indicator.code].name
                numbers = {
                    "target": item.target / 100,
                    "projected": float(item.forecast.projected),
                    "missed_by": float(item.forecast.missed_by),
                }
                words = Words(vi=f"{name.vi}: {sentence.vi}", en=f"{name.en}: {sentence.en}")
                yield raised("target_at_risk", item.agency, str(found.year), numbers, words, now, indicator.code)
