"""Batches of dossiers over HTTP, and what offices that were offline send later under their own numbers."""

import json
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from intake.domain import dossiers as domain
from intake.main import INTAKE
from intake.store.batches import Batches
from intake.store.dossiers import Dossiers
from native.access import Persona
from tests.intake.making import applicant_body, body, paper
from tests.support.catalogue import ELSEWHERE, HERE, LAND
from tests.support.services import Clock, Running, another_process, everything, pointers, problem

NDJSON = {"Content-Type": "application/x-ndjson"}
OFFICE = Persona("Phần mềm", ("dossiers.file", "dossiers.receive", "backdate"), HERE)
OTHER_OFFICE = Persona("Phần mềm khác", ("dossiers.file", "dossiers.receive", "backdate"), ELSEWHERE)


class DiedError(Exception):
    """The process was killed here."""


def at_counter(**changes: Any) -> dict[str, Any]:
    return body(channel="counter", **changes)


def ndjson(*lines: Any) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def send(intake: Running, *lines: Any, who: Any = "counter_officer", **options: Any) -> TestResponse:
    headers = {**NDJSON, **options.pop("headers", {})}
    return intake.post("dossiers/batch", who, data=ndjson(*lines), headers=headers, **options)


def answered(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 201, answer.text
    assert answer.mimetype == "application/x-ndjson"
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["line"] for each in found] == list(range(1, len(found) + 1))
    return found


def statuses(answer: TestResponse) -> list[int]:
    return [each["status"] for each in answered(answer)]


# -- a batch is what its lines are by themselves -----------------------------------------------------------------------


def test_each_line_answers_like_a_filing_of_its_own_in_order(intake: Running) -> None:
    found = answered(send(intake, at_counter(), body(), at_counter(procedure=LAND)))
    single = intake.post("dossiers", "counter_officer", at_counter()).get_json()
    assert [each["status"] for each in found] == [201, 201, 201]
    first, online, land = (each["dossier"] for each in found)
    assert first.keys() == single.keys()
    assert [first["code"], online["code"], land["code"], single["code"]] == [
        f"{HERE}-260304-0001", None, f"{HERE}-260304-0002", f"{HERE}-260304-0003",
    ]  # fmt: skip
    assert (first["due_at"], online["status"]) == (single["due_at"], "filed")
    assert land["due_at"] != first["due_at"]
    for each in (first, online, land):
        shown = intake.get(f"dossiers/{each['id']}", "counter_officer").get_json()
        assert (shown["code"], shown["version"]) == (each["code"], 1)
    told = [json.loads(event) for event in intake.told()]
    assert sorted(event["type"] for event in told) == [
        "intake.dossier.filed.v1", *["intake.dossier.received.v1"] * 3,
    ]  # fmt: skip


def test_a_bad_line_spoils_only_itself(intake: Running) -> None:
    lines = [
        at_counter(),
        b"{not json",
        at_counter(components=[paper("TP9")]),
        b"",
        b'"a text"',
        b'\xff{"a": 1}',
        at_counter(agency=ELSEWHERE),
        at_counter(agency="H99"),
        {**at_counter(), "unknown": 1},
        at_counter(),
    ]
    found = answered(send(intake, *lines))
    assert [each["status"] for each in found] == [201, 400, 422, 400, 422, 400, 422, 422, 422, 201]
    codes = [each["problem"]["code"] for each in found if "problem" in each]
    assert codes == ["unreadable", "invalid", "unreadable", "invalid", "unreadable", *["invalid"] * 3]
    assert [error["pointer"] for error in found[2]["problem"]["errors"]] == ["/components/0/code", "/components"]
    assert all(each["problem"]["title"] and each["problem"]["instance"] for each in found if "problem" in each)
    assert len(intake.rows("dossiers")) == 2
    assert [row["drawn"] for row in intake.rows("counters") if row["_id"] == f"{HERE}-260304"] == [2]


def test_who_may_not_receive_is_told_so_line_by_line(intake: Running) -> None:
    assert statuses(send(intake, body(), at_counter(), who="citizen")) == [201, 403]


@pytest.mark.parametrize("lines", [0, 501])
def test_a_batch_has_one_to_five_hundred_lines(still: Running, lines: int) -> None:
    assert pointers(send(still, *[b"{}"] * lines)) == [("", "lines")]


def test_five_hundred_are_taken_with_one_draw_and_one_write(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    draws: list[int] = []
    writes: list[int] = []
    draw, add = Dossiers.draw, Dossiers.add

    def drawn(self: Dossiers, agency: str, day: date, count: int) -> int:
        draws.append(count)
        return draw(self, agency, day, count)

    def written(self: Dossiers, items: Sequence[Any]) -> list[str | None]:
        writes.append(len(items))
        return add(self, items)

    monkeypatch.setattr(Dossiers, "draw", drawn)
    monkeypatch.setattr(Dossiers, "add", written)
    assert set(statuses(send(intake, *[at_counter()] * 500))) == {201}
    assert (draws, writes) == ([500], [500])
    codes = [row["code"] for row in intake.rows("dossiers")]
    assert sorted(int(code.rpartition("-")[2]) for code in codes) == list(range(1, 501))


def test_what_is_no_ndjson_or_has_no_key_is_refused(still: Running) -> None:
    sent = ndjson(at_counter())
    as_json = {"Content-Type": "application/json"}
    problem(still.post("dossiers/batch", "counter_officer", data=sent, headers=as_json), 415, "unsupported_media_type")
    problem(send(still, at_counter(), key=None), 428, "precondition_required")
    problem(send(still, at_counter(), who="editor"), 403, "forbidden")
    problem(send(still, at_counter(), who=None), 401, "unauthenticated")


def test_a_batch_that_is_too_large_is_refused(still: Running) -> None:
    problem(send(still, b" " * 5_100_000), 413, "too_large")


def test_text_is_composed_in_a_line_too(intake: Running) -> None:
    apart = applicant_body(name=unicodedata.normalize("NFD", "Nguyễn Thị Hoa"))
    answered(send(intake, json.dumps(apart).encode(), json.dumps(apart, ensure_ascii=False).encode()))
    assert {row["applicant"]["name"] for row in intake.rows("dossiers")} == {"Nguyễn Thị Hoa"}


def test_a_separator_that_json_allows_in_a_text_ends_no_line(intake: Running) -> None:
    line = json.dumps(at_counter(form={"a": "x\u2028y\u0085z"}), ensure_ascii=False).encode()
    assert statuses(send(intake, line)) == [201]


# -- repeated ----------------------------------------------------------------------------------------------------------


def test_a_repeated_batch_answers_byte_for_byte_the_same(intake: Running, clock: Clock) -> None:
    lines = [at_counter(), body(), b"{", at_counter(components=[])]
    first = send(intake, *lines, key="b-1")
    clock.move(days=3)
    with another_process(intake) as later:
        again = send(later, *lines, key="b-1")
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert len(intake.rows("dossiers")) == 2
    assert [row["drawn"] for row in intake.rows("counters") if row["_id"].startswith(HERE)] == [1]


def test_the_same_key_with_another_batch_is_refused(intake: Running) -> None:
    send(intake, at_counter(), key="b-1")
    problem(send(intake, at_counter(), at_counter(), key="b-1"), 422, "idempotency_key_reused")
    assert len(intake.rows("dossiers")) == 1
    assert statuses(send(intake, at_counter(), key="b-1", who="backdate")) == [201], "another caller's key is another"


@pytest.mark.parametrize("dies", [Dossiers.add, Batches.keep], ids=["before the write", "before its answer is kept"])
def test_a_process_that_dies_in_between_makes_no_second_dossier(
    intake: Running, monkeypatch: pytest.MonkeyPatch, dies: Any
) -> None:
    lines = [at_counter(), at_counter(components=[]), body()]

    def die(*_: Any) -> None:
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(Dossiers if dies is Dossiers.add else Batches, dies.__name__, die)
        assert send(intake, *lines, key="b-1").status_code == 500
    written = {row["_id"]: row["code"] for row in intake.rows("dossiers")}
    assert len(written) == (0 if dies is Dossiers.add else 2)
    found = answered(send(intake, *lines, key="b-1"))
    assert [each["status"] for each in found] == [201, 422, 201]
    rows = {row["_id"]: row["code"] for row in intake.rows("dossiers")}
    assert rows == (written or rows)
    assert {each["dossier"]["id"] for each in found if "dossier" in each} == rows.keys()


def test_the_same_batch_at_once_makes_each_dossier_once(intake: Running) -> None:
    lines = [at_counter(), body(), at_counter(components=[]), at_counter()]
    with ThreadPoolExecutor(6) as at_once:
        answers = list(at_once.map(lambda _: send(intake, *lines, key="b-1"), range(6)))
    bodies = {tuple(json.dumps({**each, "problem": None}) for each in answered(answer)) for answer in answers}
    assert len(bodies) == 1
    assert len(intake.rows("dossiers")) == 3


def test_a_key_of_a_single_filing_is_no_lines_key(intake: Running) -> None:
    single = intake.post("dossiers", "counter_officer", at_counter(), key="k").get_json()["id"]
    (found,) = answered(send(intake, at_counter(), key="k"))
    assert found["dossier"]["id"] != single


def test_a_line_that_could_not_be_decided_now_is_tried_again(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter that a failover has set far back: no free code is found in so many draws."""
    given = answered(send(intake, *[at_counter()] * 3))
    with monkeypatch.context() as patch:
        patch.setattr(Dossiers, "draw", lambda *_: 1)
        first = answered(send(intake, body(), at_counter(), key="b-1"))
    assert [each["status"] for each in first] == [201, 503]
    again = answered(send(intake, body(), at_counter(), key="b-1"))
    assert [each["status"] for each in again] == [201, 201]
    assert again[0] == first[0]
    assert again[1]["dossier"]["code"] not in {each["dossier"]["code"] for each in given}


def test_a_counter_that_was_set_back_gives_no_code_twice_in_a_batch(intake: Running) -> None:
    before = answered(send(intake, *[at_counter()] * 5))
    intake.database["counters"].update_one({"_id": f"{HERE}-260304"}, {"$set": {"drawn": 0}})
    after = answered(send(intake, *[at_counter()] * 4))
    codes = [each["dossier"]["code"] for each in (*before, *after)]
    assert len(set(codes)) == 9
    assert all(domain.CODE.fullmatch(code) for code in codes)


# -- offices that were offline -----------------------------------------------------------------------------------------


def test_an_office_sends_later_with_its_own_times(intake: Running, clock: Clock) -> None:
    clock.move(days=1)
    yesterday = {**at_counter(), "occurred_at": "2026-03-04T09:15:00+07:00"}
    today = at_counter()
    found = answered(send(intake, yesterday, today, who=OFFICE))
    assert [each["dossier"]["code"] for each in found] == [f"{HERE}-260304-0001", f"{HERE}-260305-0001"]
    row = intake.database["dossiers"].find_one({"code": f"{HERE}-260304-0001"}) or {}
    assert row["received_at"].isoformat() == "2026-03-04T02:15:00+00:00"
    assert {entry["recorded_at"] for entry in row["journal"]} == {clock.now}, "the journal keeps both times"
    assert row["due_at"].isoformat() == "2026-03-07T02:15:00+00:00"


def test_the_batchs_own_time_is_for_lines_without_one(intake: Running, clock: Clock) -> None:
    clock.move(days=2)
    headers = {"Occurred-At": "2026-03-04T02:00:00Z"}
    lines = [at_counter(), {**at_counter(), "occurred_at": "2026-03-05T02:00:00Z"}]
    found = answered(send(intake, *lines, who=OFFICE, headers=headers))
    assert [each["dossier"]["code"][:-5] for each in found] == [f"{HERE}-260304", f"{HERE}-260305"]


@pytest.mark.parametrize(
    ("at", "who", "status", "code"),
    [
        ("2026-03-04T01:00:00Z", "counter_officer", 403, "forbidden"),
        ("2026-03-05T02:00:00Z", OFFICE, 422, "occurred_at_in_future"),
        ("2026-03-04", OFFICE, 400, "occurred_at_malformed"),
        ("1999-03-04T01:00:00Z", OFFICE, 400, "occurred_at_malformed"),
        (1772589600, OFFICE, 422, "invalid"),
    ],
)
def test_a_time_that_cannot_be(intake: Running, at: Any, who: Any, status: int, code: str) -> None:
    found = answered(send(intake, {**at_counter(), "occurred_at": at}, at_counter(), who=who))
    assert [each["status"] for each in found] == [status, 201]
    assert found[0]["problem"]["code"] == code


def numbered(number: str = "HH-2026/0017", **changes: Any) -> dict[str, Any]:
    return at_counter(office_number=number, **changes)


def test_the_same_office_number_is_the_same_dossier(intake: Running, clock: Clock) -> None:
    first = intake.post("dossiers", OFFICE, numbered(), key="k-1").get_json()
    clock.move(hours=5)
    again = intake.post("dossiers", OFFICE, numbered(), key="k-2")
    assert again.status_code == 201
    assert again.get_json() == first
    assert len(intake.rows("dossiers")) == 1
    assert intake.rows("counters")[0]["drawn"] == 1, "looking first spares a code"
    shown = intake.get(f"dossiers/{first['id']}", "counter_officer").get_json()
    assert shown["office_number"] == "HH-2026/0017"


def test_it_is_although_the_order_of_fields_is_another(intake: Running) -> None:
    first = intake.post("dossiers", OFFICE, numbered(form={"a": 1, "b": [2]})).get_json()
    turned = dict(reversed(numbered(form={"b": [2], "a": 1}).items()))
    assert intake.post("dossiers", OFFICE, turned).get_json() == first


def test_it_answers_how_the_dossier_is_now(intake: Running) -> None:
    id = intake.post("dossiers", OFFICE, numbered(), key="k-1").get_json()["id"]
    intake.post(f"dossiers/{id}/withdrawal", "counter_officer", {"reason": "x"})
    again = intake.post("dossiers", OFFICE, numbered(), key="k-2").get_json()
    assert (again["id"], again["status"], again["version"]) == (id, "withdrawn", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"applicant": {**body()["applicant"], "name": "Lê Thị Đào"}},
        {"form": {}},
        {"components": [paper("TP1", originals=2)]},
        {"procedure": LAND},
        {"result_return": "post"},
    ],
    ids=lambda value: next(iter(value)),
)
def test_another_thing_under_the_same_number_is_a_conflict(intake: Running, changes: dict[str, Any]) -> None:
    code = intake.post("dossiers", OFFICE, numbered()).get_json()["code"]
    found = problem(intake.post("dossiers", OFFICE, numbered(**changes)), 409, "office_number_taken")
    assert code in found["detail"]
    assert len(intake.rows("dossiers")) == 1


def test_another_agencys_same_number_is_another_one(intake: Running) -> None:
    assert intake.post("dossiers", OFFICE, numbered()).status_code == 201
    assert intake.post("dossiers", OTHER_OFFICE, numbered(agency=ELSEWHERE)).status_code == 201
    assert len(intake.rows("dossiers")) == 2


def test_only_the_agencys_office_numbers_its_dossiers(intake: Running) -> None:
    answer = intake.post("dossiers", "citizen", body(office_number="HH-1"))
    assert pointers(answer) == [("/office_number", "other_agency")]
    assert intake.post("dossiers", OFFICE, body(office_number="HH-1")).status_code == 201, "what it takes in online"


def test_an_office_sends_its_week_again_under_another_key(intake: Running) -> None:
    lines = [numbered(f"HH/{n}") for n in range(5)]
    first = answered(send(intake, *lines[:3], who=OFFICE))
    second = answered(send(intake, *lines, numbered("HH/1", form={}), who=OFFICE))
    assert [each["status"] for each in second] == [201] * 5 + [409]
    assert [each["dossier"] for each in second[:3]] == [each["dossier"] for each in first]
    assert len(intake.rows("dossiers")) == 5
    assert intake.rows("counters")[0]["drawn"] == 5


def test_twins_within_a_batch_are_one_dossier(intake: Running) -> None:
    lines = [numbered(), at_counter(), numbered(), numbered(form={}), b"{"]
    found = answered(send(intake, *lines, who=OFFICE))
    assert [each["status"] for each in found] == [201, 201, 201, 409, 400]
    assert found[0]["dossier"] == found[2]["dossier"]
    assert len(intake.rows("dossiers")) == 2
    assert intake.rows("counters")[0]["drawn"] == 2


def test_the_same_number_at_once_makes_one_dossier(intake: Running) -> None:
    with ThreadPoolExecutor(8) as at_once:
        answers = list(at_once.map(lambda _: intake.post("dossiers", OFFICE, numbered()), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len(intake.rows("dossiers")) == 1


def test_the_office_number_is_found_by_its_index(intake: Running) -> None:
    intake.post("dossiers", OFFICE, numbered())
    query = {"$or": [{"office.number": "HH-2026/0017", "dimensions.agency": HERE}]}
    plan = intake.database["dossiers"].find(query).explain()["queryPlanner"]["winningPlan"]
    assert "office_number" in json.dumps(plan, default=str)
    assert "COLLSCAN" not in json.dumps(plan, default=str)


def test_a_migration_sends_for_every_agency(intake: Running) -> None:
    lines = [at_counter(), at_counter(agency=ELSEWHERE)] * 2
    found = answered(send(intake, *lines, who=everything(INTAKE)))
    assert [each["dossier"]["code"] for each in found] == [
        f"{HERE}-260304-0001", f"{ELSEWHERE}-260304-0001", f"{HERE}-260304-0002", f"{ELSEWHERE}-260304-0002",
    ]  # fmt: skip
