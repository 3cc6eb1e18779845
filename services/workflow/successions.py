"""Which agencies took over from which. Plain Python."""

from collections.abc import Iterable
from datetime import date

from workflow.inbound import AgencySucceeded


class Successions:
    """Who acts for whom, by day. There is a new one of these whenever catalog tells of another succession."""

    def __init__(self, known: Iterable[AgencySucceeded] = ()) -> None:
        self._by_predecessor = {id: each for each in known for id in each.predecessors}

    def acting(self, agency: str, day: date) -> str:
        """The agency that answers on this day for what was given to `agency`, which is mostly itself."""
        *_, last = [agency, *(each.takes_over for each in self.path(agency, day))]
        return last

    def path(self, agency: str, day: date) -> list[AgencySucceeded]:
        """The successions that lead from the agency to the one that acts for it on this day, in order."""
        passed: list[AgencySucceeded] = []
        while (each := self._by_predecessor.get(agency)) is not None and each.on <= day and each not in passed:
            passed.append(each)
            agency = each.takes_over
        return passed

    def ended(self, day: date) -> list[str]:
        """The agencies that others act for on this day."""
        return sorted(id for id, each in self._by_predecessor.items() if each.on <= day)
