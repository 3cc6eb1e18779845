"""What EMC pulls."""

from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from stats.api import FEED
from stats.queries.emc import Emc
from stats.queries.periods import PeriodInvalid
from stats.schemas.emc import EmcPage, EmcQuery, answered


def add_routes(router: Router, emc: Emc) -> None:
    @router.get("/emc/services", scope=FEED, answers={200: EmcPage}, raises=[PeriodInvalid])
    def pull_for_emc(call: Call, query: EmcQuery) -> Answer:
        """EMC's pull: the use of each online service at each site

        By site, procedure, level and form of reception, in that order; those that nothing happened with are left out.
        """
        after = keys_of(query.cursor, str, str, int, int)
        asked, found = emc.items(query.start, query.end, query.site, after, query.limit + 1, call.now)
        items, following = page(found, query.limit, lambda last: cursor_of(*last.place))
        return Answer(answered(asked, items, following, call.now))
