"""Giving one's work to another officer for a period, and who there is to give it to."""

from typing import Any

from chassis.errors import Forbidden, Invalid, NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow.domain.delegations import Delegation
from workflow.queries.delegations import DelegationQueries
from workflow.schemas import assignments
from workflow.schemas import delegations as schemas
from workflow.usecases.delegations import DelegationUseCases, Wish


def add_routes(router: Router, use: DelegationUseCases, queries: DelegationQueries) -> None:
    making: dict[str, Any] = {"scope": "tasks.work", "needs": "key", "answers": {201: schemas.DelegationView}}

    @router.post("/delegations", **making, raises=[Forbidden, Invalid])
    def delegate(call: Call, body: schemas.DelegationBody) -> Answer:
        """All the work of the caller, or of an officer of an agency that the caller leads, is another officer's for a
        period. It is not transitive, and gives no access that the delegate's agency does not have."""
        return use.delegate(call, _wish(body, body.of), _made)

    @router.post("/tasks/<id>/delegation", **making, raises=[Forbidden, NotFound, WrongState, Invalid])
    def delegate_task(call: Call, id: str, body: schemas.TaskDelegationBody) -> Answer:
        """One task is another officer's for a period, by whoever has it or by a leader of the agency."""
        return use.delegate_task(call, id, _wish(body, None), _made)

    @router.get("/delegations", scope="tasks.read", answers={200: schemas.DelegationPage})
    def list_delegations(call: Call, query: schemas.DelegationsQuery) -> Answer:
        """What the caller delegated and was delegated; or all of an agency, for its leaders."""
        found, following = queries.delegations(call.principal, query.agency, query.cursor, query.limit)
        items = [schemas.DelegationView.of_(delegation, version) for delegation, version in found]
        return Answer(schemas.DelegationPage(items=items, next=following))

    @router.post(
        "/delegations/<id>/revocation",
        scope="tasks.work",
        needs="key_or_match",
        answers={200: schemas.DelegationView},
        raises=[NotFound, WrongState],
    )
    def revoke(call: Call, id: str, body: schemas.RevocationBody) -> Answer:
        """A delegation ends now, by either of the two or by a leader of their agency."""
        return use.revoke(call, id, lambda delegation, version: _shown(delegation, version, 200))

    @router.get("/officers", scope="tasks.read", answers={200: assignments.OfficerPage})
    def list_officers(call: Call, query: assignments.OfficersQuery) -> Answer:
        """The officers of an agency who have been here, by whose ids work is given to them."""
        found, following = queries.officers(call.principal, query.agency, query.cursor, query.limit)
        items = [assignments.OfficerView.of(each) for each in found]
        return Answer(assignments.OfficerPage(items=items, next=following))


def _wish(body: schemas.TaskDelegationBody, of: str | None) -> Wish:
    return Wish(of=of, to=body.to, begins=body.begins, ends=body.until, reason=body.reason)


def _made(delegation: Delegation, version: int) -> Answer:
    return _shown(delegation, version, 201)


def _shown(delegation: Delegation, version: int, status: int) -> Answer:
    return Answer(schemas.DelegationView.of_(delegation, version), status, version)
