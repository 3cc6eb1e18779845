"""The published indicators: numerators over denominators. Plain Python.

`INDICATORS` is the table; each side is a quantity, and what it counts of a population is said by its class. Names and
methods in words are in `stats.texts`. Sources: domain rules of the one-stop mechanism (Nghị định 118/2025/NĐ-CP), the
levels of online services (Nghị định 42/2022/NĐ-CP, before it levels 1 to 4), Đề án 06 and Quyết định 422/QĐ-TTg for the
essential services; the province's own decisions for what is assigned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal, Protocol, get_args

from stats.domain.catalogue import Essential, EssentialState, Procedure, is_payable
from stats.domain.facts import Channel, ServiceLevel
from stats.domain.numbers import NUMBERS

ONLINE_LEVELS: tuple[ServiceLevel, ...] = (3, 4, "partial", "full")
"""What can be filed online: levels 3 and 4 of the old scale, one-part and whole-process of the new one."""
LEVELS: tuple[ServiceLevel, ...] = (1, 2, *ONLINE_LEVELS)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
ESSENTIAL_LISTS = ("project06", "qd422")

Need = Literal["dossiers", "levels", "procedures", "by_procedure", "agencies", "demands", "essentials"]
Counted = Mapping[str, int]
"""Measure → number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What an indicator is computed from: an agency's, or a subtree's, or the province's, in the days [start, end).

    Only what the wanted indicators need has to be there. `dossiers`: what the days add up to, by channel and service
    level. `levels`: what stands so when the period ends, now when that is earlier. `on_last_day`: procedures offered on
    the last day, `within`: on some day; `by_procedure`: what the days add up to, by procedure and channel. `agencies`:
    the one-stop agencies there on some day; `active`: those that received a dossier; `sites`: how many of the agencies
    are there on the last day. `demands`: what was assigned for the years that the period touches.
    """

    last_day: date
    dossiers: Mapping[tuple[Channel, ServiceLevel], Counted] = field(default_factory=dict)
    levels: Counted = field(default_factory=dict)
    on_last_day: Sequence[Procedure] = ()
    within: Sequence[Procedure] = ()
    by_procedure: Mapping[tuple[str, Channel], Counted] = field(default_factory=dict)
    agencies: Sequence[str] = ()
    active: frozenset[str] = frozenset()
    sites: int = 0
    demands: Mapping[str, int] = field(default_factory=dict)
    essentials: Sequence[Essential] = ()


class Quantity(Protocol):
    """One side of an indicator. `of` is None where nothing is known to compare with, for example no demand assigned."""

    @property
    def needs(self) -> frozenset[Need]: ...

    def of(self, population: Population) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Dossiers:
    """What the days of the period add up to as any of `measures`, of the channels and levels; None: of all."""

    measures: tuple[str, ...]
    channels: tuple[Channel, ...] | None = None
    levels: tuple[ServiceLevel, ...] | None = None

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"dossiers"})

    def of(self, population: Population) -> int:
        return sum(
            counted.get(measure, 0)
            for (channel, level), counted in population.dossiers.items()
            if (self.channels is None or channel in self.channels) and (self.levels is None or level in self.levels)
            for measure in self.measures
        )


@dataclass(frozen=True, slots=True)
class Numbered:
    """A number of `stats.domain.numbers`, of all channels: over the days of the period, or when it ends (now when that
    is earlier)."""

    name: str

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"dossiers"} if NUMBERS[self.name].when == "period" else {"levels"})

    def of(self, population: Population) -> int:
        number = NUMBERS[self.name]
        rows = population.dossiers.values() if number.when == "period" else [population.levels]
        return sum(times * row.get(measure, 0) for row in rows for measure, times in number.terms.items())


@dataclass(frozen=True, slots=True)
class Sum:
    """Of all its parts."""

    parts: tuple[Quantity, ...]

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset().union(*(each.needs for each in self.parts))

    def of(self, population: Population) -> int:
        return sum(each.of(population) or 0 for each in self.parts)


@dataclass(frozen=True, slots=True)
class Offered:
    """Procedures offered on the last day of the period, of the levels; with `payable`, for which one pays online."""

    levels: tuple[ServiceLevel, ...] | None = None
    payable: bool = False

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"procedures"})

    def list(self, population: Population) -> list[Procedure]:
        """They themselves, by code."""
        return [
            each
            for each in _at(population.on_last_day, self.levels)
            if not self.payable or is_payable(each, population.last_day)
        ]

    def of(self, population: Population) -> int:
        return len(self.list(population))


@dataclass(frozen=True, slots=True)
class Used:
    """Procedures offered on some day of the period, of the levels: with a dossier received through one of the channels
    in it, or without any; `used` None: all."""

    used: bool | None
    levels: tuple[ServiceLevel, ...] | None = None
    channels: tuple[Channel, ...] = CHANNELS

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"procedures", "by_procedure"})

    def list(self, population: Population) -> list[Procedure]:
        """They themselves, by code."""
        offered = _at(population.within, self.levels)
        if self.used is None:
            return offered
        received = {
            code
            for (code, channel), counted in population.by_procedure.items()
            if channel in self.channels and counted.get("received", 0) > 0
        }
        return [each for each in offered if self.used == (each.code in received)]

    def of(self, population: Population) -> int:
        return len(self.list(population))


@dataclass(frozen=True, slots=True)
class Agencies:
    """One-stop agencies there on some day of the period, with or without a dossier received in it; None: all."""

    active: bool | None

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"agencies"})

    def list(self, population: Population) -> list[str]:
        """Their identifiers."""
        return [id for id in population.agencies if self.active is None or self.active == (id in population.active)]

    def of(self, population: Population) -> int:
        return len(self.list(population))


@dataclass(frozen=True, slots=True)
class Sites:
    """One-stop agencies there on the last day of the period: each is a site whose acts go to EMC under its own id."""

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"agencies"})

    def of(self, population: Population) -> int:
        return population.sites


@dataclass(frozen=True, slots=True)
class Demand:
    """How many dossiers were assigned under this name for the years that the period touches; None: none were."""

    name: str

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"demands"})

    def of(self, population: Population) -> int | None:
        return population.demands.get(self.name)


@dataclass(frozen=True, slots=True)
class Essentials:
    """Essential services of the list (None: of every list) in one of the states."""

    list: str | None
    states: tuple[EssentialState, ...]

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset({"essentials"})

    def of(self, population: Population) -> int:
        return sum(
            (self.list is None or each.list == self.list) and each.state in self.states
            for each in population.essentials
        )


def _at(procedures: Iterable[Procedure], levels: tuple[ServiceLevel, ...] | None) -> list[Procedure]:
    return [each for each in procedures if levels is None or each.service_level in levels]


@dataclass(frozen=True, slots=True)
class Indicator:
    """`denominator` None: it is a number, not a share. `better`: which way it should go, None: neither. `province`: it
    is told of the whole province only, since nobody says which agency it belongs to."""

    code: str
    numerator: Quantity
    denominator: Quantity | None
    better: Literal["more", "less"] | None = "more"
    province: bool = False

    @property
    def needs(self) -> frozenset[Need]:
        return self.numerator.needs | (frozenset() if self.denominator is None else self.denominator.needs)


def needs_of(indicators: Iterable[Indicator]) -> frozenset[Need]:
    """What has to be there of a population for all of them."""
    return frozenset().union(*(each.needs for each in indicators))


def tag(level: ServiceLevel) -> str:
    """The level in an indicator's code: `level_3`, `partial`."""
    return f"level_{level}" if isinstance(level, int) else level


_RECEIVED = Dossiers(("received",))
_ONLINE = Dossiers(("received",), ("online",))
_FINISHED = Dossiers(("finished_early", "finished_on_time", "finished_late"))
_PROVINCIAL: tuple[EssentialState, ...] = ("deployed", "waiting")

_TABLE: tuple[Indicator, ...] = (
    # -- filed online, by level
    Indicator("online_share", _ONLINE, _RECEIVED),
    *(
        Indicator(f"online_share_{tag(level)}", Dossiers(("received",), ("online",), (level,)),
                  Dossiers(("received",), None, (level,)))
        for level in ONLINE_LEVELS
    ),
    *(Indicator(f"received_share_{tag(level)}", Dossiers(("received",), None, (level,)), _RECEIVED, None)
      for level in ONLINE_LEVELS),
    *(Indicator(f"online_mix_{tag(level)}", Dossiers(("received",), ("online",), (level,)), _ONLINE, None)
      for level in ONLINE_LEVELS),
    # -- against the assigned demand
    Indicator("demand_online", _ONLINE, Demand("demand_online")),
    *(Indicator(f"demand_{tag(level)}", Dossiers(("received",), ("online",), (level,)), Demand(f"demand_{tag(level)}"))
      for level in ONLINE_LEVELS),
    # -- finished in time
    Indicator("in_time_share", Dossiers(("finished_early", "finished_on_time")), _FINISHED),
    Indicator("early_share", Dossiers(("finished_early",)), _FINISHED),
    Indicator("late_share", Dossiers(("finished_late",)), _FINISHED, "less"),
    # -- what is offered, and whether it is used
    *(Indicator(f"procedures_share_{tag(level)}", Offered((level,)), Offered(), None) for level in LEVELS),
    Indicator("procedures_online_share", Offered(ONLINE_LEVELS), Offered()),
    *(Indicator(f"procedures_used_share_{tag(level)}", Used(True, (level,), ("online",)), Used(None, (level,)))
      for level in ONLINE_LEVELS),
    Indicator("procedures_online_used_share", Used(True, ONLINE_LEVELS, ("online",)), Used(None, ONLINE_LEVELS)),
    Indicator("procedures_unused_share", Used(False), Used(None), "less"),
    Indicator("agencies_unused_share", Agencies(False), Agencies(None), "less"),
    # -- digitised, reused, paid, electronic, satisfied
    Indicator("digitised_share", Dossiers(("digitised",)), _RECEIVED),
    Indicator("reused_share", Dossiers(("reused",)), _RECEIVED),
    Indicator("document_lookups", Dossiers(("document_lookups",)), None, None),
    Indicator("paid_online_share", Dossiers(("paid_online",)), Dossiers(("paid",))),
    Indicator("electronic_result_share", Dossiers(("electronic_results",)), _FINISHED),
    Indicator("satisfied_share", Dossiers(("satisfied",)), Dossiers(("rated",))),
    # -- essential services
    Indicator("essential_deployed_share", Essentials(None, ("deployed",)), Essentials(None, _PROVINCIAL),
              province=True),
    *(Indicator(f"essential_deployed_share_{name}", Essentials(name, ("deployed",)), Essentials(name, _PROVINCIAL),
                province=True) for name in ESSENTIAL_LISTS),
    *(Indicator(f"essential_waiting_share_{name}", Essentials(name, ("waiting",)), Essentials(name, _PROVINCIAL),
                "less", province=True) for name in ESSENTIAL_LISTS),
    Indicator("essential_services", Essentials(None, get_args(EssentialState)), None, None, province=True),
    Indicator("sites", Sites(), None, None),
)  # fmt: skip

INDICATORS: Mapping[str, Indicator] = {each.code: each for each in _TABLE}
MAIN = (
    "online_share", "received_share_full", "in_time_share", "procedures_online_share", "procedures_online_used_share",
    "digitised_share", "reused_share", "paid_online_share", "electronic_result_share", "satisfied_share",
    "document_lookups", "essential_deployed_share",
)  # fmt: skip
"""Those that stand on the public page and among the metrics."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An indicator of a population."""

    indicator: Indicator
    numerator: int | None
    denominator: int | None

    @property
    def share(self) -> Fraction | None:
        """The exact share, from 0 to 1 or more; None when there is nothing to have a part of."""
        if self.numerator is None or not self.denominator:
            return None
        return Fraction(self.numerator, self.denominator)

    def met(self, target: Fraction | None) -> bool | None:
        """Whether the exact share reaches the target (a share too); None without either, or where neither is better."""
        if self.share is None or target is None or self.indicator.better is None:
            return None
        return self.share >= target if self.indicator.better == "more" else self.share <= target


def reading(indicator: Indicator, population: Population) -> Reading:
    """The indicator of the population."""
    denominator = None if indicator.denominator is None else indicator.denominator.of(population)
    return Reading(indicator, indicator.numerator.of(population), denominator)


def rounded(share: Fraction, decimals: int) -> float:
    """In percent, rounded half up (as published figures are) to so many decimals."""
    scaled = share * 100 * 10**decimals
    return _float((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator), decimals)


def cut(share: Fraction, decimals: int) -> float:
    """In percent, cut to so many decimals."""
    scaled = share * 100 * 10**decimals
    return _float(scaled.numerator // scaled.denominator, decimals)


def _float(units: int, decimals: int) -> float:
    # Dividing gives the float nearest to the decimal number, which is printed as that number.
    return units / float(10**decimals)


def of_percent(percent: float) -> Fraction:
    """The share of a percentage as it is written: 82.5 is exactly 165/200."""
    return Fraction(str(percent)) / 100
