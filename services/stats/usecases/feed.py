"""What the feed says: the counts, whenever they change; and what else its sources have to say."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chassis.clock import Clock
from chassis.worktime import local_day
from stats.domain.feed import Statement, counted, numbers_of
from stats.domain.months import months_later
from stats.queries.counts import Queries, Wanted
from stats.store import StatsStore
from stats.store.feed import Seen

LOG_ROWS = 500
"""How many batches of events are looked at together at most."""
NOW_AND_THEN_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Touched:
    """Where numbers may have changed: these agencies, from the month on in which `since` lies. None: everywhere; then
    `since` is the first day that counts anything now."""

    agencies: frozenset[str] | None
    since: date


Source = Callable[[Touched, datetime], Iterable[Statement]]
"""What is to be said of what was touched, as it is now. A statement that the feed has made already is not made
again."""


class Feeding:
    """Turns what changed into entries of the feed, each change once, whoever dies where and however many work at it:
    what was turned into entries is kept with the entries (see `stats.store.feed`), and whoever does it again finds
    nothing new to say."""

    def __init__(
        self, store: StatsStore, sources: Sequence[Source], clock: Clock, now_and_then: Sequence[Source] = ()
    ) -> None:
        """`now_and_then`: sources whose words come with the days rather than with events, or cost more."""
        self._store = store
        self._sources = sources
        self._now_and_then = now_and_then
        self._due_at = 0.0
        self._clock = clock

    def round(self) -> bool:
        """One look at what changed since the last; True when there is more to be looked at. Overtaken when another
        worker wrote to the feed meanwhile."""
        feed, now = self._store.feed, self._clock()
        feed.catch_up()
        beginning = Seen(0, local_day(now).isoformat(), self._store.generation())
        made = feed.made(beginning)
        touched: Touched | None
        if made is None:
            seen = Seen(self._store.changes.last(), beginning.day, beginning.generation)
            touched, more = self._everything(now), False
        else:
            changes = self._store.changes.after(made.log, LOG_ROWS)
            seen = Seen(changes.log, beginning.day, beginning.generation)
            touched, more = self._touched(changes.agencies, changes.since), changes.more
        is_due = time.monotonic() >= self._due_at
        if seen == made and not is_due:
            return False
        saying = [(source, touched) for source in self._sources if touched is not None]
        if is_due:
            saying += [(source, self._everything(now)) for source in self._now_and_then]
        feed.say((said for source, where in saying for said in source(where, now)), seen, now)
        feed.note_made(seen)
        self._due_at = time.monotonic() + NOW_AND_THEN_SECONDS if is_due else self._due_at
        return more

    def _everything(self, now: datetime) -> Touched:
        first = self._store.current().first_day()
        return Touched(None, min(first or local_day(now), local_day(now)))

    @staticmethod
    def _touched(agencies: frozenset[str], since: date | None) -> Touched | None:
        return None if since is None or not agencies else Touched(agencies, since)


class CountsOfMonths:
    """The source of `stats.counts.v1`: what GET /counts answers by agency and month."""

    def __init__(self, store: StatsStore, queries: Queries) -> None:
        self._store = store
        self._queries = queries

    def __call__(self, touched: Touched, now: datetime) -> Iterator[Statement]:
        found: set[tuple[str, str]] = set()
        names = {id: copy.name for id, copy in self._store.agencies.all().items()}
        for start, end in periods(touched.since, local_day(now)):
            for row in self._queries.counts(Wanted(start=start, end=end, by=("agency", "month")), now):
                agency, month = row["agency"] or "", row["month"]
                if touched.agencies is None or agency in touched.agencies:
                    found.add((agency, month))
                    yield counted(agency, row["agency_name"], month, numbers_of(row), now)
        # What was counted once and is not any more has become nothing.
        since = "" if touched.agencies is None else f"{touched.since:%Y-%m}"
        gone = [
            place for place in self._store.feed.months(touched.agencies) if place[1] >= since and place not in found
        ]
        if gone:
            nothing = _nothing(self._queries, now)
            for agency, month in gone:
                yield counted(agency, names.get(agency), month, nothing, now)


def _nothing(queries: Queries, now: datetime) -> Mapping[str, int | Mapping[str, int]]:
    """The counts of where nothing was ever counted: no code holds a `|`."""
    [row] = queries.counts(Wanted(agency="|"), now)
    return numbers_of(row)


def periods(since: date, today: date, most: int = 6) -> Iterator[tuple[date, date]]:
    """From the first of the month of `since` to the end of this month, at most so many months each."""
    start, end = since.replace(day=1), months_later(today.replace(day=1), 1)
    while start < end:
        until = min(end, months_later(start, most))
        yield start, until
        start = until
