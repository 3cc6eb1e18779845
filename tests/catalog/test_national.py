"""Lists in the national shape: what is put right and said, what is refused; and the real list, if it is there."""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from catalog.definitions import procedure_errors
from catalog.imports import national, texts
from catalog.imports.national import convert, repeated_names
from catalog.main import CATALOG, assemble
from catalog.queries import Queries
from catalog.schemas import ProcedureRow
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore, Wanted
from chassis import store
from chassis.errors import FieldError
from chassis.service import Context
from tests.catalog.callers import NOW, Api
from tests.support.effort import examples

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "procedures.json"
TODAY = date(2024, 6, 3)


def listed(**changes: Any) -> dict[str, Any]:
    """An entry without any defect but the one that all have: it has no steps."""
    return {
        "code": "1.001193",
        "name": "Đăng ký khai sinh",
        "field": "Hộ tịch",
        "levels": ["commune"],
        "executing_agencies": ["Ủy ban nhân dân xã", "phường"],
        "applicants": ["Công dân Việt Nam", "Cán bộ", "công chức", "viên chức"],
        "decision": "163/QĐ-BTP",
        "duration": 1,
        "duration_unit": "working_day",
        "fee_vnd": 0,
        "channels": [{"channel": "counter", "duration": 1, "unit": "working_day", "fee_vnd": 0, "fee_note": None}],
        "online_channel": True,
        "online_level": "whole_process",
        "documents": [{"case": None, "name": "Tờ khai", "originals": 1, "copies": 0}],
        "documents_total": 1,
        "results": [{"name": "Giấy khai sinh", "code": "KQ.G15.000031"}],
        "data_replacement": [],
    } | changes


def row(**changes: Any) -> dict[str, Any]:
    converted = convert(listed(**changes), TODAY)
    assert converted.errors == []
    return converted.row


def warnings(**changes: Any) -> set[str]:
    return {warning.code for warning in convert(listed(**changes), TODAY).warnings} - {"process_assumed"}


def test_a_sound_entry_is_a_procedure_as_it_stands() -> None:
    converted = convert(listed(), TODAY)
    made = ProcedureRow.model_validate(converted.row).procedure("1.001193")
    assert procedure_errors(made) == []
    assert [warning.code for warning in converted.warnings] == ["process_assumed"]
    assert (made.service_level, made.applicants, made.fees) == ("full", ("citizen",), ())
    assert made.field.code == "HO-TICH"
    assert made.legal_basis == ("Quyết định 163/QĐ-BTP",)
    assert made.durations is not None
    assert (made.durations.counter.amount, made.durations.counter.unit) == (1, "working_day")


@pytest.mark.parametrize(
    ("amount", "unit", "expected", "code"),
    [
        (15, "day", (15, "calendar_day"), None),
        (4, "hour", (4, "hour"), None),
        (2, "month", (60, "calendar_day"), "duration_in_months"),
        (3, "unspecified", (3, "calendar_day"), "duration_unit_missing"),
        (None, None, None, "duration_missing"),
        (0, "day", None, "duration_missing"),
        (True, "day", None, "duration_missing"),
        ("Không quá 15 ngày", None, (15, "calendar_day"), None),
        ("Không quá 15 ngày làm việc", None, (15, "working_day"), None),
        ("Ngay sau khi nhận đủ hồ sơ", None, None, "duration_unreadable"),
        ("15 ngày, hoặc 20 ngày nếu phải xác minh", None, None, "duration_unreadable"),
    ],
)
def test_a_time_is_never_promised_later_than_the_list_says(
    amount: Any, unit: Any, expected: tuple[float, str] | None, code: str | None
) -> None:
    durations = row(duration=amount, duration_unit=unit)["durations"]
    assert durations == (None if expected is None else {"counter": {"amount": expected[0], "unit": expected[1]}})
    assert warnings(duration=amount, duration_unit=unit) == ({code} if code else set())


@pytest.mark.parametrize(
    ("amount", "note", "expected", "code"),
    [
        (0, None, None, None),
        (50_000, None, 50_000, "fee_kind_assumed"),
        ("25.000 đồng", None, 25_000, "fee_kind_assumed"),
        (25_000, "several amounts: 25000, 50000", None, "fee_unclear"),
        ("25.000 đồng hoặc 50.000 đồng", None, None, "fee_unclear"),
        ("Theo quy định", None, None, "fee_unclear"),
        (20, None, None, "fee_implausible"),
        (None, None, None, "fee_missing"),
    ],
)
def test_a_fee_is_only_asked_for_when_it_is_clear(
    amount: Any, note: str | None, expected: int | None, code: str | None
) -> None:
    channels = [{"channel": "counter", "fee_vnd": amount, "fee_note": note}]
    fees = row(fee_vnd=amount, channels=channels)["fees"]
    assert [fee["amount"] for fee in fees] == ([] if expected is None else [expected])
    assert warnings(fee_vnd=amount, channels=channels) == ({code} if code else set())


def test_what_differs_online_is_kept() -> None:
    channels = [
        {"channel": "counter", "duration": 3, "unit": "day", "fee_vnd": 50_000},
        {"channel": "online", "duration": 2, "unit": "working_day", "fee_vnd": 25_000},
    ]
    made = row(channels=channels, fee_vnd=50_000, duration=3, duration_unit="day")
    assert made["durations"]["online"] == {"amount": 2, "unit": "working_day"}
    assert (made["fees"][0]["amount"], made["fees"][0]["online_amount"]) == (50_000, 25_000)


@pytest.mark.parametrize(
    ("level", "channel", "expected"),
    [("whole_process", None, "full"), ("part", None, "partial"), (None, True, "partial"), (None, False, 2)],
)
def test_a_service_level_is_never_taken_for_more_than_the_list_says(
    level: str | None, channel: bool | None, expected: Any
) -> None:
    assert row(online_level=level, online_channel=channel)["service_level"] == expected


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"field": None}, "field_missing"),
        ({"levels": ["ministry", "province"]}, "level_left_out"),
        ({"levels": ["district"]}, "district_level"),
        ({"executing_agencies": ["Chi cục Hải quan khu vực"]}, "agency_of_another_level"),
        ({"applicants": []}, "applicants_missing"),
        ({"applicants": ["Người ngoài hành tinh", "Doanh nghiệp"]}, "applicant_unknown"),
        ({"online_level": None}, "service_level_missing"),
        ({"documents": [], "documents_total": 5}, "components_missing"),
        ({"results": []}, "result_missing"),
        ({"results": [{"name": "A"}, {"name": "B"}]}, "results_several"),
        ({"results": [{"name": "A", "code": "KQ.G01.00263"}]}, "result_code_wrong"),
        ({"name": "Ngay sau khi nhận đủ hồ sơ hợp lệ"}, "name_doubtful"),
        ({"name": "x" * 500}, "name_cut"),
    ],
)
def test_each_defect_has_its_own_warning(changes: dict[str, Any], code: str) -> None:
    assert warnings(**changes) == {code}
    assert procedure_errors(ProcedureRow.model_validate(row(**changes)).procedure("1.001193")) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"code": "1.23"}, "procedure_code"), ({"code": None}, "procedure_code"), ({"name": " "}, "blank"),
     ({"levels": ["ministry"]}, "levels_missing"), ({"levels": None}, "levels_missing")],
)  # fmt: skip
def test_what_nothing_can_stand_in_for_is_refused(changes: dict[str, Any], code: str) -> None:
    assert [error.code for error in convert(listed(**changes), TODAY).errors] == [code]


def test_papers_of_one_case_are_not_demanded_in_all() -> None:
    documents = [
        {"case": None, "name": "Đơn", "originals": 1, "copies": 0},
        {"case": "Trường hợp ủy quyền", "name": "Văn bản ủy quyền", "originals": 1, "copies": 0},
        {"case": None, "name": "Thẻ căn cước", "originals": 0, "copies": 0},
        {"case": None, "name": "Đơn", "originals": 1, "copies": 0},
    ]
    replaced = [{"documents": ["Căn cước"], "database": "Cơ sở dữ liệu quốc gia về dân cư"}]
    made = row(documents=documents, data_replacement=replaced)["components"]
    assert [(each["code"], each["required"]) for each in made] == [("TP1", True), ("TP2", False), ("TP3", False)]
    assert [each["replaced_by_database"] for each in made] == [None, None, "Cơ sở dữ liệu quốc gia về dân cư"]
    assert warnings(documents=documents) == {"cases_not_told_apart", "component_repeated"}


def test_two_procedures_with_one_name_are_told_of() -> None:
    rows = [convert(listed(code=f"1.00000{n}", name=name), TODAY) for n, name in enumerate(("Một", "Hai", "MOT"))]
    repeated_names(rows)
    assert [any(w.code == "name_repeated" for w in each.warnings) for each in rows] == [False, False, True]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=10,
)


@settings(max_examples=examples(60, 200), deadline=None)
@given(st.one_of(JSON, st.fixed_dictionaries({}, optional=dict.fromkeys(listed(), JSON))))
def test_no_shape_at_all_breaks_the_reading(entry: Any) -> None:
    convert(entry, TODAY)
    if isinstance(entry, dict):
        convert(listed() | entry, TODAY)


def test_every_warning_is_explained_in_vietnamese() -> None:
    source = Path(national.__file__).read_text(encoding="utf-8")
    named = {
        part.split('"')[3] for part in source.split("self.warn(")[1:] if part.count('"') > 3 and part.startswith('"')
    }
    assert len(named) > 15
    assert {code for code in named if texts.message(code) == texts.message("")} == set()


# -- the real list


@pytest.fixture
def run(database: Database[store.Document], make_settings: Callable[[str], CatalogSettings]) -> Callable[..., int]:
    context = Context(
        make_settings("amqp://nobody:x@127.0.0.1:1/nowhere"), database, store.Carrier(lambda: NOW), lambda: NOW
    )
    return lambda *arguments: CATALOG.commands["import"][1](
        context, assemble(context), [str(each) for each in arguments]
    )


def test_a_list_goes_in_by_command_and_again_without_any_change(
    run: Callable[..., int], tmp_path: Path, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.json"
    entries = [listed(), listed(code="2.000001", duration=None), listed(code="x")]
    path.write_text(json.dumps({"items": entries}), encoding="utf-8")
    assert run("--format", "national", path) == 1
    out = capsys.readouterr().out
    assert "procedure 2 (x): /code: procedure_code" in out
    assert "3 total, 2 accepted, 0 unchanged, 1 rejected, 3 with warnings" in out
    assert "warning in 1 rows: duration_missing: Không ghi thời hạn" in out
    assert api.public("/procedures/1.001193").json["valid_from"] == "2024-06-03"
    assert run("--format", "national", path) == 1
    assert "0 accepted, 2 unchanged, 1 rejected" in capsys.readouterr().out


def test_what_differs_only_in_its_day_is_the_same(
    api: Api, database: Database[store.Document], make_settings: Callable[[str], CatalogSettings], tmp_path: Path
) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps([listed()]), encoding="utf-8")
    for day, version in ((NOW, 1), (NOW.replace(month=9), 1)):
        now = day
        context = Context(make_settings("amqp://x@127.0.0.1:1/x"), database, store.Carrier(lambda: NOW), lambda: now)  # noqa: B023
        assert CATALOG.commands["import"][1](context, assemble(context), ["--format", "national", str(path)]) == 0
        assert api.public("/procedures/1.001193").json["latest_version"] == version


def listed_for_real() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(unicodedata.normalize("NFC", FACTS.read_text(encoding="utf-8")))["items"]
    return found


def gaps(facts: list[dict[str, Any]]) -> dict[str, int]:
    """How many of the list's entries have which gap, counted without the reading that is tested."""
    return {
        "duration_missing": sum(each["duration"] is None for each in facts),
        "duration_unit_missing": sum(each["duration_unit"] == "unspecified" for each in facts),
        "field_missing": sum(not each["field"] for each in facts),
        "applicants_missing": sum(not each["applicants"] for each in facts),
        "service_level_missing": sum(each["online_level"] is None for each in facts),
    }


def told(warnings: Iterable[Sequence[FieldError]]) -> Counter[str]:
    return Counter(code for of_one in warnings for code in {warning.code for warning in of_one})


@pytest.mark.skipif(not FACTS.exists(), reason="reads ../shared/data/procedures.json")
def test_all_2066_real_procedures_are_read_and_each_defect_is_told() -> None:
    facts = listed_for_real()
    read = [convert(each, TODAY) for each in facts]
    assert len(read) == 2066
    assert [each.errors for each in read if each.errors] == []
    assert gaps(facts) == {
        "duration_missing": 551, "duration_unit_missing": 230, "field_missing": 99, "applicants_missing": 465,
        "service_level_missing": 1868,
    }  # fmt: skip
    codes = told(each.warnings for each in read)
    assert {code: codes[code] for code in gaps(facts)} == gaps(facts)


@pytest.mark.thorough
@pytest.mark.skipif(not FACTS.exists(), reason="reads ../shared/data/procedures.json")
def test_all_2066_real_procedures_go_in_and_each_defect_is_told(
    run: Callable[..., int], catalog_store: CatalogStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--format", "national", FACTS) == 0
    assert "2066 total, 2066 accepted, 0 unchanged, 0 rejected, 2066 with warnings" in capsys.readouterr().out
    [stored] = catalog_store.imports.imports.collection.find({})
    rows = catalog_store.imports.rows.page(stored["_id"], None, -1, 10_000)
    assert [row.index for _, row in rows] == list(range(2066))
    facts, codes = listed_for_real(), told(row.warnings for _, row in rows)
    assert {code: codes[code] for code in gaps(facts)} == gaps(facts)
    in_force = {version.code for version in Queries(catalog_store).in_force(Wanted(), TODAY)}
    assert in_force == {each["code"] for each in facts}
