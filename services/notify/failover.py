"""Several other sides that do the same, as one outlet: the first one while it works, else the next.

One is left out when it cannot be reached, or when `share` of its last `window` sends failed or took longer than
`slow_seconds`. After `probe_after` one line is sent to see whether it works again; until that line's first send
succeeded, the other lines go on with the next one.

A line stays with one other side, so a row that a killed worker had in hand is known to be with that one. Such a row,
and any other in doubt, is not given to another one for a day: who may have taken it knows it by its id, the other does
not.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from chassis import logs, metrics
from chassis.clock import Clock
from notify.domain import deliveries
from notify.domain.deliveries import Delivery
from notify.outlets import Answer, Away, Deferred, Line, Outlet, Postponed, Refused, Uncertain

log = logs.get()
R = TypeVar("R", bound=Delivery)
FEWEST = 3
"""So many sends must have failed: one that fails on its first send is not left out for that."""
DOUBT = timedelta(days=1)
"""So long a row in doubt waits for the one that may have it. To be told twice is better than never."""


class Failover(Generic[R]):
    """`outlets`: in the order of preference, each with a name of its own; `name`: of them all. Thread-safe.

    `window`: a number of sends; `slow_seconds`: for one lot; `probe_after`: seconds.
    """

    def __init__(
        self,
        name: str,
        outlets: Sequence[Outlet[R]],
        *,
        share: float,
        window: int,
        slow_seconds: float,
        probe_after: float,
        clock: Clock,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.lot = min(outlet.lot for outlet in outlets)
        self.clock = clock
        self.timer = timer
        self.slow_seconds = slow_seconds
        self._sides = [_Side(outlet, share, window, probe_after, timer) for outlet in outlets]

    def news(self, row: R, at: datetime) -> Sequence[Any]:
        return self._sides[0].outlet.news(row, at)

    @contextmanager
    def open(self) -> Iterator["FailoverLine[R]"]:
        """A line to the first one that works and can be reached; raises Away when there is none."""
        away = Away("every_side_is_out")
        with ExitStack() as stack:
            for side in self._sides:
                if (visit := side.begin()) is None:
                    continue
                stack.callback(side.end, visit)
                try:
                    line = stack.enter_context(side.outlet.open())
                except Away as error:
                    side.unreachable()
                    away = error
                    continue
                yield FailoverLine(self, side, line, visit)
                return
            raise away

    def side(self, name: str) -> "_Side[R] | None":
        return next((side for side in self._sides if side.outlet.name == name), None)

    def others(self, side: "_Side[R]") -> bool:
        """Whether another one may take what this one did not."""
        return any(other is not side and not other.is_out() for other in self._sides)


class FailoverLine(Generic[R]):
    """A line to one of several. `via`: which one."""

    def __init__(self, failover: Failover[R], side: "_Side[R]", line: Line[R], visit: "_Visit") -> None:
        self._failover = failover
        self._side = side
        self._line = line
        self._visit = visit
        self.via = side.outlet.name

    def send(self, rows: Sequence[R]) -> list[Answer]:
        if self._side.is_out(self._visit) and self._failover.others(self._side):
            raise Away("fails_over", via=self.via, elsewhere=True)
        bound = {row.id: side for row in rows if (side := self._bound(row)) is not None}
        mine = [row for row in rows if row.id not in bound]
        try:
            answers = {row.id: answer for row, answer in zip(mine, self._asked(mine), strict=True)} if mine else {}
        except Away as away:
            raise Away(away.reason, away.stage, via=self.via, elsewhere=self._failover.others(self._side)) from None
        return [self._sent_to(bound[row.id], row) if row.id in bound else answers[row.id] for row in rows]

    def _bound(self, row: R) -> "_Side[R] | None":
        """The other one that may have the row already."""
        doubt = deliveries.in_doubt(row)
        if doubt is None or doubt.via is None or doubt.via == self.via:
            return None
        return None if self._failover.clock() - doubt.at >= DOUBT else self._failover.side(doubt.via)

    def _asked(self, rows: Sequence[R]) -> list[Answer]:
        return _measured(self._failover, self._side, self._line, rows)

    def _sent_to(self, side: "_Side[R]", row: R) -> Answer:
        """To the one that may have it, over a line of its own; later, when that one is away."""
        if (visit := side.begin()) is None:
            return self._later(side)
        try:
            with side.outlet.open() as line:
                (answer,) = _measured(self._failover, side, line, [row])
        except Away as away:
            if away.stage == "connection":
                side.unreachable()
                return self._later(side)
            return Uncertain(away.reason, via=side.outlet.name)
        else:
            return answer
        finally:
            side.end(visit)

    def _later(self, side: "_Side[R]") -> Postponed:
        return Postponed(self._failover.clock() + timedelta(seconds=side.probe_after))


def _measured(failover: Failover[R], side: "_Side[R]", line: Line[R], rows: Sequence[R]) -> list[Answer]:
    began = failover.timer()
    try:
        answers = list(line.send(rows))
    except Away as away:
        if away.stage == "connection":
            side.unreachable()
        else:
            side.note(success=False)
        raise
    slow = failover.timer() - began > failover.slow_seconds
    marked: list[Answer] = []
    for answer in answers:
        match answer:
            case Postponed():
                marked.append(answer)
            case Deferred(ours=True):
                marked.append(answer)
            case Deferred() | Uncertain():
                side.note(success=False)
                marked.append(replace(answer, via=side.outlet.name))
            case _:
                # Who refuses a recipient works.
                side.note(success=not slow or isinstance(answer, Refused))
                marked.append(replace(answer, via=side.outlet.name))
    return marked


_Visit = Literal["line", "probe"]


class _Side(Generic[R]):
    """One of them, and how its last sends went."""

    def __init__(
        self, outlet: Outlet[R], share: float, window: int, probe_after: float, timer: Callable[[], float]
    ) -> None:
        self.outlet = outlet
        self.probe_after = probe_after
        self._share = share
        self._timer = timer
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=window)
        self._out_until: float | None = None
        self._probing = False

    def is_out(self, visit: _Visit = "line") -> bool:
        """Whether nothing is to be sent there; the line that goes to see may."""
        with self._lock:
            return self._out_until is not None and not (visit == "probe" and self._probing)

    def begin(self) -> _Visit | None:
        """As what a line may go there now, if at all."""
        with self._lock:
            if self._out_until is None:
                return "line"
            if self._probing or self._timer() < self._out_until:
                return None
            self._probing = True
            return "probe"

    def end(self, visit: _Visit) -> None:
        """Where the line came to see and sent nothing, another one goes."""
        with self._lock:
            if visit == "probe":
                self._probing = False

    def unreachable(self) -> None:
        with self._lock:
            self._leave_out("unreachable")

    def note(self, *, success: bool) -> None:
        with self._lock:
            if self._out_until is not None:
                if not self._probing:
                    return
                if not success:
                    self._leave_out("probe_failed")
                    return
                log.info("side_is_back", outlet=self.outlet.name)
                metrics.OUTLET_AWAY.labels(self.outlet.name).set(0)
                self._out_until, self._probing = None, False
            self._recent.append(success)
            failed = self._recent.count(False)
            if failed >= FEWEST and failed >= self._share * len(self._recent):
                self._leave_out("failing")

    def _leave_out(self, reason: str) -> None:
        if self._out_until is None:
            log.warning("side_is_left_out", outlet=self.outlet.name, reason=reason)
        metrics.OUTLET_AWAY.labels(self.outlet.name).set(1)
        self._out_until = self._timer() + self.probe_after
        self._probing = False
        self._recent.clear()
