"""Search: what is found, in which order, from which index; and the use that it ranks by."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pymongo.database import Database

from catalog import consumer
from catalog.search.domain import Typed
from catalog.search.store import COUNTED_FOR, Use, Uses, condition, tier
from catalog.store import CatalogStore
from chassis import store
from chassis.consume import Done, Duplicate, Received
from chassis.envelope import read, read_data
from tests.catalog.callers import NOW, Api
from tests.catalog.making import item, procedure
from tests.contracts.documents import TOP

NAMES = {
    "1.000001": "Cấp giấy phép xây dựng nhà ở riêng lẻ",
    "1.000002": "Điều chỉnh giấy phép xây dựng",
    "1.000003": "Đăng ký khai sinh",
    "1.000004": "Đăng ký lại khai sinh",
    "1.000005": "Đăng ký khai sinh có yếu tố nước ngoài",
    "1.000006": "Thông báo về việc đăng ký khai sinh",
    "1.000007": "Xây dựng nhà ở",
}


@pytest.fixture
def filled(api: Api) -> Api:
    procedures = [item(procedure(code=code, local_code=f"{code}.H56", name=name)) for code, name in NAMES.items()]
    assert api.post("/imports", {"procedures": procedures}, key="a").json["rejected"] == 0
    return api


def found(api: Api, q: str, more: str = "") -> list[str]:
    answer = api.public(f"/procedures?q={q}{more}")
    assert answer.status_code == 200, answer.text
    return [each["code"][-1] for each in answer.json["items"]]


@pytest.mark.parametrize(
    ("q", "codes"),
    [
        ("dang ky khai sinh", "3564"),
        ("ĐĂNG KÝ KHAI SINH", "3564"),
        ("đăng ký khai si", "3564"),
        ("sinh khai", "3456"),
        ("khai sinh nuoc ngoai", "5"),
        ("xay dung nha o", "71"),
        ("xay", "712"),
        ("giay phep xay dung", "12"),
        ("1.000002", "2"),
        ("1.000002.H56", "2"),
        ("1.0000", "1234567"),
        ("d", "2345"),
        ("zzz", ""),
        ("!!!", ""),
    ],
)
def test_what_is_found_best_first(filled: Api, q: str, codes: str) -> None:
    assert found(filled, q) == list(codes)


def test_the_whole_code_comes_before_a_name_that_holds_it(filled: Api) -> None:
    other = item(procedure(code="0.000001", local_code=None, name="1.000007 thay thế"))
    filled.post("/imports", {"procedures": [other]}, key="b")
    answer = filled.public("/procedures?q=1.000007")
    assert [each["code"] for each in answer.json["items"]] == ["1.000007", "0.000001"]


@pytest.fixture
def use(catalog_store: CatalogStore) -> Callable[..., None]:
    """Dossiers are received under these procedures."""

    def use(**dossiers: str) -> None:
        catalog_store.uses.add([Use(name, f"1.00000{last}", NOW) for name, last in dossiers.items()])
        catalog_store.uses.count()

    return use


def test_among_equals_the_most_used_comes_first(filled: Api, use: Callable[..., None]) -> None:
    use(a="6", b="6", c="6", d="5", e="5", f="4", g="2")
    assert found(filled, "khai sinh") == ["6", "5", "4", "3"]
    assert found(filled, "dang ky khai sinh") == ["3", "5", "6", "4"]


def test_a_name_with_the_words_one_after_another_comes_before_one_that_has_them_somewhere(
    filled: Api, use: Callable[..., None]
) -> None:
    scattered = procedure(code="1.000009", local_code=None, name="Khai trình nơi sinh hoạt, nhakhai sinh")
    filled.post("/imports", {"procedures": [item(scattered)]}, key="b")
    use(a="9", b="9", c="5")
    assert found(filled, "khai sinh") == ["5", "3", "4", "6", "9"]


def test_pages_follow_the_rank(filled: Api, use: Callable[..., None]) -> None:
    use(a="4", b="6", c="6")
    expected = found(filled, "khai sinh")
    assert expected == ["6", "4", "3", "5"]
    pages: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = filled.public(f"/procedures?q=khai sinh&limit=1&cursor={cursor}").json
        pages += [each["code"][-1] for each in answer["items"]]
        cursor = answer["next"]
    assert pages == expected
    assert filled.public("/procedures?q=khai&cursor=nonsense").status_code == 422


def test_filters_go_with_a_search(filled: Api) -> None:
    filled.post("/procedures/1.000003/withdrawal", {"on": "2024-05-01", "decision": "QĐ 1"}, key="w")
    assert found(filled, "khai sinh") == ["4", "5", "6"]
    assert found(filled, "khai sinh", "&status=withdrawn") == ["3"]
    assert found(filled, "khai sinh", "&status=all") == ["3", "4", "5", "6"]
    assert found(filled, "khai sinh", "&on=2024-04-30") == ["3", "4", "5", "6"]
    assert found(filled, "khai sinh", "&level=province") == []
    assert found(filled, "khai sinh", "&field=KHAC") == []


def test_only_the_entry_that_counts_is_ranked(filled: Api) -> None:
    changed = item(procedure(code="1.000003", local_code=None, name="Khai sinh", valid_from=date(2024, 2, 1)))
    upcoming = item(procedure(code="1.000004", local_code=None, name="Khai sinh", valid_from=date(2099, 2, 1)))
    filled.post("/imports", {"procedures": [changed, upcoming]}, key="b")
    assert found(filled, "khai sinh") == ["3", "4", "5", "6"]
    assert found(filled, "dang ky khai sinh") == ["5", "6", "4"]


def test_older_documents_get_their_titles(filled: Api, catalog_store: CatalogStore) -> None:
    catalog_store.procedures.collection.update_many({}, {"$unset": {"title": ""}})
    catalog_store.ensure_indexes()
    assert found(filled, "dang ky khai sinh") == ["3", "5", "6", "4"]
    assert found(filled, "d") == ["2", "3", "4", "5"]


@pytest.mark.parametrize("q", ["khai sinh", "1.000003", "d", "dang ky khai si"])
def test_an_index_is_used(filled: Api, database: Database[store.Document], q: str) -> None:
    typed = Typed.of(q)
    command = {
        "find": "procedures",
        "filter": {"$and": condition(typed)},
        "projection": {"_id": 0, "code": "$version.code", "number": "$version.number", "tier": tier(typed)},
    }
    stages = str(database.command("explain", command, verbosity="executionStats")["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in stages
    assert "COLLSCAN" not in stages


def test_the_beginning_of_a_code_is_read_from_an_index_alone(filled: Api, database: Database[store.Document]) -> None:
    typed = Typed.of("1.000")
    command = {
        "find": "procedures",
        "filter": {"$and": condition(typed)},
        "projection": {"_id": 0, "code": "$version.code", "number": "$version.number", "tier": tier(typed)},
    }
    stats = database.command("explain", command, verbosity="executionStats")["executionStats"]
    assert (stats["nReturned"], stats["totalDocsExamined"]) == (7, 0)


def test_only_what_the_rarest_word_leaves_is_read(filled: Api, database: Database[store.Document]) -> None:
    command = {"find": "procedures", "filter": {"$and": condition(Typed.of("khai"))}}
    stats = database.command("explain", command, verbosity="executionStats")["executionStats"]
    assert stats["totalDocsExamined"] == 4


# -- use


def received(dossier: str, code: str, at: str = "2024-05-01T01:00:00Z") -> Received:
    sample = read((TOP / "tests/contracts/samples/intake.dossier.received.v1.json").read_text(encoding="utf-8"))
    data = {**sample.data, "dimensions": {**sample.data["dimensions"], "procedure": code}, "received_at": at}
    event = sample.model_copy(update={"subject": dossier, "data": data})
    reading = consumer.table(None)[0].readings["intake.dossier.received.v1"]  # type: ignore[arg-type]
    return Received(event, read_data(reading, data))


def outcomes(catalog_store: CatalogStore, *messages: Received) -> list[type]:
    return [type(each) for each in consumer.table(catalog_store.uses)[0].handler(messages)]


def counts(catalog_store: CatalogStore) -> dict[str, int]:
    """As a process that has just begun reads them."""
    catalog_store.uses.count()
    return Uses(catalog_store.uses.seen.database).known()


def test_a_dossier_counts_once_however_often_it_is_told(catalog_store: CatalogStore) -> None:
    one, two = received("d1", "1.000001"), received("d2", "1.000001")
    assert outcomes(catalog_store, one, two, one) == [Done, Done, Duplicate]
    assert outcomes(catalog_store, two, received("d3", "1.000002")) == [Duplicate, Done]
    assert counts(catalog_store) == {"1.000001": 2, "1.000002": 1}
    assert outcomes(catalog_store) == []


def test_counting_is_repeated_after_whatever_was_cut_short(catalog_store: CatalogStore) -> None:
    outcomes(catalog_store, received("d1", "1.000001"))
    assert counts(catalog_store) == {"1.000001": 1}
    outcomes(catalog_store, received("d2", "1.000001"))
    # Another process counts; this one was killed before it could.
    Uses(catalog_store.uses.seen.database).count()
    assert counts(catalog_store) == {"1.000001": 2}


def test_what_is_too_old_counts_no_more(catalog_store: CatalogStore) -> None:
    outcomes(catalog_store, received("d1", "1.000001"), received("d2", "1.000002"))
    assert counts(catalog_store) == {"1.000001": 1, "1.000002": 1}
    catalog_store.uses.seen.delete_one({"code": "1.000001"})
    assert counts(catalog_store) == {"1.000002": 1}
    [year] = [each for each in catalog_store.uses.seen.list_indexes() if "expireAfterSeconds" in each]
    assert (dict(year["key"]), year["expireAfterSeconds"]) == ({"at": 1}, COUNTED_FOR.total_seconds())


def test_of_a_dossier_nothing_is_kept_but_its_procedure_and_the_day(catalog_store: CatalogStore) -> None:
    outcomes(catalog_store, received("d1", "1.000001", "2024-05-01T17:30:00+07:00"))
    [kept] = catalog_store.uses.seen.find({})
    id = kept.pop("_id")
    assert kept == {"code": "1.000001", "at": datetime(2024, 5, 1, tzinfo=UTC)}
    assert "d1" not in id


def test_counting_reads_an_index_only(catalog_store: CatalogStore) -> None:
    outcomes(catalog_store, *(received(f"d{n}", "1.000001") for n in range(5)))
    command: dict[str, Any] = {
        "aggregate": "uses_seen", "pipeline": [{"$group": {"_id": "$code", "count": {"$sum": 1}}}],
        "cursor": {}, "hint": "code",
    }  # fmt: skip
    explained = catalog_store.uses.seen.database.command("explain", command, verbosity="executionStats")
    stats = explained.get("executionStats") or explained["stages"][0]["$cursor"]["executionStats"]
    assert stats["totalDocsExamined"] == 0
