"""In which order a dossier's facts are told to the portal. Plain Python. docs/adr/0022-national-portal.md.

A dossier's events come from two services, each with a sequence of its own, and the queue knows no order between them.
A fact is released when those before it in its own sequence are; between the two, the life's logic comes first (work
begins after the reception, the hand-over after the end), then the instant at which they count. What does not come is
waited for until `hold` has passed, and then gone without; when it comes after all, it changes what is known, but it is
not told as if it happened now.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from notify.national_portal.domain.life import Fact, Life, Source, apply

SOURCES: tuple[Source, ...] = ("intake", "workflow")
_ENDS_WITHOUT_CODE = ("intake.dossier.refused.v1", "intake.dossier.withdrawn.v1")
_WITHDRAWN = "intake.dossier.withdrawn.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """`hold`: how long a predecessor is waited for. `settle`: how long a withdrawal waits for what the officers did
    before it, since it overtakes easily."""

    hold: timedelta
    settle: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A fact that is not released yet, known since `known_at`."""

    fact: Fact
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """`number`: what the portal knows the dossier by (MaHoSo), None until there is one. `intake`, `workflow`: the
    sequence of the last fact that was released. `missed`: those that were gone without, as `intake-4`. `look_at`: when
    something that waits may have to go without what it waits for."""

    life: Life = field(default_factory=Life)
    number: str | None = None
    intake: int = 0
    workflow: int = 0
    waiting: tuple[Waiting, ...] = ()
    missed: tuple[str, ...] = ()
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A fact that is released: what was known before it, and with it. `late`: its successors were released already."""

    fact: Fact
    before: Life
    after: Life
    late: bool = False


def hear(merged: Merged, facts: Iterable[Fact], now: datetime) -> tuple[Merged, list[bool]]:
    """With the facts that are new, and for each whether it is."""
    known = {(each.fact.source, each.fact.sequence) for each in merged.waiting}
    new: list[Waiting] = []
    fresh: list[bool] = []
    for fact in facts:
        key = (fact.source, fact.sequence)
        is_new = key not in known and (fact.sequence > _last(merged, fact.source) or _name(fact) in merged.missed)
        fresh.append(is_new)
        if is_new:
            known.add(key)
            new.append(Waiting(fact=fact, known_at=now))
    return (replace(merged, waiting=(*merged.waiting, *new)) if new else merged), fresh


def release(id: str, merged: Merged, now: datetime, waits: Waits) -> tuple[Merged, list[Step]]:
    """What can be told now, in order. `id`: the dossier's, for one that ends before it has a code."""
    steps: list[Step] = []
    while True:
        merged = _numbered(id, merged)
        # Nothing can be told of a dossier that has no number yet, and nothing of one whose beginning is not known.
        if merged.number is None:
            break
        merged = _without_old_gaps(merged, now, waits)
        found = _next(merged, now, waits)
        if found is None:
            break
        late = _name(found.fact) in merged.missed
        after = apply(merged.life, found.fact)
        steps.append(Step(fact=found.fact, before=merged.life, after=after, late=late))
        merged = replace(
            merged,
            life=after,
            waiting=tuple(each for each in merged.waiting if each is not found),
            missed=tuple(each for each in merged.missed if each != _name(found.fact)),
        )
        if not late:
            merged = _advanced(merged, found.fact.source, found.fact.sequence)
    return replace(merged, look_at=_look_at(merged, now, waits)), steps


def _numbered(id: str, merged: Merged) -> Merged:
    """With the number that the portal is told, as soon as the facts that are known in their order tell it: the code, or
    for a dossier that ended without one the number that its applicant follows it by."""
    if merged.number is not None:
        return merged
    for fact in _contiguous(merged, "intake"):
        code = fact.data.get("portal_code") or fact.data.get("code")
        if code and "procedure" in fact.data:
            return replace(merged, number=str(code))
        if fact.type in _ENDS_WITHOUT_CODE:
            return replace(merged, number=id)
    return merged


def _contiguous(merged: Merged, source: Source) -> list[Fact]:
    waiting = {each.fact.sequence: each.fact for each in merged.waiting if each.fact.source == source}
    found: list[Fact] = []
    while (fact := waiting.get(_last(merged, source) + len(found) + 1)) is not None:
        found.append(fact)
    return found


def _next(merged: Merged, now: datetime, waits: Waits) -> Waiting | None:
    """What is told next; None when that has to wait."""
    for each in merged.waiting:
        if _name(each.fact) in merged.missed:
            return each
    heads = [each for each in merged.waiting if each.fact.sequence == _last(merged, each.fact.source) + 1]
    for head in sorted(heads, key=_order):
        old = head.known_at + waits.hold <= now
        if not old and _lacks(merged.life, head.fact):
            continue
        if _settles(merged.life, head.fact) and head.known_at + waits.settle > now:
            return None
        return head
    return None


def _order(waiting: Waiting) -> tuple[datetime, int]:
    """The instant; at the same one, intake's news come first, but a withdrawal behind an end, which then counts."""
    fact = waiting.fact
    return fact.at, 2 if fact.type == _WITHDRAWN else int(fact.source == "workflow")


def _lacks(life: Life, fact: Fact) -> bool:
    """Whether something must have happened before, at the other service, that is not known yet."""
    if fact.source == "workflow":
        return life.received_at is None
    if fact.type == "intake.dossier.handed_over.v1":
        return life.finished_at is None
    if fact.type == "intake.dossier.supplemented.v1":
        return life.received_at is not None and all(each.given_at is not None for each in life.supplements)
    if fact.type in ("intake.fee.asked.v1", "intake.fee.paid.v1"):
        requested: datetime | None = fact.data.get("requested_at")
        return requested is not None and requested not in life.fee_requests
    return False


def _settles(life: Life, fact: Fact) -> bool:
    return fact.type == _WITHDRAWN and life.received_at is not None


def _without_old_gaps(merged: Merged, now: datetime, waits: Waits) -> Merged:
    """With the gaps that were waited for long enough noted as missed."""
    for source in SOURCES:
        mine = [each for each in merged.waiting if each.fact.source == source]
        ahead = [each for each in mine if each.fact.sequence > _last(merged, source)]
        if not ahead or min(each.known_at for each in ahead) + waits.hold > now:
            continue
        first, last = min(each.fact.sequence for each in ahead), _last(merged, source)
        if first > last + 1 and (source == "intake" or merged.life.received_at is not None):
            missed = tuple(f"{source}-{n}" for n in range(last + 1, first))
            merged = _advanced(replace(merged, missed=(*merged.missed, *missed)), source, first - 1)
    return merged


def _look_at(merged: Merged, now: datetime, waits: Waits) -> datetime | None:
    """None when nothing waits that time alone would release. For a dossier whose beginning has not come it is when that
    is to be said aloud."""
    begun = _contiguous(merged, "intake")
    if merged.number is None and begun and len(begun) == sum(each.fact.source == "intake" for each in merged.waiting):
        # Filed online, and an officer has still to receive it.
        return None
    times = [each.known_at + waits.hold for each in merged.waiting]
    times += [each.known_at + waits.settle for each in merged.waiting if _settles(merged.life, each.fact)]
    return min((at for at in times if at > now), default=None)


def _last(merged: Merged, source: Source) -> int:
    return merged.intake if source == "intake" else merged.workflow


def _advanced(merged: Merged, source: Source, sequence: int) -> Merged:
    return replace(merged, intake=sequence) if source == "intake" else replace(merged, workflow=sequence)


def _name(fact: Fact) -> str:
    return f"{fact.source}-{fact.sequence}"
