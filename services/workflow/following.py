"""What a worker's timers do: running processes follow the agencies and the calendars that changed.

They look at the processes and not at the news, so it makes no difference which came first, nor how often it is done. A
process that dies in between leaves what it wrote, and the next one goes on with what is not as it should be.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.store import Change, Loaded
from chassis.worktime import local_day
from workflow.domain import settlings, successions
from workflow.domain.calendars import reschedule
from workflow.domain.parts import By
from workflow.domain.processes import SYSTEM, Process
from workflow.domain.settlings import Settling
from workflow.store import WorkflowStore
from workflow.store.catalogue import Calendars

BATCH = 500
SETTLE = timedelta(seconds=10)
"""For so long after a calendar came, dossiers may still be started by the one before, which is kept in memory."""


class Following:
    def __init__(self, store: WorkflowStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._passed: dict[int, tuple[datetime, str]] = {}

    def agencies(self) -> bool:
        """Hands on a batch of what is not done at agencies that have ended; True when there may be more."""
        now = self._clock()
        day, known = local_day(now), self._store.catalogue.successions()
        ended = known.ended(day)
        if not ended:
            return False
        loaded = self._store.processes.involving(ended, BATCH)
        changes: list[Change[Process]] = []
        for each in loaded:
            state, said = successions.hand_on(each.state, known, day, now)
            if state is not each.state:
                changes.append(Change(each, state, said, now))
        written = self._store.processes.save(changes)
        return len(loaded) == BATCH and any(written)

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

    def _reschedule(self, years: Calendars, year: int, decision: str, settling: Settling) -> bool:
        begin, end = settlings.span(settling.pending)
        now = self._clock()
        loaded = self._store.processes.running_between(begin, end, self._passed.get(year), BATCH)
        changes: list[Change[Process]] = []
        by = By(SYSTEM, "", now, now)
        for each in loaded:
            state, said = reschedule(each.state, year, decision, years.calendar, by)
            if state is not each.state:
                changes.append(Change(each, state, said, now))
        self._store.processes.save(changes)
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
