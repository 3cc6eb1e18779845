"""What can be done with the lists of essential services."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.essentials import domain, schemas
from catalog.essentials.domain import EssentialService
from catalog.essentials.store import Essentials, StoredEssential, id_of
from catalog.events import EssentialChanged
from catalog.store import CatalogStore
from catalog.usecases import refuse
from chassis import acts
from chassis.errors import NotFound
from chassis.store import Loaded
from chassis.web import Answer, Call


class EssentialUnknown(NotFound):
    code, title = "essential_service_unknown", "Không có dịch vụ công thiết yếu này"


@dataclass(frozen=True, slots=True)
class EssentialUseCases:
    store: CatalogStore
    essentials: Essentials

    def put(self, call: Call, service: EssentialService) -> Answer:
        """Puts a service on a list, or says how it stands now; 201 or 200."""
        id = id_of(service.list, service.id)

        def decide(_before: StoredEssential | None) -> tuple[StoredEssential, Sequence[Any]]:
            refuse(domain.errors_of(service, self.store.histories(service.procedures)))
            state = StoredEssential(
                id=id, service=service, changed_at=call.occurred_at, changed_by=call.principal.subject
            )
            return state, [EssentialChanged(service=service)]

        def render(state: StoredEssential, version: int) -> Answer:
            return Answer(schemas.EssentialAnswer.of(state.service, version), 201 if version == 1 else 200)

        return acts.put(self.essentials.services, id, call, decide=decide, render=render)

    def service(self, list: str, id: str) -> Loaded[StoredEssential]:
        """EssentialUnknown when it is on no such list."""
        found = self.essentials.services.load(id_of(list, id))
        if found is None:
            raise EssentialUnknown(f"there is no {id} on the list {list}")
        return found
