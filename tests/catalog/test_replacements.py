"""Papers that a database replaces, from a decree's annex into procedures."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog import domain as catalogue
from catalog.domain import Component
from catalog.replacements import domain
from catalog.replacements.domain import Replacement
from chassis.store import Aggregates
from tests.catalog.callers import Api
from tests.catalog.making import body, procedure

ANNEX = Path(__file__).parents[3] / "shared" / "data" / "data_replacement.json"
NATIONAL = Path(__file__).parents[2] / "sample" / "province" / "procedures.json"
CODE = procedure().code
DATABASE = "Cơ sở dữ liệu quốc gia về dân cư"
PAPERS = (
    Component(code="TP1", name="Đơn đề nghị gia hạn giấy phép lao động", originals=1),
    Component(code="TP2", name="Thẻ căn cước hoặc giấy tờ tùy thân có dán ảnh", copies=1),
    Component(code="TP3", name="Giấy khai sinh", copies=1),
    Component(code="TP4", name="Bản sao Giấy khai sinh của con", copies=1),
    Component(code="TP5", name="Giấy chứng nhận kết hôn", copies=1, replaced_by_database="Cơ sở dữ liệu hộ tịch"),
)


def row(*documents: str, component: str | None = None, database: str = DATABASE) -> Replacement:
    return Replacement(procedure=CODE, component=component, documents=documents, database=database)


@pytest.mark.parametrize(
    ("replacement", "components", "errors"),
    [
        (row("Căn cước"), ("TP2",), []),
        (row("GIẤY KHAI SINH"), ("TP3", "TP4"), []),
        (row("Bản sao giấy khai sinh"), ("TP3", "TP4"), []),
        (row("Giấy phép lao động"), (), [("/documents/0", "unknown_component")]),
        (row("Giấy khai"), ("TP3", "TP4"), []),
        (row("Giấy kha"), (), [("/documents/0", "unknown_component")]),
        (row("Căn cước", "Hộ chiếu"), ("TP2",), [("/documents/1", "unknown_component")]),
        (row("Căn cước (thay thế 1 phần)"), (), [("/documents/0", "partly_replaced")]),
        (row("Căn cước, thay thế một phần"), (), [("/documents/0", "partly_replaced")]),
        (row(component="TP3"), ("TP3",), []),
        (row(component="TP9"), (), [("/component", "unknown_component")]),
        (row("Bản sao"), (), [("/documents/0", "unknown_component")]),
        (row("!"), (), [("/documents/0", "unknown_component")]),
    ],
)
def test_which_papers_a_row_means(
    replacement: Replacement, components: tuple[str, ...], errors: list[tuple[str, str]]
) -> None:
    found = domain.match(replacement, PAPERS)
    assert found.components == components
    assert [(error.pointer, error.code) for error in found.errors] == errors


def test_a_row_names_a_component_or_documents() -> None:
    assert [error.pointer for error in domain.errors_of(row())] == ["/documents"]
    assert [error.pointer for error in domain.errors_of(row("Giấy", component="TP1"))] == ["/documents"]
    assert [error.pointer for error in domain.errors_of(row("Giấy", database=" "))] == ["/database"]


def test_only_the_papers_change_and_the_decree_joins_the_legal_basis() -> None:
    before = procedure(components=PAPERS)
    papers = [("TP3", "Một"), ("TP3", "Hai"), ("TP5", "Khác")]
    after = domain.replaced(before, papers, "NQ 66.7", date(2025, 1, 1))
    assert after is not None
    # Of two databases the first counts; what was replaced before keeps its database.
    assert [component.replaced_by_database for component in after.components] == [
        None, None, "Một", None, "Cơ sở dữ liệu hộ tịch",
    ]  # fmt: skip
    assert after.legal_basis == (*before.legal_basis, "NQ 66.7")
    assert replace(after, components=PAPERS, legal_basis=before.legal_basis, valid_from=before.valid_from) == before
    assert domain.replaced(after, papers, "NQ 66.7", date(2025, 1, 1)) is None


@pytest.mark.parametrize(
    ("latest", "why"),
    [
        (None, "unknown_procedure"),
        (catalogue.withdraw(catalogue.publish(None, procedure()), date(2024, 1, 1), "QĐ"), "withdrawn"),
        (catalogue.publish(None, procedure(valid_from=date(2025, 1, 2))), "before_latest_version"),
        (catalogue.publish(None, procedure(valid_to=date(2025, 1, 1))), "expired"),
    ],
)
def test_where_no_version_can_begin(latest: catalogue.Version | None, why: str) -> None:
    against = domain.stands_against(latest, date(2025, 1, 1))
    assert against is not None
    assert against.code == why


# -- over HTTP

BODY = {"decision": "Nghị quyết 66.7/2025/NQ-CP", "valid_from": "2025-01-01"}


@pytest.fixture
def filled(api: Api) -> Api:
    for code in (CODE, "1.000001"):
        made = procedure(code=code, local_code=None, components=PAPERS)
        assert api.put(f"/procedures/{code}", body(made), key=code).status_code == 201
    return api


def send(api: Api, items: list[Any], key: str = "a", **more: Any) -> Any:
    answer = api.post("/replacements", BODY | {"items": items} | more, key=key)
    assert answer.status_code == 201, answer.text
    return answer


ITEMS = [
    {"code": CODE, "documents": ["Căn cước"], "database": DATABASE, "ministry": "Bộ Tư pháp", "levels": ["commune"]},
    {"code": CODE, "documents": ["Giấy khai sinh"], "database": "Cơ sở dữ liệu hộ tịch điện tử"},
    {"code": "1.000001", "component": "TP5", "database": DATABASE},
    {"code": "9.999999", "documents": ["Căn cước"], "database": DATABASE},
    {"code": CODE, "documents": ["Hộ chiếu"], "database": DATABASE},
    {"code": CODE, "documents": "Căn cước"},
    "Căn cước",
]


def test_rows_become_one_version_for_each_procedure(filled: Api) -> None:
    done = send(filled, ITEMS).json
    assert [row["status"] for row in done["rows"]] == [
        "accepted", "accepted", "unchanged", "rejected", "rejected", "rejected", "rejected",
    ]  # fmt: skip
    assert (done["total"], done["accepted"], done["unchanged"], done["rejected"], done["versions"]) == (7, 2, 1, 4, 1)
    assert done["rows"][1]["components"] == ["TP3", "TP4"]
    assert done["rows"][3]["errors"][0]["code"] == "unknown_procedure"
    shown = filled.public(f"/procedures/{CODE}?version=2").json
    assert (shown["valid_from"], shown["legal_basis"][-1]) == ("2025-01-01", "Nghị quyết 66.7/2025/NQ-CP")
    asked = [each["code"] for each in shown["components"] if each["replaced_by_database"] is None]
    assert asked == ["TP1"]
    assert filled.public("/procedures/1.000001").json["latest_version"] == 1
    assert filled.get(f"/replacements/{done['id']}").json == done
    assert filled.get("/replacements/x").json["code"] == "replacements_unknown"


def test_a_dry_run_says_the_same_and_changes_nothing(filled: Api) -> None:
    tried = send(filled, ITEMS, key="a", dry_run=True).json
    assert filled.public(f"/procedures/{CODE}").json["latest_version"] == 1
    done = send(filled, ITEMS, key="b").json
    assert {**tried, "id": "", "dry_run": False} == {**done, "id": ""}


def test_a_repetition_changes_nothing(filled: Api) -> None:
    first = send(filled, ITEMS, key="a")
    assert send(filled, ITEMS, key="a").data == first.data
    again = send(filled, ITEMS, key="b").json
    assert (again["accepted"], again["unchanged"], again["versions"]) == (0, 3, 0)
    assert filled.public(f"/procedures/{CODE}").json["latest_version"] == 2


def test_a_procedure_that_somebody_changes_at_the_same_moment_is_refused_whole(
    filled: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.store.Aggregates.add", taken_by_another(filled))
    done = send(filled, ITEMS[:2]).json
    assert [row["status"] for row in done["rows"]] == ["rejected", "rejected"]
    assert done["versions"] == 0
    assert filled.public(f"/procedures/{CODE}").json["latest_version"] == 2


def taken_by_another(api: Api) -> Any:
    """Before the first procedure's version is added, another one takes its number."""

    add = Aggregates.add
    waiting = [procedure(components=PAPERS, local_code=None, name="Tên mới")]

    def patched(self: Any, items: Any) -> Any:
        if self.collection.name == "procedures" and waiting:
            made = waiting.pop()
            assert api.put(f"/procedures/{CODE}", body(made), key="other").status_code == 200
        return add(self, items)

    return patched


def test_it_is_for_editors_with_a_key(filled: Api) -> None:
    assert filled.post("/replacements", BODY | {"items": []}).status_code == 428
    assert filled.public("/replacements", "POST", json=BODY | {"items": []}).status_code == 401
    assert filled.post("/replacements", BODY | {"items": [], "decision": " "}, key="x").status_code == 422


@pytest.mark.skipif(not ANNEX.exists(), reason="needs ../shared/data")
def test_a_real_annex_on_the_sample_says_what_became_of_every_row(api: Api) -> None:
    procedures = json.loads(NATIONAL.read_text(encoding="utf-8"))["items"]
    agencies = json.loads((NATIONAL.parent / "agencies.json").read_text(encoding="utf-8"))["items"]
    imported = api.post("/imports", {"procedures": procedures, "agencies": agencies}, key="i")
    assert (imported.status_code, imported.json["rejected"]) == (201, 0)
    items = json.loads(ANNEX.read_text(encoding="utf-8"))["items"]
    done = send(api, items, dry_run=True).json
    assert done["total"] == len(items) == 723
    known = {each["code"] for each in procedures}
    for item, told in zip(items, done["rows"], strict=True):
        assert told["procedure"] == item["code"]
        assert told["status"] == "rejected" or item["code"] in known
        assert told["status"] != "rejected" or told["errors"]
    # The sample's papers carry their databases already, as the source says them.
    assert done["accepted"] + done["unchanged"] >= 15
