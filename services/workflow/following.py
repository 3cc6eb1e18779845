"""What a worker's timers do: running processes follow the agencies and the calendars that changed, go on without the
opinions whose time has passed, and tell of their deadlines.

They look at the processes and not at the news, so it makes no difference which came first, nor how often it is done. A
process that dies in between leaves what it wrote, and the next one goes on with what is not as it should be.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.store import Change, Loaded
from chassis.worktime import local_day
from workflow.domain import alerts, opinions, settlings, successions
from workflow.domain.calendars import reschedule
from workflow.domain.parts import By
from workflow.domain.processes import SYSTEM, Process, Turn
from workflow.domain.settlings import Settling
from workflow.store import WorkflowStore
from workflow.store.catalogue import Calendars

BATCH = 500
SETTLE = timedelta(seconds=10)
"""For so long after a calendar came, dossiers may still be started by the one before, which is kept in memory."""


class Following:
    """`escalate_days`: see `alerts.tell`."""

    def __init__(self, store: WorkflowStore, clock: Clock, escalate_days: int = 2) -> None:
        self._store = store
        self._clock = clock
        self._escalate_days = escalate_days
        self._passed: dict[int, tuple[datetime, str]] = {}

    def agencies(self) -> bool:
        """Hands on a batch of what is not done at agencies that have ended; True when there may be more."""
        now = self._clock()
        day, known = local_day(now), self._store.catalogue.successions()
        ended = known.ended(day)
        if not ended:
            return False
        return self._turned(
            self._store.processes.involving(ended, BATCH),
            lambda process: successions.hand_on(process, known, day, now, self._store.catalogue.agency),
            now,
        )

    def opinions(self) -> bool:
        """Lets a batch of opinions lapse whose time has passed; True when there may be more."""
        now, calendar = self._clock(), self._store.catalogue.calendar()
        return self._turned(
            self._store.processes.lapsing(now, BATCH), lambda process: opinions.lapse(process, now, calendar), now
        )

    def alerts(self) -> bool:
        """Tells of the deadlines of a batch that come near or were missed; True when there may be more."""
        now, calendar, known = self._clock(), self._store.catalogue.calendar(), self._store.catalogue.successions()
        day = local_day(now)

        def above(agency: str) -> str | None:
            found = self._store.catalogue.agency(agency)
            return None if found is None or found.parent is None else known.acting(found.parent, day)

        return self._turned(
            self._store.processes.alerting(now, BATCH),
            lambda process: alerts.tell(process, now, above, calendar, self._escalate_days),
            now,
        )

    def calendars(self) -> bool:
        """Computes a batch of due dates anew after a calendar changed; True when there may be more."""
        years, known = self._store.catalogue.calendar_years(), self._store.catalogue.settlings()
        more = False
        for year in years.years:
            sequence, before = years.sequences[year.year], known.get(year.year)
            if before is None or before.sequence < sequence:
                after = settlings.seen(before, year, sequence, self._clock())
                self._store.catalogue.note_settling(year.year, before, after)
                self._passed.pop(year.year, None)
                more = True
            elif before.pending:
                more |= self._reschedule(years, year.year, year.decision, before)
        return more

    def _turned(self, loaded: Sequence[Loaded[Process]], turn: Callable[[Process], Turn], now: datetime) -> bool:
        """Writes what `turn` makes of these; whether there may be more. What somebody else changed at the same moment
        is met by the next one."""
        changes: list[Change[Process]] = []
        for each in loaded:
            state, said = turn(each.state)
            if state is not each.state:
                changes.append(Change(each, state, said, now))
        written = self._store.processes.save(changes)
        return len(loaded) == BATCH and any(written)

    def _reschedule(self, years: Calendars, year: int, decision: str, settling: Settling) -> bool:
        begin, end = settlings.span(settling.pending)
        now = self._clock()
        loaded = self._store.processes.running_between(begin, end, self._passed.get(year), BATCH)
        by = By(SYSTEM, "", now, now)
        self._turned(loaded, lambda process: reschedule(process, year, decision, years.calendar, by), now)
        if len(loaded) == BATCH:
            self._passed[year] = _key(loaded)
            return True
        # The pass has come to the end; those that officers changed at the same moment are met by the next one.
        self._passed.pop(year, None)
        if now - settling.seen_at >= SETTLE:
            self._store.catalogue.note_settling(year, settling, settlings.settled(settling))
        return False


def _key(loaded: Sequence[Loaded[Process]]) -> tuple[datetime, str]:
    last = loaded[-1].state
    if last.last_due_at is None:
        raise AssertionError("found by its last due time")
    return last.last_due_at, last.id
