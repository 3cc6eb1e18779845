"""What the server really does for the questions about versions, reviews, essential services and targets."""

from datetime import date
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from catalog import domain
from catalog.essentials.domain import EssentialService
from catalog.essentials.store import StoredEssential
from catalog.reviews.domain import Decision, Proposal, Review
from catalog.reviews.store import StoredProposal, StoredReview, id_of
from catalog.store import CatalogStore, Wanted, new_version
from catalog.targets.domain import Targets
from catalog.targets.store import StoredTargets
from chassis.store import New
from tests.catalog.callers import NOW
from tests.catalog.making import procedure
from tests.support.plans import Ran, watched

MANY = 60


@pytest.fixture
def filled(catalog_store: CatalogStore) -> CatalogStore:
    """Sixty of each; ten reviews, of which one is decided and not applied, with proposals in each of them."""
    versions = [domain.publish(None, procedure(code=f"1.{n:06}", local_code=None)) for n in range(MANY)]
    catalog_store.procedures.add([new_version(version, NOW, "x", None, None) for version in versions])
    decision = Decision(
        number="QĐ 1", date=date(2024, 6, 3), effect_on=date(2024, 7, 1), accepted=("1.000001",), at=NOW, by="x"
    )
    for n in range(10):
        review = Review(
            name="Rà soát", agency=f"H56.{n % 2}", deadline=date(2024, 7, 1), basis="KH", opened_at=NOW, opened_by="x",
            decision=decision if n else None, applied_at=NOW if n > 1 else None,
        )  # fmt: skip
        catalog_store.reviews.reviews.add([New(f"r{n}", StoredReview(id=f"r{n}", review=review), [], NOW)])
        catalog_store.reviews.proposals.add([proposal(f"r{n}", version.code) for version in versions])
    services = [service("project06" if n % 2 else "qd422", f"{n:02}") for n in range(MANY)]
    catalog_store.essentials.services.add(services)
    catalog_store.targets.targets.add([targets(f"H56.{n:02}", 2020 + n % 6) for n in range(MANY)])
    return catalog_store


def proposal(review: str, code: str) -> New[StoredProposal]:
    made = Proposal(
        review=review, procedure=code, current_level="partial", service_level="full", reason="Đủ", at=NOW, by="x"
    )
    id = id_of(review, code)
    return New(id, StoredProposal(id=id, proposal=made), [], NOW)


def service(list: str, id: str) -> New[StoredEssential]:
    made = EssentialService(
        list=list, id=id, name="Dịch vụ", sector=None, state="national", extent=None, procedures=(), served_by=None,
        waiting_for=None, decision=None, since=None,
    )  # fmt: skip
    return New(
        f"{list}/{id}", StoredEssential(id=f"{list}/{id}", service=made, changed_at=NOW, changed_by="x"), [], NOW
    )


def targets(agency: str, year: int) -> New[StoredTargets]:
    made = Targets(agency=agency, year=year, decision="QĐ", indicators={"online_share": 80.0})
    id = f"{agency}/{year}"
    return New(id, StoredTargets(id=id, targets=made, changed_at=NOW, changed_by="x"), [], NOW)


ASKED: dict[str, tuple[Any, int]] = {
    "a day's catalogue is counted, each document once": (lambda s: s.counted(Wanted(), date(2024, 1, 1)), MANY),
    "versions that a review made": (lambda s: s.published_by_review(["1.000001"], "r1"), 1),
    "campaigns, the newest first": (lambda s: s.reviews.page(None, None, 3), 3),
    "campaigns of an agency": (lambda s: s.reviews.page("H56.1", (NOW, "r9"), 3), 4),
    "the campaign that is to be applied": (lambda s: s.reviews.to_apply(), 1),
    "proposals of a campaign": (
        lambda s: s.reviews.proposals_of(s.reviews.reviews.load("r0").state, "proposed", "1.000010", 5), 5,
    ),
    "proposals that are to be applied": (
        lambda s: s.reviews.proposals_of(s.reviews.reviews.load("r1").state, "to_apply", "", 200), 1,
    ),
    "outcomes of a campaign": (lambda s: [*s.reviews.outcomes("r1")], MANY),
    "what was proposed": (lambda s: s.reviews.proposed("r1", ["1.000001", "9.999999"]), 1),
    "essential services by list": (lambda s: s.essentials.page("qd422", None, "qd422/10", 5), 5),
    "essential services counted from the index": (lambda s: s.essentials.tallies(), 0),
    "targets of a year": (lambda s: s.targets.page(2021, "H56.20", 5), 5),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_a_question_is_answered_from_an_index(
    what: str, filled: CatalogStore, database: Database[Any], mongo: MongoClient[dict[str, Any]]
) -> None:
    ask, most = ASKED[what]
    with watched(mongo, database.name) as seen:
        ask(filled)
    ran = [each for each in seen.of("procedures", "reviews", "proposals", "essentials", "targets") if is_asked(each)]
    assert ran
    for each in ran:
        assert "COLLSCAN" not in each.plan, each
        assert not each.sorted_in_memory, each
        assert each.documents <= most, each


def is_asked(ran: Ran) -> bool:
    """The look-up of one document by its identifier is no question."""
    return ran.plan != "IDHACK"
