"""The recount."""

from chassis.web import Answer, Call, Router
from stats.api import READ
from stats.intake import IntakeUnavailable
from stats.schemas.recounts import RecountAnswer, comparison
from stats.usecases.recounts import Recounting


def add_routes(router: Router, recounting: Recounting) -> None:
    @router.get("/recount", scope=READ, answers={200: RecountAnswer}, raises=[IntakeUnavailable])
    def recount(_call: Call) -> Answer:
        """Compares the counts with a recount of intake's dossiers

        Dossiers on their way from intake to stats show as differences; at a quiet moment there are none.
        """
        return Answer(comparison(recounting.recount()))
