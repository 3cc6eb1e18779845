"""What is known of a dossier, as far as EMC and the public post have an interest in it. Plain Python.

A fact sets what it says and nothing else, so whatever order facts come in, in the end the same is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notify.national_portal.domain.life import Fact, Source

BY_POST = "post"
FILED, RECEIVED = "intake.dossier.filed.v1", "intake.dossier.received.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """By the payment's id at intake. `channel`: online or counter."""

    id: str
    amount: int
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The `n`th order for the post to bring the result, with what it is to collect, in đồng."""

    n: int
    cod: int
    asked_at: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What EMC is told of, by the event that says it."""

    source: Source
    sequence: int
    type: str
    at: datetime
    trace: str | None

    @property
    def name(self) -> str:
        return f"{self.source}-{self.sequence}"

    @property
    def rank(self) -> int:
        """At the same instant the reception comes first, then the work, then what the applicant and the one-stop unit
        do."""
        return 0 if self.type == RECEIVED else self.sequence + (1_000 if self.source == "workflow" else 500_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`described`: intake's sequence of the news that describe it. `level`: as the procedure's version has it. `owed`:
    what was to be paid on the day of its reception; `asked`, `cancelled`: what was asked for later and what is not to
    be paid any more, by intake's sequence. Amounts in đồng. `early`: acts
    that came before the dossier's code."""

    id: str
    described: int = 0
    procedure: str = ""
    procedure_name: str = ""
    level: int | str | None = None
    channel: str = ""
    agency: str = ""
    agency_name: str = ""
    code: str | None = None
    from_portal: bool = False
    result_return: str = ""
    personal: bytes | None = None
    owed: int = 0
    asked: tuple[tuple[int, int], ...] = ()
    cancelled: tuple[tuple[int, int], ...] = ()
    payments: tuple[Payment, ...] = ()
    reversed: tuple[str, ...] = ()
    received_at: datetime | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    withdrawn_at: datetime | None = None
    handed_over_at: datetime | None = None
    handed_over_by: str = ""
    orders: tuple[Order, ...] = ()
    early: tuple[Act, ...] = ()

    @property
    def counting(self) -> tuple[Payment, ...]:
        """The payments that were not reversed."""
        return tuple(each for each in self.payments if each.id not in self.reversed)

    @property
    def unpaid(self) -> int:
        amounts = self.owed + sum(amount for _, amount in self.asked) - sum(amount for _, amount in self.cancelled)
        return max(0, amounts - sum(each.amount for each in self.counting))

    @property
    def was_withdrawn(self) -> bool:
        """Of a withdrawal and an end the earlier one counts, and the end when both are of the same instant."""
        end = self.finished_at or self.stopped_at
        return self.withdrawn_at is not None and (end is None or self.withdrawn_at < end)


def apply(known: Known, fact: Fact) -> Known:
    """What is known with the fact; the same object when it is known already, or says nothing here."""
    learn = _LEARNERS.get(fact.type)
    after = known if learn is None else learn(known, fact)
    return known if after == known else after


def _described(known: Known, fact: Fact) -> Known:
    data = fact.data
    if fact.sequence > known.described:
        by_post = data.get("result_return") == BY_POST
        names = ("procedure", "procedure_name", "channel", "agency", "agency_name", "from_portal")
        known = replace(
            known,
            described=fact.sequence,
            level=data.get("service_level"),
            result_return=data.get("result_return") or "",
            owed=sum(each["amount"] for each in data.get("charges") or ()),
            # Of whom the post need not find nothing is kept.
            personal=fact.personal if by_post else None,
            **{name: data[name] for name in names},
        )
    if fact.type != RECEIVED:
        return known
    return replace(known, code=data["code"], received_at=fact.at)


def _asked(known: Known, fact: Fact) -> Known:
    return replace(known, asked=_with(known.asked, fact))


def _cancelled(known: Known, fact: Fact) -> Known:
    return replace(known, cancelled=_with(known.cancelled, fact))


def _with(amounts: tuple[tuple[int, int], ...], fact: Fact) -> tuple[tuple[int, int], ...]:
    return tuple(sorted({**dict(amounts), fact.sequence: fact.data["amount"]}.items()))


def _paid(known: Known, fact: Fact) -> Known:
    data = fact.data
    mine = Payment(id=data["payment"], amount=data["amount"], channel=data["channel"])
    others = [each for each in known.payments if each.id != mine.id]
    return replace(known, payments=tuple(sorted((*others, mine), key=lambda each: each.id)))


def _reversed(known: Known, fact: Fact) -> Known:
    return replace(known, reversed=tuple(sorted({*known.reversed, fact.data["payment"]})))


def _handed_over(known: Known, fact: Fact) -> Known:
    return replace(known, handed_over_at=fact.at, handed_over_by=fact.data["method"])


_LEARNERS: Mapping[str, Callable[[Known, Fact], Known]] = {
    FILED: _described,
    RECEIVED: _described,
    "intake.dossier.withdrawn.v1": lambda known, fact: replace(known, withdrawn_at=fact.at),
    "intake.dossier.handed_over.v1": _handed_over,
    "intake.fee.asked.v1": _asked,
    "intake.fee.cancelled.v1": _cancelled,
    "intake.fee.paid.v1": _paid,
    "intake.fee.reversed.v1": _reversed,
    "workflow.dossier.finished.v1": lambda known, fact: replace(known, finished_at=fact.at),
    "workflow.dossier.stopped.v1": lambda known, fact: replace(known, stopped_at=fact.at),
}
HEARD = frozenset(_LEARNERS)


def record_value(record: Mapping[str, Any], path: str) -> Any:
    """What a record has at `Receiver.Address`, None where it has nothing."""
    found: Any = record
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
