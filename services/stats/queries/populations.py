"""What indicators are computed from, read from the store: of an agency, of the agencies below it too, or of the whole
province; and of many agencies at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from stats.domain.catalogue import Agency, Essential, Offering, Procedure, Targets, offered, subtree, top
from stats.domain.indicators import Need, Population
from stats.domain.numbers import not_yet_due
from stats.queries.periods import Period
from stats.store import StatsStore
from stats.store.projection import Key, Projection, Where

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Whom:
    """`agencies` None: the whole province. `holder`: the agency whose targets count."""

    agencies: Sequence[str] | None
    holder: str | None


class Known:
    """What was known at the end of a day (None: is known now), whatever the period; read once."""

    def __init__(self, store: StatsStore, as_of: date | None) -> None:
        self._store = store
        self._as_of = as_of

    @cached_property
    def agencies(self) -> dict[str, Agency]:
        """Every agency that is known, by identifier, as it is now known."""
        return self._store.agencies.all()

    @cached_property
    def projection(self) -> Projection:
        return self._store.current()

    @cached_property
    def history(self) -> list[Procedure]:
        """Every entry of every procedure's history."""
        return self._store.catalogue.procedures(self._as_of)

    @cached_property
    def essentials(self) -> list[Essential]:
        return self._store.catalogue.essentials(self._as_of)


class Source:
    """The store as it is while one question is answered; what several populations need of it is read once."""

    def __init__(self, store: StatsStore, period: Period, known: Known | None = None) -> None:
        self._store = store
        self._known = known or Known(store, period.as_of)
        self.period = period

    @property
    def before(self) -> "Source":
        """Of the period before."""
        return Source(self._store, self.period.before, self._known)

    @property
    def _until(self) -> date:
        """The end of the days of the period that have come."""
        return min(self.period.end, self.period.last_day + ONE_DAY)

    # -- what is read once --

    @property
    def agencies(self) -> dict[str, Agency]:
        """Every agency that is known, by identifier, as it is now known."""
        return self._known.agencies

    @cached_property
    def _on_last_day(self) -> Offering:
        return Offering(offered(self._known.history, self.period.last_day, self.period.last_day + ONE_DAY))

    @cached_property
    def _within(self) -> Offering:
        return Offering(offered(self._known.history, self.period.start, self._until))

    @cached_property
    def _targets(self) -> dict[tuple[int, str], Targets]:
        found = self._store.catalogue.targets(self.period.years, None, self.period.as_of)
        return {(each.year, each.agency): each for each in found}

    # -- of whom --

    def whom(self, agency: str | None, *, below: bool) -> Whom:
        """An agency, with what is below it if `below`; None: the province."""
        if agency is None:
            return Whom(None, top(self.agencies))
        return Whom(subtree(self.agencies, agency) if below else [agency], agency)

    def percent(self, holder: str | None, indicator: str) -> float | None:
        """The target that the agency was assigned for the year in which the period ends."""
        targets = self._targets.get((self.period.years[-1], holder or ""))
        return None if targets is None else targets.percents.get(indicator)

    # -- populations --

    def population(self, whom: Whom, needs: AbstractSet[Need]) -> Population:
        """Of one of them, as much as is needed."""
        where = Where(agencies=whom.agencies)
        read: dict[str, Any] = {}
        if "dossiers" in needs:
            read["dossiers"] = self._flows(("channel", "service_level"), where)
        if "by_procedure" in needs:
            read["by_procedure"] = self._flows(("procedure", "channel"), where)
        if "levels" in needs:
            read["levels"] = self._levels(where)
        if "agencies" in needs:
            received = self._flows(("agency",), where)
            read["active"] = frozenset(agency for (agency,), row in received.items() if row.get("received", 0) > 0)
        return self._made(whom, needs, read)

    def of_each(
        self, agencies: Sequence[str], needs: AbstractSet[Need], *, below: bool
    ) -> dict[str, tuple[Whom, Population]]:
        """Of each of the agencies, with the same few questions to the store whatever their number."""
        each = {agency: self.whom(agency, below=below) for agency in agencies}
        members = {member for whom in each.values() for member in whom.agencies or ()}
        where = Where(agencies=sorted(members)) if len(members) < len(self.agencies) else Where()
        dossiers, by_procedure = {}, {}
        active: frozenset[str] = frozenset()
        if "dossiers" in needs:
            dossiers = _by_agency(self._flows(("agency", "channel", "service_level"), where))
        if "by_procedure" in needs:
            by_procedure = _by_agency(self._flows(("agency", "procedure", "channel"), where))
        if "agencies" in needs:
            received = self._flows(("agency",), where)
            active = frozenset(agency for (agency,), row in received.items() if row.get("received", 0) > 0)
        found: dict[str, tuple[Whom, Population]] = {}
        for agency, whom in each.items():
            below_it = whom.agencies or ()
            read: dict[str, Any] = {
                "dossiers": _added(dossiers.get(member, {}) for member in below_it),
                "by_procedure": _added(by_procedure.get(member, {}) for member in below_it),
                "active": active,
            }
            found[agency] = whom, self._made(whom, needs, read)
        return found

    def received(self, whom: Whom) -> dict[Key, dict[str, int]]:
        """What the days add up to, by agency, channel and service level."""
        return self._flows(("agency", "channel", "service_level"), Where(agencies=whom.agencies))

    def one_stop(self, whom: Whom) -> list[Agency]:
        """The one-stop agencies there on some day of the period that has come, by identifier."""
        found = (each for each in self._there(whom, self.period.start, self._until) if each.one_stop)
        return sorted(found, key=lambda each: each.id)

    def _made(self, whom: Whom, needs: AbstractSet[Need], read: Mapping[str, Any]) -> Population:
        made = dict(read)
        last_day = self.period.last_day
        if "procedures" in needs:
            there = self._there(whom, last_day, last_day + ONE_DAY)
            made["on_last_day"] = self._on_last_day.of(None if whom.agencies is None else there)
            there = self._there(whom, self.period.start, self._until)
            made["within"] = self._within.of(None if whom.agencies is None else there)
        if "agencies" in needs:
            made["agencies"] = [each.id for each in self.one_stop(whom)]
            made["sites"] = sum(each.one_stop for each in self._there(whom, last_day, last_day + ONE_DAY))
        if "demands" in needs:
            made["demands"] = self._demands(whom.holder)
        if "essentials" in needs:
            made["essentials"] = self._known.essentials
        return Population(last_day=last_day, **made)

    def _demands(self, holder: str | None) -> dict[str, int]:
        demands: Counter[str] = Counter()
        for year in self.period.years:
            targets = self._targets.get((year, holder or ""))
            demands.update({} if targets is None else targets.demands)
        return dict(demands)

    def _there(self, whom: Whom, start: date, end: date) -> list[Agency]:
        ids: Iterable[str] = self.agencies if whom.agencies is None else whom.agencies
        known = (self.agencies.get(id) for id in ids)
        return [each for each in known if each is not None and each.within(start, end)]

    def _flows(self, by: Sequence[str], where: Where) -> dict[Key, dict[str, int]]:
        period = self.period
        return self._known.projection.flows(period.start, period.end, by, where, period.as_of)

    def _levels(self, where: Where) -> dict[str, int]:
        """What stands when the period ends; when it has not ended, now."""
        period = self.period
        tomorrow = period.today + ONE_DAY
        moment = min(period.end, tomorrow)
        levels = dict(self._known.projection.levels(moment, (), where, period.as_of).get((), {}))
        if moment == tomorrow:
            # What falls due today becomes overdue when the day is over.
            today = self._known.projection.flows(period.today, tomorrow, (), where, period.as_of)
            levels.update(not_yet_due(levels, today.get((), {})))
        return levels


def _by_agency(flows: Mapping[Key, dict[str, int]]) -> dict[str, dict[Key, dict[str, int]]]:
    found: dict[str, dict[Key, dict[str, int]]] = {}
    for (agency, *key), row in flows.items():
        found.setdefault(agency, {})[tuple(key)] = row
    return found


def _added(parts: Iterable[Mapping[Key, Mapping[str, int]]]) -> dict[Key, Mapping[str, int]]:
    found: dict[Key, Counter[str]] = {}
    for part in parts:
        for key, row in part.items():
            found.setdefault(key, Counter()).update(row)
    return dict(found)
