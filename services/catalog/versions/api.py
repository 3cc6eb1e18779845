"""The routes about versions: what changed, the day's counts, the fees of a day."""

from catalog.domain import NotInForce
from catalog.versions import schemas
from catalog.versions.queries import VersionQueries
from chassis.web import Answer, Call, Router
from chassis.worktime import local_day


def add_routes(router: Router, queries: VersionQueries, law: str) -> None:
    """`law`: why everybody may read them."""

    @router.get("/procedures/summary", public=law, answers={200: schemas.SummaryAnswer})
    def count_procedures(call: Call, query: schemas.SummaryQuery) -> Answer:
        """How many procedures are in force on a day, by service level, field or level."""
        return Answer(queries.summary(query, query.on or local_day(call.now)))

    @router.get("/procedures/<code>/versions", public=law, answers={200: schemas.HistoryAnswer}, raises=(NotInForce,))
    def get_history(call: Call, code: str) -> Answer:
        """Every version and withdrawal of a procedure, with how it stands today."""
        return Answer(queries.history(code, local_day(call.now)))

    @router.get("/procedures/<code>/diff", public=law, answers={200: schemas.DiffAnswer}, raises=(NotInForce,))
    def compare_versions(call: Call, code: str, query: schemas.DiffQuery) -> Answer:
        """What changed between two versions of a procedure, field by field."""
        return Answer(schemas.DiffAnswer.of(*queries.diff(code, query.from_, query.to)))

    @router.get("/procedures/<code>/fees", public=law, answers={200: schemas.FeesAnswer}, raises=(NotInForce,))
    def get_fees(call: Call, code: str, query: schemas.FeesQuery) -> Answer:
        """What a dossier that is handed in on a day through a channel costs."""
        return Answer(queries.fees(code, query.on or local_day(call.now), query.channel))
