"""From a number to what is behind it: the addresses of the dossiers, the procedures, the agencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

from stats.domain.facts import Channel, ServiceLevel
from stats.domain.indicators import (
    Agencies,
    Demand,
    Dossiers,
    Essentials,
    Numbered,
    Offered,
    Quantity,
    Sites,
    Sum,
    Used,
)
from stats.domain.numbers import SUMS
from stats.queries.periods import Period

STATS, CATALOG = "/api/stats/v1", "/api/catalog/v1"


@dataclass(frozen=True, slots=True)
class Links:
    """Of one agency, subtree or the province in one period."""

    agency: str | None
    subtree: bool
    holder: str | None
    period: Period

    def behind(self, quantity: Quantity) -> list[str]:
        """Where the things are that the quantity counts; those of several addresses are disjoint and add up to
        it."""
        match quantity:
            case Dossiers():
                channels: tuple[Channel | None, ...] = quantity.channels or (None,)
                levels: tuple[ServiceLevel | None, ...] = quantity.levels or (None,)
                found = product(quantity.measures, channels, levels)
                return [link for measure, channel, level in found for link in self._dossiers(measure, channel, level)]
            case Numbered():
                return self._dossiers(quantity.name)
            case Sum():
                return [link for each in quantity.parts for link in self.behind(each)]
            case Offered():
                end = self.period.last_day + timedelta(days=1)
                span = {"from": self.period.last_day, "to": end}
                payable = True if quantity.payable else None
                return [self._offered(kind="procedure", levels=_levels(quantity.levels), payable=payable, **span)]
            case Used():
                channels = quantity.channels
                channel = channels[0] if len(channels) == 1 else None
                return [
                    self._offered(
                        kind="procedure", levels=_levels(quantity.levels), used=quantity.used, channel=channel
                    )
                ]
            case Agencies():
                return [self._offered(kind="agency", used=quantity.active)]
            case Sites():
                end = self.period.last_day + timedelta(days=1)
                return [self._offered(kind="agency", **{"from": self.period.last_day, "to": end})]
            case Essentials():
                states = quantity.states if len(quantity.states) < 3 else (None,)
                return [_link(f"{CATALOG}/essential-services", list=quantity.list, state=state) for state in states]
            case Demand() if self.holder is not None:
                holder = quote(self.holder, safe="")
                return [f"{CATALOG}/targets/{holder}/{year}" for year in self.period.years]
            case _:
                return []

    def counts(self) -> str:
        """The counts of the same agency and period."""
        return _link(f"{STATS}/counts", **self._whose(), **self._span())

    def _dossiers(
        self, measure: str, channel: Channel | None = None, service_level: ServiceLevel | None = None
    ) -> list[str]:
        """The dossiers, or the look-ups, that make up the number; none for a sum of days, and none for what was known
        on an earlier day: lists are of what is known now."""
        if measure in SUMS or self.period.as_of is not None:
            return []
        wanted = {"channel": channel, "service_level": service_level, **self._whose(), **self._span()}
        if measure == "document_lookups":
            return [_link(f"{STATS}/lookups", **wanted)]
        return [_link(f"{STATS}/dossiers", measure=measure, **wanted)]

    def _offered(self, **wanted: Any) -> str:
        return _link(f"{STATS}/offered", **{**self._whose(), **self._span(), **wanted})

    def _whose(self) -> Mapping[str, Any]:
        return {"agency": self.agency, "subtree": self.subtree or None}

    def _span(self) -> Mapping[str, Any]:
        return {"from": self.period.start, "to": self.period.end, "as_of": self.period.as_of}


def _levels(levels: tuple[ServiceLevel, ...] | None) -> str | None:
    return None if levels is None else ",".join(map(str, levels))


def _link(path: str, **wanted: Any) -> str:
    """`path` with what is asked for; what is None is not."""
    query = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in wanted.items()
        if value is not None
    }
    return f"{path}?{urlencode(query)}" if query else path
