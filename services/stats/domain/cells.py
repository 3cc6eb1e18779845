"""What a dossier counts for. Plain Python.

Everything counted is a sum. `contributions` says what a dossier adds to which measure on which day, at its `place`; a
number is the sum over dossiers, and over days:

- A flow is what happened in the days [from, to): the sum over these days.
- A level is what is there when a day begins: the sum over all days before it. A dossier adds 1 on the day on which it
  comes in, and takes it away on the day on which it goes; who comes and goes on one day adds nothing.

Flows (each counts a dossier once, if not said otherwise)

    filed                    filed online: waits to be received, from that day on
    received                 received; of its channel is the place's
    digitised                of received: every component on paper was scanned
    reused                   of received: somebody chose a component from the electronic store
    refused                  not received
    withdrawn                taken back by the applicant
    withdrawn_waiting        of withdrawn: had not been received
    finished_early, finished_on_time, finished_late    decided before, on, after the due day
    finished_asked_twice     of early and on time: a supplement was asked twice or more (QĐ 766: late)
    electronic_results       of finished: the result exists as a signed file, or was handed over as a file
    digitised_results        of electronic_results: every component on paper was scanned too (QĐ 766, 4.2)
    process_days             of finished: the sum of their calendar days from reception to end, days of pauses left out
    stopped                  ended without a decision
    handed_over              the result is with the applicant
    supplement_requests      requests for a supplement after the reception, each
    second_supplements       a supplement was asked for the second time
    extensions               extensions of time, each
    apologies                of extensions: with form 04, the apology
    paid                     a fee was paid, and not reversed; on the day of the first payment that stands
    paid_online              of paid: every payment that stands was made online
    rated                    rated by the applicant
    score_sum                of rated: the sum of the scores, 1 to 5
    satisfied                of rated: 4 or 5
    document_lookups         looks into the document store, each; they are no dossiers, see `place`
    falling_due, falling_due_asked_twice    of overdue and overdue_asked_twice: those that become so when this day ends

Levels

    waiting                  filed online and neither received, refused nor withdrawn
    open                     received and neither finished, stopped nor withdrawn
    overdue                  of open: the due day is over, and the clock does not stand still since before
    supplement               of open: the clock stands still and waits for a supplement
    paused                   of open: the clock stands still for another reason
    open_asked_twice         of open: a supplement was asked twice or more
    overdue_asked_twice      of overdue: a supplement was asked twice or more

A due date is known in advance. So a dossier that is open becomes overdue on a day to come, and a level of `overdue`
asked for tomorrow (which is: now) holds what falls due today; `falling_due` of today is to be taken off.
A due date that was moved counts for the past too, as if it had always been the one: what was known earlier is asked for
with `as_of`.
"""

from datetime import date
from typing import Literal, get_args

from stats.domain.facts import (
    Days,
    Fact,
    Pause,
    Reception,
    Scanning,
    ServiceLevel,
    Timing,
    day_of,
    days,
    is_electronic,
    local_day,
    pauses,
    payments,
    reused,
)

Flow = Literal[
    "filed",
    "received",
    "digitised",
    "reused",
    "refused",
    "withdrawn",
    "withdrawn_waiting",
    "finished_early",
    "finished_on_time",
    "finished_late",
    "finished_asked_twice",
    "electronic_results",
    "digitised_results",
    "process_days",
    "stopped",
    "handed_over",
    "supplement_requests",
    "second_supplements",
    "extensions",
    "apologies",
    "paid",
    "paid_online",
    "rated",
    "score_sum",
    "satisfied",
    "document_lookups",
    "falling_due",
    "falling_due_asked_twice",
]
Level = Literal[
    "waiting",
    "open",
    "overdue",
    "supplement",
    "paused",
    "open_asked_twice",
    "overdue_asked_twice",
]
Measure = Flow | Level
FLOWS: tuple[Flow, ...] = get_args(Flow)
LEVELS: tuple[Level, ...] = get_args(Level)
SATISFIED = 4
"""From this score on an applicant is satisfied (QĐ 766/QĐ-TTg, 5.4)."""

Adds = dict[str, dict[Measure, int]]
"""What a dossier adds, by local day (`YYYY-MM-DD`) and measure; none of it 0."""
Place = tuple[str, str, str, str, ServiceLevel | str]
"""Where a dossier counts: agency, field, procedure, channel, service level."""


def place(fact: Fact) -> Place | None:
    """None while no event has said. A look-up is of an agency and a procedure at most, and has "" for the rest."""
    dimensions = fact.dimensions
    if dimensions is not None:
        return (
            dimensions.agency, dimensions.field, dimensions.procedure, dimensions.channel, dimensions.service_level
        )  # fmt: skip
    if fact.looked_up is not None:
        return (fact.looked_up.agency or "", "", fact.looked_up.procedure or "", "", "")
    return None


def contributions(fact: Fact) -> Adds:
    """What the dossier adds at its place."""
    sums = _Sums()
    add = sums.add
    if fact.dimensions is None:
        if fact.looked_up is not None:
            add(day_of(fact.looked_up), "document_lookups")
        return sums.found()
    on = days(fact)
    if fact.dimensions.channel == "online" and on.filed is not None:
        add(on.filed, "filed")
        answered = min((day for day in (on.received, on.refused, on.withdrawn) if day is not None), default=None)
        sums.between(on.filed, None if answered is None else max(answered, on.filed), "waiting")
    add(on.refused, "refused")
    add(on.withdrawn, "withdrawn")
    paid = payments(fact) if fact.payments else []
    if paid:
        add(local_day(paid[0].at), "paid")
        if all(paying.online for paying in paid):
            add(local_day(paid[0].at), "paid_online")
    if fact.rated is not None:
        rated_on = day_of(fact.rated)
        add(rated_on, "rated")
        add(rated_on, "score_sum", fact.rated.score)
        if fact.rated.score >= SATISFIED:
            add(rated_on, "satisfied")
    if fact.received is None or on.received is None:
        add(on.withdrawn, "withdrawn_waiting")
    else:
        _add_received(sums, fact, fact.received, on, on.received)
    return sums.found()


class _Sums:
    def __init__(self) -> None:
        self._found: dict[date, dict[Measure, int]] = {}

    def found(self) -> Adds:
        adds: Adds = {}
        for day, sums in self._found.items():
            # Somebody who comes and goes on one day adds nothing to a level.
            kept = sums if all(sums.values()) else {measure: number for measure, number in sums.items() if number}
            if kept:
                adds[day.isoformat()] = kept
        return adds

    def add(self, day: date | None, measure: Measure, number: int = 1) -> None:
        if day is not None:
            sums = self._found.get(day)
            if sums is None:
                self._found[day] = {measure: number}
            else:
                sums[measure] = sums.get(measure, 0) + number

    def between(self, begin: date, end: date | None, level: Level) -> None:
        """It is there from the day `begin` until the day `end`; None: it is."""
        if end is None or begin < end:
            self.add(begin, level)
            self.add(end, level, -1)


def _add_received(sums: _Sums, fact: Fact, received: Reception, on: Days, day: date) -> None:
    """What counts once the reception is known, so that whatever has not arrived yet, "carried over + received =
    finished + stopped + withdrawn + open" holds."""
    add, digitised = sums.add, _is_digitised(received, fact.scanned)
    halts = _halts(fact, day, on.over) if fact.clock else []
    requests = sorted(local_day(request.at) for request in fact.requests) if fact.requests else []
    add(day, "received")
    if digitised:
        add(day, "digitised")
    if fact.given and reused(fact):
        add(day, "reused")
    add(on.handed_over, "handed_over")
    add(on.stopped, "stopped")
    for asked_on in requests:
        add(asked_on, "supplement_requests")
    for extension in fact.extensions:
        add(local_day(extension.at), "extensions")
        if extension.apology:
            add(local_day(extension.at), "apologies")
    asked_twice = requests[1] if len(requests) > 1 else None
    add(asked_twice, "second_supplements")
    if fact.finished is not None and on.finished is not None:
        add(on.finished, _FINISHED[fact.finished.timing])
        if asked_twice is not None and fact.finished.timing != "late":
            add(on.finished, "finished_asked_twice")
        if is_electronic(fact):
            add(on.finished, "electronic_results")
            if digitised:
                add(on.finished, "digitised_results")
        stood = sum((halt.end - halt.begin).days for halt in halts if halt.end is not None)
        add(on.finished, "process_days", (on.finished - day).days - stood)
    sums.between(day, on.over, "open")
    for halt in halts:
        sums.between(halt.begin, halt.end, "supplement" if halt.kind == "supplement" else "paused")
    if asked_twice is not None:
        asked_twice = max(asked_twice, day)
        sums.between(asked_twice, on.over, "open_asked_twice")
    # A clock that stands still since before the due day does not pass it: its end moves the due date.
    if on.due is not None and (on.held is None or on.held > on.due):
        _add_overdue(sums, max(on.due, day), on.over, asked_twice)


def _add_overdue(sums: _Sums, begin: date, over: date | None, asked_twice: date | None) -> None:
    if over is not None and over <= begin:
        return
    sums.between(begin, over, "overdue")
    sums.add(begin, "falling_due")
    if asked_twice is not None:
        sums.between(max(begin, asked_twice), over, "overdue_asked_twice")
        if asked_twice <= begin:
            sums.add(begin, "falling_due_asked_twice")


def _halts(fact: Fact, received_on: date, over: date | None) -> list[Pause]:
    """When the clock of the open dossier stood still, one time after the other; what lasts ends with the dossier."""
    found: list[Pause] = []
    begin = received_on
    for pause in pauses(fact):
        begin = max(begin, pause.begin)
        end = min((day for day in (pause.end, over) if day is not None), default=None)
        if end is None or begin < end:
            found.append(Pause(pause.kind, begin, end))
        if end is None:
            break
        begin = max(begin, end)
    return found


def _is_digitised(received: Reception, scanned: Scanning | None) -> bool:
    """As the later of both statements has it: paper is scanned after the reception too, and a scan taken back."""
    if scanned is not None and scanned.sequence > received.sequence:
        return scanned.whole
    return received.digitised


_FINISHED: dict[Timing, Measure] = {"early": "finished_early", "on_time": "finished_on_time", "late": "finished_late"}
