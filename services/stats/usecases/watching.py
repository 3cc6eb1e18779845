"""What the feed says of agencies that fall behind."""

from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from chassis.worktime import local_day
from stats import texts
from stats.domain.feed import Statement, raised
from stats.events import Words
from stats.queries.counts import Queries, Wanted
from stats.queries.periods import period
from stats.queries.populations import Source
from stats.store import StatsStore
from stats.usecases.feed import Touched, periods

OVERDUE_SHARE, OVERDUE_LEAST = Fraction(10, 100), 20
"""An agency is told of when more than this share of at least so many open dossiers is overdue. ? No primary source:
a province's committee sets it."""


class AgenciesBehind:
    """A source of `stats.alert.raised.v1`: the overdue share of an agency, once a month; and a one-stop agency that
    received nothing in the month before, if anybody did."""

    def __init__(self, store: StatsStore, queries: Queries) -> None:
        self._store = store
        self._queries = queries

    def __call__(self, _touched: Touched, now: datetime) -> Iterator[Statement]:
        yield from self._overdue(now)
        yield from self._without_dossiers(now)

    def _overdue(self, now: datetime) -> Iterator[Statement]:
        today = local_day(now)
        start, end = next(periods(today, today))
        for row in self._queries.counts(Wanted(start=start, end=end, by=("agency",)), now):
            overdue, whole = row["open"]["overdue"], row["open"]["total"]
            if row["agency"] and whole >= OVERDUE_LEAST and Fraction(overdue, whole) > OVERDUE_SHARE:
                name = row["agency_name"] or row["agency"]
                numbers = {"overdue": overdue, "open": whole}
                words = _words(texts.OVERDUE_SHARE, agency=name, **numbers)
                yield raised("overdue_share", row["agency"], f"{start:%Y-%m}", numbers, words, now)

    def _without_dossiers(self, now: datetime) -> Iterator[Statement]:
        end = local_day(now).replace(day=1)
        start = date(end.year - (end.month == 1), (end.month - 2) % 12 + 1, 1)
        source = Source(self._store, period(start, end, None, now))
        province = source.whom(None, below=True)
        received = {agency for (agency, _, _), row in source.received(province).items() if row.get("received", 0) > 0}
        for agency in source.one_stop(province) if received else ():
            if agency.id not in received:
                words = _words(texts.WITHOUT_DOSSIERS, agency=agency.name, month=start)
                yield raised("agency_without_dossiers", agency.id, f"{start:%Y-%m}", {"received": 0}, words, now)


def _words(sentence: texts.Text, **words: Any) -> Words:
    said = texts.filled(sentence, **words)
    return Words(vi=said.vi, en=said.en)
