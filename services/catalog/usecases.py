"""What can be done with the catalogue, one change at a time. Many at once: `imports`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from catalog import definitions, domain, schemas
from catalog.calendars import DayChange, changed_days
from catalog.directory import Directory
from catalog.domain import Agency, CalendarYear, Correction, Procedure, ProcedureUnknown, Version
from catalog.store import CatalogStore, StoredAgency, StoredCalendar, new_version, next_calendar, told_of
from chassis import acts
from chassis.envelope import EventData
from chassis.errors import FieldError, Invalid, Stale, WrongState
from chassis.web import Answer, Call
from chassis.worktime import local_day


class PublishedMeanwhile(WrongState):
    code, title = "published_meanwhile", "Vừa có phiên bản khác được công bố, xin tải lại"


@dataclass(frozen=True, slots=True)
class UseCases:
    store: CatalogStore

    # -- procedures

    def publish(self, call: Call, procedure: Procedure, correction: Correction | None = None) -> Answer:
        """Publishes the next version of the procedure; 201 for the first one, else 200."""
        latest = self.store.latest([procedure.code]).get(procedure.code)
        if (first := self._answered(call, procedure.code)) is not None:
            return first
        _check_match(call, latest)
        refuse([*definitions.procedure_errors(procedure), *Directory(self.store.every_agency()).unknown(procedure)])
        version = domain.publish(latest, procedure, correction=correction)
        return self._append(call, version, 201 if latest is None else 200)

    def withdraw(self, call: Call, code: str, on: date, decision: str) -> Answer:
        """Withdraws the procedure from a day on."""
        latest = self.store.latest([code]).get(code)
        if (first := self._answered(call, code)) is not None:
            return first
        if latest is None:
            raise ProcedureUnknown(f"there is no procedure {code}")
        _check_match(call, latest)
        return self._append(call, domain.withdraw(latest, on, decision), 201)

    def _answered(self, call: Call, code: str) -> Answer | None:
        # Looked for after the latest version was read: what the same key made before that is found here, and what it
        # makes after that takes the number that this call would take.
        return acts.first_answer(self.store.answered(code, call), call)

    def _append(self, call: Call, version: Version, status: int) -> Answer:
        history = [*self.store.histories([version.code]).get(version.code, []), version.validity]
        standing = domain.standing(version.validity, history, local_day(call.now))
        body = schemas.ProcedureAnswer.of(version, standing)
        answer = acts.final(Answer(body, status), version.number)
        new = new_version(version, call.occurred_at, call.principal.subject, call.trace, acts.kept(call, answer))
        if self.store.procedures.add([new])[0] is None:
            return answer
        if (first := self._answered(call, version.code)) is not None:
            return first
        if call.if_match is not None:
            raise Stale(f"version {version.number} was published meanwhile")
        raise PublishedMeanwhile(f"version {version.number} was published meanwhile")

    # -- agencies and calendars

    def put_agency(self, call: Call, agency: Agency) -> Answer:
        """Makes or changes an agency; 201 or 200."""

        def decide(_before: StoredAgency | None) -> tuple[StoredAgency, Sequence[EventData]]:
            directory = Directory({**self.store.every_agency(), agency.id: agency}, self.store.ends([agency.id]))
            refuse([*domain.agency_errors(agency), *directory.errors(agency)])
            state = StoredAgency(
                id=agency.id, agency=agency, changed_at=call.occurred_at, changed_by=call.principal.subject
            )
            return state, [told_of(state)[1]]

        def render(state: StoredAgency, version: int) -> Answer:
            return Answer(schemas.AgencyAnswer.of(state.agency, version), 201 if version == 1 else 200)

        return acts.put(self.store.agencies, agency.id, call, decide=decide, render=render)

    def put_calendar(self, call: Call, calendar: CalendarYear, *, dry_run: bool) -> Answer:
        """Makes or changes a year's calendar; 201 or 200. A dry run says which days it would change."""
        changes: list[DayChange] = []

        def decide(before: StoredCalendar | None) -> tuple[StoredCalendar, Sequence[EventData]]:
            refuse(domain.calendar_errors(calendar))
            changes[:] = changed_days(None if before is None else before.calendar, calendar)
            state = next_calendar(before, calendar, call.occurred_at, call.principal.subject)
            return state, [told_of(state)[1]]

        def render(state: StoredCalendar, version: int) -> Answer:
            body = schemas.CalendarChange.told(state.calendar, version, changes, dry_run=False)
            return Answer(body, 201 if version == 1 else 200)

        id = str(calendar.year)
        if dry_run:
            loaded = self.store.calendars.load(id)
            decide(None if loaded is None else loaded.state)
            version = 0 if loaded is None else loaded.version
            return Answer(schemas.CalendarChange.told(calendar, version, changes, dry_run=True), 200)
        return acts.put(self.store.calendars, id, call, decide=decide, render=render)


def refuse(errors: Sequence[FieldError]) -> None:
    """Invalid when there are any."""
    if errors:
        raise Invalid("some fields are wrong", errors=errors[:50])


def _check_match(call: Call, latest: Version | None) -> None:
    number = 0 if latest is None else latest.number
    if call.if_match is not None and call.if_match != number:
        raise Stale(f"the latest version is {number}")
