"""Open dossiers go over to the agencies that took over from theirs."""

from chassis.clock import Clock
from chassis.store import Change
from chassis.worktime import local_day
from intake.domain.dossiers import Dossier
from intake.domain.successions import hand_on
from intake.store import IntakeStore

BATCH = 500


class DossierSuccessions:
    """What a worker's timer does. It looks at the dossiers and not at the news, so it makes no difference which came
    first, a dossier or the news that its agency has ended, nor how often it is done."""

    def __init__(self, store: IntakeStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def once(self) -> bool:
        """Hands on a batch, with one write; True when there may be more.

        One that somebody changed at the same moment is found again the next time.
        """
        now = self._clock()
        day, successions = local_day(now), self._store.catalogue.successions()
        ended = successions.ended(day)
        if not ended:
            return False
        loaded = self._store.dossiers.open_at(ended, BATCH)
        changes: list[Change[Dossier]] = []
        for each in loaded:
            after = hand_on(each.state, successions, day, now)
            if after is not each.state:
                changes.append(Change(each, after, (), now))
        written = self._store.dossiers.save(changes)
        return len(loaded) == BATCH and any(written)
