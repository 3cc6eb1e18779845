"""Pre-filling over HTTP: what is given and what is left to type in, who may look, and what is on record."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from chassis.settings import SettingsError
from intake.domain import population as domain
from intake.population import FAILURES
from intake.settings import IntakeSettings
from native.access import Persona
from tests.doubles.population import KEY, Fault, PopulationServer
from tests.intake import making
from tests.intake.making import body
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE
from tests.support.plans import watched
from tests.support.services import Clock, Running, Tokens, database_url, pointers, problem, running, subject_of

HOA = {"identity": "038185001234", "name": "Nguyễn Thị Hoa", "birth_date": "1985-03-12"}
SELF = Persona("Nguyễn Thị Hoa", ("dossiers.file", "dossiers.read"), identity="038185001234")
COUNTER = Persona("Trần Thị Lan", ("dossiers.file", "dossiers.receive", "dossiers.read"), HERE)
OTHER = Persona("Lê Thị Na", ("dossiers.file", "dossiers.receive", "dossiers.read"), ELSEWHERE)
AUDITOR = Persona("Thanh tra", ("population.audit",))
LOG_KEY = "một-khóa-chỉ-dành-cho-nhật-ký"
FORM: dict[str, Any] = {
    "type": "object",
    "$defs": {"parent": {"type": "object", "properties": {"ten": {"type": "string", "title": "Họ tên"}}}},
    "properties": {
        "gioi_tinh": {"enum": ["Nam", "Nữ"], "title": "Giới tính", "x-population": "sex"},
        "ngay_sinh": {"type": "string", "format": "date", "title": "Ngày sinh", "x-population": "birth_date"},
        "que_quan": {"type": "string", "maxLength": 5, "title": "Quê quán", "x-population": "hometown"},
        "cha": {
            "type": "object",
            "properties": {
                "ten": {"type": "string", "title": "Họ tên cha", "x-population": "father_name"},
                "ngay_sinh": {"type": "string", "title": "Ngày sinh cha", "x-population": "father_birth_date"},
            },
        },
        "vo_chong": {"type": "string", "title": "Vợ hoặc chồng", "x-population": "spouse_name"},
        "la": {"type": "string", "x-population": "mật khẩu"},
        "khac": {"type": "string", "title": "Không lấy từ đâu"},
    },
    "required": ["khac"],
}


@pytest.fixture
def platform() -> Iterator[PopulationServer]:
    with PopulationServer() as server:
        yield server


@pytest.fixture
def connected(
    intake: Running, mongo_url: str, tokens: Tokens, clock: Clock, platform: PopulationServer
) -> Iterator[Running]:
    """Intake, connected to the platform; the business procedure has a form."""
    intake.hear([catalogue.published(catalogue.procedure(version=2, form=FORM))])
    settings = {
        "population_url": platform.url,
        "population_api_key": KEY,
        "population_timeout_seconds": 0.4,
        "population_log_key": LOG_KEY,
    }
    url = database_url(mongo_url, intake.database.name)
    with running(intake.service, url, tokens, clock, **settings) as service:
        yield service


def ask(intake: Running, who: str | Persona = SELF, **query: str) -> TestResponse:
    return intake.get(f"prefill?{urlencode({**HOA, **query})}", who)


def filled(intake: Running, who: str | Persona = SELF, **query: str) -> dict[str, Any]:
    answer = ask(intake, who, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def values(found: dict[str, Any]) -> dict[str, str]:
    return {field["pointer"]: field["value"] for field in found["fields"]}


# --- what is given ----------------------------------------------------------------------------------------------------


def test_what_every_filing_needs_is_given_and_what_is_not_shared_is_typed_in(connected: Running) -> None:
    found = filled(connected)
    assert found["state"] == "ok"
    assert found["message"].startswith("Đã lấy thông tin")
    assert found["fields"] == [
        {"key": "name", "pointer": "/applicant/name", "title": "Họ và tên", "value": "Nguyễn Thị Hoa"},
        {
            "key": "identity", "pointer": "/applicant/identity", "title": "Số định danh cá nhân",
            "value": "038185001234",
        },
        {
            "key": "permanent_address", "pointer": "/applicant/address", "title": "Địa chỉ",
            "value": "Thôn 3, xã Hoằng Lộc, tỉnh Thanh Hóa",
        },
    ]  # fmt: skip
    assert found["to_type_in"] == ["phone", "identity_issued_on", "father_birth_date", "mother_birth_date"]


def test_what_the_form_names_is_given_and_nothing_else(connected: Running) -> None:
    found = filled(connected, procedure=BUSINESS)
    given = values(found)
    assert given.keys() - {"/applicant/name", "/applicant/identity", "/applicant/address"} == {
        "/form/gioi_tinh", "/form/ngay_sinh", "/form/cha/ten",
    }  # fmt: skip
    assert (given["/form/gioi_tinh"], given["/form/ngay_sinh"], given["/form/cha/ten"]) == (
        "Nữ", "1985-03-12", "Nguyễn Văn Bình",
    )  # fmt: skip
    assert found["to_type_in"] == ["phone", "hometown", "father_birth_date", "spouse_name"]
    assert "Lê Thị Mận" not in str(found), "the form does not ask for the mother"


def test_a_value_that_the_form_would_refuse_is_left_to_be_typed_in(connected: Running) -> None:
    """The hometown is longer than the form takes."""
    assert "/form/que_quan" not in values(filled(connected, procedure=BUSINESS))


def test_what_was_given_can_be_filed(connected: Running) -> None:
    given = values(filled(connected, procedure=BUSINESS))
    form: dict[str, Any] = {"gioi_tinh": given["/form/gioi_tinh"], "ngay_sinh": given["/form/ngay_sinh"], "khac": "x"}
    form["cha"] = {"ten": given["/form/cha/ten"]}
    assert connected.post("dossiers", SELF, body(form=form)).status_code == 201


def test_for_a_draft_and_for_a_dossier_it_is_their_own_procedures_form(connected: Running, clock: Clock) -> None:
    clock.set("2100-03-03 09:00")
    draft = connected.post("drafts", SELF, {"dossier": {"procedure": BUSINESS}}).get_json()["id"]
    dossier = connected.post("dossiers", SELF, body(form={"khac": "x"})).get_json()["id"]
    for where in ({"draft": draft}, {"dossier": dossier}):
        assert "/form/cha/ten" in values(filled(connected, **where))
    problem(ask(connected, draft="không-có"), 422)
    problem(ask(connected, draft="none"), 404, "not_found")
    problem(ask(connected, dossier="none"), 404, "not_found")


def test_nothing_of_it_is_kept(connected: Running) -> None:
    filled(connected, procedure=BUSINESS)
    for name in connected.database.list_collection_names():
        text = str(connected.rows(name)) if not name.startswith("system.") else ""
        assert "Nguyễn Văn Bình" not in text, name
        assert "Thôn 3, xã Hoằng Lộc" not in text, name


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, []),
        ({"type": "object"}, []),
        ({"type": "object", "properties": "x"}, []),
        ({"type": "object", "properties": {"a": True, "b": {"x-population": ["sex"]}}}, []),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, []),
        ({"$defs": {"p": {"properties": {"x/y": {"x-population": "sex"}}}}, "properties": {"c": {"$ref": "#/$defs/p"}}},
         ["/form/c/x~1y"]),
    ],
)  # fmt: skip
def test_whatever_a_form_looks_like_its_places_are_found(form: Any, expected: list[str]) -> None:
    found = domain.places(making.procedure(form=form))
    assert [place.pointer for place in found if place.pointer.startswith("/form")] == expected


def test_a_form_whose_parts_refer_to_each_other_has_an_end() -> None:
    parts = {f"p{n}": {"$ref": "#/$defs/all"} for n in range(30)}
    form = {"$defs": {"all": {"properties": {**parts, "q": {"x-population": "sex"}}}}, "properties": parts}
    assert len(domain.places(making.procedure(form=form))) < 2_100


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_is_wrong_with_the_platform_the_answer_is_200_and_everything_is_typed_in(
    connected: Running, platform: PopulationServer, fault: Fault
) -> None:
    platform.fault = fault
    found = filled(connected, procedure=BUSINESS)
    assert found["state"] in ("unavailable", "malformed", "not_found")
    assert found["fields"] == []
    assert found["to_type_in"] == [
        "name", "identity", "permanent_address", "phone", "sex", "birth_date", "hometown", "father_name",
        "father_birth_date", "spouse_name",
    ]  # fmt: skip
    assert found["message"]
    assert connected.post("dossiers", SELF, body(form={"khac": "x"})).status_code == 201, "filing goes on"


def test_nobody_is_not_found(connected: Running, platform: PopulationServer) -> None:
    platform.citizens.clear()
    assert (filled(connected)["state"], filled(connected)["fields"]) == ("not_found", [])


def test_a_dead_platform_costs_only_the_first_callers_their_time(
    connected: Running, platform: PopulationServer
) -> None:
    platform.stop()
    for _ in range(FAILURES):
        assert filled(connected)["state"] == "unavailable"
    # Were the server asked once more, there would be an answer.
    with PopulationServer(platform.server_port):
        for _ in range(5):
            assert filled(connected)["state"] == "unavailable"


def test_what_is_not_connected_says_so_and_is_no_look_up(intake: Running) -> None:
    found = filled(intake)
    assert (found["state"], found["fields"]) == ("not_configured", [])
    assert intake.rows("population_lookups") == []


# --- who may look -----------------------------------------------------------------------------------------------------


def test_people_look_up_themselves_only(connected: Running, platform: PopulationServer) -> None:
    for who in ("volunteer", Persona("Khác", ("dossiers.file",), identity="038090009999")):
        problem(ask(connected, who), 403, "not_your_identity")
    problem(ask(connected, Persona("Không", ("dossiers.read",), identity=HOA["identity"])), 403, "forbidden")
    problem(connected.get(f"prefill?{urlencode(HOA)}"), 401)
    assert (platform.asked, connected.rows("population_lookups")) == ([], [])


def test_officers_say_why_and_for_what(connected: Running, platform: PopulationServer) -> None:
    assert pointers(ask(connected, COUNTER)) == [("/purpose", "missing"), ("/dossier", "missing")]
    assert pointers(ask(connected, COUNTER, procedure=BUSINESS)) == [("/purpose", "missing")]
    clerk = Persona("Phạm Văn Đức", ("dossiers.file", "dossiers.read"), HERE)
    problem(ask(connected, clerk, procedure=BUSINESS, purpose="Tiếp nhận"), 403, "forbidden")
    assert platform.asked == []
    assert filled(connected, COUNTER, procedure=BUSINESS, purpose="Tiếp nhận hồ sơ tại quầy")["state"] == "ok"
    assert platform.asked[0]["MaDonVi"] == HERE


def test_an_officer_looks_up_for_the_dossiers_of_the_own_agency(connected: Running, platform: PopulationServer) -> None:
    id = connected.post("dossiers", SELF, body(form={"khac": "x"})).get_json()["id"]
    assert filled(connected, COUNTER, dossier=id, purpose="Đối chiếu")["state"] == "ok"
    theirs = problem(ask(connected, OTHER, dossier=id, purpose="Tò mò"), 404, "not_found")
    assert theirs["title"] == problem(ask(connected, OTHER, dossier="none", purpose="Tò mò"), 404)["title"]
    assert len(platform.asked) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"identity": "12345678"}, [("/identity", "string_pattern_mismatch")]),
        ({"identity": "٠٣٨١٨٥٠٠١٢٣٤"}, [("/identity", "string_pattern_mismatch")]),
        ({"identity": "038185001234' or 1=1"}, [("/identity", "string_pattern_mismatch")]),
        ({"name": "a\x00b"}, [("/name", "string_pattern_mismatch")]),
        ({"birth_date": "12/03/1985"}, [("/birth_date", "date_from_datetime_parsing")]),
        ({"birth_date": "0001-01-01"}, [("/birth_date", "greater_than_equal")]),
        ({"procedure": "9.999999"}, [("/procedure", "unknown_procedure")]),
        ({"procedure": BUSINESS, "draft": "x"}, [("", "one_of")]),
        ({"limit": "5"}, [("/limit", "extra_forbidden")]),
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused(connected: Running, query: dict[str, str], expected: Any) -> None:
    assert pointers(ask(connected, **query)) == expected
    assert connected.rows("population_lookups") == []


# --- the record -------------------------------------------------------------------------------------------------------


def test_each_look_up_is_on_record_without_the_number(connected: Running, platform: PopulationServer) -> None:
    filled(connected, COUNTER, procedure=BUSINESS, purpose="Tiếp nhận hồ sơ")
    platform.fault = Fault.ERROR_500
    filled(connected)
    listed = connected.get("prefill/lookups", AUDITOR).get_json()
    assert listed["next"] is None
    newest, first = sorted(listed["items"], key=lambda item: item["agency"] or "")
    assert first == {
        "id": first["id"], "at": "2026-03-04T02:00:00Z", "who": subject_of(COUNTER), "agency": HERE,
        "person": first["person"], "purpose": "Tiếp nhận hồ sơ", "procedure": BUSINESS, "dossier": None, "draft": None,
        "state": "ok",
    }  # fmt: skip
    assert (newest["who"], newest["state"], newest["person"]) == (subject_of(SELF), "unavailable", first["person"])
    assert HOA["identity"] not in str(connected.rows("population_lookups")) + str(listed)
    assert len(first["person"]) == 64


def test_a_look_up_is_on_record_before_it_is_made(
    connected: Running, platform: PopulationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr("intake.population.Population.look_up", die)
    with pytest.raises(SystemExit):
        ask(connected)
    assert [row["state"] for row in connected.rows("population_lookups")] == ["asked"]


def test_auditors_find_who_looked_at_somebody(connected: Running, clock: Clock) -> None:
    id = connected.post("dossiers", SELF, body(form={"khac": "x"})).get_json()["id"]
    for n in range(3):
        clock.move(minutes=1)
        filled(connected, COUNTER, dossier=id, purpose=f"Lần {n}")
    filled(connected)

    def found(query: str) -> list[str | None]:
        items = connected.get(f"prefill/lookups?{query}", AUDITOR).get_json()["items"]
        return [item["purpose"] for item in items]

    assert found(f"dossier={id}") == ["Lần 2", "Lần 1", "Lần 0"]
    assert len(found(f"identity={HOA['identity']}")) == 4
    assert found("identity=038090009999") == []
    assert found(f"agency={HERE}&identity={HOA['identity']}") == ["Lần 2", "Lần 1", "Lần 0"]
    assert found(urlencode({"who": subject_of(SELF)})) == [None]
    page = connected.get("prefill/lookups?limit=3", AUDITOR).get_json()
    rest = connected.get(f"prefill/lookups?limit=3&cursor={page['next']}", AUDITOR).get_json()
    assert len(page["items"]) == 3
    assert len(rest["items"]) == 1
    assert rest["next"] is None


def test_only_auditors_read_the_record(connected: Running) -> None:
    for who in (SELF, COUNTER, "leader"):
        problem(connected.get("prefill/lookups", who), 403, "forbidden")


def test_every_query_of_the_record_has_an_index(connected: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    for _ in range(3):
        filled(connected)
    with watched(mongo, connected.database.name) as seen:
        for query in ("", f"identity={HOA['identity']}", "who=x", f"agency={HERE}", "dossier=d"):
            connected.get(f"prefill/lookups?limit=2&{query}", AUDITOR)
        cursor = connected.get("prefill/lookups?limit=2", AUDITOR).get_json()["next"]
        connected.get(f"prefill/lookups?limit=2&cursor={cursor}", AUDITOR)
    ran = seen.of("population_lookups")
    assert len(ran) == 7
    for operation in ran:
        assert "COLLSCAN" not in operation.plan, operation
        assert not operation.sorted_in_memory, operation


# --- settings ---------------------------------------------------------------------------------------------------------

REQUIRED = {"MONGO_URL": "mongodb://x/y", "AMQP_URL": "amqp://x/y", "JWKS": "jwks.json"}


def test_the_platform_is_connected_only_with_a_key_for_the_log() -> None:
    settings = IntakeSettings.read(REQUIRED)
    assert (settings.population_url, settings.population_timeout_seconds) == (None, 3)
    with pytest.raises(SettingsError, match="POPULATION_LOG_KEY"):
        IntakeSettings.read({**REQUIRED, "POPULATION_URL": "https://lgsp.example"})
    with pytest.raises(SettingsError, match="POPULATION_URL"):
        IntakeSettings.read({**REQUIRED, "POPULATION_URL": "lgsp.example", "POPULATION_LOG_KEY": "x" * 16})
    with pytest.raises(SettingsError, match="POPULATION_LOG_KEY"):
        IntakeSettings.read({**REQUIRED, "POPULATION_URL": "https://lgsp.example", "POPULATION_LOG_KEY": "ngắn"})
