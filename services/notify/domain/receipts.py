"""What a provider says later of a message that it took: it reached the person, or it will not. Plain Python.

Receipts come in any order, twice, and before the sending itself was noted. That it was delivered is believed whatever
was said before; that it was not, only of the newest sending.

A message that was taken and could not be delivered is a new one for the provider when it is sent again, so its key is
another one then (`key_of`); while nobody knows whether it was taken, the key stays.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from notify.domain import deliveries
from notify.domain.deliveries import Attempt
from notify.domain.messages import Events, Message, news

Outcome = Literal["delivered", "undeliverable"]
RESENT_AFTER = (timedelta(hours=2), timedelta(hours=8))
"""A phone that was switched off may be on again. Each time is paid for, so there are few; no source says how many."""
_SOON = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600))
_LATER = timedelta(hours=1)
KEPT = timedelta(days=5)
"""Longer than a message is tried for: after that, nothing will turn up that a receipt could be of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A receipt as the provider says it. `reference`: its own number of the message; `key`: ours, where it says that.
    `permanent`: for whoever asks again the answer is the same. `at`: None where it does not say when."""

    reference: str | None
    key: str | None
    outcome: Outcome
    reason: str
    permanent: bool
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One that was heard. `provider`: the name of its outlet. `next_at`: when it is looked at, None when it is over."""

    id: str
    provider: str
    reference: str | None
    key: str | None
    outcome: Outcome
    reason: str
    permanent: bool
    at: datetime
    heard_at: datetime
    next_at: datetime | None
    looked: int = 0
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NotYet:
    """The sending that it is of has not been noted; it is to be looked at again."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """It changes nothing."""


def key_of(message: Message) -> str:
    """Under which the message is given to a provider now."""
    return _key(message.id, _taken(message))


def message_of(key: str) -> tuple[str, int]:
    """The message's id, and after how many sendings that were taken this key was used."""
    id, _, number = key.partition(".")
    return id, int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0


def applied(message: Message, receipt: Receipt, now: datetime) -> tuple[Message, Events] | NotYet | Nothing:
    """What becomes of the message, and the events that say so."""
    taken = [attempt for attempt in message.attempts if attempt.outcome == "accepted"]
    number = len(taken) - 1 if receipt.key is None else message_of(receipt.key)[1]
    if not 0 <= number <= len(taken):
        return Nothing()
    if message.state == "sending":
        return NotYet()
    if number < len(taken):
        newest = number == len(taken) - 1
        # A provider speaks of what it took itself, and of an older sending nothing matters but that it arrived.
        if taken[number].via != receipt.provider or (receipt.outcome == "undeliverable" and not newest):
            return Nothing()
        return _said(message, receipt, now)
    # Nothing was noted of this sending. Where the provider was asked, it has now told that it took the message.
    if message.state not in ("queued", "failed") or all(a.via != receipt.provider for a in message.attempts):
        return NotYet()
    doubt = deliveries.in_doubt(message)
    if receipt.outcome == "undeliverable" and (doubt is None or doubt.via != receipt.provider):
        return Nothing()
    noted = _taken_by(message, receipt, now)
    after, told = _delivered(noted, receipt, now) if receipt.outcome == "delivered" else _failed(noted, receipt, now)
    return after, (*news(noted, now), *told)


def looked_at(receipt: Receipt, now: datetime) -> Receipt:
    """It was of nothing that is known yet: later again, and at some time no more."""
    wait = _SOON[receipt.looked] if receipt.looked < len(_SOON) else _LATER
    after = now + wait
    return replace(receipt, looked=receipt.looked + 1, next_at=after if after < receipt.expires_at else None)


def over(receipt: Receipt) -> Receipt:
    return replace(receipt, next_at=None)


def _taken(message: Message) -> int:
    return sum(attempt.outcome == "accepted" for attempt in message.attempts)


def _key(id: str, number: int) -> str:
    return f"{id}.{number}" if number else id


def _taken_by(message: Message, receipt: Receipt, now: datetime) -> Message:
    attempt = Attempt(at=now, outcome="accepted", detail="receipt", via=receipt.provider)
    return replace(
        message, state="sent", attempts=(*message.attempts, attempt), next_at=None, over_at=now,
        receipt=receipt.reference,
    )  # fmt: skip


def _said(message: Message, receipt: Receipt, now: datetime) -> tuple[Message, Events] | Nothing:
    if receipt.outcome == "delivered":
        return Nothing() if message.state == "delivered" else _delivered(message, receipt, now)
    return _failed(message, receipt, now) if message.state == "sent" else Nothing()


def _delivered(message: Message, receipt: Receipt, now: datetime) -> tuple[Message, Events]:
    at = min(receipt.at, receipt.heard_at)
    return replace(message, state="delivered", delivered_at=at, next_at=None, over_at=message.over_at or now), ()


def _failed(message: Message, receipt: Receipt, now: datetime) -> tuple[Message, Events]:
    """It is sent again some time later, or given up."""
    sent = _taken(message)
    again = not receipt.permanent and sent <= len(RESENT_AFTER)
    outcome: Literal["refused", "deferred"] = "refused" if receipt.permanent else "deferred"
    attempt = Attempt(at=now, outcome=outcome, detail=f"undeliverable {receipt.reason}"[:200], via=receipt.provider)
    attempts = (*message.attempts, attempt)
    if again:
        at = now + RESENT_AFTER[sent - 1]
        return replace(message, state="queued", attempts=attempts, next_at=at, over_at=None), ()
    failed = replace(message, state="failed", attempts=attempts, over_at=now)
    return failed, news(failed, now)
