"""Early warning: the targets of the running year that will be missed at this pace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.worktime import local_day
from stats.domain.catalogue import top
from stats.domain.indicators import (
    INDICATORS,
    Demand,
    Indicator,
    Population,
    Reading,
    needs_of,
    of_percent,
    reading,
    rounded,
)  # fmt: skip
from stats.domain.pace import Forecast, Thresholds, foretell, thresholds_on, working_days
from stats.queries.links import Links
from stats.queries.periods import Period
from stats.queries.populations import Source
from stats.store import StatsStore


@dataclass(frozen=True, slots=True)
class Warned:
    """A target of an agency and where the year ends at this pace."""

    agency: str
    agency_name: str | None
    reading: Reading
    target: float
    forecast: Forecast
    links: Links

    @property
    def needed(self) -> float | None:
        """What has to come on the days that are left, see `Forecast.needed`; a percentage where it is a share."""
        needed = self.forecast.needed
        if needed is None:
            return None
        assigned = isinstance(self.reading.indicator.denominator, Demand)
        return rounded(needed / 100 if assigned else needed, 2)


@dataclass(frozen=True, slots=True)
class Outlook:
    """`period`: the days of the running year until `last_day`, the last that is over; `items` by agency and indicator.
    `passed` of `total` working days are over."""

    period: Period
    year: int
    last_day: date
    passed: int
    total: int
    thresholds: Thresholds
    items: Sequence[Warned]


class Warnings:
    def __init__(self, store: StatsStore) -> None:
        self._store = store

    def outlook(self, now: datetime, agency: str | None = None) -> Outlook:
        """Of every target of the running year (of one agency), whether it is missed or not; those of which nothing can
        be foretold are left out. Today does not count yet: it is not over."""
        today = local_day(now)
        year = date(today.year, 1, 1)
        rules = thresholds_on(today)
        # On the first of January nothing of the year is over.
        period = Period(year, max(today, year + timedelta(days=1)), today)
        source, calendar = Source(self._store, period), self._store.catalogue.calendar()
        passed = working_days(year, today, calendar)
        total = passed + working_days(today, date(today.year + 1, 1, 1), calendar)
        targets = self._store.catalogue.targets([today.year], None if agency is None else [agency], None)
        known = {
            each.agency: [INDICATORS[code] for code in sorted(each.percents) if code in INDICATORS] for each in targets
        }
        populations = _populations(source, known)
        items: list[Warned] = []
        for each in targets:
            about, population = populations[each.agency]
            links = Links(about, False, each.agency, period)
            for indicator in known[each.agency]:
                target, found = each.percents[indicator.code], reading(indicator, population)
                forecast = foretell(found, of_percent(target), passed, total, rules)
                if forecast is not None:
                    named = source.agencies.get(each.agency)
                    name = None if named is None else named.name
                    items.append(Warned(each.agency, name, found, target, forecast, links))
        return Outlook(period, today.year, today - timedelta(days=1), passed, total, rules, items)


def _populations(source: Source, wanted: Mapping[str, Sequence[Indicator]]) -> dict[str, tuple[str | None, Population]]:
    """By agency whose targets they are: whom they are about, and what is needed of it. What the topmost agency is
    assigned is about the whole province (None), what another is assigned about it alone."""
    found: dict[str, tuple[str | None, Population]] = {}
    first = top(source.agencies)
    if first is not None and first in wanted:
        found[first] = None, source.population(source.whom(None, below=False), needs_of(wanted[first]))
    others = [agency for agency in wanted if agency != first]
    needs = needs_of([indicator for agency in others for indicator in wanted[agency]])
    for agency, (_, population) in source.of_each(others, needs, below=False).items():
        found[agency] = agency, population
    return found
