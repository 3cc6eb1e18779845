"""The routes of reviews of the level lists."""

from datetime import datetime

from catalog.reviews import schemas
from catalog.reviews.domain import OthersReview, ReviewDecided
from catalog.reviews.usecases import EDIT, NotProposed, ReviewUnknown, ReviewUseCases
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router

REVIEW = "catalog.review"
SCOPES = {
    REVIEW: "Reads reviews of the level lists, proposes levels for its agency's procedures, gives its agency's opinions"
}


def add_routes(router: Router, use: ReviewUseCases) -> None:
    @router.post("/reviews", scope=EDIT, needs="key", answers={201: schemas.ReviewAnswer})
    def open_review(call: Call, body: schemas.ReviewBody) -> Answer:
        """Opens a campaign that reviews the service levels of an agency's procedures (rà soát danh mục)."""
        return use.open(call, body)

    @router.get("/reviews", scope=REVIEW, answers={200: schemas.ReviewList})
    def list_reviews(call: Call, query: schemas.ReviewsQuery) -> Answer:
        """Campaigns, the newest first."""
        keys = keys_of(query.cursor, datetime, str)
        after = None if keys is None else (keys[0], keys[1])
        found = use.reviews.page(query.agency, after, query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.state.review.opened_at, last.id))
        return Answer({"items": [schemas.ReviewAnswer.of(item.state) for item in items], "next": following})

    @router.get("/reviews/<id>", scope=REVIEW, answers={200: schemas.ReviewDetail}, raises=(ReviewUnknown,))
    def get_review(call: Call, id: str) -> Answer:
        """A campaign, with how many of its proposals are accepted, published, failed or still to be published."""
        found = use.review(id)
        return Answer(schemas.ReviewDetail.counting(found.state, use.reviews.outcomes(id)), version=found.version)

    @router.get("/reviews/<id>/proposals", scope=REVIEW, answers={200: schemas.ProposalList}, raises=(ReviewUnknown,))
    def list_proposals(call: Call, id: str, query: schemas.ProposalsQuery) -> Answer:
        """The proposals of a campaign with their opinions, by procedure; also only those in a state."""
        review = use.review(id).state
        keys = keys_of(query.cursor, str)
        found = use.reviews.proposals_of(review, query.state, keys[0] if keys else "", query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.state.proposal.procedure))
        return Answer(
            {
                "items": [schemas.ProposalAnswer.of(item.state.proposal, review.review) for item in items],
                "next": following,
            }
        )

    @router.post(
        "/reviews/<id>/proposals",
        scope=REVIEW,
        needs="key",
        answers={201: schemas.ProposalAnswer},
        raises=(ReviewUnknown, ReviewDecided, OthersReview),
    )
    def propose_level(call: Call, id: str, body: schemas.ProposalBody) -> Answer:
        """Proposes another service level for a procedure: the agency under review, or an editor for it."""
        return use.propose(call, id, body)

    @router.post(
        "/reviews/<id>/proposals/<code>/opinions",
        scope=REVIEW,
        needs="key",
        answers={201: schemas.OpinionAnswer},
        raises=(NotProposed, ReviewDecided, OthersReview),
    )
    def give_opinion(call: Call, id: str, code: str, body: schemas.OpinionBody) -> Answer:
        """Another agency's opinion on a proposal; a later one of the same agency takes its place."""
        return use.give_opinion(call, id, code, body)

    @router.post(
        "/reviews/<id>/decision",
        scope=EDIT,
        needs="key_or_match",
        answers={200: schemas.ReviewAnswer},
        raises=(ReviewUnknown, ReviewDecided),
    )
    def decide_review(call: Call, id: str, body: schemas.DecisionBody) -> Answer:
        """Decides a campaign. Versions with the accepted levels, valid from `effect_on` on, are published after it."""
        return use.decide(call, id, body)
