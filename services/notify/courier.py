"""The loop that sends what is due by one outlet: a mail server, a provider, a partner system.

Several workers run it; a row is its taker's while a lease lasts. Sending is at least once: when a worker dies between
the other side's answer and the note of it, the row is sent again under the same id, once its lease has expired, and
that id lets the other side know it.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from chassis import logs, metrics, worker
from chassis.clock import Clock
from chassis.store import UNAVAILABLE, Change, Loaded
from notify.domain import deliveries
from notify.domain.deliveries import Delivery
from notify.outlets import Accepted, Answer, Away, Deferred, Line, Outlet, Postponed, Refused

log = logs.get()
LEASE = timedelta(minutes=5)
MARGIN = timedelta(minutes=2)
"""No row is begun when less of the lease is left. It is more than one lot can take with the longest timeout."""
MAX_TIMEOUT_SECONDS = 20
NOTE_EVERY = timedelta(seconds=2)
"""What a slow other side answered is noted this often, so that a killed worker leaves few rows in doubt."""
ASIDE = timedelta(minutes=5)
"""How long a row is put behind the others when the other side hung up over its address."""
POLL_SECONDS = 1.0


D = TypeVar("D", bound=Delivery)


class Queue(Protocol[D]):
    """The rows of one outlet in the store; see `notify.store.rows`."""

    def oldest_due(self, now: datetime) -> datetime | None: ...
    def due(self, now: datetime, limit: int) -> list[Loaded[D]]: ...
    def abandoned(self, now: datetime, limit: int) -> list[Loaded[D]]: ...
    def save(self, changes: Sequence[Change[D]]) -> list[bool]: ...


class Courier(Generic[D]):
    """`holder` names this process among all workers; `batch`: how many rows are taken at once."""

    def __init__(self, queue: Queue[D], outlet: Outlet[D], clock: Clock, *, holder: str, batch: int) -> None:
        self._queue = queue
        self._outlet = outlet
        self._clock = clock
        self._holder = holder
        self._batch = batch

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. An other side that is away is tried again after growing pauses, a minute at most."""
        worker.every(POLL_SECONDS, lambda: self.once(stop), UNAVAILABLE)(stop)

    def once(self, stop: threading.Event) -> bool:
        """Sends one batch of what is due; True when more may be due.

        Away: what was not begun is queued as it was before.
        """
        now = self._clock()
        self._give_back_abandoned(now)
        oldest = self._queue.oldest_due(now)
        metrics.UNSENT_AGE.labels(self._outlet.name).set((now - oldest).total_seconds() if oldest else 0)
        if oldest is None:
            return False
        # Before anything is taken: where there is nobody at the other side, no row is touched.
        with self._outlet.open() as line:
            taken = self._take(self._clock())
            self._send(line, taken, stop)
        return bool(taken)

    def _give_back_abandoned(self, now: datetime) -> None:
        changes = [
            self._change(loaded, deliveries.deferred(loaded.state, now, "lease_expired", "interrupted"))
            for loaded in self._queue.abandoned(now, self._batch)
        ]
        if given_back := sum(self._queue.save(changes)):
            log.warning("rows_were_abandoned", outlet=self._outlet.name, count=given_back)

    def _take(self, now: datetime) -> list[Loaded[D]]:
        due = self._queue.due(now, self._batch)
        changes = [Change(loaded, deliveries.take(loaded.state, self._holder, now + LEASE), (), now) for loaded in due]
        # Where another worker was faster, the version is not the loaded one any more, and the row is theirs.
        mine = self._queue.save(changes)
        return [
            replace(change.before, version=change.before.version + 1, state=change.state)
            for change, saved in zip(changes, mine, strict=True)
            if saved
        ]

    def _send(self, line: Line[D], taken: Sequence[Loaded[D]], stop: threading.Event) -> None:
        waiting = deque(taken)
        done: list[Change[D]] = []
        noted_at = self._clock()
        away: Away | None = None
        while waiting and away is None and not stop.is_set() and self._may_begin(waiting[0].state):
            lot = [waiting.popleft() for _ in range(min(self._outlet.lot, len(waiting)))]
            try:
                answers = line.send([loaded.state for loaded in lot])
                done += [self._answered(loaded, answer) for loaded, answer in zip(lot, answers, strict=True)]
            except Away as error:
                away = error
                done += [self._change(loaded, self._interrupted(loaded.state, error)) for loaded in lot]
            if self._clock() - noted_at > NOTE_EVERY:
                self._note(done, stop)
                done, noted_at = [], self._clock()
        done += [self._change(loaded, deliveries.returned(loaded.state)) for loaded in waiting]
        self._note(done, stop)
        if away is not None:
            raise away

    def _interrupted(self, row: D, error: Away) -> D:
        now = self._clock()
        if error.stage == "content":
            return deliveries.deferred(row, now, error.reason, "interrupted")
        # Who hangs up over one recipient must not do so over and over, before it comes to the others.
        return deliveries.returned(row, now + ASIDE if error.stage == "recipient" else None)

    def _may_begin(self, row: D) -> bool:
        return row.lease is not None and self._clock() < row.lease.until - MARGIN

    def _answered(self, loaded: Loaded[D], answer: Answer) -> Change[D]:
        now = self._clock()
        match answer:
            case Accepted(detail, receipt):
                return self._change(loaded, deliveries.accepted(loaded.state, now, detail, receipt))
            case Refused(detail):
                return self._change(loaded, deliveries.refused(loaded.state, now, detail))
            case Deferred(detail):
                return self._change(loaded, deliveries.deferred(loaded.state, now, detail))
            case Postponed(until):
                return self._change(loaded, deliveries.returned(loaded.state, until))

    def _change(self, loaded: Loaded[D], row: D) -> Change[D]:
        now = self._clock()
        if row.attempts != loaded.state.attempts:
            metrics.ATTEMPTS.labels(self._outlet.name, row.attempts[-1].outcome).inc()
        if row.state == "failed":
            log.warning("row_failed", outlet=self._outlet.name, row=loaded.id, attempts=len(row.attempts))
        return Change(loaded, row, tuple(self._outlet.news(row, now)), now, row.trace)

    def _note(self, changes: Sequence[Change[D]], stop: threading.Event) -> None:
        """Writes down what became of rows. While the store is away it waits: not to know would be to send again."""
        while True:
            try:
                saved = self._queue.save(changes)
                break
            except UNAVAILABLE as error:
                log.warning("store_away", outlet=self._outlet.name, reason=type(error).__name__, held=len(changes))
                if stop.wait(POLL_SECONDS) or not any(self._is_leased(change.before.state) for change in changes):
                    raise
        if lost := saved.count(False):
            log.warning("rows_were_taken_over", outlet=self._outlet.name, count=lost)

    def _is_leased(self, row: D) -> bool:
        return row.lease is not None and self._clock() < row.lease.until
