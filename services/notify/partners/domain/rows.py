"""The rows that tell EMC of one act, or that ask something of the post. Plain Python.

Rows of one dossier go to the same partner one after another, by their `place`. One that was refused holds up none: each
says something of its own, and an operator repairs it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from chassis import errors
from chassis.errors import FieldError
from notify.domain import repairs
from notify.domain.repairs import Exchange, SealedRow
from notify.partners.domain import emc, post
from notify.partners.domain.known import record_value
from notify.partners.domain.post import Step

Partner = Literal["emc", "post"]
Direction = Literal["return", "pickup"]
"""A result is brought to the applicant, or the applicant's papers to the one-stop unit."""
PARTNERS: tuple[Partner, ...] = ("emc", "post")
SETTLES = timedelta(seconds=60)
"""So long a row waits for those that happened before it and come after it."""
CORRECTABLE: Mapping[Partner, Sequence[str]] = {"emc": emc.CORRECTABLE, "post": post.CORRECTABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerRow(SealedRow):
    """`act`: the event of EMC's act, or order and cancel. `at`: when that happened. `dossier`: of a pick-up its own id.
    `number`: of the post's order; `tracking`: the post's number for following it; `steps`: what the post told of it;
    `look_at`: when it is asked next."""

    partner: Partner
    dossier: str
    code: str
    agency: str
    act: str
    at: datetime
    place: str
    direction: Direction = "return"
    number: str | None = None
    tracking: str | None = None
    steps: tuple[Step, ...] = ()
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a row is to say. `key`: what tells it from every other one of the partner's; `rank`: of several acts at the
    same instant the lowest is told first."""

    partner: Partner
    key: str
    act: str
    at: datetime
    rank: int
    record: Mapping[str, Any]
    number: str | None = None
    trace: str | None = None

    @property
    def id(self) -> str:
        return f"{self.partner}.{self.key}"


def row(said: Said, dossier: str, code: str, agency: str, sealed: bytes, now: datetime) -> PartnerRow:
    return PartnerRow(
        id=said.id,
        state="queued",
        attempts=(),
        next_at=now + SETTLES,
        lease=None,
        created_at=now,
        trace=said.trace,
        partner=said.partner,
        dossier=dossier,
        code=code,
        agency=agency,
        act=said.act,
        at=said.at,
        place=f"{said.at.astimezone(UTC):%Y%m%dT%H%M%S%f}-{said.rank:06}",
        sealed=sealed,
        number=said.number,
    )


def settled(row: PartnerRow, exchanges: Sequence[Exchange]) -> PartnerRow:
    """The row as it is kept: with the last exchanges and attempts, since it may be tried for weeks; and delivered,
    where the post said so before we knew that it had taken the order."""
    row = repairs.noted(row, exchanges)
    if row.state == "sent" and post.is_delivered(row.steps):
        return replace(row, state="delivered", look_at=None)
    return row


def note_steps(row: PartnerRow, told: Iterable[Step], now: datetime) -> tuple[PartnerRow, tuple[Any, ...]]:
    """With what the post told, and the events that say what is new of it; the same row when nothing is. Once it is
    delivered, nothing that the post says can make it undelivered."""
    before = row.steps
    steps = post.merged(before, told)
    if steps == before:
        return row, ()
    known = replace(row, steps=steps, look_at=None if post.is_over(steps) else row.look_at)
    if post.is_delivered(before):
        return known, ()
    about = {"dossier": row.dossier, "code": row.code, "agency": row.agency, "order": row.number or ""}
    if row.direction == "pickup":
        return settled(known, ()), ()
    return settled(known, ()), post.news(before, steps, about, row.tracking, now)


def corrected(partner: Partner, record: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """The record with these fields, by their paths (`Receiver.Address`); Invalid where nobody corrects one by hand."""
    wrong = [
        FieldError(f"/fields/{path}", "not_correctable", "the record has no such field to correct")
        for path in fields
        if path not in CORRECTABLE[partner] or record_value(record, path) is None
    ]
    if wrong:
        raise errors.Invalid("the correction does not fit the record", errors=wrong)
    found = {name: dict(value) if isinstance(value, Mapping) else value for name, value in record.items()}
    for path, text in fields.items():
        *parents, name = path.split(".")
        where = found[parents[0]] if parents else found
        where[name] = text
    return found
