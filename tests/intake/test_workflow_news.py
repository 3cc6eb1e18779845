"""A dossier that workflow asks more for, that stands still, gets another due date, or is stopped: what intake makes of
it, whatever comes first, and what the applicant and the officer see and may do."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from chassis.consume import Done, Duplicate
from native.access import Persona
from tests.intake import telling
from tests.intake.making import paper
from tests.intake.paying import FEE, OFFICE_ACCOUNTANT, filed
from tests.intake.uploading import sent as uploaded
from tests.support.catalogue import CHARTER, HERE, PROVINCE
from tests.support.contents import png_of
from tests.support.services import Clock, Running, problem

RECOUNTER = Persona("Đối chiếu số liệu", ("dossiers.recount",))
D1, D2, D3, D4 = (f"2026-03-{day:02}T02:00:00Z" for day in (9, 10, 12, 13))


def under_way(intake: Running) -> str:
    """A dossier of the citizen's that workflow works on."""
    made = filed(intake)
    assert intake.post(f"dossiers/{made['id']}/reception", "counter_officer", {}).status_code == 200
    intake.hear([telling.begun(made["id"])])
    intake.publish()
    return str(made["id"])


def shown(intake: Running, id: str) -> dict[str, Any]:
    found: dict[str, Any] = intake.get(f"dossiers/{id}", "citizen").get_json()
    return found


def tracked(intake: Running, id: str) -> dict[str, Any]:
    (row,) = (row for row in intake.rows("dossiers") if row["_id"] == id)
    found: dict[str, Any] = intake.get(f"tracking/{row['code']}?secret={row['secret']}").get_json()
    return found


def page(intake: Running, id: str) -> str:
    (row,) = (row for row in intake.rows("dossiers") if row["_id"] == id)
    answer = intake.app.test_client().get("/tra-cuu", query_string={"ma": row["code"], "khoa": row["secret"]})
    return " ".join(answer.get_data(as_text=True).split())


def told(intake: Running, kind: str) -> list[dict[str, Any]]:
    """What intake published of this kind since it was asked last."""
    return [event["data"] for body in intake.publish() if (event := json.loads(body))["type"] == f"intake.{kind}.v1"]


# -- any order ---------------------------------------------------------------------------------------------------------


def life(id: str, end: Callable[[str], bytes]) -> list[bytes]:
    """A supplement, an extension, a fee, a change of the calendar, and an end."""
    return [
        telling.begun(id),
        telling.asked(id, 3),
        telling.paused(id, 4),
        telling.resumed(id, 6, D2, D1),
        telling.extended(id, 8, D3, D2),
        telling.fee_asked(id, 10),
        telling.paused(id, 11, "fee"),
        telling.resumed(id, 13, D3, D3),
        telling.rescheduled(id, 15, D4, D3),
        telling.asked(id, 16, "2026-03-06T03:00:00Z", components=[]),
        telling.paused(id, 17, at="2026-03-06T03:00:00Z"),
        end(id),
    ]


def settled(intake: Running) -> list[dict[str, Any]]:
    """What the news made of the dossiers. A journal and an outbox hold acts in the order in which they were heard of,
    so of these it is what they hold that is compared. When it is stopped before the fee is heard of, nobody is asked to
    pay, so there the outbox may be empty."""
    rows = []
    for row in intake.rows("dossiers"):
        journal = sorted((entry["act"], entry["at"], entry["note"] or "") for entry in row["journal"])
        stopped = row["status"] == "stopped"
        outbox = ["intake.fee.asked"] if stopped else sorted(entry["key"] for entry in row["outbox"])
        assert len(row["outbox"]) <= 1
        counted = dict.fromkeys(("doc_version", "doc_sequence", "nudged_at"))
        rows.append({**row, "journal": journal, "outbox": outbox, **counted})
    return rows


@pytest.mark.parametrize(
    ("end", "status"),
    [(telling.stopped, "stopped"), (telling.finished, "processed"), (telling.begun, "supplement_asked")],
    ids=["stopped", "finished", "open"],
)
def test_any_order_repetition_and_batching_give_the_same_dossier(
    intake: Running, end: Callable[[str], bytes], status: str
) -> None:
    made = filed(intake, "counter_officer", channel="counter")
    intake.publish()
    untouched = intake.rows("dossiers")
    heard = life(made["id"], end)
    intake.hear(heard)
    expected = settled(intake)
    (row,) = expected
    assert (row["status"], row["due_at"].isoformat()) == (status, "2026-03-13T02:00:00+00:00")
    assert [change["sequence"] for change in row["due_changes"]] == [6, 8, 15]
    assert [asked["told"] for asked in row["supplements"]] == [3, 16]
    assert [bill["told"] for bill in row["bills"]] == [0, 10]
    assert row["outbox"] == ["intake.fee.asked"]
    rng = random.Random(20260304)  # noqa: S311 (the same shuffles each time)
    for _ in range(12):
        intake.database["dossiers"].delete_many({})
        intake.database["dossiers"].insert_many(untouched)
        shuffled = [*heard, *rng.choices(heard, k=5)]
        rng.shuffle(shuffled)
        outcomes = []
        while shuffled:
            size = rng.randint(1, 6)
            outcomes += intake.hear(shuffled[:size])
            del shuffled[:size]
        assert settled(intake) == expected
        assert {type(outcome) for outcome in outcomes} <= {Done, Duplicate}


def test_what_was_heard_is_a_duplicate(intake: Running) -> None:
    id = under_way(intake)
    heard = life(id, telling.stopped)[1:]
    assert set(map(type, intake.hear(heard))) == {Done}
    before = intake.rows("dossiers")
    assert set(map(type, intake.hear(heard))) == {Duplicate}
    assert intake.rows("dossiers") == before


# -- a supplement ------------------------------------------------------------------------------------------------------


def test_the_applicant_supplements_what_the_agency_asked_for(intake: Running, clock: Clock) -> None:
    id = under_way(intake)
    clock.move(hours=2)
    intake.hear([telling.asked(id), telling.paused(id)])
    found = shown(intake, id)
    assert found["status"] == "supplement_asked"
    assert found["pause"] == {
        "kind": "supplement", "text": "Tạm dừng tính thời gian, chờ bổ sung hồ sơ", "since": "2026-03-04T03:00:00Z",
        "reason": "Chờ", "basis": "Nghị định 118/2025/NĐ-CP",
    }  # fmt: skip
    assert found["supplements"] == [
        {
            "asked_at": "2026-03-04T03:00:00Z",
            "components": ["TP2"],
            "reason": telling.REASON,
            "until": "2026-03-10",
            "given_at": None,
            "agency": PROVINCE,
        }
    ]
    clock.move(hours=1)
    answer = intake.post(f"dossiers/{id}/supplement", "citizen", {"components": [paper("TP2")]})
    assert answer.get_json()["status"] == "in_process"
    (said,) = told(intake, "dossier.supplemented")
    assert (said["code"], said["supplemented_at"]) == (found["code"], "2026-03-04T05:00:00Z")
    problem(intake.post(f"dossiers/{id}/supplement", "citizen", {}), 409, "no_supplement_asked")
    intake.hear([telling.resumed(id, 6, D2, D1)])
    found = shown(intake, id)
    assert (found["status"], found["pause"], found["due_at"]) == ("in_process", None, D2)
    assert found["supplements"][0]["given_at"] == "2026-03-04T05:00:00Z"


def test_the_counter_hands_in_for_the_applicant_and_files_come_to_the_store(intake: Running, clock: Clock) -> None:
    id = under_way(intake)
    intake.hear([telling.asked(id)])
    clock.move(hours=2)
    (before,) = intake.rows("dossiers")
    file = uploaded(intake, png_of(40, 40), "counter_officer", name="hop-dong.png")["id"]
    component = {"code": "TP2", "paper": {"originals": 1}, "file": file}
    answer = intake.post(f"dossiers/{id}/supplement", "counter_officer", {"components": [component]})
    assert answer.get_json()["status"] == "in_process", answer.text
    (row,) = intake.rows("dossiers")
    assert row["deposit"] > abs(before["deposit"])


def test_everything_that_the_version_knows_must_be_there(intake: Running, clock: Clock) -> None:
    """What an agency asks for by a code that the procedure version does not have cannot be handed in, so it keeps
    nobody waiting for ever."""
    id = under_way(intake)
    clock.move(hours=2)
    intake.hear([telling.asked(id, components=["TP1", "TP9"])])
    given = intake.post(f"dossiers/{id}/supplement", "citizen", {"components": [paper("TP2")]})
    assert [error["message"] for error in problem(given, 422)["errors"]] == ["TP1 was asked for"]
    assert intake.post(f"dossiers/{id}/supplement", "citizen", {"components": [paper("TP1")]}).status_code == 200


def test_when_workflow_goes_on_without_it_nothing_is_lacking(intake: Running) -> None:
    id = under_way(intake)
    intake.hear([telling.asked(id), telling.paused(id), telling.resumed(id, 6, D2, D1)])
    assert shown(intake, id)["status"] == "in_process"
    problem(intake.post(f"dossiers/{id}/supplement", "citizen", {}), 409, "no_supplement_asked")
    assert tracked(intake, id)["lacking"] is None
    intake.hear([telling.asked(id, 9)])
    assert shown(intake, id)["status"] == "supplement_asked", "asked for again"


def test_the_public_sees_what_is_lacking_and_until_when(intake: Running) -> None:
    id = under_way(intake)
    intake.hear([telling.asked(id), telling.paused(id)])
    found = tracked(intake, id)
    assert found["lacking"] == {
        "asked_at": "2026-03-04T03:00:00Z", "components": ["Hợp đồng thuê"], "until": "2026-03-10",
    }  # fmt: skip
    assert found["status_text"] == "Yêu cầu bổ sung giấy tờ"
    assert found["paused_since"] == "2026-03-04T03:00:00Z"
    text = page(intake, id)
    assert "Yêu cầu bổ sung hồ sơ" in text
    assert "<li>Hợp đồng thuê</li>" in text
    assert "đến hết ngày 10/03/2026" in text
    assert "tạm dừng từ 10:00 ngày 04/03/2026" in text
    assert telling.REASON not in text, "an officer's words may name people"


def test_form_02_prints_a_request_of_workflows_by_the_agency_that_asks(intake: Running) -> None:
    id = under_way(intake)
    problem(intake.get(f"dossiers/{id}/supplement-request.pdf", "citizen"), 409, "nothing_to_print")
    intake.hear([telling.asked(id)])
    assert intake.get(f"dossiers/{id}/supplement-request.pdf", "citizen").status_code == 202
    (asked,) = intake.rows("papers")
    assert asked["content"]["components"] == ["Hợp đồng thuê"]
    assert (asked["content"]["reason"], asked["content"]["until"]) == (telling.REASON, "2026-03-10")
    names = {row["_id"]: row["name"] for row in intake.rows("agencies")}
    assert asked["content"]["agency_name"] == names[PROVINCE] != names[HERE]


# -- a fee -------------------------------------------------------------------------------------------------------------


def test_a_fee_that_workflow_asks_for_is_one_bill_and_one_message(paying: Running, clock: Clock) -> None:
    id = under_way(paying)
    clock.move(hours=2)
    assert paying.hear([telling.fee_asked(id), telling.paused(id, 4, "fee")]) == [Done(), Done()]
    assert paying.hear([telling.fee_asked(id), telling.fee_asked(id)]) == [Duplicate(), Duplicate()]
    found = shown(paying, id)
    assert (found["status"], found["fee"]["amount"]) == ("fee_asked", FEE + 80_000)
    assert [event["amount"] for event in told(paying, "fee.asked")] == [80_000]
    first, asked = paying.get(f"dossiers/{id}/fee", "citizen").get_json()["bills"]
    assert (asked["number"], asked["reason"], asked["due"]) == (2, "Lệ phí\ntrích đo bổ sung", True)
    assert asked["vietqr"]
    (line,) = asked["lines"]
    assert (line["name"], line["basis"]) == ("Lệ phí trích đo bổ sung", "Nghị quyết 10/NQ-HĐND")
    assert tracked(paying, id)["fee_asked"] == 80_000
    assert "Xin nộp 80.000 đồng" in page(paying, id)
    paid = paying.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 80_000})
    assert paid.status_code == 201, paid.text
    (said,) = told(paying, "fee.paid")
    # The fee of the filing is not paid yet, and workflow waits for its own alone.
    assert (said["settled"], said["requested_at"]) == (False, asked["at"])
    assert shown(paying, id)["status"] == "in_process"
    assert tracked(paying, id)["fee_asked"] == 0
    assert first["due"]


def cancel(paying: Running, id: str, number: int, **options: Any) -> Any:
    reason = {"reason": "Hộ nghèo được miễn"}
    return paying.post(f"dossiers/{id}/bills/{number}/cancellation", "counter_officer", reason, **options)


def test_a_fee_of_workflows_that_is_cancelled_is_told_with_what_it_waits_for(paying: Running, clock: Clock) -> None:
    id = under_way(paying)
    clock.move(hours=2)
    paying.hear([telling.fee_asked(id), telling.paused(id, 4, "fee")])
    paying.publish()
    assert cancel(paying, id, 1).status_code == 200, "the fee of the filing, for which workflow does not wait"
    (said,) = told(paying, "fee.cancelled")
    assert (said["amount"], said["awaited"], said["requested_at"]) == (FEE, True, None)
    assert shown(paying, id)["status"] == "fee_asked"
    assert cancel(paying, id, 2).get_json()["status"] == "in_process"
    (said,) = told(paying, "fee.cancelled")
    asked = paying.get(f"dossiers/{id}/fee", "citizen").get_json()["bills"][1]
    assert (said["amount"], said["awaited"], said["reason"]) == (80_000, False, "Hộ nghèo được miễn")
    assert said["requested_at"] == asked["at"]
    paying.hear([telling.resumed(id, 6, D2, D1)])
    view = tracked(paying, id)
    assert (view["status"], view["fee_asked"], view["paused_since"], view["due_at"]) == ("in_process", 0, None, D2)
    assert "Xin nộp" not in page(paying, id)


def test_of_a_bill_one_event_alone_ends_workflows_pause(paying: Running, clock: Clock) -> None:
    """Workflow went on with the first payment; what comes after its reversal says nothing of a pause, so that it does
    not matter in which order workflow hears of them."""
    id = under_way(paying)
    clock.move(hours=2)
    paying.hear([telling.fee_asked(id)])
    paying.publish()

    def pay_and_reverse() -> None:
        paid = paying.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 80_000}).get_json()["payment"]
        answer = paying.post(f"dossiers/{id}/payments/{paid['id']}/reversal", OFFICE_ACCOUNTANT, {"reason": "Nhầm"})
        assert answer.status_code == 200, answer.text

    pay_and_reverse()
    pay_and_reverse()
    assert cancel(paying, id, 2).status_code == 200
    said = [json.loads(body) for body in paying.publish()]
    assert [(event["type"].split(".")[2], event["data"].get("requested_at")) for event in said] == [
        ("paid", "2026-03-04T03:00:00Z"), ("reversed", None), ("paid", None), ("reversed", None), ("cancelled", None),
    ]  # fmt: skip


def test_nothing_is_cancelled_before_it_was_asked_for(paying: Running, clock: Clock) -> None:
    id = under_way(paying)
    clock.move(hours=2)
    paying.hear([telling.fee_asked(id)])
    early = {"Occurred-At": "2026-03-04T02:59:59Z"}
    backdating = Persona("Ghi lùi", ("dossiers.receive", "backdate"), HERE)
    url, reason = f"dossiers/{id}/bills/2/cancellation", {"reason": "Nhầm"}
    problem(paying.post(url, backdating, reason, headers=early), 422, "before_request")
    in_time = {"Occurred-At": "2026-03-04T03:00:00Z"}
    assert paying.post(url, backdating, reason, headers=in_time).status_code == 200


def test_where_nothing_was_asked_for_at_the_filing_the_first_bill_is_waited_for(paying: Running, clock: Clock) -> None:
    made = filed(paying, "counter_officer", channel="counter", procedure=CHARTER)
    clock.move(hours=2)
    paying.hear([telling.begun(made["id"]), telling.fee_asked(made["id"]), telling.paused(made["id"], 4, "fee")])
    found = paying.get(f"dossiers/{made['id']}", "counter_officer").get_json()
    assert (found["status"], found["fee"]["amount"]) == ("fee_asked", 80_000)


def test_a_fee_that_workflow_waits_for_no_more_is_due_and_holds_up_nothing(paying: Running, clock: Clock) -> None:
    id = under_way(paying)
    clock.move(hours=2)
    paying.hear([telling.fee_asked(id), telling.paused(id, 4, "fee"), telling.resumed(id, 6, D2, D1)])
    assert shown(paying, id)["status"] == "in_process"
    paying.hear([telling.fee_asked(id, 8, 20_000), telling.paused(id, 9, "fee")])
    assert shown(paying, id)["status"] == "fee_asked"
    assert tracked(paying, id)["fee_asked"] == 20_000
    paying.publish()
    paying.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 20_000})
    (row,) = paying.rows("dossiers")
    (said,) = told(paying, "fee.paid")
    assert datetime.fromisoformat(said["requested_at"]) == row["bills"][-1]["at"]
    assert shown(paying, id)["status"] == "in_process"
    assert paying.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 80_000}).status_code == 201


def test_nobody_is_asked_to_pay_for_what_was_withdrawn_meanwhile(paying: Running, clock: Clock) -> None:
    id = under_way(paying)
    clock.move(hours=2)
    paying.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "Thôi"})
    paying.publish()
    assert paying.hear([telling.fee_asked(id), telling.paused(id, 4, "fee"), telling.asked(id, 7)]) == [Done()] * 3
    found = shown(paying, id)
    assert (found["status"], told(paying, "fee.asked")) == ("withdrawn", [])
    problem(paying.post(f"dossiers/{id}/payments", "counter_officer", {"amount": 80_000}), 409, "dossier_closed")
    view = tracked(paying, id)
    assert (view["fee_asked"], view["lacking"], view["paused_since"]) == (0, None, None)


# -- other due dates ---------------------------------------------------------------------------------------------------


def test_every_new_due_date_is_explained(intake: Running) -> None:
    id = under_way(intake)
    promised = shown(intake, id)["due_at"]
    intake.hear([telling.resumed(id, 6, D2, promised, restarted=True), telling.extended(id, 8, D3, D2)])
    found = shown(intake, id)
    assert [(change["why"], change["due_at"]) for change in found["due_changes"]] == [
        ("restart", D2),
        ("extension", D3),
    ]
    assert found["due_at"] == D3
    view = tracked(intake, id)
    assert [change["text"] for change in view["due_changes"]] == [
        "Tính lại thời hạn từ khi bổ sung đủ hồ sơ", "Gia hạn thời gian giải quyết",
    ]  # fmt: skip
    assert [change["apology"] for change in view["due_changes"]] == [False, True]
    assert found["due_changes"][1]["reason"] == telling.APOLOGISED
    text = page(intake, id)
    assert "Gia hạn thời gian giải quyết. Cơ quan giải quyết xin lỗi" in text
    assert telling.APOLOGISED not in text + str(view), "an officer's words may name people"
    assert "Hẹn trả mới: <strong>09:00 ngày 12/03/2026</strong> (trước đó: 09:00 ngày 10/03/2026)" in text
    journal = intake.get(f"dossiers/{id}/journal", "citizen").get_json()["items"]
    assert [entry["note"] for entry in journal if entry["act"] == "rescheduled"][1] == (
        f"09:00 10/03/2026 → 09:00 12/03/2026: {telling.APOLOGISED}"
    )
    assert intake.get(f"dossiers/{id}/journal/verification", "citizen").get_json()["intact"]


def test_a_pause_that_moves_nothing_is_no_change_of_the_due_date(intake: Running) -> None:
    id = under_way(intake)
    promised = shown(intake, id)["due_at"]
    intake.hear([telling.paused(id, 4, "other"), telling.resumed(id, 6, promised, promised)])
    found = shown(intake, id)
    assert (found["due_at"], found["due_changes"], found["pause"]) == (promised, [], None)


@pytest.mark.parametrize("batched", [True, False])
def test_a_refusal_in_a_pause_moves_the_due_date(intake: Running, clock: Clock, batched: bool) -> None:
    """Else the result of Thursday would be early by a due date of Tuesday. In whatever order the news come."""
    id = under_way(intake)
    promised = shown(intake, id)["due_at"]
    clock.move(days=8)
    heard = [
        telling.finished(id, 8, "2026-03-12T01:00:00Z", due_at=D4, previous_due_at=D2),
        telling.paused(id, 7, "other"),
        telling.resumed(id, 6, D2, promised),
    ]
    for batch in [heard] if batched else [[each] for each in heard]:
        assert intake.hear(batch) == [Done()] * len(batch)
    assert intake.hear(heard) == [Duplicate()] * 3
    found = shown(intake, id)
    assert (found["status"], found["due_at"], found["timing"], found["pause"]) == ("processed", D4, "early", None)
    assert [(change["why"], change["previous_due_at"], change["due_at"]) for change in found["due_changes"]] == [
        ("pause", promised, D2),
        ("pause", D2, D4),
    ]
    assert "Hẹn trả mới: <strong>09:00 ngày 13/03/2026</strong>" in page(intake, id)
    assert intake.get(f"dossiers/{id}/journal/verification", "citizen").get_json()["intact"]


def test_an_end_that_came_too_late_moves_no_due_date(intake: Running, clock: Clock) -> None:
    id = under_way(intake)
    promised = shown(intake, id)["due_at"]
    clock.move(hours=2)
    intake.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "Thôi"})
    refused = telling.finished(id, due_at=D4, previous_due_at=promised)
    assert intake.hear([refused]) == [Duplicate()]
    assert (shown(intake, id)["due_at"], shown(intake, id)["due_changes"]) == (promised, [])


def test_a_pause_for_another_cause_is_shown_and_is_no_status_of_its_own(intake: Running) -> None:
    id = under_way(intake)
    intake.hear([telling.paused(id, 4, "other")])
    found = shown(intake, id)
    assert (found["status"], found["pause"]["kind"]) == ("in_process", "other")
    assert tracked(intake, id)["paused_since"] == "2026-03-04T03:00:00Z"


# -- a stop ------------------------------------------------------------------------------------------------------------


def test_a_stopped_dossier_is_over(paying: Running, clock: Clock) -> None:
    id = under_way(paying)
    clock.move(days=6)
    paying.hear([telling.asked(id), telling.paused(id), telling.stopped(id)])
    found = shown(paying, id)
    assert (found["status"], found["pause"]) == ("stopped", None)
    assert found["stop"] == {
        "at": "2026-03-09T02:00:00Z",
        "reason": "Đất đang có tranh chấp",
        "basis": "Điều 19 Nghị định 118/2025/NĐ-CP",
    }
    problem(paying.post(f"dossiers/{id}/supplement", "citizen", {}), 409, "no_supplement_asked")
    problem(paying.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "x"}), 409, "not_withdrawable")
    handover = {"to": "Hoa", "method": "collect"}
    problem(paying.post(f"dossiers/{id}/handover", "counter_officer", handover), 409, "not_processed")
    problem(paying.post(f"dossiers/{id}/payments", "counter_officer", {"amount": FEE}), 409, "dossier_closed")
    lines = [{"code": "x", "name": "x", "amount": 1}]
    fee = {"lines": lines, "reason": "x"}
    problem(paying.post(f"dossiers/{id}/fee-request", "counter_officer", fee), 409, "fee_not_askable")
    view = tracked(paying, id)
    assert (view["status_text"], view["stopped_at"]) == ("Dừng xử lý", "2026-03-09T02:00:00Z")
    assert (view["lacking"], view["paused_since"]) == (None, None)
    assert "Dừng xử lý lúc" in page(paying, id)


@pytest.mark.parametrize(("at", "status"), [("2026-03-04T03:59:59Z", "stopped"), ("2026-03-04T04:00:00Z", "stopped"),
                                            ("2026-03-04T04:00:01Z", "withdrawn")])  # fmt: skip
def test_of_a_withdrawal_and_a_stop_the_earlier_one_counts(intake: Running, clock: Clock, at: str, status: str) -> None:
    id = under_way(intake)
    clock.move(hours=2)
    intake.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "Thôi"})
    intake.hear([telling.stopped(id, at=at)])
    assert shown(intake, id)["status"] == status


def test_what_was_rejected_after_its_reception_is_handed_over(intake: Running, clock: Clock) -> None:
    id = under_way(intake)
    clock.move(days=6)
    intake.hear([telling.finished(id)])
    answer = intake.post(f"dossiers/{id}/handover", "counter_officer", {"to": "Hoa", "method": "collect"})
    assert answer.get_json()["status"] == "returned"


# -- the recount -------------------------------------------------------------------------------------------------------


def test_the_states_tell_what_statistics_count(intake: Running) -> None:
    id = under_way(intake)

    def state() -> dict[str, Any]:
        (found,) = intake.get("dossiers/states", RECOUNTER).get_json()["items"]
        return {name: found[name] for name in ("status", "paused", "stopped_at", "due_at")}

    due = shown(intake, id)["due_at"]
    assert state() == {"status": "in_process", "paused": None, "stopped_at": None, "due_at": due}
    intake.hear([telling.paused(id, 4, "fee")])
    assert state()["paused"] == "fee"
    intake.hear([telling.resumed(id, 6, D2, due), telling.stopped(id)])
    assert state() == {"status": "stopped", "paused": None, "stopped_at": "2026-03-09T02:00:00Z", "due_at": D2}
