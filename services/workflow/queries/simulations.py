"""What would become of dossiers under a process definition; nothing is stored."""

from datetime import datetime, time
from functools import partial

from chassis import worktime
from chassis.errors import FieldError, Invalid
from workflow.domain.simulations import Setting
from workflow.inbound import Duration
from workflow.store import WorkflowStore


class SimulationQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def setting(self, agency: str, received_at: datetime, cut_off: time | None, budget: Duration | None) -> Setting:
        """Where and when; Invalid when there is no such agency."""
        catalogue = self._store.catalogue
        acting = partial(catalogue.successions().acting, day=worktime.local_day(received_at))
        there = catalogue.agency(acting(agency))
        if there is None:
            raise Invalid("no such agency", errors=[FieldError("/agency", "unknown_agency", "an agency that is known")])
        calendar, hours = catalogue.calendar(), worktime.Hours.parse(there.hours)
        return Setting(
            agency=there,
            received_at=received_at,
            clock_at=worktime.start_of_clock(received_at, cut_off, calendar, hours),
            budget=budget,
            calendar=calendar,
            acting=acting,
            known=catalogue.agency,
        )
