"""What can be done with a review: open it, propose, give an opinion, decide; and the timer that makes it effective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.queries import AgencyUnknown, Queries
from catalog.reviews import domain, schemas
from catalog.reviews.domain import AlreadyProposed, Decision, Opinion, OthersReview, Proposal, Review
from catalog.reviews.store import Reviews, StoredProposal, StoredReview, id_of
from catalog.store import CatalogStore, new_version
from catalog.usecases import refuse
from chassis import acts
from chassis.clock import Clock
from chassis.errors import FieldError, Forbidden, Invalid, KeyReused, NotFound
from chassis.store import Change, Loaded
from chassis.web import Answer, Call
from chassis.worktime import local_day

BATCH = 200
"""So many proposals become versions with one write."""
EDIT = "catalog.edit"


class ReviewUnknown(NotFound):
    code, title = "review_unknown", "Không có đợt rà soát này"


class NotProposed(NotFound):
    code, title = "not_proposed", "Thủ tục hành chính chưa được đề xuất trong đợt rà soát này"


@dataclass(frozen=True, slots=True)
class ReviewUseCases:
    store: CatalogStore
    reviews: Reviews
    queries: Queries

    def open(self, call: Call, body: schemas.ReviewBody) -> Answer:
        """Opens a campaign; 201."""
        review = Review(
            name=body.name,
            agency=self._agency(body.agency, call),
            deadline=body.deadline,
            basis=body.basis,
            opened_at=call.occurred_at,
            opened_by=call.principal.subject,
        )
        refuse(domain.open_errors(review))
        state = StoredReview(id=call.id_for_new("review"), review=review)
        return acts.create(
            self.reviews.reviews, state.id, state, [], call, lambda s, _: Answer(schemas.ReviewAnswer.of(s), 201)
        )

    def propose(self, call: Call, review: str, body: schemas.ProposalBody) -> Answer:
        """Proposes a level for a procedure; 201. For the agency under review, and for editors."""
        campaign = self.review(review).state.review
        if call.principal.agency != campaign.agency:
            _require_editor(call, OthersReview("only the agency under review proposes"))
        id = id_of(review, body.procedure)
        if (found := self.reviews.proposals.load(id)) is not None:
            return _first_or_taken(found, call)
        latest = self.store.latest([body.procedure]).get(body.procedure)
        proposal = Proposal(
            review=review,
            procedure=body.procedure,
            current_level=body.service_level if latest is None else latest.procedure.service_level,
            service_level=body.service_level,
            reason=body.reason,
            at=call.occurred_at,
            by=call.principal.subject,
        )
        domain.check_proposal(campaign, proposal, latest)

        def render(state: StoredProposal, _: int) -> Answer:
            return Answer(schemas.ProposalAnswer.of(state.proposal, campaign), 201)

        try:
            return acts.create(self.reviews.proposals, id, StoredProposal(id=id, proposal=proposal), [], call, render)
        except KeyReused:
            # Somebody proposed the same procedure a moment ago.
            return _first_or_taken(self.reviews.proposals.load(id), call)

    def give_opinion(self, call: Call, review: str, procedure: str, body: schemas.OpinionBody) -> Answer:
        """Another agency's opinion on a proposal; 201."""
        campaign = self.review(review).state.review
        own = call.principal.agency
        if own is None or (body.agency is not None and body.agency != own):
            _require_editor(call, Forbidden("an agency speaks for itself"))
        if body.agency is None and own is None:
            refuse([FieldError("/agency", "missing", "the agency whose opinion it is")])
        opinion = Opinion(
            agency=self._agency(body.agency or str(own), call),
            agree=body.agree,
            text=body.text,
            at=call.occurred_at,
            by=call.principal.subject,
        )

        def decide(state: StoredProposal) -> tuple[StoredProposal, Sequence[Any]]:
            return replace(state, proposal=domain.give_opinion(campaign, state.proposal, opinion)), []

        def render(state: StoredProposal, _: int) -> Answer:
            return Answer(schemas.OpinionAnswer.of(state.proposal.opinions[-1]), 201)

        id = id_of(review, procedure)
        if self.reviews.proposals.load(id) is None:
            raise NotProposed(f"{procedure} was not proposed in this review")
        return acts.change(self.reviews.proposals, id, call, sees=lambda _: True, decide=decide, render=render)

    def decide(self, call: Call, review: str, body: schemas.DecisionBody) -> Answer:
        """Ends the campaign. The versions follow, see `apply_next`."""
        self.review(review)
        decision = Decision(
            number=body.number,
            date=body.date,
            effect_on=body.effect_on,
            accepted=body.accepted,
            at=call.occurred_at,
            by=call.principal.subject,
        )

        def decide(state: StoredReview) -> tuple[StoredReview, Sequence[Any]]:
            proposed = self.reviews.proposed(review, decision.accepted)
            return replace(state, review=domain.decide(state.review, decision, proposed)), []

        def render(state: StoredReview, _: int) -> Answer:
            return Answer(schemas.ReviewAnswer.of(state))

        return acts.change(self.reviews.reviews, review, call, sees=lambda _: True, decide=decide, render=render)

    def review(self, id: str) -> Loaded[StoredReview]:
        """ReviewUnknown when there is none."""
        found = self.reviews.reviews.load(id)
        if found is None:
            raise ReviewUnknown(f"there is no review {id}")
        return found

    def _agency(self, id: str, call: Call) -> str:
        try:
            return self.queries.agency(id, local_day(call.now)).id
        except AgencyUnknown:
            wrong = FieldError("/agency", "unknown_agency", "an agency that is known")
            raise Invalid("some fields are wrong", errors=[wrong]) from None


def apply_next(store: CatalogStore, reviews: Reviews, clock: Clock) -> bool:
    """Publishes a batch of accepted levels of a decided campaign; False when there is nothing to do.

    Versions are written first, then what became of the proposals: after a kill in between, the version that names the
    campaign is found, and no second one is made. Two at once take the same number for it, and one of them is refused.
    """
    loaded = reviews.to_apply()
    if loaded is None or loaded.state.review.decision is None:
        return False
    decision, now = loaded.state.review.decision, clock()
    batch = reviews.proposals_of(loaded.state, "to_apply", "", BATCH)
    codes = [each.state.proposal.procedure for each in batch]
    latest, published = store.latest(codes), store.published_by_review(codes, loaded.id)
    applications = [
        domain.apply(loaded.id, each.state.proposal, decision.effect_on, latest.get(code), published.get(code))
        for code, each in zip(codes, batch, strict=True)
    ]
    versions = [each.publish for each in applications if each.publish is not None]
    refused = store.procedures.add([new_version(version, now, decision.by, None, None) for version in versions])
    lost = {version.code for version, field in zip(versions, refused, strict=True) if field is not None}
    reviews.proposals.save(
        [
            Change(each, replace(each.state, proposal=replace(each.state.proposal, outcome=done.outcome)), [], now)
            for each, done, code in zip(batch, applications, codes, strict=True)
            if code not in lost
        ]
    )
    if not batch:
        review = replace(loaded.state, review=replace(loaded.state.review, applied_at=now))
        reviews.reviews.save([Change(loaded, review, [], now)])
    return True


def _first_or_taken(found: Loaded[StoredProposal] | None, call: Call) -> Answer:
    if (first := acts.first_answer(found, call)) is not None:
        return first
    raise AlreadyProposed("the procedure was proposed in this review already")


def _require_editor(call: Call, otherwise: Forbidden) -> None:
    if not call.principal.may(EDIT):
        raise otherwise
