"""What is known of a dossier, fact by fact. Plain Python.

A fact sets what it says and nothing else, and the status follows from what is set: so whatever order facts come in, in
the end the same is known. The rules of the status are intake's (`restated`) and those of docs/adr/0009.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

Source = Literal["intake", "workflow"]
Status = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
"""The portal's ten: filed, received, refused, in process, supplement asked, fee asked, withdrawn, stopped, processed,
returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event, as far as the portal has an interest in it. `at`: when it counts. `data`: what it says, by the fields'
    names. `personal`: who the applicant is, sealed."""

    source: Source
    sequence: int
    type: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    personal: bytes | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component that came: `file`, its id at intake; on `paper`; `digitised`, scanned; `reused` from the store."""

    code: str
    file: str | None = None
    paper: bool = False
    digitised: bool = False
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is to be paid. `amount` in đồng."""

    code: str
    charge_name: str
    kind: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplement:
    """Asked for by `agency`, whose name only catalog knows; `due_before`, `due_after`: what it did to the due date."""

    id: str
    agency: str
    asked_at: datetime
    reason: str
    given_at: datetime | None = None
    ended_at: datetime | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A result that is in force. `kind`: the code of what it is."""

    id: str
    name: str
    kind: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A step that somebody works on, by its task's id."""

    task: str
    assigned_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """`due_told`, `handled_told`, `pause_told`: workflow's sequence of the news that set these last. `asked`: fees that
    intake asked for itself and that are open, by when. `fee_requests`: when workflow asked for fees."""

    from_portal: bool = False
    code: str | None = None
    procedure: str = ""
    procedure_name: str = ""
    field: str = ""
    agency: str = ""
    agency_name: str = ""
    channel: str = ""
    applicant_kind: str = ""
    personal: bytes | None = None
    result_return: str = ""
    components: tuple[Component, ...] = ()
    charges: tuple[Charge, ...] = ()
    paid: tuple[tuple[str, str], ...] = ()
    filed_at: datetime | None = None
    received_at: datetime | None = None
    refused_at: datetime | None = None
    refusal: str = ""
    withdrawn_at: datetime | None = None
    started_at: datetime | None = None
    due_at: datetime | None = None
    due_told: int = 0
    handled_by: str = ""
    handled_told: int = 0
    pause: str | None = None
    pause_told: int = 0
    supplements: tuple[Supplement, ...] = ()
    asked: tuple[datetime, ...] = ()
    fee_requests: tuple[datetime, ...] = ()
    turns: tuple[Turn, ...] = ()
    results: tuple[Result, ...] = ()
    recalled: tuple[str, ...] = ()
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    handed_over_at: datetime | None = None
    handed_over_by: str = ""
    rating: int | None = None
    rated_at: datetime | None = None

    @property
    def lacking(self) -> Supplement | None:
        """The supplement that is waited for."""
        return next((each for each in self.supplements if each.given_at is None and each.ended_at is None), None)

    @property
    def was_withdrawn(self) -> bool:
        """Of a withdrawal and an end the earlier one counts, and the end when both are of the same instant."""
        end = self.finished_at or self.stopped_at
        return self.withdrawn_at is not None and (end is None or self.withdrawn_at < end)

    @property
    def status(self) -> Status:
        if self.handed_over_at is not None:
            return "10"
        if self.was_withdrawn:
            return "7"
        if self.finished_at is not None:
            return "9"
        if self.stopped_at is not None:
            return "8"
        if self.refused_at is not None:
            return "3"
        if self.lacking is not None:
            return "5"
        if self.pause == "fee" or self.asked:
            return "6"
        if self.started_at is not None:
            return "4"
        return "1" if self.received_at is None else "2"


def apply(life: Life, fact: Fact) -> Life:
    """What is known with the fact. A type that says nothing to the portal changes nothing."""
    learn = _LEARNERS.get(fact.type)
    return life if learn is None else learn(life, fact)


Learner = Callable[[Life, Fact], Life]


def _about(life: Life, fact: Fact) -> Life:
    """What every event that describes the dossier as a whole says."""
    data = fact.data
    described = {name: data[name] for name in ("procedure", "field", "agency", "channel", "applicant_kind")}
    names = {name: data[name] for name in ("procedure_name", "agency_name") if data.get(name)}
    more: dict[str, Any] = {}
    if data.get("components") is not None:
        more["components"] = tuple(Component(**each) for each in data["components"])
    if data.get("charges") is not None:
        more["charges"] = tuple(Charge(**each) for each in data["charges"])
    if data.get("result_return"):
        more["result_return"] = data["result_return"]
    if data.get("from_portal"):
        more["from_portal"] = True
    if fact.personal is not None:
        more["personal"] = fact.personal
    return replace(life, **described, **names, **more)


def _filed(life: Life, fact: Fact) -> Life:
    return replace(_about(life, fact), filed_at=fact.at)


def _received(life: Life, fact: Fact) -> Life:
    life = replace(
        _about(life, fact), code=fact.data["code"], filed_at=fact.data["filed_at"], received_at=fact.at,
    )  # fmt: skip
    return life if life.due_told else replace(life, due_at=fact.data["due_at"])


def _refused(life: Life, fact: Fact) -> Life:
    return replace(_about(life, fact), filed_at=fact.data["filed_at"], refused_at=fact.at, refusal=fact.data["reason"])


def _withdrawn(life: Life, fact: Fact) -> Life:
    known = _about(life, fact)
    return replace(known, filed_at=fact.data["filed_at"], withdrawn_at=fact.at, code=known.code or fact.data["code"])


def _handed_over(life: Life, fact: Fact) -> Life:
    return replace(life, handed_over_at=fact.at, handed_over_by=fact.data["method"])


def _rated(life: Life, fact: Fact) -> Life:
    return replace(life, rating=fact.data["score"], rated_at=fact.at)


def _supplement_asked(life: Life, fact: Fact) -> Life:
    id = f"{fact.source}-{fact.sequence}"
    agency = fact.data.get("agency") or life.agency
    asked = Supplement(id=id, agency=agency, asked_at=fact.at, reason=fact.data["reason"], due_before=life.due_at)
    return replace(life, supplements=(*life.supplements, asked))


def _supplemented(life: Life, fact: Fact) -> Life:
    if fact.data.get("components") is not None:
        life = replace(life, components=tuple(Component(**each) for each in fact.data["components"]))
    # Workflow may have gone on without one that was asked for before.
    asked = next((each for each in reversed(life.supplements) if each.given_at is None), None)
    return life if asked is None else _with(life, replace(asked, given_at=fact.at))


def _digitised(life: Life, fact: Fact) -> Life:
    return _component(life, fact.data["component"], lambda each: replace(each, digitised=fact.data["scanned"]))


def _reused(life: Life, fact: Fact) -> Life:
    return _component(life, fact.data["component"], lambda each: replace(each, reused=True))


def _fee_asked(life: Life, fact: Fact) -> Life:
    """What workflow asked for is waited for as its pause says."""
    if fact.data["requested_at"] is not None:
        return life
    return replace(life, asked=(*life.asked, fact.at))


def _fee_paid(life: Life, fact: Fact) -> Life:
    known = dict(life.paid) | {fact.data["payment"]: fact.data["channel"]}
    paid = replace(life, paid=tuple(sorted(known.items())))
    if not fact.data["settled"]:
        return paid
    return replace(paid, asked=(), pause=None if paid.pause == "fee" else paid.pause)


def _fee_cancelled(life: Life, fact: Fact) -> Life:
    return life if fact.data["awaited"] else replace(life, asked=())


def _fee_reversed(life: Life, fact: Fact) -> Life:
    return replace(life, paid=tuple(each for each in life.paid if each[0] != fact.data["payment"]))


def _started(life: Life, fact: Fact) -> Life:
    started = replace(life, started_at=fact.at, handled_by=life.handled_by or fact.data["agency"])
    return _due(started, fact)


def _due_changed(life: Life, fact: Fact) -> Life:
    return _due(life, fact)


def _paused(life: Life, fact: Fact) -> Life:
    """A pause for a supplement or a fee comes with an event of its own, which says it."""
    if fact.data["kind"] != "other" or fact.sequence < life.pause_told:
        return life
    return replace(life, pause=fact.data["kind"], pause_told=fact.sequence)


def _fee_requested(life: Life, fact: Fact) -> Life:
    requests = (*life.fee_requests, fact.at)
    if fact.sequence < life.pause_told:
        return replace(life, fee_requests=requests)
    return replace(life, fee_requests=requests, pause="fee", pause_told=fact.sequence)


def _resumed(life: Life, fact: Fact) -> Life:
    if fact.sequence >= life.pause_told:
        life = replace(life, pause=None, pause_told=fact.sequence)
    before, life = life.due_at, _due(life, fact)
    asked = next((each for each in reversed(life.supplements) if each.id.startswith("workflow-")), None)
    if fact.data["kind"] != "supplement" or asked is None or asked.ended_at is not None:
        return life
    return _with(life, replace(asked, ended_at=fact.at, due_before=asked.due_before or before, due_after=life.due_at))


def _transferred(life: Life, fact: Fact) -> Life:
    if fact.sequence < life.handled_told:
        return life
    return replace(life, handled_by=fact.data["to_agency"], handled_told=fact.sequence)


def _finished(life: Life, fact: Fact) -> Life:
    return _due(replace(life, finished_at=fact.at, turns=()), fact)


def _stopped(life: Life, fact: Fact) -> Life:
    return _due(replace(life, stopped_at=fact.at, turns=()), fact)


def _assigned(life: Life, fact: Fact) -> Life:
    turn = Turn(task=fact.data["task"], assigned_at=fact.at, due_at=fact.data["due_at"])
    return replace(life, turns=(*(each for each in life.turns if each.task != turn.task), turn))


def _returned(life: Life, fact: Fact) -> Life:
    """It is to be done again, and what came after it waits."""
    turns = tuple(each for each in life.turns if each.task not in fact.data["waiting"])
    return _assigned(replace(life, turns=turns), fact)


def _completed(life: Life, fact: Fact) -> Life:
    return replace(life, turns=tuple(each for each in life.turns if each.task != fact.data["task"]))


def _issued(life: Life, fact: Fact) -> Life:
    given = Result(id=fact.data["result"], name=fact.data["result_name"], kind=fact.data["kind"])
    return life if given.id in life.recalled else replace(life, results=(*life.results, given))


def _ended(life: Life, fact: Fact) -> Life:
    """Of a result that is not in force any more."""
    over = fact.data["result"]
    left = tuple(each for each in life.results if each.id != over)
    return replace(life, results=left, recalled=(*life.recalled, over))


def _due(life: Life, fact: Fact) -> Life:
    if fact.sequence < life.due_told:
        return life
    return replace(life, due_at=fact.data["due_at"], due_told=fact.sequence)


def _with(life: Life, changed: Supplement) -> Life:
    return replace(life, supplements=tuple(changed if each.id == changed.id else each for each in life.supplements))


def _component(life: Life, code: str, change: Callable[[Component], Component]) -> Life:
    known = {each.code: each for each in life.components}
    known[code] = change(known.get(code, Component(code=code)))
    return replace(life, components=tuple(known.values()))


_LEARNERS: Mapping[str, Learner] = {
    "intake.dossier.filed.v1": _filed,
    "intake.dossier.received.v1": _received,
    "intake.dossier.refused.v1": _refused,
    "intake.dossier.withdrawn.v1": _withdrawn,
    "intake.dossier.handed_over.v1": _handed_over,
    "intake.dossier.rated.v1": _rated,
    "intake.dossier.supplement_requested.v1": _supplement_asked,
    "intake.dossier.supplemented.v1": _supplemented,
    "intake.document.digitised.v1": _digitised,
    "intake.document.reused.v1": _reused,
    "intake.fee.asked.v1": _fee_asked,
    "intake.fee.paid.v1": _fee_paid,
    "intake.fee.reversed.v1": _fee_reversed,
    "intake.fee.cancelled.v1": _fee_cancelled,
    "workflow.dossier.started.v1": _started,
    "workflow.dossier.rescheduled.v1": _due_changed,
    "workflow.dossier.extended.v1": _due_changed,
    "workflow.dossier.paused.v1": _paused,
    "workflow.dossier.resumed.v1": _resumed,
    "workflow.dossier.transferred.v1": _transferred,
    "workflow.dossier.finished.v1": _finished,
    "workflow.dossier.stopped.v1": _stopped,
    "workflow.supplement.requested.v1": _supplement_asked,
    "workflow.fee.requested.v1": _fee_requested,
    "workflow.task.assigned.v1": _assigned,
    "workflow.task.completed.v1": _completed,
    "workflow.task.returned.v1": _returned,
    "workflow.result.issued.v1": _issued,
    "workflow.result.recalled.v1": _ended,
    "workflow.result.replaced.v1": _ended,
}
