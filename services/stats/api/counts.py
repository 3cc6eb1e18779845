"""The counts."""

from pydantic_core import to_json

from chassis.web import Answer, Call, Router
from stats.api import READ
from stats.queries.counts import NotAsOf, Queries, TooManyRows
from stats.queries.periods import PeriodInvalid, known_until
from stats.schemas.counts import Counts, CountsQuery


def add_routes(router: Router, queries: Queries) -> None:
    @router.get("/counts", scope=READ, answers={200: Counts}, raises=[PeriodInvalid, TooManyRows, NotAsOf])
    def counts(call: Call, query: CountsQuery) -> Answer:
        """Counts of dossiers over the days [from, to)

        Days and months are those of Asia/Ho_Chi_Minh. carried_over + received = finished + stopped + open +
        withdrawn after the reception (`withdrawn` without `withdrawn_waiting`). A dossier counts for the agency that it
        was filed with, whatever became of that agency.

        With `as_of` the numbers are those that were known at the end of that day: what came later, about whatever day,
        is left out.
        """
        items = queries.counts_json(query.wanted(), call.now)
        rest = to_json({"next": None, "as_of": known_until(query.as_of, call.now)})
        return Answer(b'{"items":' + items + b"," + rest[1:])
