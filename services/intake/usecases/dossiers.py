"""What can be done with a dossier at intake: one function for each act. Each is one write."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from chassis import acts, worktime
from chassis.errors import FieldError, Invalid, Unavailable
from chassis.web import Answer, Call
from intake.domain import dossiers
from intake.domain.dossiers import Dossier, Filing
from intake.inbound import Agency, Procedure
from intake.store import IntakeStore
from intake.usecases.access import RECEIVE, acts_for, by

DRAWS = 20
_LETTERS_ON_PAPER = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I, since people read it off a paper."""

Render = Callable[[Dossier, int], Answer]


def draw_secret() -> str:
    """Ten letters: 50 bits, behind a rate limit."""
    # One call for all ten: each call lets another thread take over, and filing waits for its turn again.
    drawn = int.from_bytes(secrets.token_bytes(7), "big")
    return "".join(_LETTERS_ON_PAPER[drawn >> 5 * n & 31] for n in range(10))


class DossierUseCases:
    def __init__(self, store: IntakeStore) -> None:
        self._store = store

    def file(self, call: Call, filing: Filing, render: Render) -> Answer:
        """Files a dossier; one from the counter or the post is received in the same write.

        Invalid names every field that does not fit; an officer files at the counter of their own agency only.
        """
        id = call.id_for_new("dossier")
        try:
            procedure, agency = self._what_and_where(filing, call.occurred_at)
            dossiers.check(filing, procedure, agency, worktime.local_day(call.occurred_at))
        except Invalid:
            # What was accepted stays so for a repetition, even if the procedure has changed meanwhile.
            if (first := acts.first_answer(self._store.dossiers.load(id), call)) is not None:
                return first
            raise
        online = filing.channel == "online"
        if not online:
            call.principal.require(RECEIVE)
            if not acts_for(call.principal, agency.id):
                raise Invalid(
                    "not your agency", errors=[FieldError("/agency", "other_agency", "you receive for another agency")]
                )
        if not online and (first := acts.first_answer(self._store.dossiers.load(id), call)) is not None:
            # Looking first spares a code: without it each repetition would leave a gap in the agency's register.
            return first
        owner = call.principal.subject if online and call.principal.kind == "person" else None
        filed, events = dossiers.file(id, filing, procedure, agency, by(call), owner=owner, secret=draw_secret())
        if online:
            return acts.create(self._store.dossiers, id, filed, events, call, render)

        def receive(numbers: int) -> Answer:
            promised = self._promise(filed, procedure, agency, call.occurred_at)
            code = self._code(agency.id, call.occurred_at, numbers)
            received, more = dossiers.receive(filed, code, promised, by(call))
            return acts.create(self._store.dossiers, id, received, [*events, *more], call, render)

        return self._with_free_code(receive)

    def receive(self, call: Call, id: str, render: Render) -> Answer:
        """Receives a dossier that was filed online: it gets its code and its due date."""

        def decide(dossier: Dossier, numbers: int) -> dossiers.Turn:
            # Looked at before a code is drawn for nothing.
            dossiers.require_filed(dossier)
            dimensions = dossier.dimensions
            procedure = self._store.catalogue.version(dimensions.procedure, dimensions.procedure_version)
            agency = self._store.catalogue.agency(dimensions.agency, worktime.local_day(call.occurred_at))
            if procedure is None or agency is None:
                raise Unavailable("the catalogue's copy is not complete; ask catalog to republish", retry_after=30)
            promised = self._promise(dossier, procedure, agency, call.occurred_at)
            code = self._code(agency.id, call.occurred_at, numbers)
            return dossiers.receive(dossier, code, promised, by(call))

        return self._with_free_code(
            lambda numbers: self._change(call, id, lambda dossier: decide(dossier, numbers), render)
        )

    def refuse(self, call: Call, id: str, reason: str, render: Render) -> Answer:
        """Refuses a dossier that was filed online, with the reason."""
        return self._change(call, id, lambda dossier: dossiers.refuse(dossier, reason, by(call)), render)

    def hand_over(
        self, call: Call, id: str, to: str, method: Literal["collect", "post", "electronic"], render: Render
    ) -> Answer:
        """Hands the result over to the applicant."""
        return self._change(call, id, lambda dossier: dossiers.hand_over(dossier, to, method, by(call)), render)

    def _change(self, call: Call, id: str, decide: Callable[[Dossier], dossiers.Turn], render: Render) -> Answer:
        def mine(dossier: Dossier) -> bool:
            return acts_for(call.principal, dossier.dimensions.agency)

        return acts.change(self._store.dossiers, id, call, sees=mine, decide=decide, render=render)

    def _what_and_where(self, filing: Filing, at: datetime) -> tuple[Procedure, Agency]:
        day = worktime.local_day(at)
        procedure = self._store.catalogue.in_force(filing.procedure, day)
        agency = self._store.catalogue.agency(filing.agency, day)
        wrong = []
        if procedure is None:
            wrong.append(FieldError("/procedure", "unknown_procedure", "no such procedure is in force on that day"))
        if agency is None:
            wrong.append(FieldError("/agency", "unknown_agency", "there is no such agency"))
        if procedure is None or agency is None:
            raise Invalid("the procedure or the agency is not known", errors=wrong)
        return procedure, agency

    def _promise(self, dossier: Dossier, procedure: Procedure, agency: Agency, at: datetime) -> dossiers.Promise:
        return dossiers.promise(procedure, agency, dossier.dimensions.channel, at, self._store.catalogue.calendar())

    def _code(self, agency: str, at: datetime, numbers: int) -> str:
        """The agency's day's next code; so many numbers are used up."""
        day = worktime.local_day(at)
        return dossiers.code_of(agency, day, self._store.dossiers.draw(agency, day, numbers))

    def _with_free_code(self, act: Callable[[int], Answer]) -> Answer:
        """An act that draws a code, using up the given count of numbers.

        When the code was given already, a failover has set the counter back, nobody knows how far: twice as many
        numbers are used up each time, so that it is soon ahead again.
        """
        for attempt in range(DRAWS):
            try:
                return act(2**attempt)
            except acts.Taken:
                continue
        raise Unavailable("no free code could be drawn", retry_after=1)
