"""The routes about pre-filling from the population database."""

from chassis.errors import NotFound
from chassis.web import Answer, Call, Router
from intake.queries.population import PopulationQueries
from intake.schemas import prefill as schemas
from intake.usecases.prefill import PrefillUseCases


def add_routes(router: Router, use: PrefillUseCases, queries: PopulationQueries) -> None:
    @router.get("/prefill", scope="dossiers.file", answers={200: schemas.Prefilled}, raises=[NotFound])
    def prefill(call: Call, query: schemas.PrefillQuery) -> Answer:
        """A person's data from the population database, as far as the filing needs it.

        Whatever is wrong with the database, the answer comes within seconds and says so in `state`; then everything is
        typed in. People look up themselves, by the identity that their token vouches for; officers of a one-stop unit
        say for what and why. Each look-up is logged.
        """
        state, filled = use.prefill(call, query.wish())
        return Answer(schemas.Prefilled.of(state, filled))

    @router.get("/prefill/lookups", scope="population.audit", answers={200: schemas.LookupPage})
    def list_population_lookups(call: Call, query: schemas.LookupsQuery) -> Answer:
        """Who looked whom up in the population database, for which dossier and why; newest first."""
        found, following = queries.lookups(
            identity=query.identity,
            who=query.who,
            agency=query.agency,
            dossier=query.dossier,
            cursor=query.cursor,
            limit=query.limit,
        )
        return Answer(schemas.LookupPage(items=[schemas.LookupView.of(item) for item in found], next=following))
