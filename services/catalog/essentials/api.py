"""The routes of the essential services."""

from catalog.essentials import schemas
from catalog.essentials.usecases import EssentialUnknown, EssentialUseCases
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router


def add_routes(router: Router, use: EssentialUseCases, edit: str, law: str) -> None:
    """`edit`: the scope that changes the lists; `law`: why everybody may read them."""

    @router.get("/essential-services", public=law, answers={200: schemas.EssentialList})
    def list_essential_services(call: Call, query: schemas.EssentialsQuery) -> Answer:
        """Essential services with the state of each: deployed, waiting for which ministry, or national."""
        keys = keys_of(query.cursor, str)
        found = use.essentials.page(query.list, query.state, keys[0] if keys else "", query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.id))
        shown = [schemas.EssentialAnswer.of(item.state.service, item.version) for item in items]
        return Answer({"items": shown, "next": following})

    @router.get("/essential-services/summary", public=law, answers={200: schemas.EssentialSummary})
    def count_essential_services(call: Call) -> Answer:
        """How many essential services are deployed and how many wait for a ministry, list by list."""
        return Answer(schemas.EssentialSummary.of(use.essentials.tallies()))

    @router.get(
        "/essential-services/<list>/<id>",
        public=law,
        answers={200: schemas.EssentialAnswer},
        raises=(EssentialUnknown,),
    )
    def get_essential_service(call: Call, list: str, id: str) -> Answer:
        """A service of a list, and how far it is deployed."""
        found = use.service(list, id)
        return Answer(schemas.EssentialAnswer.of(found.state.service, found.version), version=found.version)

    @router.put(
        "/essential-services/<list>/<id>",
        scope=edit,
        needs="key_or_match",
        answers={200: schemas.EssentialAnswer, 201: schemas.EssentialAnswer},
    )
    def put_essential_service(call: Call, list: str, id: str, body: schemas.EssentialBody) -> Answer:
        """Puts a service on a list (201), or says how it stands now."""
        return use.put(call, body.service(list, id))
