"""What catalog can be asked. Everything is read from the store; a history's end and status are derived for the day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from catalog.calendars import CalendarVersion
from catalog.directory import bearer_of
from catalog.domain import (
    Agency,
    Level,
    NotInForce,
    ProcedureUnknown,
    Standing,
    Status,
    Validity,
    Version,
    counting_on,
    standing,
    status_of,
)
from catalog.search.domain import Rank, Typed, rank
from catalog.store import (
    CatalogStore,
    Listed,
    StoredAgency,
    StoredCalendar,
    StoredSuccession,
    Summary,
    Wanted,
    calendar_history,
)
from catalog.successions import Succession
from chassis.errors import FieldError, Invalid, NotFound
from chassis.store import Loaded

_STATUSES: dict[Listed, tuple[Status, ...]] = {
    "in_force": ("in_force",),
    "withdrawn": ("withdrawn", "expired"),
    "all": ("in_force", "withdrawn", "expired", "upcoming"),
}


PART = 200
"""So many procedures are read at once for an export."""


class AgencyUnknown(NotFound):
    code, title = "agency_unknown", "Không có cơ quan này"


class CalendarUnknown(NotFound):
    code, title = "calendar_unknown", "Chưa có lịch làm việc của năm này"


@dataclass(frozen=True, slots=True)
class Queries:
    store: CatalogStore

    def procedure(self, code: str, number: int | None, day: date) -> tuple[Version, Standing]:
        """The version with this number, or the one in force on the day; ProcedureUnknown, NotInForce."""
        history = self.store.histories([code]).get(code)
        if history is None:
            raise ProcedureUnknown(f"there is no procedure {code}")
        if number is None:
            entry = counting_on(history, day)
            if entry is None or status_of(entry, history, day) != "in_force":
                latest = history[-1].number
                raise NotInForce(f"no version of {code} is in force on {day}; the latest is version {latest}")
            number = entry.number
        version = self.store.version(code, number)
        if version is None:
            raise ProcedureUnknown(f"{code} has no version {number}")
        return version, standing(version.validity, history, day)

    def procedures(self, wanted: Wanted, day: date, after: str, limit: int) -> list[tuple[Summary, Standing]]:
        """Up to `limit` procedures behind the code `after`: of each the entry that counts on the day, if it fits."""
        found: dict[str, Standing] = {}
        while len(found) < limit:
            # Of most procedures the fitting entry counts; a few more are looked at for those where it does not.
            asked = limit - len(found) + 10
            matching = self.store.matching(wanted, after, asked)
            histories = self.store.histories(matching)
            for code, numbers in matching.items():
                each = _standing_for(histories[code], day)
                if each.number in numbers and each.status in _STATUSES[wanted.status]:
                    found[code] = each
            if len(matching) < asked:
                break
            after = max(matching)
        page = dict(islice(found.items(), limit))
        summaries = self.store.summaries((code, each.number) for code, each in page.items())
        return [(summaries[code], each) for code, each in page.items()]

    def ranked(
        self, wanted: Wanted, typed: Typed, day: date, after: Rank | None, limit: int
    ) -> list[tuple[Rank, Summary, Standing]]:
        """Up to `limit` procedures that fit what was typed, the best first, behind the rank `after`.

        How much a procedure is used may change between two pages, and its place with that.
        """
        uses = self.store.uses.known()
        hits = sorted(
            (rank(tier, uses.get(code, 0), code), number) for tier, code, number in self.store.hits(wanted, typed)
        )
        if after is not None:
            hits = [hit for hit in hits if hit[0] > after]
        found: list[tuple[Rank, Standing]] = []
        for start in range(0, len(hits), limit + 10):
            part = hits[start : start + limit + 10]
            histories = self.store.histories(place[2] for place, _ in part)
            for place, number in part:
                each = _standing_for(histories[place[2]], day)
                if each.number == number and each.status in _STATUSES[wanted.status]:
                    found.append((place, each))
            if len(found) >= limit:
                break
        del found[limit:]
        summaries = self.store.summaries((place[2], each.number) for place, each in found)
        return [(place, summaries[place[2]], each) for place, each in found]

    def in_force(self, wanted: Wanted, day: date) -> Iterator[Version]:
        """Every version that is in force on the day and fits, by code; read as it is asked for."""
        after = ""
        while True:
            matching = self.store.matching(wanted, after, PART)
            histories = self.store.histories(matching)
            counting = {code: _standing_for(histories[code], day) for code in matching}
            of_part = [
                (code, each.number)
                for code, each in counting.items()
                if each.status == "in_force" and each.number in matching[code]
            ]
            versions = self.store.versions(of_part)
            yield from (versions[code] for code, _ in of_part)
            if len(matching) < PART:
                return
            after = max(matching)

    def agency(self, id: str, day: date) -> Loaded[StoredAgency]:
        """The agency with this identifier, or else the one that has it as an alias; AgencyUnknown."""
        found = self.store.agencies.load(id)
        if found is not None:
            return found
        candidates = {loaded.id: loaded for loaded in self.store.with_alias(id)}
        bearer = bearer_of(id, [loaded.state.agency for loaded in candidates.values()], day)
        if bearer is None:
            raise AgencyUnknown(f"no agency has the identifier {id}")
        return candidates[bearer.id]

    def agency_in_filter(self, id: str | None, day: date) -> Agency | None:
        """The agency that a list is filtered by; Invalid if unknown, since an empty list would hide the mistake."""
        if id is None:
            return None
        try:
            return self.agency(id, day).state.agency
        except AgencyUnknown:
            wrong = FieldError("/agency", "unknown_agency", "no agency has this identifier")
            raise Invalid("some query parameters are wrong", errors=[wrong]) from None

    def agencies(
        self, level: Level | None, parent: str | None, on: date, after: str, limit: int
    ) -> list[Loaded[StoredAgency]]:
        return self.store.agency_page(level, parent, on, after, limit)

    def calendar(self, year: str) -> Loaded[StoredCalendar]:
        found = self.store.calendars.load(year)
        if found is None:
            raise CalendarUnknown(f"the calendar of {year} has not been published")
        return found

    def succeeded(self, agencies: Iterable[Loaded[StoredAgency]]) -> dict[str, Succession]:
        """Of these agencies, those that others take over from, or will."""
        return self.store.succeeded(loaded.id for loaded in agencies)

    def successions(
        self, agency: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[Loaded[StoredSuccession]]:
        return self.store.succession_page(agency, after, limit)

    def calendar_history(self, year: str) -> tuple[CalendarVersion, ...]:
        """Every version of the year's calendar, the first one first; CalendarUnknown."""
        return calendar_history(self.calendar(year).state)


def _standing_for(history: list[Validity], day: date) -> Standing:
    """How the procedure stands on the day: by the entry that counts, or before the first one begins, by that one."""
    return standing(counting_on(history, day) or history[0], history, day)
