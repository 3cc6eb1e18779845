"""The public post (bưu chính công ích): when it is asked to bring a result, what it is asked, and what it tells. Plain
Python.

The fields of an order are the post's; what it calls the states of a consignment has no primary source (`?`), so that is
data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from notify.events import PostDelivered, PostFailed
from notify.partners.domain.known import BY_POST, Known, Order

State = Literal["accepted", "collected", "in_transit", "failed", "returned", "cancelled", "delivered", "other"]
STATES: Mapping[str, State] = {
    "ACCEPTED": "accepted",
    "COLLECTED": "collected",
    "IN_TRANSIT": "in_transit",
    "DELIVERED": "delivered",
    "FAILED": "failed",
    "RETURNED": "returned",
    "CANCELLED": "cancelled",
}
"""By the post's own words; what is not here is kept and shown as `other`."""
_OVER: tuple[State, ...] = ("delivered", "returned", "cancelled")
CORRECTABLE = tuple(f"{who}.{name}" for who in ("Sender", "Receiver") for name in ("Name", "Address", "Phone"))
KEPT_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the post told of a consignment: its own word, and what that means here."""

    at: datetime
    state: State
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the post comes to, or whom it meets."""

    name: str
    address: str
    phone: str

    def record(self) -> dict[str, str]:
        return {"Name": self.name, "Address": self.address, "Phone": self.phone}


def planned(known: Known, now: datetime) -> Known:
    """With the order that the post is to have now, and those cancelled that it is not to have any more. What it is to
    collect is what is unpaid, so when that changes there is another order."""
    if known.handed_over_by == "post":
        return known
    last = known.orders[-1] if known.orders and known.orders[-1].cancelled_at is None else None
    cod = known.unpaid if _is_wanted(known) else None
    if (None if last is None else last.cod) == cod:
        return known
    orders = known.orders
    if last is not None:
        orders = (*orders[:-1], replace(last, cancelled_at=now))
    if cod is not None:
        orders = (*orders, Order(n=len(orders) + 1, cod=cod, asked_at=now))
    return replace(known, orders=orders)


def _is_wanted(known: Known) -> bool:
    return (
        known.result_return == BY_POST
        and known.code is not None
        and known.finished_at is not None
        and known.handed_over_at is None
        and not known.was_withdrawn
    )


def number_of(code: str, n: int) -> str:
    """OrderNumber: the same for the same order, so that the post knows what it was asked already."""
    return f"{code}-{n}"


def order_record(customer: str, known: Known, order: Order, sender: Place, receiver: Place) -> dict[str, Any]:
    return {
        "CustomerCode": customer,
        "OrderNumber": number_of(known.code or "", order.n),
        "CODAmount": order.cod,
        "Sender": sender.record(),
        "Receiver": receiver.record(),
    }


def cancel_record(customer: str, number: str) -> dict[str, Any]:
    return {"CustomerCode": customer, "OrderNumber": number}


# -- tracking ----------------------------------------------------------------------------------------------------------


def step(word: str, at: datetime, now: datetime) -> Step:
    """What the post told; nothing of it happens after we heard of it."""
    return Step(at=min(at, now), state=STATES.get(word.upper(), "other"), word=word)


def merged(steps: tuple[Step, ...], told: Iterable[Step]) -> tuple[Step, ...]:
    """In the order of their instants, each once, whatever order they came in."""
    known = {(each.at, each.word) for each in steps}
    new = [each for each in told if (each.at, each.word) not in known]
    if not new or len(steps) >= KEPT_STEPS:
        return steps
    found = {(each.at, each.word): each for each in (*steps, *new[: KEPT_STEPS - len(steps)])}
    return tuple(found[key] for key in sorted(found))


def is_delivered(steps: tuple[Step, ...]) -> bool:
    return any(each.state == "delivered" for each in steps)


def is_over(steps: tuple[Step, ...]) -> bool:
    """Whether the post has nothing more to tell."""
    return any(each.state in _OVER for each in steps)


def news(
    before: tuple[Step, ...], after: tuple[Step, ...], about: Mapping[str, str], tracking: str | None, now: datetime
) -> tuple[PostDelivered | PostFailed, ...]:
    """The events of what is new. A failure that is known together with the delivery is none any more."""
    delivered = next((each for each in after if each.state == "delivered"), None)
    if delivered is not None:
        return (PostDelivered(**about, tracking=tracking, delivered_at=min(delivered.at, now)),)
    return tuple(
        PostFailed(**about, tracking=tracking, failed_at=each.at, returned=each.state == "returned")
        for each in after
        if each.state in ("failed", "returned") and each not in before
    )
