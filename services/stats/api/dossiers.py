"""The dossiers behind each number."""

from chassis.errors import Invalid
from chassis.web import Answer, Call, Router
from stats.api import DOSSIERS
from stats.queries.counts import NotAsOf
from stats.queries.dossiers import Dossiers, Listed
from stats.queries.periods import PeriodInvalid
from stats.schemas.dossiers import DossiersPage, DossiersQuery, LookupsPage, LookupsQuery


def add_routes(router: Router, dossiers: Dossiers) -> None:
    problems = [Invalid, PeriodInvalid, NotAsOf]

    @router.get("/dossiers", scope=DOSSIERS, answers={200: DossiersPage}, raises=problems)
    def list_dossiers(call: Call, query: DossiersQuery) -> Answer:
        """Lists the dossiers that make up a number

        Of what happens (received, finished_late…) those of the days [from, to); of what is there (open, overdue,
        waiting…) those when the period ends, or now if it has not ended; of carried_over when it starts. The list is as
        long as the number in /counts with the same filters: a dossier whose supplement was asked for twice is twice
        among the supplement_requests. By agency, and day. Who acts for an agency sees those of it and of the agencies
        below it.
        """
        wanted = query.wanted()
        return _answer(dossiers.behind(call.principal, query.measure, wanted, call.now, query.cursor, query.limit))

    @router.get("/lookups", scope=DOSSIERS, answers={200: LookupsPage}, raises=problems)
    def list_lookups(call: Call, query: LookupsQuery) -> Answer:
        """Lists the looks into the document store that make up `document_lookups`

        By agency, and day. They say for which agency and procedure somebody looked, and not into whose documents.
        """
        return _answer(dossiers.lookups(query.wanted(), call.now, query.cursor, query.limit))


def _answer(listed: Listed) -> Answer:
    return Answer({"items": listed.items, "next": listed.next})
