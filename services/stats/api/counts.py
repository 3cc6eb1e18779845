"""The counts."""

from chassis.web import Answer, Call, Router
from stats.api import READ
from stats.queries.counts import PeriodInvalid, Queries
from stats.schemas.counts import Counts, CountsQuery


def add_routes(router: Router, queries: Queries) -> None:
    @router.get("/counts", scope=READ, answers={200: Counts}, raises=[PeriodInvalid])
    def counts(call: Call, query: CountsQuery) -> Answer:
        """Counts of dossiers over the days [from, to)

        Days and months are those of Asia/Ho_Chi_Minh. carried_over + received = finished + stopped + open +
        withdrawn after the reception (`withdrawn` without `withdrawn_waiting`).
        """
        return Answer({"items": queries.counts(query.wanted(), call.now), "next": None, "as_of": call.now})
