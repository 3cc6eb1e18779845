"""Intake over HTTP: what is accepted, what is refused and in which words, and who may see and do what."""

import base64
import json
import secrets
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from catalog.domain import Durations
from chassis.clock import new_id
from intake.domain import dossiers as domain
from intake.main import INTAKE
from native.access import Persona
from tests.intake.making import applicant_body, body, paper
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, CHARTER, ELSEWHERE, HERE, HERE_BEFORE, LAND, PROVINCE
from tests.support.plans import watched
from tests.support.services import (
    Clock,
    Running,
    Tokens,
    another_process,
    everything,
    local,
    pointers,
    problem,
    subject_of,
)

STRANGER = Persona(
    "Cán bộ nơi khác",
    tuple(scope for scope in INTAKE.scopes if scope not in {"any_agency", "dossiers.read_all"}),
    ELSEWHERE,
)
"""Has every scope that is of one agency, for another agency."""
OTHER_COUNTER = Persona("Lê Thị Na", ("dossiers.file", "dossiers.receive", "dossiers.read"), ELSEWHERE)


def filed(intake: Running, who: str | Persona = "citizen", **changes: Any) -> dict[str, Any]:
    answer = intake.post("dossiers", who, body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def at_the_counter(intake: Running, who: str | Persona = "counter_officer", **changes: Any) -> dict[str, Any]:
    return filed(intake, who, **{"channel": "counter", **changes})


def act(intake: Running, id: str, what: str, who: str | Persona = "counter_officer", **options: Any) -> TestResponse:
    return intake.post(f"dossiers/{id}/{what}", who, BODIES[what], **options)


BODIES: dict[str, Any] = {
    "reception": {},
    "refusal": {"reason": "Không thuộc thẩm quyền"},
    "handover": {"to": "Nguyễn Thị Hoa", "method": "collect"},
    "supplement-request": {"components": ["TP2"], "reason": "Thiếu hợp đồng thuê"},
    "supplement": {"components": [paper("TP2")]},
    "withdrawal": {"reason": "Không còn nhu cầu"},
    "rating": {"score": 5},
    "digitisation": {"file": "f1", "certified": True},
    "reversal": {"reason": "Quét nhầm trang"},
    "sharing": {"shared": False},
    "payments": {"amount": 150_000, "method": "cash"},
    "fee-request": {"lines": [{"code": "P1", "name": "Phí", "kind": "fee", "amount": 1000}], "reason": "Đo đạc lại"},
    "cancellation": {"reason": "Ghi nhầm"},
}


def news(dossier: str, kind: str, sequence: int, /, **data: Any) -> bytes:
    """An event of workflow's about the dossier."""
    noun = kind.rpartition(".")[0]
    event = {
        "specversion": "1.0",
        "id": f"workflow.{noun}:{dossier}:{sequence}",
        "source": "/motcua/workflow",
        "type": f"workflow.{kind}.v1",
        "subject": dossier,
        "time": "2026-03-04T03:00:00Z",
        "sequence": sequence,
        "data": data,
    }
    return json.dumps(event).encode()


def process(intake: Running, id: str, at: str = "2026-03-04T03:00:00Z") -> None:
    """Workflow tells that the dossier was started and finished."""
    intake.hear(
        [
            news(id, "dossier.started", 1, started_at=at, steps_total=1),
            news(id, "dossier.finished", 2, outcome="approved", finished_at=at, timing="early"),
        ]
    )


# --- filing -----------------------------------------------------------------------------------------------------------


def test_an_online_dossier_is_filed_and_waits(intake: Running) -> None:
    answer = intake.post("dossiers", "citizen", body())
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    found = answer.get_json()
    secret = found["tracking"].pop("secret")
    assert len(secret) == 10
    assert set(secret) <= set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ")
    assert found == {
        "id": found["id"],
        "code": None,
        "status": "filed",
        "version": 1,
        "due_at": None,
        "fee": {"amount": 150_000, "vietqr": None, "lines": found["fee"]["lines"]},
        "tracking": {"code": found["id"]},
    }


@pytest.mark.parametrize("channel", ["counter", "post"])
def test_at_the_counter_it_is_received_at_once_so_that_the_receipt_can_be_printed(
    intake: Running, channel: str
) -> None:
    found = filed(intake, "counter_officer", channel=channel)
    assert (found["status"], found["code"]) == ("received", f"{HERE}-260304-0001")
    assert found["due_at"] == "2026-03-07T02:00:00Z", "3 working days; the Saturday is worked"
    assert found["tracking"]["code"] == found["code"]


def test_a_free_procedure_has_no_fee_and_a_procedure_without_a_duration_no_due_date(intake: Running) -> None:
    found = at_the_counter(intake, procedure=CHARTER)
    assert (found["fee"], found["due_at"], found["status"]) == (None, None, "received")


def test_the_receiving_agency_receives_an_online_dossier(intake: Running, clock: Clock) -> None:
    id = filed(intake, procedure=LAND)["id"]
    clock.set("2026-03-04 15:01")
    answer = act(intake, id, "reception")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.get_json() == {
        "id": id,
        "code": f"{HERE}-260304-0001",
        "status": "received",
        "version": 2,
        "due_at": "2026-03-13T10:00:00Z",
    }, "past the cut-off of 15:00: 8 working days from the next morning, of which one is a worked Saturday"


def test_a_dossier_is_decided_under_the_version_it_was_filed_under(intake: Running) -> None:
    id = filed(intake)["id"]
    longer = Durations(counter=catalogue.days(30))
    intake.hear([catalogue.published(catalogue.procedure(version=2, durations=longer, valid_from=date(2026, 3, 1)))])
    received = act(intake, id, "reception").get_json()
    assert received["due_at"] == "2026-03-07T02:00:00Z"
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["dimensions"]["procedure_version"] == 1


def test_a_refused_dossier_says_why_and_never_has_a_code(intake: Running) -> None:
    id = filed(intake)["id"]
    assert act(intake, id, "refusal").get_json()["status"] == "refused"
    shown = intake.get(f"dossiers/{id}", "citizen").get_json()
    assert (shown["code"], shown["refusal_reason"]) == (None, "Không thuộc thẩm quyền")
    problem(act(intake, id, "reception"), 409, "not_filed")
    assert intake.database["counters"].count_documents({}) == 0, "no code was drawn for nothing"


def test_the_result_is_handed_over_once_it_is_there(intake: Running, clock: Clock) -> None:
    id = at_the_counter(intake)["id"]
    problem(act(intake, id, "handover"), 409, "not_processed")
    clock.move(hours=2)
    process(intake, id)
    answer = act(intake, id, "handover")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "returned")
    shown = intake.get(f"dossiers/{id}", "counter_officer").get_json()
    told = {name: shown["handover"][name] for name in ("at", "to", "method")}
    assert told == {"at": "2026-03-04T04:00:00Z", "to": "Nguyễn Thị Hoa", "method": "collect"}
    problem(act(intake, id, "handover"), 409, "not_processed")


def test_an_agency_is_known_by_its_former_name(intake: Running) -> None:
    found = at_the_counter(intake, agency=HERE_BEFORE)
    assert found["code"].startswith(f"{HERE}-")


# --- repeated requests ------------------------------------------------------------------------------------------------


def same(first: TestResponse, second: TestResponse) -> bool:
    return (first.status_code, first.data, first.headers["ETag"]) == (
        second.status_code, second.data, second.headers["ETag"],
    )  # fmt: skip


@pytest.mark.parametrize("channel", ["online", "counter"])
def test_a_repeated_key_gets_the_first_answer_byte_for_byte(intake: Running, channel: str) -> None:
    first = intake.post("dossiers", "counter_officer", body(channel=channel), key="k-1")
    assert first.status_code == 201
    assert same(first, intake.post("dossiers", "counter_officer", body(channel=channel), key="k-1"))
    if channel == "online":
        assert act(intake, first.get_json()["id"], "reception").status_code == 200
    process(intake, first.get_json()["id"])
    assert same(first, intake.post("dossiers", "counter_officer", body(channel=channel), key="k-1"))
    assert len(intake.rows("dossiers")) == 1
    assert intake.rows("counters")[0]["drawn"] == 1, "a repetition leaves no gap in the register"


def test_it_does_so_although_the_procedure_is_not_offered_any_more(intake: Running, clock: Clock) -> None:
    """An office's software tries again the next day, and the procedure was withdrawn overnight."""
    first = intake.post("dossiers", "citizen", body(), key="k-1")
    intake.hear([catalogue.withdrawn(BUSINESS, 2, date(2026, 3, 5))])
    clock.move(days=1)
    with another_process(intake) as later:
        assert same(first, later.post("dossiers", "citizen", body(), key="k-1"))
        assert pointers(later.post("dossiers", "citizen", body(), key="k-2")) == [("/procedure", "unknown_procedure")]


@pytest.mark.parametrize("channel", ["online", "counter"])
def test_the_same_key_with_another_body_is_refused(intake: Running, channel: str) -> None:
    intake.post("dossiers", "counter_officer", body(channel=channel), key="k-1")
    again = intake.post("dossiers", "counter_officer", body(channel=channel, result_return="post"), key="k-1")
    problem(again, 422, "idempotency_key_reused")
    invalid = intake.post("dossiers", "counter_officer", body(channel=channel, agency="H99"), key="k-1")
    problem(invalid, 422, "idempotency_key_reused")
    assert len(intake.rows("dossiers")) == 1


def test_another_callers_same_key_is_another_one(intake: Running) -> None:
    mine = intake.post("dossiers", "citizen", body(), key="k-1").get_json()
    theirs = intake.post("dossiers", "volunteer", body(), key="k-1").get_json()
    assert mine["id"] != theirs["id"]
    assert {row["owner"] for row in intake.rows("dossiers")} == {subject_of("citizen"), subject_of("volunteer")}


def test_a_key_of_an_act_is_repeated_with_the_same_answer_too(intake: Running) -> None:
    id, other = filed(intake)["id"], filed(intake)["id"]
    first = act(intake, id, "reception", key="k-1")
    assert same(first, act(intake, id, "reception", key="k-1"))
    problem(act(intake, id, "refusal", key="k-1"), 422, "idempotency_key_reused")
    problem(act(intake, id, "reception", key="k-2"), 409, "not_filed")
    second = act(intake, other, "reception", key="k-1")
    assert second.get_json()["code"] != first.get_json()["code"], "the key is one of that dossier"


# --- If-Match ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["reception", "refusal", "handover"])
def test_an_act_on_a_version_that_is_not_the_newest_is_refused(intake: Running, what: str) -> None:
    id = filed(intake)["id"]
    for stale in (0, 2, 'W/"7"', "abc", "99999999999999"):
        problem(act(intake, id, what, match=stale), 412, "stale")
    assert intake.rows("dossiers")[0]["doc_version"] == 1


@pytest.mark.parametrize("what", ["reception", "refusal"])
def test_an_act_on_the_version_that_was_seen_is_done_once(intake: Running, what: str) -> None:
    id = filed(intake)["id"]
    assert act(intake, id, what, match=1).status_code == 200
    problem(act(intake, id, what, match=1), 412, "stale")


def test_a_dossiers_etag_is_its_version(intake: Running) -> None:
    id = at_the_counter(intake)["id"]
    process(intake, id)
    shown = intake.get(f"dossiers/{id}", "counter_officer")
    assert shown.headers["ETag"] == f'"{shown.get_json()["version"]}"' == '"2"'


@pytest.mark.parametrize("path", ["dossiers", "dossiers/x/reception", "dossiers/x/refusal", "dossiers/x/handover"])
def test_what_creates_or_acts_needs_a_key(still: Running, path: str) -> None:
    sent = BODIES.get(path.rpartition("/")[2], body())
    problem(still.post(path, "counter_officer", sent, key=None), 428, "precondition_required")


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"procedure": "9.999999"}, [("/procedure", "unknown_procedure")]),
        ({"agency": "H99"}, [("/agency", "unknown_agency")]),
        (
            {"procedure": "9.999999", "agency": "H99"},
            [("/procedure", "unknown_procedure"), ("/agency", "unknown_agency")],
        ),
        ({"agency": PROVINCE}, [("/agency", "not_offered")]),
        ({"procedure": CHARTER}, [("/channel", "not_online")]),
        ({"components": []}, [("/components", "missing_component")]),
        ({"components": [paper("TP1"), paper("TP9")]}, [("/components/1/code", "unknown_component")]),
        ({"components": [paper("TP1")] * 2}, [("/components/1/code", "repeated_component")]),
        ({"components": [paper("TP1", originals=-1)]}, [("/components/0/paper/originals", "greater_than_equal")]),
        ({"components": [paper("TP1", copies=101)]}, [("/components/0/paper/copies", "less_than_equal")]),
        ({"components": [paper("TP1", originals=0)]}, [("/components/0/paper", "nothing_handed_in")]),
        ({"components": [{"code": "TP1"}]}, [("/components/0", "nothing_handed_in")]),
        ({"components": [{**paper("TP1"), "reuse": "d"}]}, [("/components/0", "reused_alone")]),
        ({"components": [{"code": "TP1", "file": "f", "digitised": True}]}, [("/components/0", "not_on_paper")]),
        (
            {"components": [{**paper("TP1"), "issued_on": "2026-03-02", "valid_to": "2026-03-01"}]},
            [("/components/0", "valid_to_before_issue")],
        ),
        ({"components": [paper("T P")]}, [("/components/0/code", "string_pattern_mismatch")]),
        ({"channel": "fax"}, [("/channel", "literal_error")]),
        ({"result_return": 1}, [("/result_return", "literal_error")]),
        ({"unknown/~": 1}, [("/unknown~1~0", "extra_forbidden")]),
        ({"assisted_by": " "}, [("/assisted_by", "string_too_short")]),
        ({"form": {"a.b": 1}}, [("/form/a.b/[key]", "string_pattern_mismatch")]),
        ({"form": {"a": {"$where": 1}}}, [("/form", "value_error")]),
        ({"form": {f"a{n}": 1 for n in range(201)}}, [("/form", "too_long")]),
    ],
    ids=lambda value: None if isinstance(value, list) else "-".join(value),
)
def test_a_field_that_is_wrong_is_pointed_at(still: Running, changes: Any, expected: list[tuple[str, str]]) -> None:
    answer = still.post("dossiers", "citizen", body(**changes))
    problem(answer, 422, "invalid")
    assert pointers(answer) == expected
    assert still.rows("dossiers") == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "state_body", "identity": None}, [("/applicant/kind", "not_for_this_kind")]),
        ({"kind": "alien"}, [("/applicant/kind", "literal_error")]),
        ({"name": "\t"}, [("/applicant/name", "string_too_short")]),
        ({"name": "a\x00b"}, [("/applicant/name", "string_pattern_mismatch")]),
        ({"name": "x" * 301}, [("/applicant/name", "string_too_long")]),
        ({"phone": "12"}, [("/applicant/phone", "value_error")]),
        ({"phone": "abc"}, [("/applicant/phone", "value_error")]),
        ({"phone": "0412345678"}, [("/applicant/phone", "value_error")]),
        ({"phone": "09123456789"}, [("/applicant/phone", "value_error")]),
        ({"phone": "0212 345"}, [("/applicant/phone", "value_error")]),
        ({"email": "hoa@"}, [("/applicant/email", "value_error")]),
        ({"email": "a@b@c.vn"}, [("/applicant/email", "value_error")]),
        ({"identity": "12345678"}, [("/applicant/identity", "value_error")]),
        ({"identity": "1234567890"}, [("/applicant/identity", "value_error")]),
        ({"identity": "٠٣٨١٨٥٠٠١٢٣٤"}, [("/applicant/identity", "value_error")]),
        ({"kind": "enterprise"}, [("/applicant/identity", "value_error")]),
        ({"kind": "enterprise", "identity": "01012345678"}, [("/applicant/identity", "value_error")]),
    ],
    ids=lambda value: None if isinstance(value, list) else "-".join(str(v) for v in value.values()),
)
def test_a_wrong_field_of_the_applicant_is_pointed_at(still: Running, changes: Any, expected: Any) -> None:
    answer = still.post("dossiers", "citizen", applicant_body(**changes))
    assert pointers(answer) == expected
    given = changes.get("identity") or changes.get("phone")
    told = json.dumps({**problem(answer, 422), "instance": None}, ensure_ascii=False)
    assert given is None or given not in told, "what was sent is not repeated"


@pytest.mark.parametrize(
    ("what", "sent", "expected"),
    [
        ("refusal", {}, [("/reason", "missing")]),
        ("refusal", {"reason": "\n"}, [("/reason", "string_too_short")]),
        ("refusal", {"reason": "x" * 2001}, [("/reason", "string_too_long")]),
        ("refusal", {"reason": "a\x07"}, [("/reason", "string_pattern_mismatch")]),
        ("handover", {"to": "a\nb", "method": "collect"}, [("/to", "string_pattern_mismatch")]),
        ("handover", {"to": "Hoa", "method": "courier"}, [("/method", "literal_error")]),
        ("reception", {"code": "H56.30-240823-0001"}, [("/code", "extra_forbidden")]),
    ],
)
def test_a_wrong_field_of_an_act_is_pointed_at(still: Running, what: str, sent: Any, expected: Any) -> None:
    assert pointers(still.post(f"dossiers/{new_id()}/{what}", "counter_officer", sent)) == expected


@pytest.mark.parametrize(
    ("data", "options", "status", "code"),
    [
        (b"{", {}, 400, "unreadable"),
        (b"\xff", {}, 400, "unreadable"),
        (b'{"procedure": "\\ud800"}', {}, 400, "unreadable"),
        (b"[" * 5000, {}, 400, "unreadable"),
        (b"[]", {}, 422, "invalid"),
        (b"null", {}, 422, "invalid"),
        (b" " * 1_000_001, {}, 413, "too_large"),
        (b"{}", {"headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        (json.dumps(body()).encode(), {"key": ""}, 400, "idempotency_key_malformed"),
        (json.dumps(body()).encode(), {"key": "k" * 201}, 400, "idempotency_key_malformed"),
    ],
)
def test_what_cannot_be_read_is_named(still: Running, data: bytes, options: Any, status: int, code: str) -> None:
    problem(still.post("dossiers", "citizen", data=data, **options), status, code)


def test_the_rest_of_the_errors_look_alike_too(still: Running) -> None:
    problem(still.get("dossiers"), 401, "unauthenticated")
    problem(still.get("dossiers", headers={"Authorization": "Bearer abc"}), 401, "unauthenticated")
    problem(still.get("nowhere", "citizen"), 404, "not_found")
    problem(still.request("PUT", "dossiers", "citizen", {}), 405, "method_not_allowed")
    problem(still.get("dossiers?limit=201", "citizen"), 422, "invalid")


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "channel", "agency", "status"),
    [
        (None, "online", HERE, 401),
        ("editor", "online", HERE, 403),
        ("citizen", "online", HERE, 201),
        ("citizen", "counter", HERE, 403),
        ("citizen", "post", HERE, 403),
        ("officer", "counter", HERE, 403),
        ("counter_officer", "counter", HERE, 201),
        ("counter_officer", "post", HERE, 201),
        ("counter_officer", "online", ELSEWHERE, 201),
        ("counter_officer", "counter", ELSEWHERE, 422),
        (OTHER_COUNTER, "counter", HERE, 422),
        (OTHER_COUNTER, "counter", ELSEWHERE, 201),
        ("backdate", "counter", HERE, 201),
        ("backdate", "counter", ELSEWHERE, 201),
    ],
)
def test_who_may_file_where(intake: Running, who: Any, channel: str, agency: str, status: int) -> None:
    answer = intake.post("dossiers", who, body(channel=channel, agency=agency))
    assert answer.status_code == status, answer.text
    if status == 422:
        assert pointers(answer) == [("/agency", "other_agency")]
    assert len(intake.rows("dossiers")) == (1 if status == 201 else 0)


@pytest.mark.parametrize("what", ["reception", "refusal"])
@pytest.mark.parametrize(
    ("who", "status"),
    [("citizen", 403), ("officer", 403), ("other_officer", 404), ("counter_officer", 200), ("backdate", 200)],
)
def test_who_may_receive_and_refuse(intake: Running, what: str, who: str, status: int) -> None:
    id = filed(intake)["id"]
    assert act(intake, id, what, who).status_code == status


def test_an_agency_that_a_dossier_was_transferred_to_sees_it_but_does_not_receive_or_return_it(intake: Running) -> None:
    id = at_the_counter(intake)["id"]
    problem(intake.get(f"dossiers/{id}", "other_officer"), 404, "not_found")
    intake.hear(
        [
            news(
                id,
                "dossier.transferred",
                1,
                to_agency=ELSEWHERE,
                from_agency=HERE,
                transferred_at="2026-03-04T03:00:00Z",
            )
        ]
    )
    process(intake, id)
    shown = intake.get(f"dossiers/{id}", "other_officer")
    assert shown.get_json()["agencies"] == [HERE, ELSEWHERE]
    assert [item["id"] for item in intake.get("dossiers", "other_officer").get_json()["items"]] == [id]
    problem(act(intake, id, "handover", "other_officer"), 404, "not_found")


def test_an_applicant_sees_what_they_filed_and_nothing_else(intake: Running) -> None:
    mine, theirs = filed(intake)["id"], filed(intake, "volunteer")["id"]
    counter = at_the_counter(intake)["id"]
    listed = intake.get("dossiers", "citizen").get_json()
    assert [item["id"] for item in listed["items"]] == [mine]
    assert intake.get(f"dossiers/{mine}", "citizen").status_code == 200
    for other in (theirs, counter):
        for path in (f"dossiers/{other}", f"dossiers/{other}/journal", f"dossiers/{other}/journal/verification"):
            problem(intake.get(path, "citizen"), 404, "not_found")
    # A filter is no way round.
    assert ids(intake.get(f"dossiers?agency={HERE}", "citizen")) == [mine]
    for query in ("status=received", f"q={HERE}-260304-0001"):
        assert ids(intake.get(f"dossiers?{query}", "citizen")) == []


def test_what_a_system_files_belongs_to_no_account(intake: Running, tokens: Tokens) -> None:
    """The province's integration bus files for people who have none here; whoever has the receipt can follow it."""
    scopes = ("dossiers.file", "dossiers.read")
    key = {"X-Api-Key": tokens.api_key("integration-bus", scopes)}
    answer = intake.post("dossiers", None, body(), headers=key)
    assert answer.status_code == 201
    assert intake.rows("dossiers")[0]["owner"] is None
    assert ids(intake.get("dossiers", headers=key)) == []


def test_an_offices_software_acts_for_its_agency(intake: Running, tokens: Tokens) -> None:
    key = {"X-Api-Key": tokens.api_key("office", ("dossiers.file", "dossiers.receive", "dossiers.read"), HERE)}
    assert intake.post("dossiers", None, body(channel="counter"), headers=key).status_code == 201
    assert pointers(intake.post("dossiers", None, body(channel="counter", agency=ELSEWHERE), headers=key)) == [
        ("/agency", "other_agency")
    ]
    assert len(ids(intake.get("dossiers", headers=key))) == 1


def stranger_sees(intake: Running, method: str, path: str, id: str) -> dict[str, Any]:
    """What somebody of another agency is told, with every scope and a valid body, the dossier's id left out."""
    if method == "GET":
        answer = intake.get(path, STRANGER)
    else:
        answer = intake.request(
            method, path, STRANGER, BODIES[path.rpartition("/")[2]], key=f"stranger-{secrets.token_hex(4)}"
        )
    found = problem(answer, 404, "not_found")
    del found["instance"]
    return {name: value.replace(id, "…") if isinstance(value, str) else value for name, value in found.items()}


def test_to_an_officer_of_another_agency_every_route_answers_as_if_the_dossier_were_not_there(intake: Running) -> None:
    routes = [
        (method, rule.rule)
        for rule in intake.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if "/dossiers/<id>" in rule.rule
    ]
    assert len(routes) >= 20
    finished = at_the_counter(intake)["id"]
    process(intake, finished)
    for id in (filed(intake)["id"], at_the_counter(intake)["id"], finished):
        nowhere = new_id()
        for method, rule in routes:
            path = rule.replace("<component>", "TP1").replace("<payment>", "p1").replace("<int:number>", "1")
            exists = stranger_sees(intake, method, path.replace("<id>", id), id)
            assert exists == stranger_sees(intake, method, path.replace("<id>", nowhere), nowhere), rule


# --- lists ------------------------------------------------------------------------------------------------------------


def ids(answer: TestResponse) -> list[str]:
    return [item["id"] for item in answer.get_json()["items"]]


def walk(intake: Running, path: str, who: str | Persona, between: Callable[[], Any] = lambda: None) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    cursor = ""
    while True:
        page = intake.get(f"{path}&cursor={cursor}" if cursor else path, who)
        assert page.status_code == 200, page.text
        found += ids(page)
        cursor = page.get_json()["next"]
        if not cursor:
            return found
        between()


def test_lists_are_of_the_own_agency_newest_first(intake: Running, clock: Clock) -> None:
    here = []
    for _ in range(3):
        here.append(at_the_counter(intake)["id"])
        clock.move(seconds=1)
    there = at_the_counter(intake, OTHER_COUNTER, agency=ELSEWHERE)["id"]
    assert ids(intake.get("dossiers", "officer")) == here[::-1]
    assert ids(intake.get("dossiers", "other_officer")) == [there]
    assert ids(intake.get(f"dossiers?agency={ELSEWHERE}", "officer")) == []
    assert ids(intake.get(f"dossiers?agency={HERE}", "officer")) == here[::-1]
    assert ids(intake.get("dossiers", "leader")) == [there, *here[::-1]]
    assert ids(intake.get(f"dossiers?agency={ELSEWHERE}", "leader")) == [there]
    assert ids(intake.get("dossiers", "backdate")) == [there, *here[::-1]]


def test_lists_are_filtered(intake: Running, clock: Clock) -> None:
    received = at_the_counter(intake)
    waiting = filed(intake, procedure=LAND)
    untimed = at_the_counter(intake, procedure=CHARTER)
    finished = at_the_counter(intake)
    process(intake, finished["id"])
    expected = {
        "status=filed": {waiting["id"]},
        "status=received": {received["id"], untimed["id"]},
        "status=processed": {finished["id"]},
        "status=returned": set(),
        "status=": {received["id"], waiting["id"], untimed["id"], finished["id"]},
        f"procedure={LAND}": {waiting["id"]},
        f"q={untimed['code']}": {untimed["id"]},
        "q=H56.30-260304-9999": set(),
        "due_before=2026-03-07T02:00:00Z": set(),
        "due_before=2026-03-07T09:00:01%2B07:00": {received["id"], finished["id"]},
        "due_before=2026-03-07T02:00:01Z&status=received": {received["id"]},
    }
    for query, wanted in expected.items():
        assert set(ids(intake.get(f"dossiers?{query}", "officer"))) == wanted, query


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "status=open", "due_before=2026-03-07", "due_before=2026-03-07T00:00:00",
        "due_before=0001-01-01T00:00:00%2B14:00", "due_before=9999-12-31T23:59:59-14:00", "unknown=1", "agency=a%20b",
        "procedure=%24where", "q=" + "x" * 61, "cursor=" + "x" * 501,
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_pointed_at(still: Running, query: str) -> None:
    assert [pointer for pointer, _ in pointers(still.get(f"dossiers?{query}", "officer"))] == [
        f"/{query.partition('=')[0]}"
    ]


def test_a_cursor_shows_each_dossier_once_while_new_ones_arrive(intake: Running, clock: Clock) -> None:
    there = []
    for n in range(11):
        there.append(at_the_counter(intake)["id"])
        clock.move(seconds=n % 3)

    def one_more() -> None:
        clock.move(seconds=1)
        at_the_counter(intake)

    found = walk(intake, "dossiers?limit=3", "officer", one_more)
    assert found[:3] == walk(intake, "dossiers?limit=200", "officer")[3:6], "three came before the last page"
    assert sorted(found) == sorted(there)
    assert len(set(found)) == 11


def cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", ["dossiers", "dossiers/states"])
@pytest.mark.parametrize(
    "word",
    [
        "abc", "=", "đ", "%00", cursor([]), cursor("x"), cursor(None), cursor({"t": 1}), cursor([1]),
        cursor([None, None]),
        cursor([{"t": "2026-03-04"}, "x"]), cursor([{"t": "0001-01-01T00:00:00+14:00"}, "x"]), cursor(["\ud800"]),
        cursor([{"t": "2026-03-04T00:00:00Z"}, "\ud800"]), cursor([{"t": "2026-03-04T00:00:00Z"}, {"$gt": ""}]),
        cursor([{"$gt": ""}]), cursor([{"t": "2026-03-04T00:00:00Z"}, "x", "y"]),
    ],
)  # fmt: skip
def test_a_cursor_that_the_list_did_not_give_is_refused(still: Running, path: str, word: str) -> None:
    answer = still.get(f"{path}?cursor={word}", everything(INTAKE))
    assert pointers(answer) == [("/cursor", "cursor")]


def test_lists_read_what_they_show_and_nothing_more(
    intake: Running, mongo: MongoClient[dict[str, Any]], clock: Clock
) -> None:
    """By the server's own account: no scan of the collection and no sort in memory, on no page."""
    for n in range(12):
        at_the_counter(intake)
        filed(intake, "citizen" if n % 2 else "volunteer")
        at_the_counter(intake, OTHER_COUNTER, agency=ELSEWHERE)
        clock.move(seconds=1)
    code = intake.rows("dossiers")[0]["code"] or f"{HERE}-260304-0001"
    lists: list[tuple[str, str | Persona]] = [
        ("dossiers?limit=3", "officer"),
        ("dossiers?limit=3&status=filed", "officer"),
        ("dossiers?limit=3", "citizen"),
        ("dossiers?limit=3", "leader"),
        (f"dossiers?limit=3&agency={HERE}", "leader"),
        ("dossiers/states?limit=5", everything(INTAKE)),
    ]
    with watched(mongo, intake.database.name) as seen:
        for path, who in lists:
            walk(intake, path, who)
        intake.get(f"dossiers?q={code}", "leader")
        intake.get(f"tracking/{code}?secret=x")
        intake.database["dossiers"].find_one({"outbox.at": {"$exists": True}}, hint="outbox_at")
    reads = seen.of("dossiers")
    assert len(reads) > 40
    for ran in reads:
        assert "COLLSCAN" not in ran.plan, ran
        # A code's one dossier is in order.
        assert not ran.sorted_in_memory or ran.plan == "IXSCAN { code: 1 }", ran
        assert ran.documents <= ran.returned + 3, ran
        assert ran.keys <= ran.returned + 10, ran


def test_every_dossiers_state_is_read_once_for_a_recount(intake: Running) -> None:
    received = at_the_counter(intake, components=[{**paper("TP1"), "digitised": True}])["id"]
    refused = filed(intake)["id"]
    act(intake, refused, "refusal")
    finished = at_the_counter(intake)["id"]
    process(intake, finished)
    others = [filed(intake)["id"] for _ in range(8)]
    who = Persona("Thống kê", ("dossiers.recount",))
    assert walk(intake, "dossiers/states?limit=3", who) == sorted([received, refused, finished, *others])
    page = intake.get("dossiers/states", who).get_json()
    assert page["next"] is None
    by_id = {item["id"]: item for item in page["items"]}
    assert by_id[received] == {
        "id": received,
        "procedure": BUSINESS,
        "procedure_version": 1,
        "field": "HOKINHDOANH",
        "service_level": "full",
        "agency": HERE,
        "channel": "counter",
        "applicant_kind": "citizen",
        "status": "received",
        "filed_at": "2026-03-04T02:00:00Z",
        "received_at": "2026-03-04T02:00:00Z",
        "refused_at": None,
        "withdrawn_at": None,
        "finished_at": None,
        "timing": None,
        "stopped_at": None,
        "paused": None,
        "paused_since": None,
        "due_at": "2026-03-07T02:00:00Z",
        "supplements_asked": [],
        "handed_over_at": None,
        "digitised": True,
        "reused": False,
        "paid_at": None,
        "paid_online": False,
        "rated_at": None,
        "score": None,
    }
    assert (by_id[refused]["status"], by_id[refused]["refused_at"]) == ("refused", "2026-03-04T02:00:00Z")
    assert (by_id[finished]["timing"], by_id[finished]["finished_at"]) == ("early", "2026-03-04T03:00:00Z")
    assert by_id[finished]["digitised"] is False
    problem(intake.get("dossiers/states", "leader"), 403, "forbidden")


# --- what people type -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("phone", "0912345678", "+84912345678"),
        ("phone", "0912 345 678", "+84912345678"),
        ("phone", "+84 (0) 912.345.678", "+84912345678"),
        ("phone", "84912345678", "+84912345678"),
        ("phone", "0237 3852 246", "+842373852246"),
        ("phone", "+1 650-253-0000", "+16502530000"),
        ("email", "Hoa@EXAMPLE.VN", "Hoa@example.vn"),
        ("email", " hoa@example.vn ", "hoa@example.vn"),
        ("name", "  Nguyễn Thị Hoa ", "Nguyễn Thị Hoa"),
        ("name", unicodedata.normalize("NFD", "Nguyễn Thị Hoa"), "Nguyễn Thị Hoa"),
        ("address", "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("address", "<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("identity", "038185001234", "038185001234"),
        ("identity", "123456789", "123456789"),
        ("phone", None, None),
    ],
)
def test_what_people_type_is_kept_in_one_form(intake: Running, field: str, typed: str | None, kept: str | None) -> None:
    answer = intake.post("dossiers", "citizen", applicant_body(**{field: typed}))
    assert answer.status_code == 201, answer.text
    shown = intake.get(f"dossiers/{answer.get_json()['id']}", "citizen").get_json()
    assert shown["applicant"][field] == kept
    assert intake.rows("dossiers")[0]["applicant"][field] == kept


@pytest.mark.parametrize("identity", ["0101234567", "0101234567001", "0101234567-001"])
def test_an_enterprise_has_a_tax_code(intake: Running, identity: str) -> None:
    answer = intake.post("dossiers", "citizen", applicant_body(kind="enterprise", identity=identity))
    assert answer.status_code == 201, answer.text


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"a": "sâu"}
    for _ in range(levels - 1):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    "form",
    [
        {"ly_do": "=cmd|' /C calc'!A0", "b": "dòng 1\ndòng 2\t"},
        {"a": "x" * 200_000},
        {"a": [{"b": [1, 2.5, -3, True, None, "", "$where"]}]},
        {"a": 2**63 - 1, "b": -(2**63), "c": 1e300},
        nested(10),
        {"__proto__": 1, "constructor": 2, "_id": 3},
        {"a": unicodedata.normalize("NFC", "Đường Lê Lợi 😀 مرحبا")},
    ],
    ids=["formula", "200 kB", "lists", "numbers", "deep", "names", "scripts"],
)
def test_a_form_comes_back_as_it_was_sent(intake: Running, form: dict[str, Any]) -> None:
    id = filed(intake, form=form)["id"]
    shown = intake.get(f"dossiers/{id}", "citizen")
    assert json.loads(shown.data)["form"] == form


@pytest.mark.parametrize(
    "form",
    [
        b'{"a": 1e400}', b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 9223372036854775808}',
        b'{"a": 1%s}' % (b"0" * 400),
        b'{"a": "\\u0000"}', b'{"a": "\\u001b[31m"}', b'{"a": {"b\\u0000": 1}}', b'{"a": {"": 1}}',
        b'{"a": {"b.c": 1}}', b'{"a": [{"$gt": 1}]}', b'{"$where": "1"}',
        b'{"a": ' * 11 + b"1" + b"}" * 11, b'{"a": ' + b"[" * 150 + b"]" * 150 + b"}",
    ],
    ids=lambda form: form[:24].decode(),
)  # fmt: skip
def test_a_form_that_no_document_holds_is_refused(still: Running, form: bytes) -> None:
    sent = json.dumps(body(form={"FORM": 0})).encode().replace(b'{"FORM": 0}', form)
    answer = still.post("dossiers", "citizen", data=sent)
    assert [pointer.split("/")[1] for pointer, _ in pointers(answer)] == ["form"]
    assert still.rows("dossiers") == []


def test_a_word_is_the_same_however_it_was_typed(intake: Running) -> None:
    """A phone's keyboard may send the marks apart; the repetition from a computer is the same request."""
    composed = json.dumps(applicant_body(name="Đỗ Thị Ngữ"), ensure_ascii=False)
    first = intake.post("dossiers", "citizen", data=composed.encode(), key="k-1")
    apart = intake.post("dossiers", "citizen", data=unicodedata.normalize("NFD", composed).encode(), key="k-1")
    assert first.status_code == 201
    assert same(first, apart)


# --- when it happened -------------------------------------------------------------------------------------------------


def test_an_act_counts_when_it_happened_and_the_journal_keeps_when_we_learnt_of_it(
    intake: Running, clock: Clock
) -> None:
    sent = body(channel="counter")
    answer = intake.post("dossiers", "backdate", sent, headers={"Occurred-At": "2026-02-26T16:30:00+07:00"})
    found = answer.get_json()
    assert (found["code"], found["due_at"]) == (f"{HERE}-260226-0001", "2026-03-03T09:30:00Z"), (
        "the code is of that day"
    )
    process(intake, found["id"], "2026-03-01T00:00:00Z")
    handed = act(intake, found["id"], "handover", "backdate", headers={"Occurred-At": "2026-03-02T01:00:00Z"})
    assert handed.status_code == 200, handed.text
    journal = intake.get(f"dossiers/{found['id']}/journal", "officer").get_json()["items"]
    assert [(entry["act"], entry["at"], entry["recorded_at"]) for entry in journal] == [
        ("filed", "2026-02-26T09:30:00Z", "2026-03-04T02:00:00Z"),
        ("received", "2026-02-26T09:30:00Z", "2026-03-04T02:00:00Z"),
        ("handed_over", "2026-03-02T01:00:00Z", "2026-03-04T02:00:00Z"),
    ]
    told = [json.loads(event) for event in intake.told()]
    assert [event["time"] for event in told] == ["2026-02-26T09:30:00Z", "2026-03-02T01:00:00Z"]


def test_the_days_end_at_midnight_in_vietnam(intake: Running, clock: Clock) -> None:
    codes = []
    for at in ("2026-03-04 23:59", "2026-03-05 00:00"):
        clock.set(at)
        codes.append(at_the_counter(intake)["code"])
    assert codes == [f"{HERE}-260304-0001", f"{HERE}-260305-0001"]


@pytest.mark.parametrize(
    ("who", "said", "status", "code"),
    [
        ("counter_officer", "2026-03-03T02:00:00Z", 403, "forbidden"),
        ("backdate", "2026-03-04T02:02:00Z", 422, "occurred_at_in_future"),
        ("backdate", "2026-03-03", 400, "occurred_at_malformed"),
        ("backdate", "2026-03-03T02:00:00", 400, "occurred_at_malformed"),
        ("backdate", "1999-12-31T00:00:00Z", 400, "occurred_at_malformed"),
        ("backdate", "0001-01-01T00:00:00+14:00", 400, "occurred_at_malformed"),
    ],
)
def test_only_what_has_happened_is_backdated_and_only_by_those_who_may(
    still: Running, who: str, said: str, status: int, code: str
) -> None:
    answer = still.post("dossiers", who, body(channel="counter"), headers={"Occurred-At": said})
    problem(answer, status, code)


@pytest.mark.parametrize(
    ("what", "code"), [("reception", "before_filing"), ("refusal", "before_filing"), ("handover", "before_result")]
)
def test_nothing_happens_before_what_it_follows(intake: Running, what: str, code: str) -> None:
    id = filed(intake)["id"]
    if what == "handover":
        act(intake, id, "reception")
        process(intake, id)
    before = {"Occurred-At": "2026-03-04T01:00:00Z"}
    problem(act(intake, id, what, "backdate", headers=before), 422, code)


def test_it_is_filed_under_the_version_of_the_day_it_happened(intake: Running) -> None:
    since_march = catalogue.procedure(version=2, valid_from=date(2026, 3, 2), name="Tên mới")
    intake.hear([catalogue.published(since_march)])
    for at, version in (("2026-03-01T16:59:00Z", 1), ("2026-03-01T17:00:00Z", 2)):
        id = intake.post("dossiers", "backdate", body(), headers={"Occurred-At": at}).get_json()["id"]
        dimensions = intake.get(f"dossiers/{id}", "backdate").get_json()["dimensions"]
        assert dimensions["procedure_version"] == version


# --- the journal ------------------------------------------------------------------------------------------------------


def test_the_journal_is_verified_and_a_tampered_entry_is_found(intake: Running) -> None:
    id = filed(intake)["id"]
    act(intake, id, "reception")
    path = f"dossiers/{id}/journal"
    assert intake.get(f"{path}/verification", "officer").get_json() == {
        "intact": True, "entries": 2, "first_broken": None,
    }  # fmt: skip
    entries = intake.get(path, "citizen").get_json()["items"]
    assert [(entry["act"], entry["by"]) for entry in entries] == [
        ("filed", subject_of("citizen")), ("received", subject_of("counter_officer")),
    ]  # fmt: skip
    later = local("2026-03-01 08:00") + timedelta(days=1)
    intake.database["dossiers"].update_one({"_id": id}, {"$set": {"journal.1.at": later}})
    assert intake.get(f"{path}/verification", "officer").get_json() == {
        "intact": False, "entries": 2, "first_broken": 1,
    }  # fmt: skip


def test_every_code_has_the_form_that_is_accepted(intake: Running) -> None:
    intake.database["counters"].insert_one({"_id": f"{HERE}-260304", "drawn": 9_998})
    codes = [at_the_counter(intake)["code"] for _ in range(3)]
    assert codes == [f"{HERE}-260304-9999", f"{HERE}-260304-10000", f"{HERE}-260304-10001"]
    assert all(domain.CODE.fullmatch(code) for code in codes)
