"""Campaigns and their proposals in MongoDB: a document each, so that thousands of proposals fit into a campaign."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.reviews.domain import Proposal, ProposalState, Review
from chassis import store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReview:
    id: str
    review: Review


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProposal:
    """`id` is `<review>/<procedure>`, so that of two who propose the same, one is refused."""

    id: str
    proposal: Proposal


class Reviews:
    def __init__(self, database: Any, carrier: store.Carrier) -> None:
        self.reviews = store.Aggregates(database, "reviews", StoredReview, carrier)
        self.proposals = store.Aggregates(database, "proposals", StoredProposal, carrier)

    def ensure_indexes(self) -> None:
        self.reviews.collection.create_index([("review.opened_at", -1), ("_id", -1)], name="opened")
        self.reviews.collection.create_index(
            [("review.agency", 1), ("review.opened_at", -1), ("_id", -1)], name="agency"
        )
        self.reviews.collection.create_index(
            [("review.applied_at", 1)],
            name="to_apply",
            partialFilterExpression={"review.decision.number": {"$gt": ""}},
        )
        self.proposals.collection.create_index([("proposal.review", 1), ("proposal.procedure", 1)], name="review")

    def page(
        self, agency: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[StoredReview]]:
        """Campaigns, the newest first."""
        wanted: store.Document = {} if agency is None else {"review.agency": agency}
        if after is not None:
            opened_at, id = after
            wanted["$or"] = [
                {"review.opened_at": {"$lt": opened_at}},
                {"review.opened_at": opened_at, "_id": {"$lt": id}},
            ]
        found = self.reviews.collection.find(wanted, _WITHOUT_ANSWERS)
        return [self.reviews.loaded(each) for each in found.sort([("review.opened_at", -1), ("_id", -1)]).limit(limit)]

    def proposals_of(
        self, review: StoredReview, state: ProposalState | None, after: str, limit: int
    ) -> list[store.Loaded[StoredProposal]]:
        """Proposals behind the procedure `after`, by procedure; those in the state."""
        wanted: store.Document = {"proposal.review": review.id, "proposal.procedure": {"$gt": after}}
        if state is not None:
            wanted["$and"] = [_in_state(review.review, state)]
        found = self.proposals.collection.find(wanted, _WITHOUT_ANSWERS).sort("proposal.procedure", 1).limit(limit)
        return [self.proposals.loaded(each) for each in found]

    def proposed(self, review: str, procedures: Collection[str]) -> set[str]:
        """Which of these procedures were proposed in the campaign."""
        found = self.proposals.collection.find(
            {"_id": {"$in": [id_of(review, code) for code in procedures]}}, {"_id": 1}
        )
        return {each["_id"].removeprefix(f"{review}/") for each in found}

    def outcomes(self, review: str) -> Iterable[tuple[str, bool | None]]:
        """Of every proposal of the campaign: its procedure, and whether its level was published (None: not yet)."""
        found = self.proposals.collection.find(
            {"proposal.review": review}, {"proposal.procedure": 1, "proposal.outcome": 1}
        )
        for each in found:
            outcome = each["proposal"]["outcome"]
            yield each["proposal"]["procedure"], None if outcome is None else outcome["version"] is not None

    def to_apply(self) -> store.Loaded[StoredReview] | None:
        """A decided campaign whose levels are not all published yet."""
        found = self.reviews.collection.find_one(
            {"review.decision.number": {"$gt": ""}, "review.applied_at": None}, _WITHOUT_ANSWERS
        )
        return None if found is None else self.reviews.loaded(found)


_WITHOUT_ANSWERS = {"outbox": 0, "doc_answers": 0}


def id_of(review: str, procedure: str) -> str:
    return f"{review}/{procedure}"


def _in_state(review: Review, state: ProposalState) -> store.Document:
    """The condition that says what `domain.state_of` says."""
    if review.decision is None or state == "proposed":
        return {} if review.decision is None and state == "proposed" else {"_id": {"$in": []}}
    accepted: store.Document = {"proposal.procedure": {"$in": list(review.decision.accepted)}}
    conditions: dict[ProposalState, store.Document] = {
        "not_accepted": {"proposal.procedure": {"$nin": list(review.decision.accepted)}},
        "to_apply": accepted | {"proposal.outcome": None},
        "applied": accepted | {"proposal.outcome.version": {"$gt": 0}},
        "failed": accepted | {"proposal.outcome.failure": {"$gt": ""}},
    }
    return conditions[state]
