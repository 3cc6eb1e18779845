"""Has many messages sent again: an operator asks, the worker does it."""

from datetime import datetime

from chassis import acts, logs
from chassis.clock import Clock
from chassis.store import Change
from chassis.web import Answer, Call
from notify.domain import deliveries, retries
from notify.domain.retries import MOST, Retries
from notify.domain.telling import Channel
from notify.store import NotifyStore

log = logs.get()
AT_ONCE = 200


class RetryMany:
    def __init__(self, store: NotifyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def request(
        self,
        call: Call,
        channel: Channel,
        since: datetime,
        until: datetime,
        reason: str,
        render: acts.Render[Retries],
    ) -> Answer:
        """Has the messages that failed in this time sent again; raises PeriodInvalid."""
        made = retries.request(
            call.id_for_new("retries"), channel, since, until, reason, by=call.principal.subject, at=call.now
        )
        return acts.create(self._store.retries.aggregates, made.id, made, (), call, render)

    def go_on(self) -> bool:
        """Queues some of what the oldest act wants sent again; True when there is more to do.

        What is queued again has failed no more, so whoever goes on after a worker that died begins with the next ones.
        """
        act = self._store.retries.waiting()
        if act is None:
            return False
        now, wanted = self._clock(), act.state
        limit = min(AT_ONCE, MOST - wanted.sent_again)
        failed = self._store.messages.failed(wanted.channel, wanted.since, wanted.until, limit)
        saved = self._store.messages.aggregates.save(
            [Change(item, deliveries.retry(item.state, now, wanted.by), (), now) for item in failed]
        )
        state = retries.went_on(wanted, sum(saved), more=bool(failed))
        self._store.retries.aggregates.save([Change(act, state, (), now)])
        if state.state == "done":
            log.info("messages_sent_again", act=act.id, channel=wanted.channel, count=state.sent_again)
        return True
