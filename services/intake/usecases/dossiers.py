"""What can be done with a dossier at intake: one function for each act. Each is one write."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from chassis import acts, worktime
from chassis.errors import FieldError, Invalid, KeyReused, Problem, Unavailable, WrongState
from chassis.web import Answer, Call
from intake.domain import dossiers, fees, formats, forms, life
from intake.domain.dossiers import Dossier, Filing, Submitted
from intake.domain.parts import PostItem
from intake.domain.vietqr import Account, payee_of
from intake.events import Channel
from intake.inbound import Agency, Procedure
from intake.store import IntakeStore
from intake.store.catalogue import Catalogue
from intake.usecases.access import RECEIVE, VOLUNTEER, acts_for, by, is_applicant
from intake.usecases.components import Components, file_problem
from intake.usecases.drawing import DRAWS, with_free_number
from intake.usecases.lookups import LookupLog

_LETTERS_ON_PAPER = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I, since people read it off a paper."""

Render = Callable[[Dossier, int], Answer]
Office = tuple[str, str]
"""An agency, and a number that its own software gave."""


class OfficeNumberTaken(WrongState):
    code = "office_number_taken"
    title = "Số hồ sơ của cơ quan đã dùng cho một hồ sơ khác"


class _Promises:
    """What reception promises, worked out once for all that is alike in a batch."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[tuple[str, int, str, Channel, datetime], dossiers.Promise] = {}

    def __call__(self, procedure: Procedure, agency: Agency, channel: Channel, at: datetime) -> dossiers.Promise:
        key = (procedure.code, procedure.version, agency.id, channel, at)
        if key not in self._known:
            self._known[key] = dossiers.promise(procedure, agency, channel, at, self._catalogue.calendar())
        return self._known[key]


def _day_of(ready: "_Ready") -> tuple[str, date]:
    return ready.filed.dimensions.agency, worktime.local_day(ready.call.occurred_at)


def draw_secret() -> str:
    """Ten letters: 50 bits, behind a rate limit."""
    # One call for all ten: each call lets another thread take over, and filing waits for its turn again.
    drawn = int.from_bytes(secrets.token_bytes(7), "big")
    return "".join(_LETTERS_ON_PAPER[drawn >> 5 * n & 31] for n in range(10))


@dataclass(frozen=True, slots=True)
class _Ready:
    """A filing that was found good. `promised`: what its reception promises; None: it is online, and an officer will
    receive it."""

    call: Call
    id: str
    filed: Dossier
    events: Sequence[Any]
    promised: dossiers.Promise | None
    facts: dict[str, Any]

    @property
    def office(self) -> Office | None:
        office = self.filed.office
        return None if office is None else (self.filed.dimensions.agency, office.number)


class DossierUseCases:
    def __init__(self, store: IntakeStore, accounts: Mapping[str, Account] | None = None) -> None:
        self._store = store
        self._accounts = accounts or {}
        self._components = Components(store, LookupLog(store))

    def file(self, call: Call, filing: Filing, render: Render) -> Answer:
        """Files a dossier; one from the counter or the post is received in the same write.

        Invalid names every field that does not fit; an officer files at the counter of their own agency only. What an
        office sends again under its own number answers as the first time; OfficeNumberTaken when it is something else.
        """
        outcome = self.file_many([(call, filing)], render)[0]
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    def file_many(self, items: Sequence[tuple[Call, Filing]], render: Render) -> list[Answer | Problem]:
        """`file` for each, with one write for all; for each what it would answer or raise."""
        promises = _Promises(self._store.catalogue)
        outcomes: dict[int, Answer | Problem] = {}
        waiting: dict[int, _Ready] = {}
        for n, (call, filing) in enumerate(items):
            try:
                waiting[n] = self._checked(call, filing, promises)
            except Problem as problem:
                outcomes[n] = problem
        self._answer_repeated(items, waiting, outcomes)
        for attempt in range(DRAWS):
            self._answer_known_to_offices(waiting, outcomes, render)
            if not waiting:
                break
            # Of what an office sends twice in one batch, the second finds the first one written.
            firsts = {ready.office or n: n for n, ready in reversed(waiting.items())}
            now = {n: waiting[n] for n in sorted(firsts.values())}
            for n, outcome in zip(now, self._write(list(now.values()), 2**attempt, render), strict=True):
                if not isinstance(outcome, acts.Taken):
                    outcomes[n] = outcome
                    del waiting[n]
        outcomes |= dict.fromkeys(waiting, Unavailable("no free code could be drawn", retry_after=1))
        return [outcomes[n] for n in range(len(items))]

    def _checked(self, call: Call, filing: Filing, promises: "_Promises") -> _Ready:
        procedure, agency = self._what_and_where(filing, call.occurred_at)
        components, wrong = self._components.resolve(
            call,
            filing.components,
            procedure,
            identity=filing.applicant.identity,
            agency=agency.id,
            at_the_counter=filing.channel != "online",
            fill=True,
        )
        day = worktime.local_day(call.occurred_at)
        whole = filing if components is filing.components else replace(filing, components=components)
        dossiers.check(whole, procedure, agency, day, wrong)
        online = filing.channel == "online"
        if not online:
            call.principal.require(RECEIVE)
            if not acts_for(call.principal, agency.id):
                raise Invalid(
                    "not your agency", errors=[FieldError("/agency", "other_agency", "you receive for another agency")]
                )
        if filing.office_number is not None and not acts_for(call.principal, agency.id):
            error = FieldError("/office_number", "other_agency", "only the agency's own office numbers its dossiers")
            raise Invalid("not your agency", errors=[error])
        if filing.assisted_by is None and VOLUNTEER in call.principal.roles:
            filing = replace(filing, assisted_by=call.principal.name or call.principal.subject)
        owner = call.principal.subject if online and call.principal.kind == "person" else None
        id = call.id_for_new("dossier")
        payee = payee_of(self._accounts, agency.id)
        filed, events = dossiers.file(
            id,
            filing,
            procedure,
            agency,
            by(call),
            owner=owner,
            secret=draw_secret(),
            payee=payee,
            components=components,
        )
        promised = None if online else promises(procedure, agency, filing.channel, call.occurred_at)
        return _Ready(call, id, filed, events, promised, forms.facts_of(procedure, filed.form))

    def _answer_repeated(
        self,
        items: Sequence[tuple[Call, Filing]],
        waiting: dict[int, _Ready],
        outcomes: dict[int, Answer | Problem],
    ) -> None:
        """What was accepted stays so for a repetition, even if the procedure has changed meanwhile. And looking first
        spares a code: without it each repetition would leave a gap in the agency's register."""
        looked = {
            n: call.id_for_new("dossier")
            for n, (call, _) in enumerate(items)
            if n in outcomes or waiting[n].promised is not None
        }
        known = self._store.dossiers.load_many(looked.values()) if looked else {}
        for n, id in looked.items():
            try:
                first = acts.first_answer(known.get(id), items[n][0])
            except KeyReused as reused:
                outcomes[n] = reused
                waiting.pop(n, None)
                continue
            if first is not None:
                outcomes[n] = first
                waiting.pop(n, None)

    def _answer_known_to_offices(
        self, waiting: dict[int, _Ready], outcomes: dict[int, Answer | Problem], render: Render
    ) -> None:
        """What an office has sent already under the same number of its own is that dossier, or a mistake."""
        offices = {ready.office for ready in waiting.values() if ready.office is not None}
        known = self._store.dossiers.by_office_numbers(offices) if offices else {}
        for n, ready in list(waiting.items()):
            first = None if ready.office is None else known.get(ready.office)
            if first is None:
                continue
            del waiting[n]
            if first.state.office == ready.filed.office:
                outcomes[n] = render(first.state, first.version)
            else:
                outcomes[n] = OfficeNumberTaken(f"{first.state.code or first.id} has this number already")

    def _write(self, ready: Sequence[_Ready], numbers: int, render: Render) -> list[Answer | acts.Taken | KeyReused]:
        """Receives what is to be received, under codes drawn once for each agency and day, and writes all at once."""
        places = [_day_of(each) for each in ready if each.promised is not None]
        drawn = {
            (agency, day): self._store.dossiers.draw(agency, day, count * numbers)
            for (agency, day), count in Counter(places).items()
        }
        creations = []
        for each in ready:
            dossier, events = each.filed, each.events
            if each.promised is not None:
                place = _day_of(each)
                code = formats.dossier_code(*place, drawn[place])
                drawn[place] += 1
                dossier, more = dossiers.receive(dossier, code, each.promised, by(each.call), facts=each.facts)
                events = [*events, *more]
            creations.append(acts.Creation(each.id, dossier, events, each.call))
        return acts.create_many(self._store.dossiers, creations, render)

    def receive(self, call: Call, id: str, exemptions: Sequence[str] | None, render: Render) -> Answer:
        """Receives a dossier that was filed online: it gets its code and its due date. `exemptions`: those that the
        officer confirms, None: all that are claimed."""

        def decide(dossier: Dossier, numbers: int) -> dossiers.Turn:
            # Looked at before a code is drawn for nothing.
            dossiers.require_filed(dossier)
            fees.require_claimed(dossier.bills, exemptions)
            procedure, agency = self._version(dossier), self._agency(dossier, call.occurred_at)
            promised = _Promises(self._store.catalogue)(procedure, agency, dossier.dimensions.channel, call.occurred_at)
            day = worktime.local_day(call.occurred_at)
            code = formats.dossier_code(agency.id, day, self._store.dossiers.draw(agency.id, day, numbers))
            facts = forms.facts_of(procedure, dossier.form)
            return dossiers.receive(dossier, code, promised, by(call), exemptions=exemptions, facts=facts)

        return with_free_number(
            lambda numbers: self._change(call, id, lambda dossier: decide(dossier, numbers), render)
        )

    def refuse(self, call: Call, id: str, reason: str, render: Render) -> Answer:
        """Refuses a dossier that was filed online, with the reason."""
        return self._change(call, id, lambda dossier: dossiers.refuse(dossier, reason, by(call)), render)

    def hand_over(
        self,
        call: Call,
        id: str,
        to: str,
        method: Literal["collect", "post", "electronic"],
        render: Render,
        *,
        signature: str | None = None,
        signed_on_paper: bool = False,
        post: PostItem | None = None,
    ) -> Answer:
        """Hands the result over to the applicant. `signature` is a file that the officer's agency uploaded."""
        files = {} if signature is None else self._store.files.claim([signature], call.now)

        def decide(dossier: Dossier) -> dossiers.Turn:
            turn = dossiers.hand_over(
                dossier, to, method, by(call), signature=signature, signed_on_paper=signed_on_paper, post=post
            )
            if signature is not None and (problem := file_problem(call, files.get(signature))) is not None:
                raise Invalid("the signature cannot be kept", errors=[FieldError("/signature", *problem)])
            return turn

        return self._change(call, id, decide, render)

    def ask_supplement(
        self, call: Call, id: str, components: Sequence[str], reason: str, until: date | None, render: Render
    ) -> Answer:
        """Asks for what is missing before the dossier is received (form 02)."""

        def decide(dossier: Dossier) -> dossiers.Turn:
            procedure = self._version(dossier)
            known = {component.code for component in procedure.components}
            self._components.require_not_held(call, dossier, procedure, components)
            return life.ask_supplement(dossier, components, reason, until, known, by(call))

        return self._change(call, id, decide, render)

    def supplement(
        self, call: Call, id: str, given: Sequence[Submitted], form: dict[str, Any] | None, render: Render
    ) -> Answer:
        """Hands in what was asked for: the applicant, or the agency's officer for them."""

        def decide(dossier: Dossier) -> dossiers.Turn:
            life.require_lacking(dossier)
            procedure = self._version(dossier)
            components, wrong = self._components.resolve(
                call,
                given,
                procedure,
                identity=dossier.applicant.identity,
                agency=self._agency(dossier, call.occurred_at).id,
                at_the_counter=call.principal.may(RECEIVE),
                fill=False,
            )
            wrong += dossiers.check_components(given, procedure)
            if form is not None:
                wrong += forms.check(procedure, form)
            if wrong:
                raise Invalid("the supplement does not fit the procedure", errors=wrong)
            known = {component.code for component in procedure.components}
            return life.supplement(dossier, components, form, by(call), known=known)

        return self._change(call, id, decide, render, applicant=True)

    def withdraw(self, call: Call, id: str, reason: str, render: Render) -> Answer:
        """Takes the dossier back: the applicant, or the agency's officer for them."""
        return self._change(call, id, lambda dossier: life.withdraw(dossier, reason, by(call)), render, applicant=True)

    def rate(self, call: Call, id: str, score: int, comment: str | None, render: Render) -> Answer:
        """Says how satisfied the applicant was. Officers do not say it for them."""

        def decide(dossier: Dossier) -> dossiers.Turn:
            return life.rate(dossier, score, comment, by(call))

        def sees(dossier: Dossier) -> bool:
            return is_applicant(call.principal, dossier)

        return acts.change(self._store.dossiers, id, call, sees=sees, decide=decide, render=render)

    def rate_with_secret(self, call: Call, id: str, score: int, comment: str | None, render: Render) -> Answer:
        """The same for whoever has shown the dossier's secret."""
        return acts.change(
            self._store.dossiers,
            id,
            call,
            sees=lambda _: True,
            decide=lambda dossier: life.rate(dossier, score, comment, by(call)),
            render=render,
        )

    def _change(
        self,
        call: Call,
        id: str,
        decide: Callable[[Dossier], dossiers.Turn],
        render: Render,
        *,
        applicant: bool = False,
    ) -> Answer:
        """An act of the agency's officers, and of the `applicant` themself if it is theirs; nobody else sees it."""

        def mine(dossier: Dossier) -> bool:
            # Whoever took over acts from the first minute of that day on, even before the dossier shows it.
            day = worktime.local_day(call.occurred_at)
            agency = self._store.catalogue.successions().acting(dossier.dimensions.agency, day)
            if call.principal.may(RECEIVE) and acts_for(call.principal, agency):
                return True
            return applicant and is_applicant(call.principal, dossier)

        return acts.change(self._store.dossiers, id, call, sees=mine, decide=decide, render=render)

    def _version(self, dossier: Dossier) -> Procedure:
        """The procedure version that the dossier was filed under."""
        dimensions = dossier.dimensions
        procedure = self._store.catalogue.version(dimensions.procedure, dimensions.procedure_version)
        if procedure is None:
            raise Unavailable("the catalogue's copy is not complete; ask catalog to republish", retry_after=30)
        return procedure

    def _agency(self, dossier: Dossier, at: datetime) -> Agency:
        agency = self._store.catalogue.agency(dossier.dimensions.agency, worktime.local_day(at))
        if agency is None:
            raise Unavailable("the catalogue's copy is not complete; ask catalog to republish", retry_after=30)
        return agency

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
