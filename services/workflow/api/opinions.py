"""Questions that officers ask other agencies; they are answered by completing the question's task."""

from chassis.errors import Forbidden, Invalid, NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow.schemas.opinions import OpinionBody
from workflow.schemas.tasks import Acted
from workflow.usecases.opinions import OpinionUseCases


def add_routes(router: Router, use: OpinionUseCases) -> None:
    @router.post(
        "/tasks/<id>/opinions",
        scope="tasks.work",
        needs="key",
        answers={201: Acted},
        raises=[Forbidden, NotFound, WrongState, Invalid],
    )
    def ask_opinion(call: Call, id: str, body: OpinionBody) -> Answer:
        """Asks another agency, by the officer who works on the task. The step goes on meanwhile; `task` is the
        question's, which the asked agency completes with its answer as the note."""
        return use.ask(
            call,
            id,
            body.agency,
            body.question,
            body.amount.budget(),
            body.role,
            # The question is the last of the tasks.
            lambda process, version: Answer(Acted.of(process, process.tasks[-1].id, version), 201, version),
        )
