"""What catalog can be asked. Everything is read from the store; a history's end and status are derived for the day."""

from dataclasses import dataclass
from datetime import date
from itertools import islice

from catalog.domain import (
    Agency,
    Level,
    NotInForce,
    ProcedureUnknown,
    Standing,
    Status,
    Validity,
    Version,
    bearer_of,
    counting_on,
    standing,
    status_of,
)
from catalog.store import CatalogStore, Listed, StoredAgency, StoredCalendar, StoredImport, Summary, Wanted
from chassis.errors import FieldError, Invalid, NotFound
from chassis.store import Loaded

_STATUSES: dict[Listed, tuple[Status, ...]] = {
    "in_force": ("in_force",),
    "withdrawn": ("withdrawn", "expired"),
    "all": ("in_force", "withdrawn", "expired", "upcoming"),
}


class AgencyUnknown(NotFound):
    code, title = "agency_unknown", "Không có cơ quan này"


class CalendarUnknown(NotFound):
    code, title = "calendar_unknown", "Chưa có lịch làm việc của năm này"


class ImportUnknown(NotFound):
    code, title = "import_unknown", "Không có lần nhập dữ liệu này"


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

    def import_(self, id: str) -> Loaded[StoredImport]:
        found = self.store.imports.load(id)
        if found is None:
            raise ImportUnknown(f"there is no import {id}")
        return found


def _standing_for(history: list[Validity], day: date) -> Standing:
    """How the procedure stands on the day: by the entry that counts, or before the first one begins, by that one."""
    return standing(counting_on(history, day) or history[0], history, day)
