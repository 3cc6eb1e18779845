"""The routes of papers about a dossier's course: PDFs that the worker makes."""

from chassis.errors import WrongState
from chassis.papers_api import LATER, PaperWaiting, answer
from chassis.web import Answer, Call, Router
from workflow.schemas import papers as schemas
from workflow.usecases.papers import PaperUseCases


def add_routes(router: Router, use: PaperUseCases) -> None:
    answers = {200: "application/pdf", 202: PaperWaiting}

    def print_apology(call: Call, id: str, query: schemas.ApologyQuery) -> Answer:
        return answer(*use.apology(call, id, query.number))

    def print_stop_notice(call: Call, id: str) -> Answer:
        return answer(*use.stop_notice(call, id))

    def print_control_slip(call: Call, id: str) -> Answer:
        return answer(*use.control_slip(call, id))

    for path, show, summary in (
        ("apology", print_apology, "Form 04: the apology that comes with an extension."),
        ("stop-notice", print_stop_notice, "Form 05: why the agency stopped its work on the dossier."),
        ("control-slip", print_control_slip, "Form 06: who handed the dossier to whom, when, and whether in time."),
    ):
        show.__doc__ = summary + LATER
        router.get(f"/dossiers/<id>/{path}.pdf", scope="tasks.read", answers=answers, raises=[WrongState])(show)
