"""stats over HTTP: parse, call, answer."""

from dataclasses import asdict
from typing import Any

from chassis.web import Answer, Call, Router
from stats.intake import IntakeUnavailable
from stats.queries import PeriodInvalid, Queries
from stats.recount import Comparison
from stats.schemas import Counts, CountsQuery, RecountAnswer
from stats.usecases import UseCases

READ = "stats.read"
SCOPES = {READ: "Reads every count and indicator of the province, and compares the counts with intake's dossiers"}


def add_routes(router: Router, use: UseCases, queries: Queries) -> None:
    @router.get("/counts", scope=READ, answers={200: Counts}, raises=[PeriodInvalid])
    def counts(call: Call, query: CountsQuery) -> Answer:
        """Counts of dossiers over the days [from, to)

        Days and months are those of Asia/Ho_Chi_Minh. carried_over + received = finished + stopped + open +
        withdrawn after the reception (`withdrawn` without `withdrawn_waiting`).
        """
        return Answer({"items": queries.counts(query.wanted(), call.now), "next": None, "as_of": call.now})

    @router.get("/recount", scope=READ, answers={200: RecountAnswer}, raises=[IntakeUnavailable])
    def recount(_call: Call) -> Answer:
        """Compares the counts with a recount of intake's dossiers

        Dossiers on their way from intake to stats show as differences; at a quiet moment there are none.
        """
        return Answer(comparison(use.recount()))


def comparison(found: Comparison) -> dict[str, Any]:
    """A comparison as it is shown, over HTTP and by the commands."""
    return {
        "equal": found.equal,
        "compared": found.compared,
        "differences": [asdict(item) for item in found.differences],
    }
