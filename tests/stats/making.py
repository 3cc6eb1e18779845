"""Lives of dossiers as the events that other services publish of them, and the numbers that these add up to by hand."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chassis.consume import Received
from chassis.envelope import event_id, read, read_data
from stats.consumer import PATTERNS
from stats.domain import MEASURES
from stats.inbound import READINGS
from stats.store import DIMENSIONS, Projection

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
PERSON = {
    "name": "Lê Thị Mười Hai",
    "email": "muoihai@nguoidan.example",
    "phone": "+84912000111",
    "person": "account-4711",
}


def at(text: str) -> datetime:
    """A local time, `2024-08-31 23:30`."""
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL).astimezone(UTC)


def event(event_type: str, subject: str, sequence: int, time: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id(event_type, subject, sequence),
        "source": f"/motcua/{event_type.partition('.')[0]}",
        "type": event_type,
        "subject": subject,
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "sequence": sequence,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": data,
    }


def message(made: dict[str, Any]) -> Received:
    """The event as stats' handler gets it from the consumer."""
    envelope = read(json.dumps(made, default=str))
    kind = READINGS.get(envelope.type)
    if kind is None:
        assert envelope.type.startswith(tuple(pattern[:-1] for pattern in PATTERNS))
        return Received(envelope, envelope.data)
    return Received(envelope, read_data(kind, envelope.data))


def messages(made: Iterable[dict[str, Any]]) -> list[Received]:
    return [message(each) for each in made]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A dossier's whole life. Instants that are None have not come. `scans`: after the reception, whether all its paper
    is scanned now, each time that this was told anew."""

    id: str
    agency: str = "H56.14"
    field: str = "HOTICH"
    procedure: str = "1.001193"
    channel: str = "online"
    service_level: int | str = "full"
    filed_at: datetime
    received_at: datetime | None = None
    due_at: datetime | None = None
    digitised: bool = False
    scans: tuple[bool, ...] = ()
    refused_at: datetime | None = None
    finished_at: datetime | None = None
    withdrawn_at: datetime | None = None
    handed_over_at: datetime | None = None

    @property
    def over(self) -> str | None:
        """How it ended: of an end and a withdrawal the earlier one counts, and the end where both are the same."""
        ends = {at: how for how in ("withdrawn", "finished") if (at := getattr(self, f"{how}_at")) is not None}
        return ends[min(ends)] if ends else None

    @property
    def over_at(self) -> datetime | None:
        return None if self.over is None else getattr(self, f"{self.over}_at")

    @property
    def timing(self) -> str:
        if self.due_at is None or self.finished_at is None:
            return "on_time"
        finished, due = self.finished_at.astimezone(LOCAL).date(), self.due_at.astimezone(LOCAL).date()
        return "on_time" if finished == due else "early" if finished < due else "late"

    @property
    def scanned(self) -> bool:
        return self.scans[-1] if self.scans else self.digitised

    @property
    def code(self) -> str:
        return f"{self.agency}-240823-0001"

    def dimensions(self) -> dict[str, Any]:
        names = ("agency", "field", "procedure", "channel", "service_level")
        return {name: getattr(self, name) for name in names} | {"procedure_version": 3, "applicant_kind": "citizen"}

    def events(self) -> list[dict[str, Any]]:
        """In the order in which they happened."""
        intake = {
            "dimensions": self.dimensions(),
            "procedure_name": "Đăng ký khai sinh",
            "agency_name": f"Cơ quan {self.agency}",
            "personal": PERSON,
        }
        made: list[dict[str, Any]] = []

        def say(event_type: str, sequence: int, time: datetime, data: dict[str, Any]) -> None:
            made.append(event(event_type, self.id, sequence, time, data))

        if self.channel == "online":
            say("intake.dossier.filed.v1", 1, self.filed_at, {**intake, "filed_at": self.filed_at})
        if self.refused_at is not None:
            refused = {"filed_at": self.filed_at, "refused_at": self.refused_at, "reason": "Thiếu giấy chứng sinh"}
            say("intake.dossier.refused.v1", 2, self.refused_at, {**intake, **refused})
        if self.received_at is not None:
            received = {
                "code": self.code,
                "filed_at": self.filed_at,
                "received_at": self.received_at,
                "clock_at": self.received_at,
                "budget": None,
                "due_at": self.due_at,
                "digitised": self.digitised,
            }
            say("intake.dossier.received.v1", 2, self.received_at, {**intake, **received})
            for n, whole in enumerate(self.scans, 3):
                scanned = {"component": "TP1", "scanned": whole, "pages": 2 if whole else None, "digitised": whole}
                data = {"dimensions": self.dimensions(), **scanned, "at": self.received_at}
                say("intake.document.digitised.v1", n, self.received_at, data)
            process = {"code": self.code, "procedure": self.procedure, "procedure_version": 3, "agency": self.agency}
            started = {"started_at": self.received_at, "due_at": self.due_at, "steps_total": 4}
            say("workflow.dossier.started.v1", 1, self.received_at, {**process, **started})
            assigned = {"task": f"task-{self.id}", "step": "s1", "step_name": "Thẩm định", "role": "expert"}
            assigned |= {"code": self.code, "agency": self.agency}
            due = {"assigned_at": self.received_at, "due_at": self.due_at}
            say("workflow.task.assigned.v1", 2, self.received_at, {**assigned, **due})
            if self.finished_at is not None:
                done = {"outcome": "approved", "completed_at": self.finished_at, "late": False}
                done |= {"steps_done": 4, "steps_total": 4}
                say("workflow.task.completed.v1", 3, self.finished_at, {**assigned, **done})
                finished = {
                    "outcome": "approved",
                    "finished_at": self.finished_at,
                    "due_at": self.due_at,
                    "timing": self.timing,
                    "result_name": "Giấy khai sinh",
                }
                say("workflow.dossier.finished.v1", 4, self.finished_at, {**process, **finished})
        if self.withdrawn_at is not None:
            withdrawn = {"filed_at": self.filed_at, "received_at": self.received_at, "withdrawn_at": self.withdrawn_at}
            data = {"dimensions": self.dimensions(), "code": self.received_at and self.code, **withdrawn}
            say("intake.dossier.withdrawn.v1", 4 + len(self.scans), self.withdrawn_at, data)
        if self.received_at is not None and self.handed_over_at is not None:
            handed_over = {"code": self.code, "handed_over_at": self.handed_over_at, "method": "collect"}
            data = {"dimensions": self.dimensions(), **handed_over}
            say("intake.dossier.handed_over.v1", 3 + len(self.scans), self.handed_over_at, data)
        return made

    def state(self) -> dict[str, Any]:
        """As intake's states have it."""
        instants = ("filed_at", "received_at", "refused_at", "withdrawn_at", "finished_at", "handed_over_at")
        return {
            "id": self.id,
            **self.dimensions(),
            "status": "received",
            **{name: at and at.isoformat() for name in instants for at in [getattr(self, name)]},
            **({"finished_at": None} if self.over == "withdrawn" else {}),
            "timing": self.timing if self.over == "finished" else None,
            "digitised": self.scanned,
        }


Cells = dict[tuple[Any, ...], dict[str, int]]


def naive_cells(lives: Iterable[Life]) -> Cells:
    """What must be counted, the plain way: by agency, field, procedure, channel, level and local day."""
    cells: dict[tuple[Any, ...], Counter[str]] = {}
    for life in lives:

        def add(instant: datetime | None, measure: str, life: Life = life) -> None:
            if instant is not None:
                day = str(instant.astimezone(LOCAL).date())
                key = (life.agency, life.field, life.procedure, life.channel, life.service_level, day)
                cells.setdefault(key, Counter())[measure] += 1

        if life.channel == "online":
            add(life.filed_at, "filed")
        add(life.refused_at, "refused")
        add(life.received_at, "received")
        add(life.received_at if life.scanned else None, "digitised")
        if life.over == "withdrawn":
            add(life.withdrawn_at, "withdrawn")
            add(None if life.received_at else life.withdrawn_at, "withdrawn_waiting")
        else:
            add(life.finished_at, f"finished_{life.timing}")
        add(life.handed_over_at, "handed_over")
    return {key: dict(counts) for key, counts in cells.items()}


def cells_of(projection: Projection) -> Cells:
    """What the cells say, the parts added up, without zeros."""
    found: Cells = {}
    for row in projection.cells.find():
        key = (*(row[name] for name in DIMENSIONS), row["day"])
        counted = found.setdefault(key, {})
        for measure in MEASURES:
            counted[measure] = counted.get(measure, 0) + row[measure]
    plain = {key: {name: count for name, count in counted.items() if count} for key, counted in found.items()}
    return {key: counted for key, counted in plain.items() if counted}


@dataclass(frozen=True, slots=True)
class Stock:
    open: int
    overdue: int
    waiting: int


def naive_stock(lives: Sequence[Life], day: str, today: str) -> Stock:
    """What is open, overdue and waiting when the local day begins; overdue as of today when that is earlier."""

    def before(instant: datetime | None, limit: str = day) -> bool:
        return instant is not None and str(instant.astimezone(LOCAL).date()) < limit

    opens = [life for life in lives if before(life.received_at) and not before(life.over_at)]
    answered = [
        life for life in lives if before(life.received_at) or before(life.refused_at) or before(life.withdrawn_at)
    ]
    waiting = [life for life in lives if life.channel == "online" and before(life.filed_at) and life not in answered]
    return Stock(len(opens), sum(before(life.due_at, min(day, today)) for life in opens), len(waiting))


def many(count: int, start: datetime, days: int, agencies: Sequence[str], procedures: Sequence[str]) -> list[Life]:
    """A mixed lot, the same at every call: nine in ten finished, some late, some refused, some waiting, some withdrawn:
    before the reception, after it, and while workflow ended it, earlier or later."""
    lives = []
    for n in range(count):
        filed = start + timedelta(minutes=n * days * 1440 // count)
        channel = ("online", "online", "counter", "post")[n % 4]
        received = filed if channel != "online" else filed + timedelta(hours=3)
        refused = channel == "online" and n % 40 == 0
        waiting = channel == "online" and n % 40 == 4
        finished = None if n % 10 == 0 else received + timedelta(days=1 + n % 6)
        known = not refused and not waiting
        withdrawn = None
        if n % 13 == 5 and not refused:
            withdrawn = received + timedelta(days=3) if known else filed + timedelta(hours=1)
        lives.append(
            Life(
                id=f"0192f0c1-0000-7000-8000-{n:012x}",
                agency=agencies[n % len(agencies)],
                procedure=procedures[n % len(procedures)],
                field=f"F{n % len(procedures) % 5}",
                channel=channel,
                service_level=("full", "partial", 3)[n % len(procedures) % 3],
                filed_at=filed,
                received_at=received if known else None,
                refused_at=received if refused else None,
                due_at=None if n % 11 == 0 else received + timedelta(days=4),
                digitised=n % 3 == 0,
                scans=((), (True,), (True, False))[n % 7 % 3] if known else (),
                finished_at=finished if known else None,
                withdrawn_at=withdrawn,
                handed_over_at=finished + timedelta(days=1) if known and finished and n % 2 and not withdrawn else None,
            )
        )
    return lives
