"""The worker's loops that send to webhooks: each takes a webhook that has something due, gives a courier of its own a
few seconds of it, and goes on to the next one.

Of a process one loop at most speaks to the same receiver. A receiver that fails is left alone for a while, longer each
time, and its rows are not tried meanwhile; those that are slow or failing have half of the loops at most, so that the
others are served whatever they do.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis import logs, metrics, worker
from chassis.clock import Clock
from chassis.store import UNAVAILABLE
from notify.courier import POLL_SECONDS, Courier
from notify.domain.deliveries import spread
from notify.sealing import Sealing
from notify.store.rows import Backlog
from notify.webhooks.domain import Webhook, Why, disabled
from notify.webhooks.outlet import NAME, HookOutlet, Sender
from notify.webhooks.store import HookRows, WebhookStore

log = logs.get()
LOOK_EVERY = 0.3
SLOW_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Due:
    """`oldest`: since when the longest waiting row of any webhook is due. `failing`: nothing came through lately."""

    webhook: str
    oldest: datetime | None
    failing: bool


class Dispatch:
    """`batch`: rows of a webhook at once; `lines`: loops; `failing`: after so long without any success it is disabled;
    `look_every`: seconds between two looks at what is due."""

    def __init__(
        self,
        store: WebhookStore,
        sender: Sender,
        sealing: Sealing,
        clock: Clock,
        *,
        holder: str,
        batch: int,
        lines: int,
        failing: timedelta,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._store = store
        self._sender = sender
        self._sealing = sealing
        self._clock = clock
        self._holder = holder
        self._batch = batch
        self._lines = lines
        self._failing = failing
        self._look_every = look_every
        self._choosing = threading.Lock()
        self._ready: deque[_Due] = deque()
        self._looked_at = -look_every
        self._busy: dict[str, bool] = {}
        """The webhooks that are spoken to now; whether they are slow ones."""
        self._slow: set[str] = set()

    def loops(self) -> dict[str, worker.Loop]:
        return {f"{NAME}s" if n == 0 else f"{NAME}s_{n + 1}": self._run_loop for n in range(self._lines)}

    def _run_loop(self, stop: threading.Event) -> None:
        worker.every(POLL_SECONDS, lambda: self.once(stop), UNAVAILABLE)(stop)

    def once(self, stop: threading.Event) -> bool:
        """Serves one webhook; True when there may be more to do."""
        due = self._choose()
        if due is None:
            return False
        try:
            if self._serve(due, stop):
                with self._choosing:
                    self._ready.append(due)
        finally:
            with self._choosing:
                del self._busy[due.webhook]
        return True

    def backlog(self) -> Backlog:
        """Of the webhooks that are active: the rows of the others wait for their owners."""
        active = [hook.id for hook in self._store.all_hooks() if hook.state == "active"]
        for state, count in self._store.states().items():
            metrics.WEBHOOKS.labels(state).set(count)
        return self._store.backlog(active)

    # -- choosing ------------------------------------------------------------------------------------------------------

    def _choose(self) -> _Due | None:
        with self._choosing:
            if not self._ready:
                if time.monotonic() - self._looked_at < self._look_every:
                    return None
                self._ready.extend(self._look())
                self._looked_at = time.monotonic()
            while self._ready:
                due = self._ready.popleft()
                slow = due.failing or due.webhook in self._slow
                if due.webhook in self._busy or (slow and sum(self._busy.values()) >= self._lines // 2):
                    continue
                self._busy[due.webhook] = slow
                return due
        return None

    def _look(self) -> Sequence[_Due]:
        """What is due, who waits longest first."""
        now = self._clock()
        waiting = {webhook: at for webhook, at in self._store.waiting() if at <= now}
        ids = list(dict.fromkeys([*sorted(waiting, key=lambda id: waiting[id]), *self._store.abandoned(now)]))
        hooks, health = self._store.hooks.load_many(ids), self._store.health(ids)
        active: list[str] = []
        for id in ids:
            if id not in hooks or hooks[id].state.state == "removed":
                self._store.forget_queued(id)
            elif hooks[id].state.state == "active":
                active.append(id)
        oldest = min((waiting[id] for id in active if id in waiting), default=None)
        return [
            _Due(id, oldest, failing=id in health)
            for id in active
            if id not in health or health[id].paused_until <= now
        ]

    # -- serving -------------------------------------------------------------------------------------------------------

    def _serve(self, due: _Due, stop: threading.Event) -> bool:
        """True when more of it may be due."""
        loaded = self._store.hooks.load(due.webhook)
        if loaded is None or loaded.state.state != "active":
            return False
        hook = loaded.state
        outlet = HookOutlet(hook, self._sender, self._sealing, self._clock)
        courier = Courier(
            HookRows(self._store.rows, hook.id, outlet.said, due.oldest),
            outlet,
            self._clock,
            holder=self._holder,
            # One that fails is asked with one row whether it is well again.
            batch=1 if due.failing else self._batch,
        )
        try:
            found = courier.once(stop)
        finally:
            self._note(hook, outlet, failing=due.failing)
        return found and not outlet.failed and not due.failing

    def _note(self, hook: Webhook, outlet: HookOutlet, *, failing: bool) -> None:
        (self._slow.add if outlet.slowest > SLOW_SECONDS else self._slow.discard)(hook.id)
        now = self._clock()
        if outlet.gone:
            self._disable(hook, "gone", now)
        elif outlet.succeeded:
            if failing:
                self._store.note_success(hook.id)
        elif outlet.failed:
            failures = self._failures(hook.id)
            pause = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
            since = self._store.note_failure(hook.id, now, now + pause + spread(hook.id, pause / 4))
            # What failed before somebody enabled it again does not count.
            if now - max(since, hook.enabled_at) >= self._failing:
                self._disable(hook, "failing", now)

    def _failures(self, webhook: str) -> int:
        known = self._store.health([webhook]).get(webhook)
        return 0 if known is None else known.failures

    def _disable(self, hook: Webhook, reason: Why, now: datetime) -> None:
        def decide(current: Webhook) -> Webhook:
            # Whoever changed it in between may have mended it.
            is_same = current.enabled_at == hook.enabled_at and current.url == hook.url
            return disabled(current, reason, now) if is_same else current

        if self._store.change(hook.id, decide, now):
            log.warning("webhook_disabled", webhook=hook.id, reason=reason)
