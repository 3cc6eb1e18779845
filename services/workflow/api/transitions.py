"""What officers do with a dossier as a whole."""

from typing import Any

from chassis.errors import Forbidden, Invalid, NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow.domain.processes import Process
from workflow.schemas import transitions as schemas
from workflow.usecases.transitions import TransitionUseCases


def add_routes(router: Router, use: TransitionUseCases) -> None:
    acting: dict[str, Any] = {
        "scope": "tasks.work",
        "needs": "key_or_match",
        "answers": {200: schemas.Standing},
        "raises": [NotFound, Forbidden, WrongState, Invalid],
    }

    @router.post("/tasks/<id>/supplement-request", **acting)
    def ask_supplement(call: Call, id: str, body: schemas.SupplementRequestBody) -> Answer:
        """Asks the applicant for more (form 02); the clock stands still until it is there."""
        return use.ask_supplement(
            call,
            id,
            components=body.components,
            reason=body.reason,
            until=body.until,
            basis=body.basis,
            render=_standing,
        )

    @router.post("/tasks/<id>/fee-request", **acting)
    def ask_fee(call: Call, id: str, body: schemas.FeeRequestBody) -> Answer:
        """Asks the applicant to pay; the clock stands still until that is done."""
        return use.ask_fee(call, id, amount=body.amount, reason=body.reason, basis=body.basis, render=_standing)

    @router.post("/dossiers/<id>/pause", **acting)
    def pause(call: Call, id: str, body: schemas.PauseBody) -> Answer:
        """The clock stands still for another legal cause."""
        return use.pause(call, id, reason=body.reason, basis=body.basis, render=_standing)

    @router.post("/dossiers/<id>/resumption", **acting)
    def resume(call: Call, id: str, body: schemas.ResumptionBody) -> Answer:
        """There is nothing to wait for any more: the clock goes on."""
        return use.resume(call, id, reason=body.reason, render=_standing)

    @router.post("/dossiers/<id>/extension", **acting)
    def extend(call: Call, id: str, body: schemas.ExtensionBody) -> Answer:
        """More time for the dossier and its open tasks, with or without an apology (form 04)."""
        return use.extend(
            call,
            id,
            amount=body.more(),
            reason=body.reason,
            basis=body.basis,
            apology=body.apology,
            render=_standing,
        )

    @router.post("/dossiers/<id>/stop", **acting)
    def stop(call: Call, id: str, body: schemas.StopBody) -> Answer:
        """Ends the work without a decision (form 05)."""
        return use.stop(call, id, reason=body.reason, basis=body.basis, render=_standing)

    @router.post("/dossiers/<id>/refusal", **acting)
    def refuse(call: Call, id: str, body: schemas.RefusalBody) -> Answer:
        """Decides against what is applied for, before the last step."""
        return use.refuse(call, id, reason=body.reason, basis=body.basis, render=_standing)

    @router.post("/dossiers/<id>/transfer", **acting)
    def transfer(call: Call, id: str, body: schemas.TransferBody) -> Answer:
        """Sends what is left to do at the own agency to the agency that is competent."""
        return use.transfer(call, id, to=body.to, task=body.task, reason=body.reason, render=_standing)


def _standing(process: Process, version: int) -> Answer:
    return Answer(schemas.Standing.of(process, version), 200, version)
