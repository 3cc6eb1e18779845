"""Reviews of the level lists (rà soát danh mục dịch vụ công trực tuyến): an agency proposes service levels for
procedures, other agencies give their opinions, a decision accepts some, and these change on a day. Plain Python.

Levels: Nghị định 42/2022/NĐ-CP (partial, full); 1 to 4 in lists made before it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from catalog.checks import Wrong
from catalog.domain import ServiceLevel, Version, publish
from chassis.errors import FieldError, Forbidden, Invalid, WrongState
from chassis.worktime import local_day

MAX_OPINIONS = 500
"""Of one proposal; they lie in one document."""
MAX_ACCEPTED = 5_000

Day = date
ReviewState = Literal["open", "decided", "applied"]
ProposalState = Literal["proposed", "not_accepted", "to_apply", "applied", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What another agency thinks of a proposal. Of several of the same agency, the last one counts."""

    agency: str
    agree: bool
    text: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an accepted proposal: the version that has the new level, or why there is none."""

    version: int | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`current_level`: the procedure's level when it was proposed."""

    review: str
    procedure: str
    current_level: ServiceLevel
    service_level: ServiceLevel
    reason: str
    at: datetime
    by: str
    opinions: tuple[Opinion, ...] = ()
    outcome: Outcome | None = None

    def counting(self) -> dict[str, Opinion]:
        """The opinion that counts of each agency."""
        return {opinion.agency: opinion for opinion in self.opinions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision that ends a campaign. The `accepted` procedures have their new levels from `effect_on` on."""

    number: str
    date: Day
    effect_on: Day
    accepted: tuple[str, ...]
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A campaign of one agency's lists. Proposals and opinions come until the end of `deadline`. `applied_at`: when
    the last accepted level was published, or found not to be publishable."""

    name: str
    agency: str
    deadline: date
    basis: str
    opened_at: datetime
    opened_by: str
    decision: Decision | None = None
    applied_at: datetime | None = None

    @property
    def state(self) -> ReviewState:
        if self.decision is None:
            return "open"
        return "decided" if self.applied_at is None else "applied"


class ReviewDecided(WrongState):
    code, title = "review_decided", "Đợt rà soát đã có quyết định"


class DeadlinePassed(WrongState):
    code, title = "review_deadline_passed", "Đã hết thời hạn đề xuất, góp ý của đợt rà soát"


class AlreadyProposed(WrongState):
    code, title = "already_proposed", "Thủ tục hành chính đã được đề xuất trong đợt rà soát này"


class OthersReview(Forbidden):
    code, title = "others_review", "Chỉ cơ quan được rà soát mới được đề xuất"


class OwnOpinion(WrongState):
    code, title = "own_opinion", "Cơ quan được rà soát không góp ý cho đề xuất của chính mình"


def open_errors(review: Review) -> list[FieldError]:
    """What is wrong with a campaign that is to be opened."""
    wrong = Wrong()
    wrong.text("/name", review.name)
    wrong.text("/basis", review.basis)
    wrong.unless(review.deadline >= local_day(review.opened_at), "/deadline", "in_the_past", "today or a later day")
    return wrong.errors


def check_open(review: Review, at: datetime) -> None:
    """ReviewDecided or DeadlinePassed when nothing can be proposed or said any more."""
    if review.decision is not None:
        raise ReviewDecided(f"decided by {review.decision.number}")
    if local_day(at) > review.deadline:
        raise DeadlinePassed(f"the deadline was {review.deadline}")


def check_proposal(review: Review, proposal: Proposal, latest: Version | None) -> None:
    """Raises whatever stands against a new proposal; `latest`: of the procedure's history."""
    check_open(review, proposal.at)
    wrong = Wrong()
    wrong.text("/reason", proposal.reason)
    if latest is None or latest.decision is not None:
        wrong.add("/procedure", "unknown_procedure", "a procedure of the catalogue that is not withdrawn")
    else:
        wrong.unless(
            latest.procedure.service_level != proposal.service_level,
            "/service_level", "same_level", "another level than the procedure has",
        )  # fmt: skip
    if wrong.errors:
        raise Invalid("some fields are wrong", errors=wrong.errors)


def give_opinion(review: Review, proposal: Proposal, opinion: Opinion) -> Proposal:
    """The proposal with one more opinion."""
    check_open(review, opinion.at)
    if opinion.agency == review.agency:
        raise OwnOpinion("opinions are those of other agencies")
    wrong = Wrong()
    if not opinion.agree:
        # Who disagrees says why; who agrees need not.
        wrong.text("/text", opinion.text)
    wrong.unless(len(proposal.opinions) < MAX_OPINIONS, "", "too_many", f"at most {MAX_OPINIONS} opinions")
    if wrong.errors:
        raise Invalid("some fields are wrong", errors=wrong.errors)
    return replace(proposal, opinions=(*proposal.opinions, opinion))


def decide(review: Review, decision: Decision, proposed: Collection[str]) -> Review:
    """The review with its decision; `proposed`: those of the accepted procedures that were proposed in it."""
    if review.decision is not None:
        raise ReviewDecided(f"decided by {review.decision.number}")
    wrong = Wrong()
    wrong.text("/number", decision.number)
    wrong.unless(decision.date <= local_day(decision.at), "/date", "in_the_future", "today or an earlier day")
    wrong.unless(decision.effect_on >= decision.date, "/effect_on", "before_decision", "a day not before the decision")
    wrong.repeated("/accepted", decision.accepted)
    for n, code in enumerate(decision.accepted):
        wrong.unless(code in proposed, f"/accepted/{n}", "not_proposed", "a procedure that was proposed in this review")
    if wrong.errors:
        raise Invalid("some fields are wrong", errors=wrong.errors[:50])
    return replace(review, decision=decision)


def state_of(review: Review, proposal: Proposal) -> ProposalState:
    """How the proposal stands in its review."""
    if review.decision is None:
        return "proposed"
    if proposal.procedure not in review.decision.accepted:
        return "not_accepted"
    if proposal.outcome is None:
        return "to_apply"
    return "failed" if proposal.outcome.version is None else "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What is to be done about an accepted proposal: `publish` a version, or nothing; and what became of it when that
    is done."""

    publish: Version | None
    outcome: Outcome


def apply(
    review: str, proposal: Proposal, effect_on: date, latest: Version | None, published: int | None
) -> Application:
    """How the level takes effect; `published`: the version that this review has made of the procedure already.

    A history is only continued: where it goes on after `effect_on` with another level, or has ended, the level is not
    published, and an editor sees why.
    """
    if published is not None:
        return _done(published)
    if latest is None or latest.decision is not None:
        return _failed("withdrawn")
    if latest.procedure.service_level == proposal.service_level and latest.valid_from <= effect_on:
        return _done(latest.number)
    if latest.valid_from > effect_on:
        return _failed("later_version")
    if latest.valid_to is not None and latest.valid_to <= effect_on:
        return _failed("expired")
    changed = replace(latest.procedure, service_level=proposal.service_level, valid_from=effect_on)
    version = publish(latest, changed, review=review)
    return Application(publish=version, outcome=Outcome(version=version.number, failure=None))


def _done(version: int) -> Application:
    return Application(publish=None, outcome=Outcome(version=version, failure=None))


def _failed(why: str) -> Application:
    return Application(publish=None, outcome=Outcome(version=None, failure=why))
