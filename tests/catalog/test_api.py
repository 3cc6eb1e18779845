"""Catalog over HTTP, as editors and everybody else see it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from catalog.domain import Alias, FieldOfWork
from tests.catalog.callers import Api
from tests.catalog.making import agency, body, calendar, procedure

CODE = procedure().code


def publish(api: Api, key: str, **changes: Any) -> Any:
    made = procedure(**changes)
    answer = api.put(f"/procedures/{made.code}", body(made), key=key)
    assert answer.status_code in (200, 201), answer.text
    return answer


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json["items"]]


# -- who may


def test_reading_is_public(api: Api) -> None:
    for path in ("/procedures", "/agencies", f"/procedures/{CODE}", "/agencies/H56", "/calendar/2026"):
        assert api.public(path).status_code in (200, 404)


def test_everything_else_needs_the_scope(api: Api, mint: Callable[..., str]) -> None:
    bearer = {"Authorization": f"Bearer {mint('dossiers.file')}"}
    for method, path in [
        ("PUT", f"/procedures/{CODE}"),
        ("POST", f"/procedures/{CODE}/withdrawal"),
        ("PUT", "/agencies/H56"),
        ("PUT", "/calendar/2026"),
        ("POST", "/imports"),
        ("GET", "/imports/x"),
    ]:
        assert api.public(path, method).status_code == 401
        assert api.public(path, method, headers=bearer).status_code == 403


def test_writing_needs_a_key_or_a_match(api: Api) -> None:
    assert api.put(f"/procedures/{CODE}", body(procedure())).status_code == 428
    assert api.put("/agencies/H56", body(agency("H56"))).status_code == 428
    assert api.put("/calendar/2026", body(calendar())).status_code == 428
    assert api.post("/imports", {}).status_code == 428
    assert api.post(f"/procedures/{CODE}/withdrawal", {"on": "2024-05-01", "decision": "QĐ"}).status_code == 428


# -- procedures


def test_a_published_procedure_is_answered_as_it_was_sent(api: Api) -> None:
    first = publish(api, "a")
    assert (first.status_code, first.headers["ETag"]) == (201, '"1"')
    answer = api.public(f"/procedures/{CODE}")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json == first.json
    assert answer.json == body(procedure()) | {
        "code": CODE,
        "version": 1,
        "latest_version": 1,
        "status": "in_force",
        "withdrawal": None,
        "correction": None,
        "review": None,
    }


def test_the_version_of_a_day_and_of_a_number(api: Api) -> None:
    publish(api, "a", name="Một")
    publish(api, "b", name="Hai", valid_from=date(2024, 2, 1))
    upcoming = publish(api, "c", name="Ba", valid_from=date(2099, 1, 1))
    assert (upcoming.json["status"], upcoming.json["version"]) == ("upcoming", 3)

    def shown(query: str) -> tuple[str, int, str | None, str]:
        json = api.public(f"/procedures/{CODE}{query}").json
        return json["name"], json["version"], json["valid_to"], json["status"]

    assert shown("") == ("Hai", 2, "2099-01-01", "in_force")
    assert shown("?on=2024-01-31") == ("Một", 1, "2024-02-01", "in_force")
    assert shown("?version=1") == ("Một", 1, "2024-02-01", "superseded")
    assert shown("?version=3") == ("Ba", 3, None, "upcoming")
    assert api.public(f"/procedures/{CODE}").headers["ETag"] == '"3"'


def test_what_is_not_there(api: Api) -> None:
    publish(api, "a")
    for path, code in [
        ("/procedures/9.999999", "procedure_unknown"),
        (f"/procedures/{CODE}?version=2", "procedure_unknown"),
        (f"/procedures/{CODE}?on=2018-12-31", "procedure_not_in_force"),
    ]:
        answer = api.public(path)
        assert (answer.status_code, answer.json["code"]) == (404, code)


def test_an_update_names_the_latest_version(api: Api) -> None:
    publish(api, "a")
    assert api.put(f"/procedures/{CODE}", body(procedure()), match=1).status_code == 200
    stale = api.put(f"/procedures/{CODE}", body(procedure()), match=1)
    assert (stale.status_code, stale.json["code"]) == (412, "stale")


def test_a_repeated_key_is_answered_byte_for_byte(api: Api) -> None:
    first = publish(api, "a")
    publish(api, "b", name="Tên mới")
    again = publish(api, "a")
    assert (again.status_code, again.data, again.headers["ETag"]) == (201, first.data, '"1"')
    other = api.put(f"/procedures/{CODE}", body(procedure(name="Khác")), key="a")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_wrong_fields_are_named(api: Api) -> None:
    wrong = body(procedure(name="")) | {"cut_off": "25:00"}
    answer = api.put("/procedures/1.23", wrong, key="a")
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json["errors"]} == {"/code", "/name", "/cut_off"}
    misspelt = api.put(f"/procedures/{CODE}", body(procedure()) | {"naem": "x"}, key="b")
    assert [error["pointer"] for error in misspelt.json["errors"]] == ["/naem"]
    deep = body(procedure())
    deep["process"]["steps"][0]["rôle"] = "x"
    assert api.put(f"/procedures/{CODE}", deep, key="c").json["errors"][0]["pointer"] == "/process/steps/0/rôle"
    assert api.public("/procedures").json["items"] == []


def test_a_withdrawn_procedure_is_not_in_force_but_its_history_stays(api: Api) -> None:
    publish(api, "a")
    path = f"/procedures/{CODE}"
    done = api.post(f"{path}/withdrawal", {"on": "2024-05-01", "decision": "QĐ 12/QĐ-UBND"}, key="b")
    assert (done.status_code, done.headers["ETag"]) == (201, '"2"')
    assert done.json["withdrawal"] == {"on": "2024-05-01", "decision": "QĐ 12/QĐ-UBND"}
    assert api.public(path).json["code"] == "procedure_not_in_force"
    assert api.public(f"{path}?on=2024-04-30").json["valid_to"] == "2024-05-01"
    assert api.public(f"{path}?version=2").json["status"] == "withdrawn"
    again = api.post(f"{path}/withdrawal", {"on": "2024-05-01", "decision": "QĐ"}, key="c")
    assert (again.status_code, again.json["code"]) == (409, "already_withdrawn")
    back = api.put(path, body(procedure(valid_from=date(2024, 6, 1))), match=2)
    assert (back.status_code, api.public(path).json["version"]) == (200, 3)


@pytest.fixture
def three(api: Api) -> Api:
    """A commune's, a department's, and one that was withdrawn; and one that is only announced."""
    office = agency("H56.30", name="Huyện Hoằng Hóa", level="commune", aliases=(Alias(id="000.30.H56"),))
    assert api.put("/agencies/H56.30", body(office), key="x").status_code == 201
    justice = FieldOfWork(code="HOTICH", name="Hộ tịch")
    assert api.put("/agencies/H56.14", body(agency()), key="y").status_code == 201
    publish(api, "a", code="1.001193", local_code=None, name="Đăng ký khai sinh", field=justice)
    land = {"levels": ("province",), "agencies": ("H56.14",)}
    publish(api, "b", code="1.012784", name="Đăng ký đất đai lần đầu", **land)
    publish(api, "c", code="2.000635", local_code=None, name="Đăng ký lại khai sinh", field=justice)
    api.post("/procedures/2.000635/withdrawal", {"on": "2024-05-01", "decision": "QĐ 12"}, key="d")
    publish(api, "e", code="3.000348", local_code=None, name="Cấp sổ", valid_from=date(2099, 1, 1))
    return api


FOUND = {
    "": ["1.001193", "1.012784"],
    "q=&field=&agency=&level=&status=": ["1.001193", "1.012784"],
    "q=dang ky": ["1.001193", "1.012784"],
    "q=SINH khai": ["1.001193"],
    "q=đất ĐAI": ["1.012784"],
    "q=dat da": ["1.012784"],
    "q=ho tich": ["1.001193"],
    "q=1.0127": ["1.012784"],
    "q=1.012784.000": ["1.012784"],
    "q=at": [],
    "q=.*": [],
    "q=khai tử": [],
    "field=HOTICH": ["1.001193"],
    "level=province": ["1.012784"],
    "agency=H56.14": ["1.012784"],
    "agency=H56.30": ["1.001193"],
    "agency=000.30.H56": ["1.001193"],
    "status=withdrawn": ["2.000635"],
    "status=withdrawn&q=khai sinh": ["2.000635"],
    "status=all": ["1.001193", "1.012784", "2.000635", "3.000348"],
}


def test_finding_procedures(three: Api) -> None:
    assert {query: codes(three.public(f"/procedures?{query}")) for query in FOUND} == FOUND


def test_a_filter_by_nobody_is_an_error(three: Api) -> None:
    answer = three.public("/procedures?agency=H56.99")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/agency")
    assert three.public("/procedures?levle=commune").status_code == 422
    assert three.public("/procedures?cursor=nonsense").status_code == 422


def test_only_the_entry_that_counts_is_found(api: Api) -> None:
    publish(api, "a", name="Tên xưa")
    publish(api, "b", name="Tên nay", valid_from=date(2024, 1, 1))
    publish(api, "c", name="Tên mai", valid_from=date(2099, 1, 1))
    assert [
        codes(api.public(f"/procedures?q={q}&status={s}")) for q in ("xưa", "mai") for s in ("in_force", "all")
    ] == [[]] * 4
    found = api.public("/procedures?q=nay").json["items"]
    assert [(item["version"], item["valid_to"], item["status"]) for item in found] == [(2, "2099-01-01", "in_force")]


def test_an_expired_procedure_is_no_longer_offered(api: Api) -> None:
    publish(api, "a", valid_to=date(2024, 1, 1))
    assert codes(api.public("/procedures")) == []
    assert api.public("/procedures?status=withdrawn").json["items"][0]["status"] == "expired"
    assert api.public(f"/procedures/{CODE}").status_code == 404


def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    """Also where many fitting entries do not count, so that a page takes more than one look."""
    expected = []
    for n in range(30):
        code = f"1.{n:06}"
        publish(api, f"a{n}", code=code, local_code=None)
        if n % 3:
            api.post(f"/procedures/{code}/withdrawal", {"on": "2024-05-01", "decision": "QĐ"}, key=f"w{n}")
        else:
            expected.append(code)
    found: list[str] = []
    cursor, pages = "", 0
    while cursor is not None:
        answer = api.public(f"/procedures?limit=2&cursor={cursor}")
        found += codes(answer)
        cursor, pages = answer.json["next"], pages + 1
    assert (found, pages) == (expected, 5)


# -- agencies


def test_an_agency_is_found_by_its_identifier_and_by_an_alias(api: Api) -> None:
    made = api.put("/agencies/H56.14", body(agency(aliases=(Alias(id="000.17.H56"),))), key="a")
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    for id in ("H56.14", "000.17.H56"):
        answer = api.public(f"/agencies/{id}")
        assert (answer.json["id"], answer.headers["ETag"]) == ("H56.14", '"1"')
    own = {"id": "H56.14", "version": 1, "succeeded_by": None}
    assert made.json == body(agency(aliases=(Alias(id="000.17.H56"),))) | own
    assert api.public("/agencies/H56.15").json["code"] == "agency_unknown"


def test_listing_agencies(api: Api) -> None:
    province = agency("H56", kind="people_committee")
    closed = agency("H56.02", parent="H56", valid_to=date(2024, 1, 1))
    future = agency("H56.03", parent="H56", valid_from=date(2099, 1, 1))
    commune = agency("H56.04", parent="H56", level="commune")
    for each in (province, agency("H56.01", parent="H56"), closed, future, commune):
        assert api.put(f"/agencies/{each.id}", body(each), key=each.id).status_code == 201

    def ids(query: str) -> list[str]:
        return [item["id"] for item in api.public(f"/agencies?{query}").json["items"]]

    assert ids("") == ["H56", "H56.01", "H56.04"]
    assert ids("parent=H56") == ["H56.01", "H56.04"]
    assert ids("parent=H56&level=commune") == ["H56.04"]
    assert ids("parent=H56&on=2023-12-31") == ["H56.01", "H56.02", "H56.04"]
    first = api.public("/agencies?limit=2").json
    assert [item["id"] for item in api.public(f"/agencies?limit=2&cursor={first['next']}").json["items"]] == ["H56.04"]


def test_a_wrong_agency_is_refused(api: Api) -> None:
    answer = api.put("/agencies/H56.14", body(agency(parent="H56.99", hours=(("8h", "9h"),))), key="a")
    assert {(error["pointer"], error["code"]) for error in answer.json["errors"]} == {
        ("/parent", "unknown_agency"),
        ("/hours", "hours"),
    }


# -- calendars


def test_a_calendar_is_published_and_changed(api: Api) -> None:
    assert api.public("/calendar/2026").json["code"] == "calendar_unknown"
    made = api.put("/calendar/2026", body(calendar()), key="a")
    told = {"dry_run": False, "days_changed": 1, "changes": made.json["changes"]}
    assert (made.status_code, made.json) == (201, body(calendar()) | {"year": 2026, "version": 1} | told)
    assert api.put("/calendar/2026", body(calendar(decision="Thông báo 13")), match=1).headers["ETag"] == '"2"'
    assert api.public("/calendar/2026").json["decision"] == "Thông báo 13"


def test_a_year_is_a_year(api: Api) -> None:
    for year in ("26", "2026x", "\u0662\u0660\u0662\u0666", "1066"):
        answer = api.put(f"/calendar/{year}", body(calendar()), key="a")
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/year")
