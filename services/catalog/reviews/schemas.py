"""Request bodies, query parameters and answers about reviews of the level lists."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from catalog.domain import ServiceLevel
from catalog.reviews.domain import (
    MAX_ACCEPTED,
    Day,
    Decision,
    Opinion,
    Outcome,
    Proposal,
    ProposalState,
    Review,
    ReviewState,
    state_of,
)
from catalog.reviews.store import StoredReview
from chassis.paging import Page, PageQuery
from chassis.web import Body

Word = Annotated[str, Field(min_length=1, max_length=200)]


class ReviewBody(Body):
    """A campaign that reviews the levels of an agency's procedures."""

    name: Annotated[str, Field(max_length=500)]
    agency: Word = Field(description="whose lists are reviewed; its identifier or an alias")
    deadline: date = Field(description="the last day for proposals and opinions")
    basis: Annotated[str, Field(max_length=500)] = Field(description="the decision or plan that orders the review")


class ProposalBody(Body):
    procedure: Word
    service_level: ServiceLevel
    reason: Annotated[str, Field(max_length=2_000)]


class OpinionBody(Body):
    """Another agency's opinion. `agency`: only editors name one, for an agency that answered on paper."""

    agree: bool
    text: Annotated[str, Field(max_length=1_000)] = Field(default="", description="needed when it does not agree")
    agency: Word | None = None


class DecisionBody(Body):
    """The decision that ends the campaign: the accepted procedures have their new levels from `effect_on` on."""

    number: Annotated[str, Field(max_length=500)]
    date: Day
    effect_on: Day
    accepted: Annotated[tuple[Word, ...], Field(max_length=MAX_ACCEPTED)]


class Counts(Body):
    """How many proposals are in which state."""

    proposed: int = 0
    not_accepted: int = 0
    to_apply: int = 0
    applied: int = 0
    failed: int = 0


class ReviewAnswer(ReviewBody):
    """A campaign. `state`: open, decided (the accepted levels are being published), applied (all of them are dealt
    with: published, or failed for a reason that the proposal shows)."""

    id: str
    state: ReviewState
    opened_at: datetime
    opened_by: str
    decision: Decision | None
    applied_at: datetime | None

    @classmethod
    def of(cls, stored: StoredReview) -> "ReviewAnswer":
        return cls.model_construct(**_shown(stored))


class ReviewDetail(ReviewAnswer):
    """A campaign, with how many of its proposals are in which state."""

    proposals: Counts

    @classmethod
    def counting(cls, stored: StoredReview, outcomes: Iterable[tuple[str, bool | None]]) -> "ReviewDetail":
        decision = stored.review.decision
        accepted = frozenset(() if decision is None else decision.accepted)
        counts: Counter[str] = Counter()
        for procedure, published in outcomes:
            if decision is None:
                counts["proposed"] += 1
            elif procedure not in accepted:
                counts["not_accepted"] += 1
            else:
                counts["to_apply" if published is None else "applied" if published else "failed"] += 1
        return cls.model_construct(**_shown(stored), proposals=Counts(**counts))


def _shown(stored: StoredReview) -> dict[str, Any]:
    review: Review = stored.review
    return {
        "id": stored.id,
        "state": review.state,
        **{name: getattr(review, name) for name in ("name", "agency", "deadline", "basis", "opened_at", "opened_by")},
        "decision": review.decision,
        "applied_at": review.applied_at,
    }


class ProposalAnswer(ProposalBody):
    """A proposal. `agreeing` and `disagreeing` count the last opinion of each agency. `outcome`: the version with the
    new level, or why there is none: withdrawn, expired, later_version (the history goes on after `effect_on`)."""

    current_level: ServiceLevel
    state: ProposalState
    at: datetime
    by: str
    agreeing: int
    disagreeing: int
    opinions: tuple[Opinion, ...]
    outcome: Outcome | None

    @classmethod
    def of(cls, proposal: Proposal, review: Review) -> "ProposalAnswer":
        agreeing = sum(opinion.agree for opinion in proposal.counting().values())
        return cls.model_construct(
            procedure=proposal.procedure,
            service_level=proposal.service_level,
            reason=proposal.reason,
            current_level=proposal.current_level,
            state=state_of(review, proposal),
            at=proposal.at,
            by=proposal.by,
            agreeing=agreeing,
            disagreeing=len(proposal.counting()) - agreeing,
            opinions=proposal.opinions,
            outcome=proposal.outcome,
        )


class OpinionAnswer(OpinionBody):
    """An opinion, as it was taken."""

    at: datetime
    by: str

    @classmethod
    def of(cls, opinion: Opinion) -> "OpinionAnswer":
        return cls.model_construct(
            agency=opinion.agency, agree=opinion.agree, text=opinion.text, at=opinion.at, by=opinion.by
        )


class ReviewsQuery(PageQuery):
    agency: Annotated[str, Field(max_length=200)] | None = Field(default=None, description="campaigns of this agency")


class ProposalsQuery(PageQuery):
    state: ProposalState | None = None


class ReviewList(Page[ReviewAnswer]):
    """Campaigns, the newest first."""


class ProposalList(Page[ProposalAnswer]):
    """Proposals by procedure."""
