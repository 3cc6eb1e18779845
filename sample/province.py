"""The sample's lists, read for planning: which agency offers what, and which days are worked."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "province"
LISTS = {"agencies": "agencies.json", "calendars": "calendar.json", "procedures": "procedures.json"}

FORMS = "forms"
"""A file for each procedure that has a form, named after its code."""
ZONE = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh: no summer time, the same offset since 1975."""
SPANS = ((time(7, 30), time(11, 30)), (time(13, 30), time(17)))
"""When every agency of the sample works."""


@dataclass(frozen=True, slots=True)
class Agency:
    id: str
    name: str
    level: str
    parent: str | None
    one_stop: bool


@dataclass(frozen=True, slots=True)
class Duration:
    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class Procedure:
    """`steps`: at which agency each step is done: None (the receiving one), "@parent" or an identifier. `form`: JSON
    Schema of what is filled in."""

    code: str
    name: str
    service_level: int | str
    agencies: tuple[str, ...]
    levels: tuple[str, ...]
    applicants: tuple[str, ...]
    components: tuple[Mapping[str, Any], ...]
    counter: Duration | None
    online: Duration | None
    steps: tuple[str | None, ...]
    form: Mapping[str, Any] | None = None

    @property
    def is_online(self) -> bool:
        """Levels 1 and 2 are information and forms; dossiers come to the counter or by post."""
        return self.service_level not in (1, 2)

    @property
    def is_joint(self) -> bool:
        """Other agencies do some of the steps (liên thông)."""
        return any(self.steps)

    def duration(self, channel: str) -> Duration | None:
        return self.online if channel == "online" and self.online else self.counter


class Days:
    """Working days: Monday to Friday, but for the days off and the make-up days of the calendars."""

    def __init__(self, calendars: Iterable[Mapping[str, Any]] = ()) -> None:
        kinds = {date.fromisoformat(day["date"]): day["kind"] for year in calendars for day in year["days"]}
        self._off = {day for day, kind in kinds.items() if kind == "off"}
        self._made_up = {day for day, kind in kinds.items() if kind == "working"}

    def works(self, day: date) -> bool:
        return day in self._made_up or (day.weekday() < 5 and day not in self._off)

    def add(self, day: date, count: int) -> date:
        """The working day that lies `count` working days after the day, or before it if `count` is negative."""
        step = timedelta(days=1 if count > 0 else -1)
        while count:
            day += step
            count -= step.days * self.works(day)
        return day

    def between(self, first: date, last: date) -> list[date]:
        """The working days from the first to the last, both included."""
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self.works(day)]

    def working(self, instant: datetime) -> datetime:
        """The instant itself when everybody is at work then, else when they next begin."""
        local = instant.astimezone(ZONE)
        day, clock = local.date(), local.time()
        if self.works(day):
            for start, end in SPANS:
                if clock < start:
                    return at(day, start)
                if clock < end:
                    return local
        return at(self.add(day, 1), SPANS[0][0])


def at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZONE)


def local_day(instant: datetime) -> date:
    return instant.astimezone(ZONE).date()


def stamp(instant: datetime) -> str:
    """RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Province:
    """`lists`: the three lists as they are in the files."""

    lists: Mapping[str, Sequence[Mapping[str, Any]]]
    agencies: Mapping[str, Agency]
    procedures: Mapping[str, Procedure]
    days: Days

    def offering(self, procedure: Procedure) -> list[str]:
        """The agencies that receive its dossiers."""
        return [agency.id for agency in self.agencies.values() if offers(agency, procedure)]

    def places(self, procedure: Procedure, receiving: str) -> list[str]:
        """Where each step of a dossier is done that this agency received."""
        parent = self.agencies[receiving].parent
        return [(parent or receiving) if step == "@parent" else step or receiving for step in procedure.steps]


def offers(agency: Agency, procedure: Procedure) -> bool:
    if not agency.one_stop:
        return False
    return agency.id in procedure.agencies if procedure.agencies else agency.level in procedure.levels


def essentials(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The essential services, each with its list and its identifier there."""
    items: list[dict[str, Any]] = json.loads((folder / "essential_services.json").read_text(encoding="utf-8"))["items"]
    return items


def read(folder: Path = FOLDER) -> Province:
    lists = {name: json.loads((folder / file).read_text(encoding="utf-8"))["items"] for name, file in LISTS.items()}
    forms = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / FORMS).glob("*.json"))
    }
    lists["procedures"] = [
        {**row, "form": forms[row["code"]]} if row["code"] in forms else row for row in lists["procedures"]
    ]
    agencies = (
        Agency(row["id"], row["name"], row["level"], row["parent"], row["one_stop"]) for row in lists["agencies"]
    )
    procedures = (_procedure(row) for row in lists["procedures"])
    return Province(
        lists,
        {agency.id: agency for agency in agencies},
        {procedure.code: procedure for procedure in procedures},
        Days(lists["calendars"]),
    )


def _procedure(row: Mapping[str, Any]) -> Procedure:
    durations = row["durations"] or {"counter": None, "online": None}
    counter, online = (
        None if durations[channel] is None else Duration(durations[channel]["amount"], durations[channel]["unit"])
        for channel in ("counter", "online")
    )
    return Procedure(
        code=row["code"],
        name=row["name"],
        service_level=row["service_level"],
        agencies=tuple(row["agencies"]),
        levels=tuple(row["levels"]),
        applicants=tuple(row["applicants"]),
        components=tuple(row["components"]),
        counter=counter,
        online=online,
        steps=tuple(step["agency"] for step in row["process"]["steps"]),
        form=row.get("form"),
    )
