"""The sums of one generation, in documents that hold many numbers each: the fewer documents a batch of events touches,
the cheaper it is, and the fewer a question reads, the sooner it is answered.

- `totals_<g>`: an agency and year, see `stats.store.totals`.
- `years_<g>`: an agency and year. `c`: by channel and service level month → measure → number, with the whole year as
  month 00.
- `procedures_<g>`: a field, procedure and year, over all agencies. `c` as above.
- `months_<g>`: an agency and month. `t`: day → measure → number, `s`: the same by channel and service level, `e`: the
  same by field, procedure, channel and level.

Every number is a plain sum of what facts add, so all but the totals change by `$inc` only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from pymongo import ASCENDING, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chassis.store import Document
from stats.domain.cells import Level, Place
from stats.domain.facts import Channel, ServiceLevel
from stats.store.decoding import TIMELESS
from stats.store.totals import TRANSACTION, Added, Total, Totals, add_to

DIMENSIONS = ("agency", "field", "procedure", "channel", "service_level")
_LEVELS: dict[str, ServiceLevel] = {"1": 1, "2": 2, "3": 3, "4": 4}
WHOLE = "00"
"""Stands for the whole year among its months."""
KINDS = ("years", "procedures", "months", "totals")
Key = tuple[Any, ...]
Entry = tuple[Place, str, Mapping[str, int]]
"""Place, local day, and what is added there to each measure."""
Numbers = Mapping[str, Mapping[str, int]]
"""Month of the year, or day of the month, two digits → measure → number."""
Found = dict[Key, dict[str, int]]


FEW = 3
"""Measures that are asked for one by one."""


class TooManyError(Exception):
    """More rows than were asked for at most."""


class AtMost(Found):
    """Rows that are never more than so many; TooManyError."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def setdefault(self, key: Key, default: dict[str, int]) -> dict[str, int]:
        row = super().setdefault(key, default)
        if len(self) > self._most:
            raise TooManyError
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which dossiers are counted; None: whatever it is. `agencies`: any of these; an empty one is of no dossier."""

    agencies: Sequence[str] | None = None
    field: str | None = None
    procedure: str | None = None
    channel: Channel | None = None
    service_level: ServiceLevel | None = None

    def holds(self, place: Place) -> bool:
        agency, field, procedure, channel, level = place
        return (
            (self.agencies is None or agency in self.agencies)
            and (self.field is None or field == self.field)
            and (self.procedure is None or procedure == self.procedure)
            and (self.channel is None or channel == self.channel)
            and (self.service_level is None or level == self.service_level)
        )


EVERYWHERE = Where()


Only = frozenset[str] | None
"""The measures that are wanted; None: all."""
_Slots = list[tuple[str, str, str]]
"""Parts of a document's numbers: their name there, and the month and day that they are (day "" for a month)."""


class Sums:
    def __init__(self, database: Database[Document], generation: int) -> None:
        self.years, self.procedures, self.months = (
            database.get_collection(f"{kind}_{generation}", codec_options=TIMELESS) for kind in KINDS[:3]
        )
        self.totals = Totals(database, generation)

    def ensure_indexes(self) -> None:
        self.totals.ensure_indexes()
        self.years.create_index([("year", ASCENDING), ("agency", ASCENDING)], name="year")
        self.procedures.create_index([("year", ASCENDING), ("procedure", ASCENDING)], name="year")
        self.months.create_index([("month", ASCENDING), ("agency", ASCENDING)], name="month")
        self.months.create_index([("agency", ASCENDING), ("month", ASCENDING)], name="agency")

    def add(self, entries: Iterable[Entry], session: ClientSession | None = None) -> None:
        """Adds each number once for each call: whoever calls sees to it that this happens once."""
        self.write(increments(entries), session)

    def write(self, updates: "Updates", session: ClientSession | None = None) -> None:
        """Once for each call, too. `updates`: of `increments`."""
        for collection, changed in (
            (self.years, updates.years),
            (self.procedures, updates.procedures),
            (self.months, updates.months),
        ):
            if changed:
                collection.bulk_write(changed, ordered=False, session=session)
        self.totals.add(updates.totals, session)

    def by_months(
        self, found: Found, first: str, last: str, by: Sequence[str], where: Where, only: Only = None
    ) -> None:
        """Adds the months `first` to `last` (`YYYY-MM`) to the rows of `found`, by the values of `by`: any of
        DIMENSIONS, and month."""
        if _is_fine(by, where) and ("agency" in by or where.agencies is not None):
            months = {"month": {"$gte": first, "$lte": last}}
            for document in self.months.find(months | _of(where), _fields("e", "agency", "month")):
                self._add_fine(found, document, f"{first}-01", f"{last}-31", by, where, only)
            return
        for since, until in years_of(first, last):
            # Only whole years lie together, and only without months they can be taken whole.
            whole = since.endswith("-01") and until.endswith("-12") and "month" not in by
            years = {"year": {"$gte": since[:4], "$lte": until[:4]}}
            if _is_fine(by, where):
                wanted = years | ({} if where.procedure is None else {"procedure": where.procedure})
                for document in self.procedures.find(wanted, {"_id": 0}):
                    rows = _Rows(found, by, where, only, _months_of(document["year"], since, until, whole))
                    rows.add_all("", document["field"], document["procedure"], document["c"])
                continue
            if _is_split(by, where):
                for document in self.years.find(years | _of(where), _fields("c", "agency", "year")):
                    rows = _Rows(found, by, where, only, _months_of(document["year"], since, until, whole))
                    rows.add_all(document["agency"], "", "", document["c"])
                continue
            for total in self._totals(since, until, where, whole):
                slots = _months_of(total.year, since, until, whole)
                rows = _Rows(found, by, where, only, slots)
                rows.add((total.agency, "", "", "", ""), _numbers_of(total, slots))

    def _totals(self, since: str, until: str, where: Where, whole: bool) -> Iterator[Total]:
        if whole:
            yield from self.totals.years(since[:4], until[:4], _of(where))
            return
        for year in range(int(since[:4]), int(until[:4]) + 1):
            yield from self.totals.months(f"{year:04}", _of(where))

    def totals_of(self, year: int, agencies: Sequence[str] | None) -> Iterator[Total]:
        """The year's months of each of the agencies, None: of all, that has any."""
        return self.totals.months(f"{year:04}", _of(Where(agencies=agencies)))

    def levels_before(self, year: int, agencies: Sequence[str] | None) -> Iterator[tuple[str, Mapping[Level, int]]]:
        """What the years before add to the levels of each of the agencies, None: of all."""
        return self.totals.levels_before(f"{year:04}", _of(Where(agencies=agencies)))

    def by_days(self, found: Found, first: str, last: str, by: Sequence[str], where: Where, only: Only = None) -> None:
        """Adds the days `first` to `last` (`YYYY-MM-DD`), as `by_months` adds months; `by` may hold day too."""
        part = "e" if _is_fine(by, where) else "s" if _is_split(by, where) else "t"
        wanted = {"month": {"$gte": first[:7], "$lte": last[:7]}} | _of(where)
        parts = [part]
        if part == "t":
            # Else the whole month is read for one of its days, or for one of their measures.
            parts = [f"t.{n:02}" for n in _numbers_of_days(first, last)]
            parts = [f"{day}.{measure}" for day in parts for measure in only] if only and len(only) <= FEW else parts
        for document in self.months.find(wanted, _fields(*parts, "agency", "month")):
            if part == "e":
                self._add_fine(found, document, first, last, by, where, only)
                continue
            rows = _Rows(found, by, where, only, _days_of(document["month"], first, last))
            if part == "s":
                rows.add_all(document["agency"], "", "", document["s"])
            else:
                rows.add((document["agency"], "", "", "", ""), document.get("t", {}))

    @staticmethod
    def _add_fine(
        found: Found, document: Document, first: str, last: str, by: Sequence[str], where: Where, only: Only
    ) -> None:
        rows = _Rows(found, by, where, only, _days_of(document["month"], first, last))
        for name, numbers in document["e"].items():
            rows.add_place((document["agency"], *unescaped(name)), numbers)

    def finest(
        self, first: str, session: ClientSession | None = None
    ) -> Iterator[tuple[str, str, Mapping[tuple[Any, ...], Numbers]]]:
        """Everything from the month `first` on, in the order of month and agency: both, and by field, procedure,
        channel and level the numbers by day."""
        order = [("month", ASCENDING), ("agency", ASCENDING)]
        for document in self.months.find({"month": {"$gte": first}}, {"t": 0, "s": 0}, sort=order, session=session):
            yield document["month"], document["agency"], {unescaped(name): n for name, n in document["e"].items()}

    def move_totals(self) -> None:
        """Of a store that kept them in `years`, as `m`. Each document's in a transaction of its own, so whatever dies
        or counts meanwhile, they are moved once."""
        for row in list(self.years.find({"m": {"$exists": True}}, {"_id": 1})):
            with self.years.database.client.start_session() as session:
                session.with_transaction(partial(self._move, row["_id"]), *TRANSACTION)

    def _move(self, name: str, session: ClientSession) -> None:
        taken = self.years.find_one_and_update(
            {"_id": name, "m": {"$exists": True}}, {"$unset": {"m": ""}}, session=session
        )
        if taken is None:
            return
        added = Added()
        for month, adds in taken["m"].items():
            if month != WHOLE:
                add_to(added.setdefault((taken["agency"], taken["year"]), {}), int(month) - 1, adds)
        self.totals.add(added, session)

    def first_month(self) -> str | None:
        found = self.months.find_one({}, {"month": 1}, sort=[("month", ASCENDING)])
        return None if found is None else str(found["month"])


class _Rows:
    """The rows of `found` that one document's numbers are added to."""

    def __init__(self, found: Found, by: Sequence[str], where: Where, only: Only, slots: _Slots) -> None:
        self._found = found
        self._by = by
        self._where = where
        self._only = only
        self._times = {slot: (month, day) for slot, month, day in slots}
        self._timeless = "month" not in by and "day" not in by

    def add_all(self, agency: str, field: str, procedure: str, parts: Mapping[str, Numbers]) -> None:
        """By channel and service level."""
        for name, numbers in parts.items():
            channel, level = name.split("|")
            self.add_place((agency, field, procedure, channel, level_of(level)), numbers)

    def add_place(self, place: Place, numbers: Numbers) -> None:
        if self._where.holds(place):
            self.add(place, numbers, place[3])

    def add(self, place: Place, numbers: Numbers, channel: str = "") -> None:
        rows, only = self._rows(place, numbers), self._only
        split = f"received_{channel}" if channel else ""
        wanted = split and (only is None or split in only)
        for slot, sums in numbers.items():
            row = rows.get(slot)
            if row is None:
                continue
            adds = sums if only is None else {measure: number for measure, number in sums.items() if measure in only}
            if row:
                for measure, number in adds.items():
                    row[measure] = row.get(measure, 0) + number
            else:
                row.update(adds)
            if wanted and "received" in sums:
                row[split] = row.get(split, 0) + sums["received"]

    def _rows(self, place: Place, numbers: Numbers) -> dict[str, dict[str, int]]:
        """Those that the numbers are added to: most places have something on few days."""
        values: dict[str, Any] = dict(zip(DIMENSIONS, place, strict=True))
        if self._timeless:
            row = self._found.setdefault(tuple(values[name] for name in self._by), {})
            return dict.fromkeys(self._times, row)
        rows = {}
        for slot in numbers:
            if slot not in self._times:
                continue
            values["month"], values["day"] = self._times[slot]
            rows[slot] = self._found.setdefault(tuple(values[name] for name in self._by), {})
        return rows


def years_of(first: str, last: str) -> Iterator[tuple[str, str]]:
    """The months `first` to `last` in up to three: what is of the first year, whole years, what is of the last."""
    if first[:4] == last[:4]:
        yield first, last
        return
    whole_from = first if first.endswith("-01") else f"{int(first[:4]) + 1}-01"
    whole_to = last if last.endswith("-12") else f"{int(last[:4]) - 1}-12"
    if first < whole_from:
        yield first, f"{first[:4]}-12"
    if whole_from <= whole_to:
        yield whole_from, whole_to
    if whole_to < last:
        yield f"{last[:4]}-01", last


def _months_of(year: str, first: str, last: str, whole: bool) -> _Slots:
    if whole:
        return [(WHOLE, year, "")]
    months = [(f"{n:02}", f"{year}-{n:02}", "") for n in range(1, 13)]
    return [slot for slot in months if first <= slot[1] <= last]


def _numbers_of(total: Total, slots: _Slots) -> Numbers:
    """Of the slots in which anything was ever counted."""
    rows = {slot: total.row(0 if slot == WHOLE else int(slot) - 1) for slot, _, _ in slots}
    return {slot: row for slot, row in rows.items() if any(row.values())}


def _numbers_of_days(first: str, last: str) -> range:
    return range(int(first[8:]), int(last[8:]) + 1) if first[:7] == last[:7] else range(1, 32)


def _days_of(month: str, first: str, last: str) -> _Slots:
    days = [(f"{n:02}", month, f"{month}-{n:02}") for n in range(1, 32)]
    return [slot for slot in days if first <= slot[2] <= last]


def _is_fine(by: Sequence[str], where: Where) -> bool:
    return "field" in by or "procedure" in by or where.field is not None or where.procedure is not None


def _is_split(by: Sequence[str], where: Where) -> bool:
    return "channel" in by or "service_level" in by or where.channel is not None or where.service_level is not None


def _of(where: Where) -> Document:
    return {} if where.agencies is None else {"agency": {"$in": list(where.agencies)}}


def _fields(*names: str) -> Document:
    return {"_id": 0, **dict.fromkeys(names, 1)}


# -- writing -----------------------------------------------------------------------------------------------------------


class _Increments:
    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], dict[str, dict[str, int]]] = {}

    def of(self, *key: str) -> dict[str, dict[str, int]]:
        """What is to be added to a document: by path and measure."""
        return self._found.setdefault(key, {})

    def updates(self, *names: str) -> list[UpdateOne]:
        return [
            UpdateOne(
                {"_id": "|".join(key)},
                {"$inc": {f"{path}.{measure}": number for path, sums in paths.items()
                          for measure, number in sums.items() if number},
                 "$setOnInsert": dict(zip(names, key, strict=True))},
                upsert=True,
            )
            for key, paths in self._found.items()
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Updates:
    """What to change, one update for each document."""

    years: list[UpdateOne]
    procedures: list[UpdateOne]
    months: list[UpdateOne]
    totals: Added


def increments(entries: Iterable[Entry]) -> Updates:
    years, procedures, months, totals = _Increments(), _Increments(), _Increments(), Added()
    for place, date, adds in entries:
        agency, field, procedure, channel, level = place
        year, month, day = date[:4], date[5:7], date[8:]
        of_year, of_month = years.of(agency, year), months.of(agency, date[:7])
        with_channel = by_channel(place, adds)
        add_to(totals.setdefault((agency, year), {}), int(month) - 1, with_channel)
        add_to(of_month, f"t.{day}", with_channel)
        add_to(of_month, f"s.{channel}|{level}.{day}", adds)
        add_to(of_month, f"e.{_escaped(field, procedure, channel, str(level))}.{day}", adds)
        split = f"c.{channel}|{level}."
        add_to(of_year, split + month, adds)
        add_to(of_year, split + WHOLE, adds)
        if procedure:
            of_procedure = procedures.of(field, procedure, year)
            add_to(of_procedure, split + month, adds)
            add_to(of_procedure, split + WHOLE, adds)
    return Updates(
        years.updates("agency", "year"),
        procedures.updates("field", "procedure", "year"),
        months.updates("agency", "month"),
        totals,
    )


def by_channel(place: Place, adds: Mapping[str, int]) -> Mapping[str, int]:
    """With what was received by channel too, which nearly every question asks for."""
    return {**adds, f"received_{place[3]}": adds["received"]} if place[3] and "received" in adds else adds


@lru_cache(maxsize=65536)
def _escaped(*names: str) -> str:
    """As one field name: a dot would be a path, and a dollar an operator. No code holds a `|`."""
    return "|".join(names).replace("%", "%25").replace(".", "%2E").replace("$", "%24")


@lru_cache(maxsize=65536)
def unescaped(name: str) -> tuple[str, str, str, ServiceLevel | str]:
    """Field, procedure, channel and service level."""
    field, procedure, channel, level = name.replace("%24", "$").replace("%2E", ".").replace("%25", "%").split("|")
    return field, procedure, channel, level_of(level)


def level_of(text: str) -> ServiceLevel | str:
    """Of the scale before NĐ 42/2022 a number, of the one since a word."""
    level: ServiceLevel | str = _LEVELS.get(text, text)
    return level
