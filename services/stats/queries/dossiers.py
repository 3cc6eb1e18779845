"""The dossiers behind a number, and the look-ups: whoever counts in it, as often as it counts.

The list is made by the same table as the number (`stats.domain.numbers`): a fact is in it as often as it adds to the
number, so the list is as long as the number says. Only what is known now can be listed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of
from chassis.worktime import local_day
from stats.domain.catalogue import Agency, subtree, top
from stats.domain.cells import LEVELS, Measure
from stats.domain.facts import days, pauses, payments, reused
from stats.domain.numbers import NUMBERS, Number, value
from stats.queries.counts import LOOKUPS, Wanted, require_now
from stats.queries.periods import Period, period
from stats.store import StatsStore
from stats.store.lists import After, Behind, Candidates, behind
from stats.store.projection import Where
from stats.store.rows import WAITING

LISTED = tuple(name for name in NUMBERS if name != LOOKUPS)
_AT_ONCE = 400
_BATCHES = 20
"""So many facts are looked at for a page at most; then it has what was found so far, and a cursor to go on from."""
_DAY = {
    "filed": "filed_on",
    "received": "received_on",
    "digitised": "received_on",
    "reused": "received_on",
    "handed_over": "handed_over_on",
    "rated": "rated_on",
    "satisfied": "rated_on",
    "paid": "paid_on",
    "paid_online": "paid_on",
    LOOKUPS: "looked_up_on",
}
"""The day on which a fact counts as that; of the others it is the day on which it ended."""
_ACTS = frozenset({"supplement_requests", "second_supplements", "extensions", "apologies"})
"""They are done between the reception and the end, any number of times."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list. It may be short, and even empty, while `next` says that it goes on."""

    items: Sequence[dict[str, Any]]
    next: str | None


class Dossiers:
    def __init__(self, store: StatsStore) -> None:
        self._store = store

    def behind(
        self, principal: Principal, name: str, wanted: Wanted, now: datetime, cursor: str | None, limit: int
    ) -> Listed:
        """The dossiers that make up the number of that name (of NUMBERS), by agency and day; one that counts twice is
        there twice. Who acts for an agency sees those of it and of the agencies below it; another's list is empty, as
        if it had no dossiers. PeriodInvalid, NotAsOf, Invalid for another list's cursor."""
        copies = self._store.agencies.all()
        where = _seen(principal, copies, wanted.where(copies))
        names = {id: copy.name for id, copy in copies.items()}
        return self._page(name, wanted, where, now, cursor, limit, lambda found: _dossier(found, names))

    def lookups(self, wanted: Wanted, now: datetime, cursor: str | None, limit: int) -> Listed:
        """The looks into the document store, by agency and day. They name nobody. Otherwise as `behind`."""
        where = wanted.where(self._store.agencies.all())
        return self._page(LOOKUPS, wanted, where, now, cursor, limit, _lookup)

    def _page(
        self,
        name: str,
        wanted: Wanted,
        where: Where,
        now: datetime,
        cursor: str | None,
        limit: int,
        shown: Callable[[Behind], dict[str, Any]],
    ) -> Listed:
        number, asked = NUMBERS[name], period(wanted.start, wanted.end, wanted.as_of, now)
        require_now(asked)
        after, given = _place_of(cursor)
        if number.channel is not None:
            if where.channel not in (None, number.channel):
                return Listed([], None)
            where = replace(where, channel=number.channel)
        items: list[dict[str, Any]] = []
        for found in self._facts(number, asked, where, after):
            if found is None:
                return Listed(items, None)
            times = value(number, found.adds, asked.start, asked.end, asked.today)
            skipped = given if found.after == after else 0
            room = limit - len(items)
            items += [shown(found)] * min(max(times - skipped, 0), room)
            if times - skipped > room:
                return Listed(items, cursor_of(*found.after, skipped + room))
            last = cursor_of(*found.after, times)
        return Listed(items, last)

    def _facts(self, number: Number, asked: Period, where: Where, after: After | None) -> Iterator[Behind | None]:
        """The candidates from there on; None after the last there is."""
        facts, candidates = self._store.current().facts, _candidates(number, asked)
        known: After | None = None
        for _ in range(_BATCHES):
            batch = list(behind(facts, candidates, where, after, _AT_ONCE))
            yield from (found for found in batch if found.after != known)
            if len(batch) < _AT_ONCE:
                yield None
                return
            after = known = batch[-1].after


def _candidates(number: Number, asked: Period) -> Candidates:
    """Facts among which are all that count in the number, and as few others as the indexes allow."""
    start, end = asked.start.isoformat(), asked.end.isoformat()
    measures: list[Measure] = list(number.terms)
    if any(measure in LEVELS for measure in measures):
        moment = start if number.when == "start" else end
        if "waiting" in measures:
            waits = WAITING if moment > asked.today.isoformat() else moment
            return Candidates(
                "ended_on", measures, waits, None if waits == moment else _after(waits), {"filed_on": moment}
            )
        return Candidates("ended_on", measures, moment, None, {"received_on": moment})
    if not _ACTS.isdisjoint(measures):
        return Candidates("received_on", measures, "", end)
    return Candidates(_DAY.get(measures[0], "ended_on"), measures, start, end)


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _place_of(cursor: str | None) -> tuple[After | None, int]:
    """The fact that was given last, and how often."""
    keys = keys_of(cursor, str, str, str, int)
    return (None, 0) if keys is None else ((keys[0], keys[1], keys[2]), keys[3])


def _seen(principal: Principal, copies: dict[str, Agency], where: Where) -> Where:
    """What of it the principal may see: who acts for an agency (but the topmost), what is of it and below it."""
    if principal.agency is None or principal.agency == top(copies):
        return where
    mine = subtree(copies, principal.agency)
    return replace(where, agencies=mine if where.agencies is None else sorted(set(mine) & set(where.agencies)))


def _dossier(found: Behind, names: dict[str, str]) -> dict[str, Any]:
    fact, dimensions = found.fact, found.fact.dimensions
    if dimensions is None:
        raise AssertionError("who counts as a dossier has dimensions")
    on, paid = days(fact), payments(fact)
    lasting = next((pause for pause in pauses(fact) if pause.end is None), None) if on.over is None else None
    return {
        "id": found.id,
        "code": None if fact.code is None else fact.code.text,
        "agency": dimensions.agency,
        "agency_name": names.get(dimensions.agency),
        "field": dimensions.field,
        "procedure": dimensions.procedure,
        "channel": dimensions.channel,
        "service_level": dimensions.service_level,
        "filed_on": on.filed,
        "received_on": on.received,
        "due_on": on.due,
        "refused_on": on.refused,
        "withdrawn_on": on.withdrawn,
        "finished_on": on.finished,
        "timing": None if on.finished is None or fact.finished is None else fact.finished.timing,
        "stopped_on": on.stopped,
        "handed_over_on": on.handed_over,
        "paused": None if lasting is None else lasting.kind,
        "paused_since": None if lasting is None else lasting.begin,
        "supplement_requests": len(fact.requests),
        "extensions": len(fact.extensions),
        "reused": reused(fact),
        "paid_on": local_day(paid[0].at) if paid else None,
        "paid_online": bool(paid) and all(each.online for each in paid),
        "score": None if fact.rated is None else fact.rated.score,
    }


def _lookup(found: Behind) -> dict[str, Any]:
    looked_up = found.fact.looked_up
    if looked_up is None:
        raise AssertionError("only look-ups have a day of a look-up")
    return {
        "id": found.id,
        "at": looked_up.at,
        "agency": looked_up.agency,
        "procedure": looked_up.procedure,
        "by": looked_up.by,
        "act": looked_up.act,
        "documents": looked_up.documents,
    }
