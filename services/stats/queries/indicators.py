"""Indicators as they are asked for: of an agency, a subtree or the province, and of every agency in order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from chassis.errors import FieldError, Invalid
from stats.domain.catalogue import Agency, Level, Procedure, is_payable
from stats.domain.facts import Channel, ServiceLevel
from stats.domain.index766 import Score, edition_on, score
from stats.domain.indicators import INDICATORS, Indicator, Need, Population, Reading, needs_of, of_percent, reading
from stats.domain.ranking import Placed, ranked
from stats.queries.links import Links
from stats.queries.periods import Period, period
from stats.queries.populations import Source, Whom
from stats.store import StatsStore


class IndicatorUnknown(Invalid):
    code, title = "indicator_unknown", "Không có chỉ tiêu này"


@dataclass(frozen=True, slots=True)
class Asked:
    """Of `agency` (None: the province), with what is below it if `subtree`; the days [start, end), None as in the
    current year; as known at the end of the day `as_of`, None: now."""

    agency: str | None = None
    subtree: bool = False
    start: date | None = None
    end: date | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """An indicator with what it is compared with: the target in percent, and the period before."""

    reading: Reading
    target: float | None
    before: Reading
    links: Links

    @property
    def met(self) -> bool | None:
        return self.reading.met(None if self.target is None else of_percent(self.target))

    @property
    def achievement(self) -> Fraction | None:
        """What was reached, as a share of the target."""
        if self.reading.share is None or not self.target:
            return None
        return self.reading.share / of_percent(self.target)


@dataclass(frozen=True, slots=True)
class Answered:
    period: Period
    items: Sequence[Measured]


@dataclass(frozen=True, slots=True)
class Rank:
    """`rank` None: nothing to have a part of. `before`: the same agency's reading of the period before."""

    agency: Agency
    rank: int | None
    measured: Measured


@dataclass(frozen=True, slots=True)
class Ranking:
    period: Period
    indicator: Indicator
    ranks: Sequence[Rank]


@dataclass(frozen=True, slots=True)
class WantedOffers:
    """`used` None: whether or not a dossier of it, or at it, was received through the channel (None: any)."""

    asked: Asked
    used: bool | None = None
    levels: tuple[ServiceLevel, ...] | None = None
    channel: Channel | None = None
    payable: bool | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A procedure or an agency, and how many dossiers of it, or at it, were received in the period."""

    thing: Procedure | Agency
    received: int


class Indicators:
    def __init__(self, store: StatsStore) -> None:
        self._store = store

    def read(
        self, asked: Asked, now: datetime, codes: Sequence[str] | None = None, *, compared: bool = True
    ) -> Answered:
        """The indicators (None: all that can be told of whom it is asked) in the order of the table, with those of the
        period before if `compared`. PeriodInvalid."""
        source = Source(self._store, period(asked.start, asked.end, asked.as_of, now))
        whom = source.whom(asked.agency, below=asked.subtree)
        wanted = [
            each
            for each in INDICATORS.values()
            if (codes is None or each.code in codes) and not (each.province and asked.agency is not None)
        ]
        needs = needs_of(wanted)
        population, earlier = source.population(whom, needs), Population(last_day=source.period.start)
        if compared:
            earlier = source.before.population(whom, needs)
        links = Links(asked.agency, asked.subtree, whom.holder, source.period)
        items = [
            _measured(source, whom, each, population, reading(each, earlier), links)
            for each in wanted
        ]  # fmt: skip
        return Answered(source.period, items)

    def index766(self, asked: Asked, now: datetime) -> tuple[Period, Score, Links]:
        """The index of QĐ 766/QĐ-TTg. PeriodInvalid."""
        source = Source(self._store, period(asked.start, asked.end, asked.as_of, now))
        whom = source.whom(asked.agency, below=asked.subtree)
        edition = edition_on(source.period.start)
        sides = [side for each in edition.criteria for side in (each.numerator, each.denominator) if side is not None]
        needs: frozenset[Need] = frozenset().union(*(side.needs for side in sides))
        found = score(edition, source.population(whom, needs))
        return source.period, found, Links(asked.agency, asked.subtree, whom.holder, source.period)

    def rank(self, code: str, asked: Asked, level: Level | None, now: datetime) -> Ranking:
        """Every agency (of the level) that is there in the period, or every one below `asked.agency`; those without a
        place last. IndicatorUnknown, PeriodInvalid."""
        indicator = INDICATORS.get(code)
        if indicator is None or indicator.province:
            wrong = FieldError("/indicator", "unknown_indicator", "an indicator that agencies have")
            raise IndicatorUnknown("agencies cannot be ranked by this", errors=[wrong])
        source = Source(self._store, period(asked.start, asked.end, asked.as_of, now))
        before = source.before
        among = [each for each in source.one_stop(source.whom(asked.agency, below=True)) if level in (None, each.level)]
        ids = [each.id for each in among]
        found = source.of_each(ids, indicator.needs, below=asked.subtree)
        earlier = before.of_each(ids, indicator.needs, below=asked.subtree)
        measured = {
            agency: _measured(
                source, whom, indicator, population, reading(indicator, earlier[agency][1]),
                Links(agency, asked.subtree, agency, source.period),
            )
            for agency, (whom, population) in found.items()
        }  # fmt: skip
        placed = ranked(((agency, each.reading) for agency, each in measured.items()), indicator.better)
        return Ranking(source.period, indicator, _in_order(placed, among, measured))

    def of_agencies(
        self, codes: Sequence[str], asked: Asked, now: datetime, agencies: Collection[str] | None
    ) -> list[tuple[str, Reading]]:
        """The indicators of each of these agencies (None: of every one), by identifier."""
        source = Source(self._store, period(asked.start, asked.end, asked.as_of, now))
        ids = sorted(source.agencies if agencies is None else agencies)
        wanted = [INDICATORS[code] for code in codes]
        found = source.of_each(ids, needs_of(wanted), below=False)
        return [(agency, reading(each, population)) for agency, (_, population) in found.items() for each in wanted]

    def offers(self, wanted: WantedOffers, kind: str, now: datetime) -> tuple[Period, list[Offer]]:
        """Procedures offered, or one-stop agencies there, on some day of the period; by code or identifier."""
        asked = wanted.asked
        source = Source(self._store, period(asked.start, asked.end, asked.as_of, now))
        whom = source.whom(asked.agency, below=asked.subtree)
        offers = _agencies(source, whom, wanted) if kind == "agency" else _procedures(source, whom, wanted)
        return source.period, [each for each in offers if wanted.used is None or wanted.used == (each.received > 0)]


def _measured(
    source: Source, whom: Whom, indicator: Indicator, population: Population, before: Reading, links: Links
) -> Measured:
    return Measured(reading(indicator, population), source.percent(whom.holder, indicator.code), before, links)


def _in_order(placed: Sequence[Placed], among: Sequence[Agency], measured: dict[str, Measured]) -> list[Rank]:
    agencies = {each.id: each for each in among}
    found = [Rank(agencies[each.agency], each.rank, measured[each.agency]) for each in placed]
    places = {each.agency for each in placed}
    return [*found, *(Rank(each, None, measured[each.id]) for each in among if each.id not in places)]


def _procedures(source: Source, whom: Whom, wanted: WantedOffers) -> list[Offer]:
    population = source.population(whom, frozenset({"procedures", "by_procedure"}))
    received: dict[str, int] = {}
    for (procedure, channel), row in population.by_procedure.items():
        if wanted.channel in (None, channel):
            received[procedure] = received.get(procedure, 0) + row.get("received", 0)
    return [
        Offer(each, received.get(each.code, 0))
        for each in population.within
        if (wanted.levels is None or each.service_level in wanted.levels)
        and wanted.payable in (None, is_payable(each, source.period.last_day))
    ]


def _agencies(source: Source, whom: Whom, wanted: WantedOffers) -> list[Offer]:
    received: dict[str, int] = {}
    for (agency, channel, level), row in source.received(whom).items():
        if wanted.channel in (None, channel) and (wanted.levels is None or level in wanted.levels):
            received[agency] = received.get(agency, 0) + row.get("received", 0)
    return [Offer(each, received.get(each.id, 0)) for each in source.one_stop(whom)]
