"""The routes about forms."""

from chassis import worktime
from chassis.errors import NotFound
from chassis.web import Answer, Call, Router
from intake.queries.forms import FormQueries
from intake.schemas import forms as schemas


def add_routes(router: Router, queries: FormQueries) -> None:
    @router.get(
        "/procedures/<code>/form",
        public="What a procedure asks for is public law; people read a form before they sign in.",
        answers={200: schemas.FormView},
        raises=[NotFound],
    )
    def show_form(call: Call, code: str, query: schemas.FormQuery) -> Answer:
        """The form of the procedure's version in force: what the `form` of a dossier is checked by."""
        procedure = queries.version(code, query.on or worktime.local_day(call.now))
        return Answer(schemas.FormView.of(procedure), 200, procedure.version)
