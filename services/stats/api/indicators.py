"""Indicators, rankings, what is used and what is not, early warning."""

from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from stats.api import READ
from stats.queries.indicators import Indicators, IndicatorUnknown
from stats.queries.periods import PeriodInvalid
from stats.queries.warnings import Warnings
from stats.schemas import index766, offers, rankings
from stats.schemas import indicators as schemas
from stats.schemas import warnings as warned


def add_routes(router: Router, indicators: Indicators, warnings: Warnings) -> None:
    @router.get("/indicators", scope=READ, answers={200: schemas.Indicators}, raises=[PeriodInvalid])
    def read_indicators(call: Call, query: schemas.IndicatorsQuery) -> Answer:
        """The indicators of an agency, a subtree or the province over the days [from, to)

        Each with its numerator and denominator, the target that the agency was assigned for the year in which the
        period ends, the period before, the method in words, and where the things are that were counted.
        """
        asked = query.asked()
        return Answer(schemas.answered(indicators.read(asked, call.now, query.codes()), asked, query.decimals))

    @router.get("/indicators/766", scope=READ, answers={200: index766.Index766}, raises=[PeriodInvalid])
    def read_index_766(call: Call, query: index766.Index766Query) -> Answer:
        """The index of Quyết định 766/QĐ-TTg, criterion by criterion

        What the guide leaves open, or what the system has no source for, is provisional and says why.
        """
        asked = query.asked()
        return Answer(index766.index(*indicators.index766(asked, call.now), asked))

    @router.get(
        "/rankings", scope=READ, answers={200: rankings.Rankings}, raises=[IndicatorUnknown, PeriodInvalid]
    )  # fmt: skip
    def rank_agencies(call: Call, query: rankings.RankingsQuery) -> Answer:
        """Every one-stop agency by an indicator, the best first

        Agencies of the same exact value share a rank; those without a denominator stand apart. Each with the change
        since the period before, for a month the month before.
        """
        return Answer(
            rankings.rankings(indicators.rank(query.indicator, query.asked(), query.level, call.now), query.decimals)
        )

    @router.get("/inactive", scope=READ, answers={200: offers.Offers}, raises=[PeriodInvalid])
    def list_inactive(call: Call, query: offers.InactiveQuery) -> Answer:
        """Procedures in force, or one-stop agencies there, without a single dossier in the period, by name

        `levels` and `channel`: without a dossier of these service levels, received through this channel.
        """
        return _offers(call, query)

    @router.get("/offered", scope=READ, answers={200: offers.Offers}, raises=[PeriodInvalid])
    def list_offered(call: Call, query: offers.OfferedQuery) -> Answer:
        """Procedures in force, or one-stop agencies there, on some day of the period, and what they received in it"""
        return _offers(call, query)

    def _offers(call: Call, query: offers.InactiveQuery) -> Answer:
        keys = keys_of(query.cursor, str)
        period, found = indicators.offers(query.wanted(), query.kind, call.now)
        behind = [each for each in found if keys is None or offers.code_of(each) > keys[0]]
        items, following = page(behind[: query.limit + 1], query.limit, lambda last: cursor_of(offers.code_of(last)))
        return Answer(offers.offers(period, items, following))

    @router.get("/warnings", scope=READ, answers={200: warned.Warnings})
    def warn_early(call: Call, query: warned.WarningsQuery) -> Answer:
        """Targets of the running year that will be missed at this pace, and by how much

        The pace is linear over the working days that are over; the answer says so in words, with its numbers.
        """
        keys = keys_of(query.cursor, str, str)
        found = warnings.outlook(call.now, query.agency)
        behind = [
            each
            for each in found.items
            if (query.all or each.forecast.severity is not None)
            and (keys is None or (each.agency, each.reading.indicator.code) > tuple(keys))
        ]
        items, following = page(
            behind[: query.limit + 1], query.limit, lambda last: cursor_of(last.agency, last.reading.indicator.code)
        )
        return Answer(warned.outlook(found, items, following))
