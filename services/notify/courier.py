"""The loops that send what is due by one outlet: a mail server, a provider, a partner system.

Several workers run them, each with several lines; a row is its taker's while a lease lasts. Sending is at least once:
when a worker dies between the other side's answer and the note of it, the row is sent again under the same id, once its
lease has expired, and that id lets the other side know it.
"""

import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from chassis import logs, metrics, worker
from chassis.clock import Clock
from chassis.store import UNAVAILABLE, Change, Loaded
from notify.domain import deliveries
from notify.domain.deliveries import WAITS, Delivery, Failed
from notify.outlets import Accepted, Answer, Away, Deferred, Line, Outlet, Postponed, Refused, Uncertain

log = logs.get()
LEASE = timedelta(minutes=5)
MARGIN = timedelta(minutes=2)
"""No row is begun when less of the lease is left. It is more than one lot can take with the longest timeout."""
MAX_TIMEOUT_SECONDS = 20
NOTE_EVERY = timedelta(seconds=2)
"""What a slow other side answered is noted this often, so that a killed worker leaves few rows in doubt."""
BROKE = "broke_"
"""With this begins the detail of an attempt over which our own code broke."""
POLL_SECONDS = 1.0


D = TypeVar("D", bound=Delivery)
Row = TypeVar("Row", bound=Delivery, contravariant=True)  # noqa: PLC0105 (read as a word)


class Queue(Protocol[D]):
    """The rows of one outlet in the store; see `notify.store.rows`."""

    def oldest_due(self, now: datetime) -> datetime | None: ...
    def due(self, now: datetime, limit: int) -> list[Loaded[D]]: ...
    def abandoned(self, now: datetime, limit: int) -> list[Loaded[D]]: ...
    def save(self, changes: Sequence[Change[D]]) -> list[bool]: ...


class Gate(Protocol[Row]):
    """How many may go out; see `notify.limits`."""

    def held_back(self, rows: Sequence[Row], now: datetime) -> Sequence[datetime | None]:
        """For each, until when it has to wait; None for one that may go, which is counted, and only once."""


class Watch(Protocol):
    """Where it is noted whether an outlet can be used; see `notify.store.outlets`."""

    def note(self, outlet: str, away: str | None, at: datetime) -> None:
        """`away`: why it cannot be used, None when it can."""


class Courier(Generic[D]):
    """`holder` names this process among all workers; `batch`: how many rows a line takes at once; `lines`: how many
    there are at once, at most. `waits`, `afterwards`: see `deliveries.deferred`.
    """

    def __init__(
        self,
        queue: Queue[D],
        outlet: Outlet[D],
        clock: Clock,
        *,
        holder: str,
        batch: int,
        lines: int = 1,
        gate: Gate[D] | None = None,
        watch: Watch | None = None,
        waits: Sequence[timedelta] = WAITS,
        afterwards: timedelta | None = None,
    ) -> None:
        self._queue = queue
        self._outlet = outlet
        self._clock = clock
        self._holder = holder
        self._batch = batch
        self._lines = lines
        self._gate = gate
        self._watch = watch
        self._waits = waits
        self._afterwards = afterwards
        self._taking = threading.Lock()
        self._much = threading.Event()
        """Set while there is more due than one line takes at once."""
        self._watching = threading.Lock()
        self._noted: str | bool | None = False

    def loops(self) -> dict[str, worker.Loop]:
        """The worker's loops by their names: the first line's, and those that help it while much is due."""
        name = self._outlet.name
        return {name: self.run, **{f"{name}_{n}": self.help for n in range(2, self._lines + 1)}}

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. An other side that is away is tried again after growing pauses, a minute at most."""
        worker.every(POLL_SECONDS, lambda: self.once(stop), UNAVAILABLE)(stop)

    def help(self, stop: threading.Event) -> None:
        """Until `stop` is set; it opens no line while another one is enough."""
        worker.every(0, lambda: self._much.wait(POLL_SECONDS) and self.once(stop), UNAVAILABLE)(stop)

    def once(self, stop: threading.Event) -> bool:
        """Sends one batch of what is due; True when more may be due.

        Away: what was not begun is queued as it was before.
        """
        now = self._clock()
        self._give_back_abandoned(now)
        oldest = self._queue.oldest_due(now)
        metrics.UNSENT_AGE.labels(self._outlet.name).set((now - oldest).total_seconds() if oldest else 0)
        if oldest is None:
            self._much.clear()
            return False
        try:
            # Before anything is taken: where there is nobody at the other side, no row is touched.
            with self._outlet.open() as line:
                found, taken = self._take(line)
                self._send(line, taken, stop)
        except Away as away:
            metrics.AWAYS.labels(self._outlet.name, away.stage).inc()
            if not away.elsewhere:
                self._note_use(away.reason)
                raise
            log.warning("goes_elsewhere", outlet=self._outlet.name, via=away.via, reason=away.reason)
            return True
        if taken:
            self._note_use(None)
        return found

    def _note_use(self, away: str | None) -> None:
        with self._watching:
            if away == self._noted:
                return
            metrics.OUTLET_AWAY.labels(self._outlet.name).set(away is not None)
            if self._watch is not None:
                self._watch.note(self._outlet.name, away, self._clock())
            self._noted = away

    def _give_back_abandoned(self, now: datetime) -> None:
        changes = [
            self._change(
                loaded,
                self._deferred(loaded.state, now, "lease_expired", "interrupted", via=_via(loaded.state)),
            )
            for loaded in self._queue.abandoned(now, self._batch)
        ]
        if given_back := sum(self._queue.save(changes)):
            log.warning("rows_were_abandoned", outlet=self._outlet.name, count=given_back)

    def _take(self, line: Line[D]) -> tuple[bool, list[Loaded[D]]]:
        """Whether any were due, and those that are ours now. One line at a time, since all would find the same ones."""
        with self._taking:
            now = self._clock()
            due = self._queue.due(now, self._batch)
            if len(due) == self._batch:
                self._much.set()
            else:
                self._much.clear()
            waits = self._gate.held_back([loaded.state for loaded in due], now) if self._gate else [None] * len(due)
            via: str | None = getattr(line, "via", None)
            changes = [
                Change(
                    loaded,
                    deliveries.take(loaded.state, self._holder, now + LEASE, via)
                    if until is None
                    else deliveries.held_back(loaded.state, until),
                    (),
                    now,
                )
                for loaded, until in zip(due, waits, strict=True)
            ]
            # Where another worker was faster, the version is not the loaded one any more, and the row is theirs.
            mine = self._queue.save(changes)
        taken = [
            replace(change.before, version=change.before.version + 1, state=change.state)
            for change, saved in zip(changes, mine, strict=True)
            if saved and change.state.state == "sending"
        ]
        return bool(due), taken

    def _send(self, line: Line[D], taken: Sequence[Loaded[D]], stop: threading.Event) -> None:
        waiting = deque(taken)
        done: list[Change[D]] = []
        noted_at = self._clock()
        away: Away | None = None
        while waiting and away is None and not stop.is_set() and self._may_begin(waiting[0].state):
            lot = self._lot(waiting)
            began = time.perf_counter()
            try:
                answers = line.send([loaded.state for loaded in lot])
                metrics.SEND_SECONDS.labels(self._outlet.name).observe(time.perf_counter() - began)
                done += [self._answered(loaded, answer) for loaded, answer in zip(lot, answers, strict=True)]
            except Away as error:
                away = error
                done += [self._change(loaded, self._interrupted(loaded.state, error)) for loaded in lot]
            except Exception as error:
                # What was sent before it must be noted, and it must not keep the others from being sent.
                self._log_broken(lot, error)
                detail = f"{BROKE}{type(error).__name__}"
                via = _via(lot[0].state)
                done += [
                    self._change(one, self._deferred(one.state, self._clock(), detail, "interrupted", via=via))
                    for one in lot
                ]
            if self._clock() - noted_at > NOTE_EVERY:
                self._note(done, stop)
                done, noted_at = [], self._clock()
        done += [self._change(loaded, deliveries.returned(loaded.state)) for loaded in waiting]
        self._note(done, stop)
        if away is not None:
            raise away

    def _lot(self, waiting: deque[Loaded[D]]) -> list[Loaded[D]]:
        """The next rows to be sent together. One over which the sending broke goes alone from then on, so that in the
        end only the guilty one stays behind."""
        lot = [waiting.popleft()]
        while waiting and len(lot) < self._outlet.lot and not (_broke(lot[0].state) or _broke(waiting[0].state)):
            lot.append(waiting.popleft())
        return lot

    def _log_broken(self, lot: Sequence[Loaded[D]], error: Exception) -> None:
        """Where it broke; its words may hold anything."""
        at = traceback.extract_tb(error.__traceback__)[-1]
        log.error(
            "sending_broke", outlet=self._outlet.name, rows=[loaded.id for loaded in lot[:10]],
            reason=type(error).__name__, at=f"{at.filename}:{at.lineno}",
        )  # fmt: skip

    def _interrupted(self, row: D, error: Away) -> D:
        now = self._clock()
        if error.stage == "content":
            return self._deferred(row, now, error.reason, "interrupted", via=error.via)
        if error.stage == "recipient":
            # Who hangs up over one recipient must not do so over and over, before it comes to the others; nor for ever.
            return self._deferred(row, now, error.reason, via=error.via)
        return deliveries.returned(row)

    def _deferred(self, row: D, at: datetime, detail: str, outcome: Failed = "deferred", *, via: str | None) -> D:
        return deliveries.deferred(row, at, detail, outcome, self._waits, via, self._afterwards)

    def _may_begin(self, row: D) -> bool:
        return row.lease is not None and self._clock() < row.lease.until - MARGIN

    def _answered(self, loaded: Loaded[D], answer: Answer) -> Change[D]:
        now, row = self._clock(), loaded.state
        match answer:
            case Accepted(detail, receipt, via, noted):
                return self._change(loaded, replace(deliveries.accepted(row, now, detail, receipt, via), **noted))
            case Refused(detail, via):
                return self._change(loaded, deliveries.refused(row, now, detail, via))
            case Deferred(detail, _, via):
                return self._change(loaded, self._deferred(row, now, detail, via=via))
            case Uncertain(detail, via):
                return self._change(loaded, self._deferred(row, now, detail, "interrupted", via=via))
            case Postponed(until):
                return self._change(loaded, deliveries.returned(row, until))

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


def _broke(row: Delivery) -> bool:
    doubt = deliveries.in_doubt(row)
    return doubt is not None and doubt.detail.startswith(BROKE)


def _via(row: Delivery) -> str | None:
    return None if row.lease is None else row.lease.via
