"""What can be done with targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.queries import Queries
from catalog.targets import domain, schemas
from catalog.targets.domain import Targets
from catalog.targets.store import AssignedTargets, StoredTargets, id_of, told_of
from catalog.usecases import refuse
from chassis import acts
from chassis.envelope import EventData
from chassis.errors import NotFound
from chassis.store import Loaded
from chassis.web import Answer, Call
from chassis.worktime import local_day


class TargetsUnknown(NotFound):
    code, title = "targets_unknown", "Chưa giao chỉ tiêu cho cơ quan này trong năm này"


@dataclass(frozen=True, slots=True)
class TargetUseCases:
    assigned: AssignedTargets
    queries: Queries

    def put(self, call: Call, targets: Targets) -> Answer:
        """Assigns targets, or changes them; 201 or 200. The agency may be named by an alias; AgencyUnknown."""
        targets = replace(targets, agency=self.queries.agency(targets.agency, local_day(call.now)).id)
        id = id_of(targets.agency, targets.year)

        def decide(_before: StoredTargets | None) -> tuple[StoredTargets, Sequence[EventData]]:
            refuse(domain.errors_of(targets))
            state = StoredTargets(
                id=id, targets=targets, changed_at=call.occurred_at, changed_by=call.principal.subject
            )
            return state, [told_of(targets)]

        def render(state: StoredTargets, version: int) -> Answer:
            return Answer(schemas.TargetsAnswer.of(state.targets, version), 201 if version == 1 else 200)

        return acts.put(self.assigned.targets, id, call, decide=decide, render=render)

    def targets(self, call: Call, agency: str, year: int) -> Loaded[StoredTargets]:
        """AgencyUnknown, TargetsUnknown."""
        found = self.assigned.targets.load(id_of(self.queries.agency(agency, local_day(call.now)).id, year))
        if found is None:
            raise TargetsUnknown(f"{agency} has no targets for {year}")
        return found
