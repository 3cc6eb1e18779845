"""Agencies that took over from others, and what becomes of the dossiers that were open there. Plain Python."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from chassis.evolving import replace
from chassis.worktime import ZONE
from intake.domain.dossiers import By, Dossier, Status, noted
from intake.inbound import AgencySucceeded

CLOSED = (Status.REFUSED, Status.WITHDRAWN, Status.STOPPED, Status.RETURNED)
"""Nothing is left to be done with these, so they stay with the agency that they ended at."""
SYSTEM = "system:intake"


class Successions:
    """Who acts for whom, by day. There is a new one of these whenever catalog tells of another succession."""

    def __init__(self, known: Iterable[AgencySucceeded]) -> None:
        self._by_predecessor = {id: each for each in known for id in each.predecessors}

    def acting(self, agency: str, day: date) -> str:
        """The agency that answers on this day for what is addressed to `agency`, which is mostly itself."""
        passed = {agency}
        while (succession := self._by_predecessor.get(agency)) is not None and succession.on <= day:
            agency = succession.takes_over
            if agency in passed:
                return agency
            passed.add(agency)
        return agency

    def of(self, agency: str) -> AgencySucceeded | None:
        """The succession that ends the agency."""
        return self._by_predecessor.get(agency)

    def ended(self, day: date) -> list[str]:
        """The agencies that others act for on this day."""
        return sorted(id for id, each in self._by_predecessor.items() if each.on <= day)


def hand_on(dossier: Dossier, successions: Successions, day: date, recorded_at: datetime) -> Dossier:
    """The dossier with who acts for its agency now; the same one when that is so already, or when it is closed.

    What it is counted by stays: the agency that it was filed with. It counts from the beginning of the succession's
    day, or from the filing if that was later.
    """
    last = successions.acting(dossier.handled_by, day)
    while dossier.status not in CLOSED and dossier.handled_by != last:
        succession = successions.of(dossier.handled_by)
        if succession is None:
            break
        to = succession.takes_over
        note = f"{dossier.handled_by} → {to}: {succession.decision}"
        at = max(datetime.combine(succession.on, time(), ZONE).astimezone(UTC), dossier.filed_at)
        receiving, *others = dossier.agencies
        agencies = dossier.agencies if to in dossier.agencies else (receiving, *sorted((*others, to)))
        dossier = replace(dossier, handled_by=to, agencies=agencies)
        dossier = noted(dossier, "succeeded", By(SYSTEM, at, recorded_at), note)
    return dossier
