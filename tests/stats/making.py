"""Lives of dossiers as the events that other services publish of them, and the numbers that these add up to by hand."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chassis.consume import Received
from chassis.envelope import event_id, read, read_data
from stats.consumer import PATTERNS
from stats.domain.cells import FLOWS
from stats.inbound import READINGS
from stats.store.projection import DIMENSIONS, Projection

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
class Halt:
    """A time in which the clock stands still; `end` None: it does."""

    kind: str
    begin: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment of a whole bill; `reversed`: later it counted no more."""

    at: datetime
    channel: str = "online"
    reversed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A dossier's whole life. Instants that are None have not come. `scans`: after the reception, whether all its paper
    is scanned now, each time that this was told anew. `promised_at`: what the receipt said, where `due_at` is another
    date since the last halt ended or the time was extended; `apology`: with form 04. `reuses`: for each component that
    the electronic store gave, whether somebody chose it; `replaced`: then the first of them was handed in. `results`:
    what was given out at the end: "signed", "unsigned", "recalled"."""

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
    stopped_at: datetime | None = None
    halts: tuple[Halt, ...] = ()
    promised_at: datetime | None = None
    apology: bool = False
    reuses: tuple[bool, ...] = ()
    replaced: bool = False
    payments: tuple[Payment, ...] = ()
    results: tuple[str, ...] = ()
    electronic: bool = False
    rated_at: datetime | None = None
    score: int = 5

    @property
    def over(self) -> str | None:
        """How it ended: of an end and a withdrawal the earlier one counts, and the end where both are the same."""
        ends = {
            at: how for how in ("withdrawn", "finished", "stopped") if (at := getattr(self, f"{how}_at")) is not None
        }
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
                "due_at": self.promised_at or self.due_at,
                "digitised": self.digitised,
            }
            say("intake.dossier.received.v1", 2, self.received_at, {**intake, **received})
            for n, whole in enumerate(self.scans, 3):
                scanned = {"component": "TP1", "scanned": whole, "pages": 2 if whole else None, "digitised": whole}
                data = {"dimensions": self.dimensions(), **scanned, "at": self.received_at}
                say("intake.document.digitised.v1", n, self.received_at, data)
            process = {"code": self.code, "procedure": self.procedure, "procedure_version": 3, "agency": self.agency}
            started = {"started_at": self.received_at, "due_at": self.promised_at or self.due_at, "steps_total": 4}
            say("workflow.dossier.started.v1", 1, self.received_at, {**process, **started})
            assigned = {"task": f"task-{self.id}", "step": "s1", "step_name": "Thẩm định", "role": "expert"}
            assigned |= {"code": self.code, "agency": self.agency}
            due = {"assigned_at": self.received_at, "due_at": self.due_at}
            say("workflow.task.assigned.v1", 2, self.received_at, {**assigned, **due})
            for n, halt in enumerate(self.halts):
                self._say_halt(say, 10 + 5 * n, halt, last=halt is self.halts[-1])
            if self.promised_at is not None and self.due_at is not None:
                more = {"amount": 1.0, "unit": "working_day", "basis": "b", "reason": "r", "apology": self.apology}
                more |= {"code": self.code, "in_time": True, "extended_at": self.received_at}
                more |= {"due_at": self.due_at, "previous_due_at": self.promised_at}
                say("workflow.dossier.extended.v1", 80, self.received_at, more)
            if self.stopped_at is not None:
                stopped = {"stopped_at": self.stopped_at, "due_at": self.due_at, "reason": "r", "basis": "b"}
                say("workflow.dossier.stopped.v1", 92, self.stopped_at, {**process, **stopped})
            if self.finished_at is not None:
                done = {"outcome": "approved", "completed_at": self.finished_at, "late": False}
                done |= {"steps_done": 4, "steps_total": 4}
                say("workflow.task.completed.v1", 90, self.finished_at, {**assigned, **done})
                finished = {
                    "outcome": "approved",
                    "finished_at": self.finished_at,
                    "due_at": self.due_at,
                    "timing": self.timing,
                    "result_name": "Giấy khai sinh",
                }
                say("workflow.dossier.finished.v1", 91, self.finished_at, {**process, **finished})
                for n, result in enumerate(self.results):
                    self._say_result(say, 93 + 2 * n, self.finished_at, result)
        if self.withdrawn_at is not None:
            withdrawn = {"filed_at": self.filed_at, "received_at": self.received_at, "withdrawn_at": self.withdrawn_at}
            data = {"dimensions": self.dimensions(), "code": self.received_at and self.code, **withdrawn}
            say("intake.dossier.withdrawn.v1", 4 + len(self.scans), self.withdrawn_at, data)
        if self.received_at is not None and self.handed_over_at is not None:
            handed_over = {"code": self.code, "handed_over_at": self.handed_over_at}
            handed_over["method"] = "electronic" if self.electronic else "collect"
            data = {"dimensions": self.dimensions(), **handed_over}
            say("intake.dossier.handed_over.v1", 3 + len(self.scans), self.handed_over_at, data)
        self._say_besides(say)
        return made

    def _say_besides(self, say: Callable[..., None]) -> None:
        dimensions = {"dimensions": self.dimensions()}
        for n, chosen in enumerate(self.reuses):
            told = {"component": f"TP{n}", "document": f"document-{n}", "kind": "KQ.G01.000001", "chosen": chosen}
            say("intake.document.reused.v1", 30 + n, self.filed_at, {**dimensions, **told, "at": self.filed_at})
        if self.replaced:
            told = {"code": None, "supplemented_at": self.filed_at, "components": ["TP0"], "digitised": self.scanned}
            say("intake.dossier.supplemented.v1", 39, self.filed_at, {**dimensions, **told})
        for n, payment in enumerate(self.payments):
            paid = {"code": None, "payment": f"payment-{n}", "amount": 20000, "channel": payment.channel}
            told = {**dimensions, **paid, "paid_at": payment.at}
            more = {"provider": None, "settled": True, "requested_at": None}
            say("intake.fee.paid.v1", 40 + 2 * n, payment.at, {**told, **more})
            if payment.reversed:
                say("intake.fee.reversed.v1", 41 + 2 * n, payment.at, {**told, "reversed_at": payment.at})
        if self.rated_at is not None:
            rated = {"code": self.code, "score": self.score, "rated_at": self.rated_at}
            say("intake.dossier.rated.v1", 60, self.rated_at, {**dimensions, **rated})

    def _say_result(self, say: Callable[..., None], sequence: int, at: datetime, result: str) -> None:
        told = {
            "code": self.code,
            "agency": self.agency,
            "result": f"result-{sequence}",
            "kind": None,
            "sha256": "0" * 64,
        }
        issued = {"procedure": self.procedure, "procedure_version": 3, "result_name": "r", "outcome": "approved"}
        signed = {"signed": result != "unsigned", "issued_at": at}
        say("workflow.result.issued.v1", sequence, at, {**told, **issued, **signed})
        if result == "recalled":
            recalled = {**told, "issued_at": at, "recalled_at": at, "basis": "b"}
            say("workflow.result.recalled.v1", sequence + 1, at, recalled)

    @property
    def reused(self) -> bool:
        return any(self.reuses[1:] if self.replaced else self.reuses)

    @property
    def paid(self) -> list[Payment]:
        return sorted((each for each in self.payments if not each.reversed), key=lambda each: each.at)

    @property
    def asked(self) -> list[datetime]:
        """When a supplement was asked for."""
        return sorted(halt.begin for halt in self.halts if halt.kind == "supplement") if self.received_at else []

    def _say_halt(self, say: Callable[..., None], sequence: int, halt: Halt, *, last: bool) -> None:
        grounds = {"code": self.code, "kind": halt.kind, "basis": "b", "reason": "r"}
        if halt.kind == "supplement":
            asked = {"requested_at": halt.begin, "agency": self.agency, "number": 1, "components": [], "until": None}
            say("workflow.supplement.requested.v1", sequence, halt.begin, {**grounds, **asked})
        say("workflow.dossier.paused.v1", sequence + 1, halt.begin, {**grounds, "paused_at": halt.begin})
        if halt.end is not None:
            due = self.due_at if last else self.promised_at or self.due_at
            dues = {"restarted": False, "due_at": due, "previous_due_at": self.promised_at or self.due_at}
            say("workflow.dossier.resumed.v1", sequence + 2, halt.end, {**grounds, "resumed_at": halt.end, **dues})

    def halted(self, day: str) -> str | None:
        """What the clock waits for when the local day begins."""
        for halt in self.halts:
            begun = str(halt.begin.astimezone(LOCAL).date()) < day
            if begun and (halt.end is None or str(halt.end.astimezone(LOCAL).date()) >= day):
                return halt.kind
        return None

    @property
    def held_since(self) -> datetime | None:
        return self.halts[-1].begin if self.halts and self.halts[-1].end is None else None

    def state(self) -> dict[str, Any]:
        """As intake's states have it."""
        names = "filed received refused withdrawn finished stopped due handed_over"
        instants = [f"{name}_at" for name in names.split()]
        return {
            "id": self.id,
            **self.dimensions(),
            "status": "received",
            **{name: at and at.isoformat() for name in instants for at in [getattr(self, name)]},
            **({"finished_at": None} if self.over == "withdrawn" else {}),
            "timing": self.timing if self.over == "finished" else None,
            "digitised": self.scanned,
            "supplements_asked": [at.isoformat() for at in self.asked],
            "reused": self.reused,
            "paid_at": self.paid[0].at.isoformat() if self.paid else None,
            "paid_online": {each.channel for each in self.paid} == {"online"},
            "rated_at": self.rated_at and self.rated_at.isoformat(),
            "score": self.score if self.rated_at else None,
            "paused": self.halts[-1].kind if self.held_since else None,
            "paused_since": self.held_since and self.held_since.isoformat(),
        }


Cells = dict[tuple[Any, ...], dict[str, int]]


def naive_cells(lives: Iterable[Life]) -> Cells:
    """What must be counted, the plain way: by agency, field, procedure, channel, level and local day."""
    cells: dict[tuple[Any, ...], Counter[str]] = {}
    for life in lives:

        def add(instant: datetime | None, measure: str, number: int = 1, life: Life = life) -> None:
            if instant is not None and number:
                key = (life.agency, life.field, life.procedure, life.channel, life.service_level, _day(instant))
                cells.setdefault(key, Counter())[measure] += number

        if life.channel == "online":
            add(life.filed_at, "filed")
        add(life.refused_at, "refused")
        add(life.received_at, "received")
        add(life.received_at if life.scanned else None, "digitised")
        if life.over == "withdrawn":
            add(life.withdrawn_at, "withdrawn")
            add(None if life.received_at else life.withdrawn_at, "withdrawn_waiting")
        elif life.over == "stopped":
            add(life.stopped_at, "stopped")
        elif life.over == "finished":
            add(life.finished_at, f"finished_{life.timing}")
            add(life.finished_at if life.timing != "late" and len(life.asked) > 1 else None, "finished_asked_twice")
            add(life.finished_at, "process_days", process_days(life))
            if "signed" in life.results or (life.electronic and life.handed_over_at):
                add(life.finished_at, "electronic_results")
                add(life.finished_at if life.scanned else None, "digitised_results")
        add(life.handed_over_at, "handed_over")
        for asked_at in life.asked:
            add(asked_at, "supplement_requests")
        add(life.asked[1] if len(life.asked) > 1 else None, "second_supplements")
        if life.received_at is not None:
            add(life.received_at if life.reused else None, "reused")
            extended_at = life.received_at if life.promised_at is not None and life.due_at is not None else None
            add(extended_at, "extensions")
            add(extended_at if life.apology else None, "apologies")
        if life.paid:
            add(life.paid[0].at, "paid")
            add(life.paid[0].at if {each.channel for each in life.paid} == {"online"} else None, "paid_online")
        add(life.rated_at, "rated")
        add(life.rated_at, "score_sum", life.score)
        add(life.rated_at if life.score >= 4 else None, "satisfied")
    return {key: dict(counts) for key, counts in cells.items()}


BY_HAND: frozenset[str] = frozenset(FLOWS) - {"falling_due", "falling_due_asked_twice", "document_lookups"}
"""What `naive_cells` counts."""


def cells_of(projection: Projection) -> Cells:
    """The same as the sums have it."""
    found = projection.flows(date(1990, 1, 1), date(2200, 1, 1), (*DIMENSIONS, "day"))
    plain = {key: {name: row[name] for name in BY_HAND if row.get(name)} for key, row in found.items()}
    return {key: row for key, row in plain.items() if row}


@dataclass(frozen=True, slots=True)
class Stock:
    open: int
    overdue: int
    waiting: int
    supplement: int = 0
    paused: int = 0


def naive_stock(lives: Sequence[Life], day: str, today: str) -> Stock:
    """What is open, overdue and waiting when the local day begins; overdue as of today when that is earlier."""

    def before(instant: datetime | None, limit: str = day) -> bool:
        return instant is not None and str(instant.astimezone(LOCAL).date()) < limit

    opens = [life for life in lives if before(life.received_at) and not before(life.over_at)]
    answered = [
        life for life in lives if before(life.received_at) or before(life.refused_at) or before(life.withdrawn_at)
    ]
    waiting = [life for life in lives if life.channel == "online" and before(life.filed_at) and life not in answered]

    def overdue(life: Life) -> bool:
        due_on = life.due_at and str(life.due_at.astimezone(LOCAL).date())
        held = life.held_since is not None and due_on is not None and not before(life.due_at, _day(life.held_since))
        return before(life.due_at, min(day, today)) and not held

    halted = [life.halted(day) for life in opens]
    return Stock(
        len(opens),
        sum(map(overdue, opens)),
        len(waiting),
        halted.count("supplement"),
        len([kind for kind in halted if kind in ("fee", "other")]),
    )


def process_days(life: Life) -> int:
    """Calendar days from the reception to the end, without those on which the clock stood still when they began."""
    first, last = (at.astimezone(LOCAL).date() for at in (life.received_at, life.over_at) if at is not None)
    days = [first + timedelta(days=n + 1) for n in range((last - first).days)]
    return sum(life.halted(str(day)) is None for day in days)


def _day(instant: datetime) -> str:
    return str(instant.astimezone(LOCAL).date())


def many(count: int, start: datetime, days: int, agencies: Sequence[str], procedures: Sequence[str]) -> list[Life]:
    """A mixed lot, the same at every call: nine in ten finished, some late, some refused, some waiting, some withdrawn:
    before the reception, after it, and while workflow ended it, earlier or later; some asked for a supplement or a fee,
    extended, or stopped."""
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
        due = None if n % 11 == 0 else received + timedelta(days=4)
        stopped = received + timedelta(days=2) if known and n % 17 == 3 else None
        if stopped is not None:
            finished = None
        halts: tuple[Halt, ...] = ()
        if known and n % 6 < 2:
            begin = received + timedelta(hours=5 + n % 50)
            lasts = finished is None and stopped is None
            halts = (
                Halt(kind="other", begin=begin, end=begin + timedelta(hours=20)),
                Halt(
                    kind=("supplement", "fee")[n // 10 % 2],
                    begin=begin + timedelta(hours=20),
                    end=None if lasts else begin + timedelta(hours=60),
                ),
            )
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
                due_at=due,
                promised_at=due and due - timedelta(days=2) if n % 5 == 2 else None,
                halts=halts,
                stopped_at=stopped,
                digitised=n % 3 == 0,
                scans=((), (True,), (True, False))[n % 7 % 3] if known else (),
                finished_at=finished if known else None,
                withdrawn_at=withdrawn,
                handed_over_at=finished + timedelta(days=1) if known and finished and n % 2 and not withdrawn else None,
                apology=n % 3 == 1,
                reuses=((), (True,), (False,), (True, False), (False, True))[n % 5],
                replaced=n % 8 == 3 and n % 5 > 0,
                payments=(
                    Payment(at=filed + timedelta(hours=2), channel=("online", "counter")[n % 2], reversed=n % 9 == 4),
                    *([Payment(at=filed + timedelta(days=9), channel="online")] if n % 16 == 8 else []),
                )
                if n % 4 == 0
                else (),
                results=(("signed",), ("unsigned",), ("recalled",), ("recalled", "signed"), ())[n % 5],
                electronic=n % 14 == 1,
                rated_at=finished + timedelta(days=3) if known and finished and n % 7 == 2 else None,
                score=n % 5 + 1,
            )
        )
    return lives
