"""What EMC pulls: the system that measures how online services are provided and used, at every portal and site.

Its words and numbers are its own. A site is an agency, `level` is 3 or 4 of the scale before Nghị định 42/2022/NĐ-CP; a
one-part service counts as 3 and a whole-process service as 4. ? No primary source says so; the scales are used side by
side in the published reports. Of services of other levels EMC is told nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from chassis.cache import Cached
from stats.queries.periods import Period, period
from stats.store import StatsStore
from stats.store.projection import Key, Where

LEVELS: Mapping[Any, int] = {3: 3, "partial": 3, 4: 4, "full": 4}
ONLINE, DIRECT = 1, 2
OTHER, RECEIVED, IN_PROCESS, DONE = 0, 1, 2, 3
"""EMC's statuses. 4, assigned, is not told apart from 2: who works on a dossier has it assigned."""
STATUSES: Mapping[str, int] = {
    "received": RECEIVED,
    "finished_early": DONE,
    "finished_on_time": DONE,
    "finished_late": DONE,
    "withdrawn": OTHER,
    "refused": OTHER,
    "stopped": OTHER,
}
NAMES_SECONDS = 60
Place = tuple[str, str, int, int]
"""Site, procedure, level, form of reception: what a page's items are ordered by."""


@dataclass(slots=True)
class Item:
    """`status`: EMC's status → dossiers that came to it in the period; of IN_PROCESS, that are in it when the period
    ends, or now. `received_by_post`: of those that were received. `paid`, `paid_online`: dossiers whose fees were paid
    in the period, and of these, all online."""

    place: Place
    name: str
    status: dict[int, int] = field(default_factory=lambda: dict.fromkeys((OTHER, RECEIVED, IN_PROCESS, DONE), 0))
    received_by_post: int = 0
    paid: int = 0
    paid_online: int = 0


class Emc:
    def __init__(self, store: StatsStore) -> None:
        self._store = store
        self._names = Cached(lambda _: self._read_names(), NAMES_SECONDS)

    def items(
        self,
        start: date | None,
        end: date | None,
        agency: str | None,
        after: Sequence[Any] | None,
        most: int,
        now: datetime,
    ) -> tuple[Period, list[Item]]:
        """At most so many items behind the place `after`, in order; PeriodInvalid. A page reads no more agencies than
        it has items."""
        asked = period(start, end, None, now)
        found: list[Item] = []
        for site in self._sites(asked, agency, after):
            if len(found) >= most:
                break
            items = self._of_site(site, asked)
            found += [item for item in items if after is None or item.place > tuple(after)]
        return asked, found[:most]

    def _sites(self, asked: Period, agency: str | None, after: Sequence[Any] | None) -> Iterator[str]:
        """Those where something was counted in the period, or is in process at its end, by identifier."""
        where = Where(agencies=None if agency is None else [agency])
        current = self._store.current()
        there = {**current.flows(asked.start, asked.end, ("agency",), where)}
        there |= current.levels(_moment(asked), ("agency",), where)
        for (site,) in sorted(there):
            if site and (after is None or site >= after[0]):
                yield site

    def _of_site(self, site: str, asked: Period) -> list[Item]:
        by, where = ("procedure", "channel", "service_level"), Where(agencies=[site])
        current, found = self._store.current(), dict[Place, Item]()
        for key, row in current.flows(asked.start, asked.end, by, where).items():
            if (item := self._item(found, site, key)) is not None:
                for measure, status in STATUSES.items():
                    item.status[status] += row.get(measure, 0)
                item.received_by_post += row.get("received", 0) if key[1] == "post" else 0
                item.paid += row.get("paid", 0)
                item.paid_online += row.get("paid_online", 0)
        for key, row in current.levels(_moment(asked), by, where).items():
            if row.get("open") and (item := self._item(found, site, key)) is not None:
                item.status[IN_PROCESS] += row["open"]
        return [found[place] for place in sorted(found) if any(found[place].status.values()) or found[place].paid]

    def _item(self, found: dict[Place, Item], site: str, key: Key) -> Item | None:
        procedure, channel, service_level = key
        if not procedure or service_level not in LEVELS:
            return None
        place = (site, procedure, LEVELS[service_level], ONLINE if channel == "online" else DIRECT)
        return found.setdefault(place, Item(place, self._names().get(procedure, "")))

    def _read_names(self) -> dict[str, str]:
        """As they were last published."""
        return {each.code: each.name for each in self._store.catalogue.procedures(None) if each.name}


def _moment(asked: Period) -> date:
    return min(asked.end, asked.today + timedelta(days=1))
