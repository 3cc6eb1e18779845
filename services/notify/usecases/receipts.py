"""Receipts of providers: kept as soon as they are heard, and looked at by a worker, once what they are of is noted."""

from chassis import logs, metrics
from chassis.clock import Clock, id_from
from chassis.store import Change, Loaded
from notify.domain import receipts
from notify.domain.messages import Message
from notify.domain.receipts import KEPT, Heard, NotYet, Receipt
from notify.store import NotifyStore

log = logs.get()
BATCH = 200


class Receipts:
    def __init__(self, store: NotifyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def hear(self, provider: str, heard: Heard) -> None:
        """Keeps it; a second time it is harmless. `provider`: the name of its outlet."""
        now = self._clock()
        receipt = Receipt(
            id=id_from("receipt", provider, heard.key or "", heard.reference or "", heard.outcome, heard.reason),
            provider=provider,
            reference=heard.reference,
            key=heard.key,
            outcome=heard.outcome,
            reason=heard.reason,
            permanent=heard.permanent,
            at=heard.at or now,
            heard_at=now,
            next_at=now,
            expires_at=now + KEPT,
        )
        if self._store.receipts.add([receipt], now)[0]:
            metrics.RECEIPTS.labels(provider, heard.outcome).inc()

    def once(self) -> bool:
        """Looks at those that are due; True when more may be."""
        found = self._store.receipts.due(self._clock(), BATCH)
        of = self._store.messages.of_receipts([each.state for each in found])
        seen: set[str] = set()
        changes: list[Change[Receipt]] = []
        for loaded in found:
            message = of.get(loaded.id)
            # A second one of the same message is for the next round, when the first one's effect is there.
            if message is not None and message.id in seen:
                continue
            if message is not None:
                seen.add(message.id)
            if (after := self._looked_at(loaded.state, message)) is not None:
                changes.append(Change(loaded, after, (), self._clock()))
        self._store.receipts.save(changes)
        return len(found) == BATCH

    def _looked_at(self, receipt: Receipt, message: Loaded[Message] | None) -> Receipt | None:
        """What becomes of the receipt; None when somebody else changed the message at the same time."""
        now = self._clock()
        became = NotYet() if message is None else receipts.applied(message.state, receipt, now)
        if isinstance(became, NotYet):
            after = receipts.looked_at(receipt, now)
            if after.next_at is None:
                log.warning("receipt_of_nothing", provider=receipt.provider, receipt=receipt.id)
            return after
        if isinstance(became, tuple) and message is not None:
            # The message first: a worker that dies after it looks at the receipt again, which then changes nothing.
            state, events = became
            if not self._store.messages.aggregates.save([Change(message, state, events, now, state.trace)])[0]:
                return None
            if state.state == "failed":
                log.warning("message_undeliverable", message=message.id, provider=receipt.provider)
        return receipts.over(receipt)
