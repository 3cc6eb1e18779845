"""The rows that tell the portal of one dossier: what each of them says, in which order, and what becomes of it. Plain
Python."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from chassis import errors
from chassis.errors import FieldError
from notify.domain import deliveries, repairs
from notify.domain.repairs import SealedRow
from notify.national_portal.domain import records
from notify.national_portal.domain.life import Fact, Life, Status
from notify.national_portal.domain.merging import Merged, Step
from notify.national_portal.domain.records import Names, Record

Kind = Literal["dossier", "progress", "status", "rating"]
SERVICES: Mapping[Kind, str] = {
    "dossier": "DongBoHoSoMC",
    "progress": "CapNhatTienDoHoSoMC",
    "status": "DongBoTrangThaiHoSo",
    "rating": "DongBoDanhGia",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRow(SealedRow):
    """`n`: the row's place among those of its dossier, from 1; it is sent when the one before is over. One that has no
    `next_at` while it is queued waits for that. `number`: MaHoSo. `adding`: the portal does not have the dossier yet.
    `status`: at the event, or for a re-sync at `at`. `event`: whose state it tells."""

    dossier: str
    n: int
    kind: Kind
    adding: bool
    number: str
    status: Status
    at: datetime
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """An event that changed nothing of what the portal holds, although it should have: it came after its time."""

    event: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A dossier as it is told. `rows`: how many were made. `making`: those that are not in the collection of rows yet.
    `from_portal`: it was filed there."""

    id: str
    merged: Merged = field(default_factory=Merged)
    rows: int = 0
    making: tuple[PortalRow, ...] = ()
    untold: tuple[Untold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a row is to say."""

    kind: Kind
    record: Record
    status: Status
    at: datetime
    event: str
    adding: bool = False
    trace: str | None = None


def row_id(dossier: str, n: int) -> str:
    return f"{dossier}.{n}"


def successor(row: PortalRow) -> str:
    """The id of the row that is sent after this one."""
    return row_id(row.dossier, row.n + 1)


def is_over(row: PortalRow) -> bool:
    """Whether the next one may be sent."""
    return row.state == "sent" or row.skipped is not None


def said_of(
    number: str, step: Step, *, first: bool, before: Mapping[str, Any], after: Mapping[str, Any], names: Names
) -> list[Said]:
    """What the portal is to hear of a step. `first`: it knows nothing of the dossier yet. `before`, `after`: the
    applicant, as known before and after it.

    A late fact is told as the present state, never as a status of its own: its successors have been told.
    """
    fact, event = step.fact, name_of(step.fact)
    common: dict[str, Any] = {"status": step.after.status, "at": fact.at, "event": event, "trace": fact.trace}
    whole = records.dossier(number, step.after, after, names)
    found: list[Said] = []
    if first:
        found.append(Said(kind="dossier", record=whole, adding=True, **common))
    else:
        was = records.dossier(number, step.before, before, names)
        changed = {name for name in whole if whole[name] != was[name]}
        if changed - {"TrangThaiHoSo"} or (changed and step.late):
            found.append(Said(kind="dossier", record=whole, **common))
        elif changed:
            found.append(Said(kind="status", record=records.status(number, step.after, fact.at), **common))
    if (progress := records.progress(number, step.before, step.after, fact, names)) is not None:
        found.append(Said(kind="progress", record=progress, **common))
    if step.before.rating is None and step.after.rating is not None:
        found.append(Said(kind="rating", record=records.rating(number, step.after), **common))
    return found


def name_of(fact: Fact) -> str:
    """The fact's event in short: `intake.dossier.received:2`, with its own service's sequence."""
    return f"{fact.type.rpartition('.v')[0]}:{fact.sequence}"


def present(number: str, life: Life, personal: Mapping[str, Any], names: Names, at: datetime, event: str) -> Said:
    """The dossier as it is now."""
    record = records.dossier(number, life, personal, names)
    return Said(kind="dossier", record=record, status=life.status, at=at, event=event)


def row(tracked: Tracked, said: Said, n: int, sealed: bytes, now: datetime) -> PortalRow:
    """The row that says it; the first one of a dossier is due at once, any other when the one before is over."""
    return PortalRow(
        id=row_id(tracked.id, n),
        state="queued",
        attempts=(),
        next_at=now if n == 1 else None,
        lease=None,
        created_at=now,
        trace=said.trace,
        dossier=tracked.id,
        n=n,
        kind=said.kind,
        adding=said.adding,
        number=tracked.merged.number or "",
        status=said.status,
        at=said.at,
        event=said.event,
        sealed=sealed,
    )


def retry(row: PortalRow, at: datetime, by: str) -> PortalRow:
    """An operator wants it sent now, as it is."""
    if row.state == "queued" and row.next_at is None:
        raise deliveries.NotRetriable("the row before it is not over")
    return repairs.retry(row, at, by)


def check_correction(record: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Invalid with every field that the record does not have, or that nobody corrects by hand."""
    wrong = [
        FieldError(f"/fields/{name}", "not_correctable", "the record has no such field to correct")
        for name in fields
        if name not in records.TEXTS or name not in record
    ]
    if wrong:
        raise errors.Invalid("the correction does not fit the record", errors=wrong)
