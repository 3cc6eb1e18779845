"""What the public sees of a dossier: over the API, and on the page that the receipt's QR code leads to."""

import html
import json
import re
from typing import Any

import pytest
from markupsafe import escape
from werkzeug.test import TestResponse

from intake.store import guesses
from tests.intake.making import applicant_body, body
from tests.support.catalogue import ELSEWHERE, HERE, LAND
from tests.support.services import Clock, Running, pointers, problem

MARK = "Ẩn-danh"
"""Is in everything that tells who somebody is."""


def filed(intake: Running, who: str = "citizen", **changes: Any) -> dict[str, Any]:
    answer = intake.post("dossiers", who, body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def processed(intake: Running, workflow: Running, clock: Clock) -> dict[str, Any]:
    """A dossier that went to another agency, was decided there and came back."""
    marked = applicant_body(
        name=f"{MARK} Nguyễn", address=f"{MARK} thôn 3", email="andanh@example.vn", identity="038185009999"
    )
    others = {"on_behalf_of": MARK, "assisted_by": MARK, "form": {"a": MARK}}
    found = filed(intake, "counter_officer", **{**marked, **others, "procedure": LAND, "channel": "counter"})
    workflow.hear(intake.publish())
    for step, outcome in (("s1", "completed"), ("s2", "completed"), ("s3", "approved"), ("s4", "completed")):
        clock.move(hours=1)
        answer = workflow.post(f"tasks/{found['id']}.{step}/completion", "backdate", {"outcome": outcome, "note": MARK})
        assert answer.status_code == 200, answer.text
    intake.hear(workflow.publish())
    handed = intake.post(f"dossiers/{found['id']}/handover", "counter_officer", {"to": MARK, "method": "collect"})
    assert handed.status_code == 200
    return found


def texts(value: Any) -> list[str]:
    """Every value and every name in it, as text."""
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [str(value)]


# --- the API ----------------------------------------------------------------------------------------------------------


def test_it_shows_where_the_dossier_stands_and_nothing_personal(
    intake: Running, workflow: Running, clock: Clock
) -> None:
    found = processed(intake, workflow, clock)
    answer = intake.get(f"tracking/{found['code']}?secret={found['tracking']['secret']}")
    assert answer.status_code == 200
    shown = answer.get_json()
    assert shown == {
        "code": found["code"],
        "status": "returned",
        "status_text": "Đã trả kết quả",
        "procedure_name": "Đăng ký đất đai lần đầu",
        "agency_name": f"Ủy ban nhân dân {HERE}",
        "filed_at": "2026-03-04T02:00:00Z",
        "received_at": "2026-03-04T02:00:00Z",
        "due_at": "2026-03-17T02:00:00Z",
        "stopped_at": None,
        "paused_since": None,
        "lacking": None,
        "fee_asked": 0,
        "due_changes": [],
        "finished_at": "2026-03-04T06:00:00Z",
        "steps_done": [
            {"name": name, "agency": agency, "at": f"2026-03-04T0{hour}:00:00Z"}
            for name, agency, hour in (
                ("Tiếp nhận", HERE, 3), ("Thẩm định", "H56", 4), ("Ký duyệt", "H56", 5), ("Trả kết quả", HERE, 6),
            )
        ],
        "steps_total": 4,
    }  # fmt: skip
    (dossier,) = intake.rows("dossiers")
    personal = {MARK, "andanh@example.vn", "+84912345678", "038185009999", dossier["secret"], dossier["_id"]}
    assert not [text for text in texts(shown) for secret in personal if secret in text]


@pytest.mark.parametrize("secret", ["exact", "lower", "spaced"])
def test_the_secret_is_read_off_a_paper(intake: Running, secret: str) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    kept = found["tracking"]["secret"]
    typed = {"exact": kept, "lower": kept.lower(), "spaced": f"%20{kept}%20"}[secret]
    assert intake.get(f"tracking/{found['code']}?secret={typed}").status_code == 200


@pytest.mark.parametrize(("phone", "status"), [("0912 345 678", 200), ("%2B84912345678", 200), ("0912 345 679", 404)])
def test_the_applicants_phone_number_opens_it_too(intake: Running, phone: str, status: int) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    assert intake.get(f"tracking/{found['code']}?phone={phone}").status_code == status


def test_an_online_dossier_is_followed_by_its_id_until_it_has_a_code(intake: Running) -> None:
    found = filed(intake)
    query = f"?secret={found['tracking']['secret']}"
    shown = intake.get(f"tracking/{found['id']}{query}").get_json()
    assert (shown["status"], shown["code"], shown["steps_total"]) == ("filed", None, 0)
    received = intake.post(f"dossiers/{found['id']}/reception", "counter_officer").get_json()
    by_id, by_code = (intake.get(f"tracking/{name}{query}") for name in (found["id"], received["code"]))
    assert by_id.data == by_code.data
    assert by_code.get_json()["status"] == "received"


def without_instance(answer: TestResponse) -> bytes:
    instance: str = problem(answer, 404, "not_found")["instance"]
    body: bytes = answer.data
    return body.replace(instance.encode(), b"")


def test_an_unknown_code_and_a_wrong_secret_answer_alike(intake: Running) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    unphoned = filed(intake, "counter_officer", **{**applicant_body(phone=None), "channel": "counter"})
    unknown = f"{HERE}-260304-9999"
    answers = [
        intake.get(f"tracking/{code}{query}")
        for code in (found["code"], unphoned["code"], unknown, found["id"], "x", "%00", "đ")
        for query in (
            "", "?secret=", "?secret=2222222222", f"?secret={'-' * 10}", "?secret=%C4%90", "?phone=0912%20345%20679",
            f"?secret={'-' * 10}&phone=0912%20345%20679",
        )
    ]  # fmt: skip
    assert len({without_instance(answer) for answer in answers}) == 1
    headers = [dict(answer.headers) for answer in answers]
    assert len({json.dumps({**each, "X-Request-Id": ""}, sort_keys=True) for each in headers}) == 1
    assert intake.get(f"tracking/{unknown}?secret={found['tracking']['secret']}").status_code == 404
    assert intake.get(f"tracking/{unphoned['code']}?secret={found['tracking']['secret']}").status_code == 404


@pytest.mark.parametrize(
    ("query", "pointer"), [("phone=12", "/phone"), ("secret=" + "x" * 41, "/secret"), ("name=Hoa", "/name")]
)
def test_a_wrong_parameter_is_pointed_at(still: Running, query: str, pointer: str) -> None:
    assert [where for where, _ in pointers(still.get(f"tracking/{HERE}-260304-0001?{query}"))] == [pointer]


# --- the page ---------------------------------------------------------------------------------------------------------


def page(intake: Running, **query: str) -> TestResponse:
    return intake.app.test_client().get("/tra-cuu", query_string=query)


def plain(answer: TestResponse) -> str:
    """The page's text, its tags left out."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def test_the_page_asks_for_a_code_and_a_secret(still: Running) -> None:
    for query in ({}, {"ma": ""}, {"ma": "H56.30-260304-0001"}, {"khoa": "ABC"}, {"ma": " ", "khoa": " "}):
        answer = page(still, **query)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        assert 'name="ma"' in answer.text
        assert 'name="khoa"' in answer.text
        assert 'role="alert"' not in answer.text, query


def test_the_page_shows_the_dossier_and_nothing_personal(intake: Running, workflow: Running, clock: Clock) -> None:
    found = processed(intake, workflow, clock)
    answer = page(intake, ma=f" {found['code']} ", khoa=found["tracking"]["secret"])
    assert answer.status_code == 200
    shown = plain(answer)
    for text in (
        "Đăng ký đất đai lần đầu", "Đã trả kết quả", "Result returned", found["code"], f"Ủy ban nhân dân {HERE}",
        "09:00 ngày 17/03/2026", "13:00 ngày 04/03/2026", "Thẩm định",
    ):  # fmt: skip
        assert text in shown, text
    assert answer.text.count("<li>") == 4
    (dossier,) = intake.rows("dossiers")
    for secret in (MARK, "andanh", "912345678", "912 345 678", "038185009999", dossier["secret"], dossier["_id"]):
        assert secret not in html.unescape(answer.text), secret


@pytest.mark.parametrize("phone", ["0912 345 678", "+84912345678"])
def test_the_page_takes_the_phone_number_as_well(intake: Running, phone: str) -> None:
    found = filed(intake, "counter_officer", channel="counter", procedure="2.000815")
    answer = page(intake, ma=found["code"], khoa=phone)
    assert (answer.status_code, "Được tiếp nhận" in answer.text) == (200, True)
    assert "không quy định thời hạn" in plain(answer).lower()


def test_the_page_says_so_when_nothing_is_found(intake: Running) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    wrong = page(intake, ma=found["code"], khoa="2222222222")
    unknown = page(intake, ma=f"{HERE}-260304-9999", khoa="2222222222")
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert 'role="alert"' in wrong.text
    assert wrong.text.replace(found["code"], "…") == unknown.text.replace(f"{HERE}-260304-9999", "…")


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "' OR 1=1"]
)
def test_what_was_typed_is_shown_as_text(still: Running, typed: str) -> None:
    answer = page(still, ma=typed, khoa=typed)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    # Once: the secret is not shown again, since the page may be left open at a counter.
    assert answer.text.count(str(escape(typed))) == 1


@pytest.mark.parametrize(
    "ma", ["x" * 10_000, "\x00", "đ" * 100, "\ud800".encode("utf-8", "surrogatepass").decode("latin1")]
)
def test_the_page_stands_what_is_typed(still: Running, ma: str) -> None:
    assert page(still, ma=ma, khoa=ma).status_code in {200, 404}


def test_the_two_pages_of_two_dossiers_do_not_mix(intake: Running) -> None:
    here = filed(intake, "counter_officer", channel="counter")
    there = filed(intake, "backdate", channel="counter", agency=ELSEWHERE)
    assert f"Ủy ban nhân dân {ELSEWHERE}" in page(intake, ma=there["code"], khoa=there["tracking"]["secret"]).text
    assert page(intake, ma=there["code"], khoa=here["tracking"]["secret"]).status_code == 404


# --- guessing ---------------------------------------------------------------------------------------------------------


def guess(intake: Running, code: str, times: int) -> list[dict[str, Any]]:
    """What wrong phone numbers are answered, without what differs from request to request."""
    answers = [problem(intake.get(f"tracking/{code}?phone=09123400{n:02d}"), 404) for n in range(times)]
    return [{key: value for key, value in answer.items() if key != "instance"} for answer in answers]


def test_after_many_wrong_numbers_only_the_secret_opens_a_code(intake: Running, clock: Clock) -> None:
    found, other = (
        filed(intake, "counter_officer", channel="counter"),
        filed(intake, "counter_officer", channel="counter"),
    )
    guess(intake, found["code"], guesses.LIMIT - 1)
    assert intake.get(f"tracking/{found['code']}?phone=0912345678").status_code == 200
    guess(intake, found["code"], 1)
    problem(intake.get(f"tracking/{found['code']}?phone=0912345678"), 404)
    assert intake.get(f"tracking/{found['code']}?secret={found['tracking']['secret']}").status_code == 200
    assert intake.get(f"tracking/{other['code']}?phone=0912345678").status_code == 200
    clock.move(minutes=59)
    problem(intake.get(f"tracking/{found['code']}?phone=0912345678"), 404)
    clock.move(minutes=1)
    assert intake.get(f"tracking/{found['code']}?phone=0912345678").status_code == 200


def test_the_limit_tells_nobody_whether_there_is_such_a_code(intake: Running) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    there = guess(intake, found["code"], guesses.LIMIT + 2)
    nowhere = guess(intake, "H56.30-260304-9999", guesses.LIMIT + 2)
    assert there == nowhere
    assert len({json.dumps(answer) for answer in there}) == 1


def test_guesses_at_the_page_count_too(intake: Running) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    for n in range(guesses.LIMIT):
        assert intake.get(f"/tra-cuu?ma={found['code']}&khoa=09123400{n:02d}").status_code == 404
    assert intake.get(f"/tra-cuu?ma={found['code']}&khoa=0912345678").status_code == 404
    assert intake.get(f"/tra-cuu?ma={found['code']}&khoa={found['tracking']['secret']}").status_code == 200


def test_what_people_typed_as_a_code_is_not_kept(intake: Running) -> None:
    guess(intake, "038185001234", 1)
    assert "038185001234" not in str(intake.rows("guesses"))
    assert [row["count"] for row in intake.rows("guesses")] == [1]
