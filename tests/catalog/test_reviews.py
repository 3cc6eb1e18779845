"""Reviews of the level lists: who may do what when, and how a decision takes effect."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from catalog import domain as catalogue
from catalog.reviews import domain
from catalog.reviews.domain import Decision, Opinion, Outcome, Proposal, Review
from catalog.reviews.usecases import apply_next
from catalog.store import CatalogStore
from chassis import keys
from chassis.errors import Invalid
from tests.catalog.callers import NOW, Api
from tests.catalog.making import agency, body, procedure

CODES = [f"1.00000{n}" for n in range(1, 6)]
REVIEW = {"name": "Rà soát 2024", "agency": "H56.14", "deadline": "2024-06-30", "basis": "Kế hoạch 12/KH-UBND"}
DECISION = {"number": "QĐ 99/QĐ-UBND", "date": "2024-06-03", "effect_on": "2024-07-01"}
COUNT = count()

OPEN = Review(
    name="Rà soát", agency="H56.14", deadline=date(2024, 6, 3), basis="KH 12", opened_at=NOW, opened_by="editor"
)
PROPOSAL = Proposal(
    review="r",
    procedure="1.012784",
    current_level="partial",
    service_level="full",
    reason="Đủ điều kiện",
    at=NOW,
    by="o",
)


def key() -> str:
    return f"k{next(COUNT)}"


# -- the rules


def decision(**changes: Any) -> Decision:
    made = Decision(
        number="QĐ 1", date=date(2024, 6, 3), effect_on=date(2024, 7, 1), accepted=("a",), at=NOW, by="editor"
    )
    return replace(made, **changes)


def opinion(agency: str = "H56.02", *, agree: bool = True, text: str = "") -> Opinion:
    return Opinion(agency=agency, agree=agree, text=text, at=NOW, by="x")


def test_proposals_come_until_the_end_of_the_last_day() -> None:
    domain.check_open(OPEN, datetime(2024, 6, 3, 16, 59, tzinfo=UTC))
    with pytest.raises(domain.DeadlinePassed):
        domain.check_open(OPEN, datetime(2024, 6, 3, 17, 0, tzinfo=UTC))


def test_a_decided_review_takes_nothing_more() -> None:
    decided = domain.decide(OPEN, decision(), {"a"})
    with pytest.raises(domain.ReviewDecided):
        domain.check_open(decided, NOW)
    with pytest.raises(domain.ReviewDecided):
        domain.decide(decided, decision(), {"a"})
    with pytest.raises(domain.ReviewDecided):
        domain.give_opinion(decided, PROPOSAL, opinion())


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"number": " "}, "/number"),
        ({"date": date(2024, 6, 4)}, "/date"),
        ({"effect_on": date(2024, 6, 2)}, "/effect_on"),
        ({"accepted": ("a", "b")}, "/accepted/1"),
        ({"accepted": ("a", "a")}, "/accepted/1"),
    ],
)
def test_a_wrong_decision_is_named(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        domain.decide(OPEN, decision(**changes), {"a"})
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_a_decision_may_take_effect_on_its_own_day_and_accept_nothing() -> None:
    decided = domain.decide(OPEN, decision(effect_on=date(2024, 6, 3), accepted=()), set())
    assert decided.state == "decided"


def test_who_disagrees_says_why() -> None:
    with pytest.raises(Invalid):
        domain.give_opinion(OPEN, PROPOSAL, opinion(agree=False))
    said = domain.give_opinion(OPEN, PROPOSAL, opinion(agree=False, text="Chưa đủ cơ sở dữ liệu"))
    assert said.counting()["H56.02"].agree is False
    with pytest.raises(domain.OwnOpinion):
        domain.give_opinion(OPEN, PROPOSAL, opinion("H56.14"))


def test_the_last_opinion_of_an_agency_counts() -> None:
    said = domain.give_opinion(OPEN, PROPOSAL, opinion(agree=False, text="Không"))
    said = domain.give_opinion(OPEN, said, opinion())
    assert (len(said.opinions), said.counting()["H56.02"].agree) == (2, True)
    full = replace(PROPOSAL, opinions=(opinion(),) * domain.MAX_OPINIONS)
    with pytest.raises(Invalid):
        domain.give_opinion(OPEN, full, opinion())


EFFECT = date(2024, 7, 1)
LATEST = catalogue.publish(None, procedure(service_level="partial"))


def outcome(latest: catalogue.Version | None, published: int | None = None) -> tuple[bool, Outcome]:
    done = domain.apply("r", PROPOSAL, EFFECT, latest, published)
    return done.publish is not None, done.outcome


def test_a_level_takes_effect_as_the_next_version_and_changes_nothing_else() -> None:
    done = domain.apply("r", PROPOSAL, EFFECT, LATEST, None)
    assert done.outcome == Outcome(version=2, failure=None)
    assert done.publish is not None
    assert (done.publish.number, done.publish.valid_from, done.publish.review) == (2, EFFECT, "r")
    same = replace(done.publish.procedure, service_level="partial", valid_from=date(2019, 1, 1), version=1)
    assert same == LATEST.procedure


def test_what_is_published_already_is_not_published_again() -> None:
    later = catalogue.publish(LATEST, procedure(service_level=3, valid_from=date(2024, 8, 1)))
    assert outcome(later, published=2) == (False, Outcome(version=2, failure=None))
    full = catalogue.publish(LATEST, procedure(service_level="full", valid_from=EFFECT))
    assert outcome(full) == (False, Outcome(version=2, failure=None))


@pytest.mark.parametrize(
    ("latest", "why"),
    [
        (None, "withdrawn"),
        (catalogue.withdraw(LATEST, date(2024, 6, 1), "QĐ 1"), "withdrawn"),
        (catalogue.publish(LATEST, procedure(valid_from=date(2024, 7, 2))), "later_version"),
        (catalogue.publish(LATEST, procedure(service_level="full", valid_from=date(2024, 7, 2))), "later_version"),
        (catalogue.publish(LATEST, procedure(valid_to=date(2024, 7, 1))), "expired"),
    ],
)
def test_a_history_that_cannot_be_continued_is_said(latest: catalogue.Version | None, why: str) -> None:
    assert outcome(latest) == (False, Outcome(version=None, failure=why))


# -- over HTTP


@pytest.fixture
def token(key_folder: Path) -> Callable[..., str]:
    def mint(agency: str | None, *scopes: str) -> str:
        return keys.mint_token(
            key_folder / "jwt_private.jwk", subject=f"officer:{agency}", name="x", scopes=scopes, agency=agency
        )

    return mint


@pytest.fixture
def editor(api: Api, token: Callable[..., str]) -> Api:
    """An editor of a catalogue with two departments, the province and five procedures at level partial."""
    editor = api.as_(token(None, "catalog.edit", "catalog.review"))
    for id in ("H56", "H56.14", "H56.02"):
        assert editor.put(f"/agencies/{id}", body(agency(id)), key=key()).status_code == 201
    for code in CODES:
        made = procedure(code=code, local_code=None, service_level="partial")
        assert editor.put(f"/procedures/{code}", body(made), key=key()).status_code == 201
    return editor


@pytest.fixture
def own(api: Api, token: Callable[..., str]) -> Api:
    return api.as_(token("H56.14", "catalog.review"))


@pytest.fixture
def other(api: Api, token: Callable[..., str]) -> Api:
    return api.as_(token("H56.02", "catalog.review"))


@pytest.fixture
def path(editor: Api) -> str:
    answer = editor.post("/reviews", REVIEW, key=key())
    assert answer.status_code == 201, answer.text
    return f"/reviews/{answer.json['id']}"


def propose(who: Api, path: str, code: str, level: Any = "full") -> Any:
    return who.post(
        f"{path}/proposals", {"procedure": code, "service_level": level, "reason": "Đủ điều kiện"}, key=key()
    )


def decide(editor: Api, path: str, *accepted: str, **more: Any) -> Any:
    return editor.post(f"{path}/decision", DECISION | {"accepted": accepted} | more, key=key())


def states(who: Api, path: str) -> dict[str, str]:
    return {item["procedure"]: item["state"] for item in who.get(f"{path}/proposals").json["items"]}


def apply_all(catalog_store: CatalogStore) -> int:
    """How many rounds it took; it always ends."""
    for n in range(20):
        if not apply_next(catalog_store, catalog_store.reviews, lambda: NOW):
            return n
    raise AssertionError("it goes on and on")


def test_a_campaign_from_its_opening_to_its_effect(
    editor: Api, own: Api, other: Api, path: str, catalog_store: CatalogStore
) -> None:
    for code in CODES[:3]:
        made = propose(own, path, code)
        assert (made.status_code, made.json["current_level"], made.json["state"]) == (201, "partial", "proposed")
    said = other.post(f"{path}/proposals/{CODES[0]}/opinions", {"agree": False, "text": "Chưa kết nối"}, key=key())
    assert (said.status_code, said.json["agency"]) == (201, "H56.02")
    on_paper = {"agree": True, "agency": "H56"}
    assert editor.post(f"{path}/proposals/{CODES[0]}/opinions", on_paper, key=key()).status_code == 201
    [first, *_] = own.get(f"{path}/proposals").json["items"]
    assert (first["agreeing"], first["disagreeing"], len(first["opinions"])) == (1, 1, 2)
    assert own.get(path).json["proposals"]["proposed"] == 3

    decided = decide(editor, path, CODES[1], CODES[2])
    assert (decided.status_code, decided.json["state"], decided.json["decision"]["number"]) == (
        200, "decided", "QĐ 99/QĐ-UBND",
    )  # fmt: skip
    assert states(own, path) == {CODES[0]: "not_accepted", CODES[1]: "to_apply", CODES[2]: "to_apply"}
    # Nothing has changed yet: versions follow the decision.
    assert own.public(f"/procedures/{CODES[1]}").json["latest_version"] == 1

    assert apply_all(catalog_store) == 2
    assert states(own, path) == {CODES[0]: "not_accepted", CODES[1]: "applied", CODES[2]: "applied"}
    done = own.get(path).json
    assert (done["state"], done["proposals"]) == (
        "applied", {"proposed": 0, "not_accepted": 1, "to_apply": 0, "applied": 2, "failed": 0},
    )  # fmt: skip
    shown = own.public(f"/procedures/{CODES[1]}?version=2").json
    assert (shown["service_level"], shown["valid_from"], shown["status"]) == ("full", "2024-07-01", "upcoming")
    assert shown["review"] == path.removeprefix("/reviews/")
    assert own.public(f"/procedures/{CODES[1]}?on=2024-06-30").json["service_level"] == "partial"
    assert own.public(f"/procedures/{CODES[1]}?on=2024-07-01").json["service_level"] == "full"
    assert own.public(f"/procedures/{CODES[0]}").json["latest_version"] == 1
    told = catalog_store.procedures.collection.find_one({"_id": f"{CODES[1]}/2"})
    assert told is not None
    assert [entry["id"] for entry in told["outbox"]] == [f"catalog.procedure:{CODES[1]}:2"]
    assert apply_all(catalog_store) == 0


def test_a_kill_between_the_versions_and_the_note_makes_no_second_version(
    editor: Api, own: Api, path: str, catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(own, path, CODES[0])
    decide(editor, path, CODES[0])

    def killed(_changes: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(catalog_store.reviews.proposals, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_next(catalog_store, catalog_store.reviews, lambda: NOW)
    assert states(own, path) == {CODES[0]: "to_apply"}
    # An editor goes on in between; the level of the campaign is not put on top of that a second time.
    changed = procedure(code=CODES[0], local_code=None, service_level=4, valid_from=date(2024, 7, 1))
    assert editor.put(f"/procedures/{CODES[0]}", body(changed), key=key()).status_code == 200
    apply_all(catalog_store)
    assert own.get(f"{path}/proposals").json["items"][0]["outcome"] == {"version": 2, "failure": None}
    assert own.public(f"/procedures/{CODES[0]}").json["latest_version"] == 3


def test_a_version_published_at_the_same_moment_is_not_lost(
    editor: Api, own: Api, path: str, catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(own, path, CODES[0])
    decide(editor, path, CODES[0])
    latest = catalog_store.latest([CODES[0]])
    meanwhile = procedure(code=CODES[0], local_code=None, name="Tên mới", service_level="partial")
    assert editor.put(f"/procedures/{CODES[0]}", body(meanwhile), key=key()).status_code == 200
    with monkeypatch.context() as patched:
        patched.setattr(catalog_store, "latest", lambda _: latest)
        assert apply_next(catalog_store, catalog_store.reviews, lambda: NOW)
    assert states(own, path) == {CODES[0]: "to_apply"}
    apply_all(catalog_store)
    shown = own.public(f"/procedures/{CODES[0]}?version=3").json
    assert (shown["name"], shown["service_level"]) == ("Tên mới", "full")


def test_more_than_a_batch_takes_effect(
    editor: Api, own: Api, path: str, catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.reviews.usecases.BATCH", 2)
    for code in CODES:
        propose(own, path, code)
    editor.post(f"/procedures/{CODES[4]}/withdrawal", {"on": "2024-06-01", "decision": "QĐ"}, key=key())
    decide(editor, path, *CODES)
    assert apply_all(catalog_store) == 4
    counts = own.get(path).json["proposals"]
    assert (counts["applied"], counts["failed"], counts["to_apply"]) == (4, 1, 0)
    [failed] = own.get(f"{path}/proposals?state=failed").json["items"]
    assert (failed["procedure"], failed["outcome"]) == (CODES[4], {"version": None, "failure": "withdrawn"})
    assert [item["procedure"] for item in own.get(f"{path}/proposals?state=applied&limit=3").json["items"]] == CODES[:3]
    assert own.get(f"{path}/proposals?state=proposed").json["items"] == []


def test_two_workers_at_once_publish_each_level_once(
    editor: Api, own: Api, path: str, catalog_store: CatalogStore
) -> None:
    propose(own, path, CODES[0])
    decide(editor, path, CODES[0])
    stale = catalog_store.reviews.to_apply()
    assert apply_next(catalog_store, catalog_store.reviews, lambda: NOW)
    assert stale is not None
    assert apply_next(catalog_store, catalog_store.reviews, lambda: NOW)
    assert own.public(f"/procedures/{CODES[0]}?version=2").json["latest_version"] == 2


def test_who_may_propose_and_who_may_not(
    editor: Api, own: Api, other: Api, path: str, token: Callable[..., str]
) -> None:
    refused = propose(other, path, CODES[0])
    assert (refused.status_code, refused.json["code"]) == (403, "others_review")
    assert propose(editor, path, CODES[0]).status_code == 201
    again = propose(own, path, CODES[0], 4)
    assert (again.status_code, again.json["code"]) == (409, "already_proposed")
    for scope in ("catalog.edit", "dossiers.read"):
        assert propose(own.as_(token("H56.14", scope)), path, CODES[1]).status_code == 403
    assert own.post("/reviews", REVIEW, key=key()).status_code == 403
    assert decide(own, path, CODES[0]).status_code == 403
    assert own.public("/reviews").status_code == 401


def test_an_agency_speaks_for_itself_only(editor: Api, own: Api, other: Api, path: str) -> None:
    propose(own, path, CODES[0])
    opinions = f"{path}/proposals/{CODES[0]}/opinions"
    assert other.post(opinions, {"agree": True, "agency": "H56"}, key=key()).status_code == 403
    assert own.post(opinions, {"agree": True}, key=key()).json["code"] == "own_opinion"
    assert editor.post(opinions, {"agree": True}, key=key()).json["errors"][0]["pointer"] == "/agency"
    assert editor.post(opinions, {"agree": True, "agency": "H56.99"}, key=key()).status_code == 422
    nowhere = other.post(f"{path}/proposals/{CODES[1]}/opinions", {"agree": True}, key=key())
    assert (nowhere.status_code, nowhere.json["code"]) == (404, "not_proposed")


def test_a_proposal_must_change_a_level_of_a_known_procedure(own: Api, path: str) -> None:
    assert propose(own, path, "9.999999").json["errors"][0]["pointer"] == "/procedure"
    assert propose(own, path, CODES[0], "partial").json["errors"][0]["pointer"] == "/service_level"
    assert propose(own, path, CODES[0], 5).status_code == 422
    assert propose(own, "/reviews/nothing", CODES[0]).json["code"] == "review_unknown"
    assert own.get("/reviews/nothing/proposals").status_code == 404


def test_a_review_needs_a_known_agency_and_a_day_to_come(editor: Api) -> None:
    for change, pointer in (
        ({"agency": "H56.99"}, "/agency"), ({"deadline": "2024-06-02"}, "/deadline"), ({"basis": " "}, "/basis"),
    ):  # fmt: skip
        answer = editor.post("/reviews", REVIEW | change, key=key())
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_repetitions_get_the_first_answer(editor: Api, own: Api, other: Api, path: str) -> None:
    proposal = {"procedure": CODES[0], "service_level": "full", "reason": "Đủ"}
    for who, where, sent in (
        (editor, "/reviews", REVIEW),
        (own, f"{path}/proposals", proposal),
        (other, f"{path}/proposals/{CODES[0]}/opinions", {"agree": True}),
        (editor, f"{path}/decision", DECISION | {"accepted": [CODES[0]]}),
    ):
        first = who.post(where, sent, key="same")
        again = who.post(where, sent, key="same")
        assert first.status_code in (200, 201), first.text
        assert (again.status_code, again.data) == (first.status_code, first.data)
    assert len(own.get(f"{path}/proposals").json["items"][0]["opinions"]) == 1
    twice = decide(editor, path)
    assert (twice.status_code, twice.json["code"]) == (409, "review_decided")


def test_a_decision_names_what_was_proposed(editor: Api, own: Api, path: str) -> None:
    propose(own, path, CODES[0])
    wrong = decide(editor, path, CODES[0], CODES[1])
    assert [error["pointer"] for error in wrong.json["errors"]] == ["/accepted/1"]
    stale = editor.post(f"{path}/decision", DECISION | {"accepted": []}, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert editor.post(f"{path}/decision", DECISION | {"accepted": []}).status_code == 428


def test_campaigns_are_listed_newest_first(editor: Api, own: Api) -> None:
    made = [editor.post("/reviews", REVIEW | {"name": str(n)}, key=key()).json["id"] for n in range(3)]
    editor.post("/reviews", REVIEW | {"agency": "H56.02"}, key=key())
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = own.get(f"/reviews?agency=H56.14&limit=2&cursor={cursor}").json
        found += [item["id"] for item in answer["items"]]
        cursor = answer["next"]
    assert found == sorted(made, reverse=True)
    assert len(own.get("/reviews").json["items"]) == 4
