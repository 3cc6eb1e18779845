"""Agencies that take over from others: the rules, the request, the file of many, and what a kill in between leaves."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from catalog.domain import Agency, Alias
from catalog.main import CATALOG, assemble
from catalog.reorganisations import Reorganisations
from catalog.schemas import AgencyRow
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore, StoredAgency
from catalog.successions import Succession, errors_of, succeed
from catalog.usecases import UseCases
from chassis import store
from chassis.service import Context
from tests.catalog.callers import NOW, Api, call
from tests.catalog.making import agency, body, item

DAY = date(2025, 7, 1)
OLD, OTHER, NEW, BESIDE = "H56.30", "H56.31", "H56.50.01", "H56.50.02"


def district(id: str = OLD, **changes: Any) -> Agency:
    return agency(id, level="district", kind="people_committee", **changes)


def commune(id: str = NEW, **changes: Any) -> Agency:
    return agency(id, level="commune", kind="people_committee", **{"valid_from": DAY, **changes})


def succession(**changes: Any) -> Succession:
    plain = Succession(predecessors=(OLD,), successors=(NEW,), takes_over=NEW, on=DAY, decision="NQ 1686")
    return replace(plain, **changes)


AGENCIES = {each.id: each for each in (district(), district(OTHER), commune(), commune(BESIDE))}


def found(one: Succession, agencies: dict[str, Agency] | None = None, *earlier: Succession) -> set[tuple[str, str]]:
    return {(error.pointer, error.code) for error in errors_of(one, agencies or AGENCIES, earlier)}


# -- the rules


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"predecessors": ()}, "/predecessors", "empty"),
        ({"predecessors": (OLD, OLD)}, "/predecessors/1", "repeated"),
        ({"predecessors": ("H56.99",)}, "/predecessors/0", "unknown_agency"),
        ({"successors": ("H56.99",), "takes_over": "H56.99"}, "/successors/0", "unknown_agency"),
        ({"predecessors": (OLD, NEW)}, "/predecessors/1", "circle"),
        ({"successors": (NEW, BESIDE), "takes_over": ""}, "/takes_over", "not_a_successor"),
        ({"takes_over": OTHER}, "/takes_over", "not_a_successor"),
        ({"on": date(2025, 6, 30)}, "/successors/0", "not_in_force"),
        ({"on": date(2019, 1, 1)}, "/predecessors/0", "not_in_force"),
        ({"on": date(3025, 7, 1)}, "/on", "year"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert found(succession()) == set()
    assert (pointer, code) in found(succession(**changes))


def test_the_dead_have_no_successors_and_succeed_nobody() -> None:
    dead = {**AGENCIES, OLD: district(valid_to=date(2025, 1, 1))}
    assert found(succession(), dead) == {("/predecessors/0", "not_in_force")}
    assert found(succession(), {**AGENCIES, OLD: district(valid_to=DAY)}) == set()
    gone = {**AGENCIES, NEW: commune(valid_from=date(2020, 1, 1), valid_to=DAY)}
    assert found(succession(), gone) == {("/successors/0", "not_in_force")}
    # Others take over from it, although its own document does not show that yet.
    earlier = succession(predecessors=(NEW,), successors=(BESIDE,), takes_over=BESIDE)
    assert found(succession(), None, earlier) == {("/successors/0", "not_in_force")}
    assert found(succession(), None, succession(decision="another")) == {("/predecessors/0", "already_succeeded")}


def test_two_do_not_take_over_from_each_other() -> None:
    """B takes over from A in July, and A from B in June: each would point at the other."""
    both = {each.id: each for each in (district(), district(OTHER))}
    first = succession(successors=(OTHER,), takes_over=OTHER)
    back = succession(predecessors=(OTHER,), successors=(OLD,), takes_over=OLD, on=date(2025, 6, 1))
    assert found(back, both, first) == {("/predecessors/0", "circle")}


def test_the_agencies_afterwards() -> None:
    both = succession(predecessors=(OLD, OTHER), successors=(NEW, BESIDE))
    after = succeed(both, AGENCIES)
    assert after == {
        OLD: district(valid_to=DAY),
        OTHER: district(OTHER, valid_to=DAY),
        NEW: commune(
            aliases=(Alias(id=OLD, valid_from=DAY), Alias(id=OTHER, valid_from=DAY)), inherited_levels=("district",)
        ),
    }
    assert succeed(both, {**AGENCIES, **after}) == {}, "done already"


def test_what_received_no_dossiers_hands_no_procedures_on() -> None:
    after = succeed(succession(), {**AGENCIES, OLD: district(one_stop=False)})
    assert after[NEW].inherited_levels == ()


# -- over HTTP


@pytest.fixture
def filled(catalog_store: CatalogStore) -> CatalogStore:
    use = UseCases(catalog_store)
    for n, each in enumerate(AGENCIES.values()):
        use.put_agency(call(f"made-{n}"), each)
    for collection in catalog_store.outboxes:
        collection.update_many({}, {"$set": {"outbox": []}})
    return catalog_store


def told(catalog_store: CatalogStore) -> list[tuple[str, str]]:
    """(type, subject) of every event that waits."""
    events = [
        json.loads(entry["body"])
        for collection in catalog_store.outboxes
        for document in collection.find({}).sort("_id")
        for entry in document["outbox"]
    ]
    return [(event["type"], event["subject"]) for event in events]


BODY = {"predecessors": [OLD], "successors": [NEW], "on": "2025-07-01", "decision": "Nghị quyết 1686/NQ-UBTVQH15"}


def test_a_succession_closes_the_one_and_names_the_other(filled: CatalogStore, api: Api) -> None:
    answer = api.post("/successions", BODY, key="s1")
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert made == {**BODY, "id": made["id"], "takes_over": NEW}
    old, new = (api.public(f"/agencies/{id}").json for id in (OLD, NEW))
    assert (old["id"], old["valid_to"], old["succeeded_by"]) == (OLD, "2025-07-01", NEW)
    assert new["aliases"] == [{"id": OLD, "valid_from": "2025-07-01", "valid_to": None}]
    assert (new["inherited_levels"], new["succeeded_by"]) == (["district"], None)
    assert told(filled) == [
        ("catalog.agency.changed.v1", OLD),
        ("catalog.agency.changed.v1", NEW),
        ("catalog.agency.succeeded.v1", made["id"]),
    ]

    def there(on: str) -> set[str]:
        return {each["id"] for each in api.public(f"/agencies?on={on}").json["items"]}

    assert {OLD, NEW} & there("2025-06-30") == {OLD}
    assert {OLD, NEW} & there("2025-07-01") == {NEW}


def test_it_is_told_again_as_it_was_told_first(filled: CatalogStore, api: Api) -> None:
    api.post("/successions", BODY, key="s1")
    (document,) = filled.successions.collection.find({})
    (first,) = document["outbox"]
    (again,) = filled.published("successions")
    assert (again.id, again.body) == (first["id"], first["body"])


def test_a_repeated_succession_gets_its_first_answer_and_is_done_once(filled: CatalogStore, api: Api) -> None:
    first, again = api.post("/successions", BODY, key="s1"), api.post("/successions", BODY, key="s1")
    assert again.status_code == 201
    assert again.data == first.data
    assert len(told(filled)) == 3
    other = api.post("/successions", {**BODY, "decision": "khác"}, key="s1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    twice = api.post("/successions", BODY, key="s2")
    assert (twice.status_code, twice.json["errors"][0]["code"]) == (422, "already_succeeded")


def test_of_two_at_the_same_moment_the_second_is_refused(
    filled: CatalogStore, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CatalogStore, "every_succession", lambda _: [])
    assert api.post("/successions", BODY, key="s1").status_code == 201
    monkeypatch.setattr(CatalogStore, "every_agency", lambda _: AGENCIES)
    answer = api.post("/successions", {**BODY, "successors": [BESIDE]}, key="s2")
    assert (answer.status_code, answer.json["code"]) == (409, "already_succeeded")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"predecessors": []}, "/predecessors"),
        ({"predecessors": "H56.30"}, "/predecessors"),
        ({"decision": ""}, "/decision"),
        ({"decision": "a\x00b"}, "/decision"),
        ({"on": "2025-13-01"}, "/on"),
        ({"successors": [NEW, BESIDE]}, "/takes_over"),
        ({"sucessors": [NEW]}, "/sucessors"),
    ],
)
def test_a_clumsy_body(filled: CatalogStore, api: Api, changes: dict[str, Any], pointer: str) -> None:
    answer = api.post("/successions", {**BODY, **changes}, key="s1")
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json["errors"]}
    assert told(filled) == []


def test_only_editors_with_a_key(filled: CatalogStore, api: Api, mint: Callable[..., str]) -> None:
    assert api.post("/successions", BODY).status_code == 428
    assert api.public("/successions", "POST", json=BODY, headers={"Idempotency-Key": "k"}).status_code == 401
    assert api.as_(mint("catalog.read")).post("/successions", BODY, key="k").status_code == 403


def test_successions_are_listed_page_by_page(filled: CatalogStore, api: Api) -> None:
    api.post("/successions", BODY, key="s1")
    api.post("/successions", {**BODY, "predecessors": [OTHER], "on": "2025-08-01"}, key="s2")
    assert [each["predecessors"] for each in api.public("/successions").json["items"]] == [[OTHER], [OLD]]
    first = api.public("/successions?limit=1").json
    second = api.public(f"/successions?limit=1&cursor={first['next']}").json
    assert [page["items"][0]["on"] for page in (first, second)] == ["2025-08-01", "2025-07-01"]
    assert second["next"] is None
    assert len(api.public(f"/successions?agency={NEW}").json["items"]) == 2
    assert len(api.public(f"/successions?agency={OLD}").json["items"]) == 1
    assert api.public("/successions?cursor=xyz").status_code == 422


def test_who_was_succeeded_is_not_raised_from_the_dead(filled: CatalogStore, api: Api) -> None:
    api.post("/successions", BODY, key="s1")
    alive = api.put(f"/agencies/{OLD}", body(district()), key="k1")
    assert (alive.status_code, alive.json["errors"][0]) == (
        422, {"pointer": "/valid_to", "code": "succeeded", "message": "2025-07-01, when others took over from it"},
    )  # fmt: skip
    renamed = api.put(f"/agencies/{OLD}", body(district(valid_to=DAY, name="Tên đúng")), key="k2")
    assert renamed.status_code == 200
    # The one that took over may be changed, and bears the old identifier on.
    new = api.public(f"/agencies/{NEW}").json
    kept = {name: new[name] for name in body(commune())} | {"name": "Ủy ban nhân dân xã Hoằng Hóa"}
    assert api.put(f"/agencies/{NEW}", kept, key="k3").status_code == 200


# -- what a kill in between leaves


def test_what_a_process_that_died_left_is_done_by_the_next(
    filled: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reorganisations = Reorganisations(filled)
    monkeypatch.setattr(Reorganisations, "follow", lambda _: False)
    assert reorganisations.succeed(call("s1"), succession()).status == 201
    monkeypatch.undo()
    assert filled.every_agency() == AGENCIES
    assert filled.pending_successions(10) != []
    # Killed again, between the agencies and the note that they follow.
    monkeypatch.setattr(filled.successions, "save", lambda _: [])
    reorganisations.follow()
    monkeypatch.undo()
    after = filled.every_agency()
    events = told(filled)
    assert after == {**AGENCIES, **succeed(succession(), AGENCIES)}
    assert reorganisations.follow() is False
    assert filled.pending_successions(10) == []
    assert (filled.every_agency(), told(filled)) == (after, events)


def test_a_change_at_the_same_moment_is_not_lost(filled: CatalogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    reorganisations, save = Reorganisations(filled), filled.agencies.save

    def overtaken(changes: Any) -> list[bool]:
        monkeypatch.undo()
        UseCases(filled).put_agency(call("k"), commune(name="Tên khác"))
        return save(changes)

    monkeypatch.setattr(filled.agencies, "save", overtaken)
    reorganisations.succeed(call("s1"), succession())
    while reorganisations.follow():
        pass
    new = filled.every_agency()[NEW]
    assert (new.name, [alias.id for alias in new.aliases]) == ("Tên khác", [OLD])
    assert filled.pending_successions(10) == []


# -- a file of many


@pytest.fixture
def run(database: Database[store.Document], make_settings: Callable[[str], CatalogSettings]) -> Callable[..., int]:
    context = Context(make_settings("amqp://127.0.0.1:1/none"), database, store.Carrier(lambda: NOW), lambda: NOW)
    return lambda *arguments: CATALOG.commands["reorganise"][1](context, assemble(context), list(map(str, arguments)))


def test_the_sample_province_is_reorganised(
    catalog_store: CatalogStore, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """27 districts and the sample's 176 communes and 14 units end; 166 communes are there; twice is once."""
    province = Path("sample/province")
    sample = json.loads((province / "agencies.json").read_text())["items"]
    catalog_store.agencies.add([_as_stored(AgencyRow.model_validate(row).agency(row["id"])) for row in sample])
    file = province / "reorganisation.json"
    before = catalog_store.every_agency()
    assert run(file, "--dry-run") == 0
    assert catalog_store.every_agency() == before
    assert capsys.readouterr().out.splitlines() == [
        "agencies: 166 accepted, 0 unchanged, 0 rejected",
        "successions: 76 accepted, 0 unchanged, 0 rejected",
        "reorganisation on 2025-07-01 (dry run): 217 agencies end",
    ]
    assert run(file) == 0
    after = catalog_store.every_agency()
    assert len(after) == 260 + 166
    ended = {id for id, each in after.items() if each.valid_to == DAY}
    assert ended == {id for id, each in before.items() if each.level != "province"}
    in_force = [each for each in after.values() if each.valid_to is None]
    assert [sum(each.level == level for each in in_force) for level in ("province", "district", "commune")] == [
        43,
        0,
        166,
    ]
    successors = {id: each.takes_over for each in catalog_store.every_succession() for id in each.predecessors}
    assert successors.keys() == ended
    assert {after[id].level for id in successors.values()} == {"commune"}
    assert after[successors["H56.30"]].name == "Ủy ban nhân dân xã Hoằng Hóa"
    events = told(catalog_store)
    capsys.readouterr()
    assert run(file) == 0
    assert (catalog_store.every_agency(), told(catalog_store)) == (after, events)
    assert "0 accepted, 76 unchanged, 0 rejected" in capsys.readouterr().out


def _as_stored(made: Agency) -> Any:
    return store.New(made.id, StoredAgency(id=made.id, agency=made, changed_at=NOW, changed_by="x"), [], NOW)


def test_a_bad_row_of_a_file_spoils_only_itself_and_what_needs_it(
    filled: CatalogStore, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = commune("H56.50.03"), commune("H56.50.04", parent="H56.98")
    file = tmp_path / "file.json"
    rows = [
        {"predecessors": [OLD], "successors": [good.id]},
        {"predecessors": [OTHER], "successors": [bad.id]},
        {"predecessors": [OLD], "successors": [NEW]},
    ]
    file.write_text(
        json.dumps({"on": "2025-07-01", "decision": "NQ", "agencies": [item(good), item(bad)], "successions": rows})
    )
    for arguments in ([file, "--dry-run"], [file]):
        assert run(*arguments) == 1
        assert capsys.readouterr().out.splitlines()[:4] == [
            "agency 1: /parent: unknown_agency: an agency that is known, or in the same import",
            "succession 1: /successors/0: unknown_agency: an agency that is known",
            f"succession 2: /predecessors/0: already_succeeded: it was succeeded on {DAY}",
            "agencies: 1 accepted, 0 unchanged, 1 rejected",
        ]
    assert filled.every_agency()[OLD].valid_to == DAY
    assert filled.every_agency()[OTHER].valid_to is None


@pytest.mark.parametrize("text", ["", "[]", '{"on": "2025-07-01"}', '{"on": "x", "decision": "d", "successions": [1]}'])
def test_a_file_that_cannot_be_read(run: Callable[..., int], tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    assert run(file) == 2
    assert run(tmp_path / "none.json") == 2
