"""Fees over HTTP: what is owed, paying at the counter and by transfer, strays, reversals; who may do what."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from pymongo import MongoClient

from catalog.domain import Exemption, Fee
from chassis.signed import signature
from native.access import Persona
from tests.intake.making import body
from tests.intake.paying import (
    ACCOUNTANT,
    FEE,
    NEXT_SECRET,
    OFFICE_ACCOUNTANT,
    OTHER_ACCOUNTANT,
    PROVIDER,
    SECRET,
    another_process,
    filed,
    message,
    owed,
    received,
    tell,
    unmatched,
)
from tests.support import catalogue
from tests.support.catalogue import CHARTER, HERE
from tests.support.plans import watched
from tests.support.services import Running, pointers, problem


def take(intake: Running, id: str, amount: int = FEE, who: str | Persona = "counter_officer", **more: Any) -> Any:
    options = {name: more.pop(name) for name in ("key", "headers") if name in more}
    return intake.post(f"dossiers/{id}/payments", who, {"amount": amount, **more}, **options)


def ask(intake: Running, id: str, amount: int = 20_000, **options: Any) -> Any:
    lines = [{"code": "PTD", "name": "Phí thẩm định", "amount": amount, "basis": "Thông tư 85/2019/TT-BTC"}]
    sent = {"lines": lines, "reason": "Phải thẩm định tại chỗ"}
    return intake.post(f"dossiers/{id}/fee-request", "counter_officer", sent, **options)


def told(intake: Running, kind: str) -> list[dict[str, Any]]:
    """The data of the events of this kind that wait to be published."""
    events = [json.loads(event) for event in intake.told()]
    return [event["data"] for event in events if event["type"] == f"intake.{kind}.v1"]


# -- what is owed ------------------------------------------------------------------------------------------------------


def test_the_receipt_of_the_counter_has_a_code_to_pay_with(paying: Running) -> None:
    answer = received(paying)
    fee = answer["fee"]
    assert (fee["amount"], [line["amount"] for line in fee["lines"]]) == (FEE, [100_000, 50_000])
    assert f"0818{answer['code']}" in fee["vietqr"], "the purpose is the dossier's code"
    assert "5406150000" in fee["vietqr"]
    assert "113366668888" in fee["vietqr"], "the agency's own account"


def test_before_there_is_a_code_the_purpose_is_a_reference(paying: Running) -> None:
    answer = filed(paying)
    account = owed(paying, answer["id"], "citizen")
    [bill] = account["bills"]
    assert len(bill["purpose"]) == 14
    assert f"0814{bill['purpose']}" in answer["fee"]["vietqr"]
    assert (account["amount"], account["paid"], account["due"]) == (FEE, 0, FEE)


def test_a_procedure_without_fees_asks_for_nothing(paying: Running) -> None:
    answer = filed(paying, "counter_officer", channel="counter", procedure=CHARTER)
    assert answer["fee"] is None
    account = owed(paying, answer["id"])
    assert (account["amount"], account["bills"]) == (0, [])
    assert paying.get(f"dossiers/{answer['id']}/fee/vietqr.svg", "counter_officer").status_code == 404


def test_without_an_account_nobody_is_told_to_transfer(intake: Running) -> None:
    answer = received(intake)
    assert (answer["fee"]["amount"], answer["fee"]["vietqr"]) == (FEE, None)
    problem(intake.get(f"dossiers/{answer['id']}/fee/vietqr.svg", "counter_officer"), 404)


def test_the_code_is_a_picture_until_it_is_paid(paying: Running) -> None:
    id = received(paying)["id"]
    answer = paying.get(f"dossiers/{id}/fee/vietqr.svg", "counter_officer")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.text.startswith("<svg")
    problem(paying.get(f"dossiers/{id}/fee/vietqr.svg?bill=2", "counter_officer"), 404)
    assert take(paying, id).status_code == 201
    problem(paying.get(f"dossiers/{id}/fee/vietqr.svg", "counter_officer"), 404)


@pytest.mark.parametrize("path", ["fee", "fee/vietqr.svg", "payments/x/receipt"])
def test_a_stranger_cannot_tell_that_the_dossier_is_there(paying: Running, path: str) -> None:
    id = received(paying)["id"]
    for who in ("other_officer", "volunteer"):
        here, nowhere = (problem(paying.get(f"dossiers/{d}/{path}", who), 404) for d in (id, "nothing"))
        assert here["title"] == nowhere["title"]
        assert here["detail"].replace(id, "") == nowhere["detail"].replace("nothing", "")


def with_exemption(paying: Running) -> None:
    poor = Exemption(code="HN", name="Hộ nghèo", legal_basis="Nghị quyết 24/2025/NQ-HĐND")
    fees = (
        Fee(code="LP1", name="Lệ phí", kind="charge", amount=100_000, online_amount=80_000, exemptions=(poor,)),
        Fee(code="P1", name="Phí", kind="fee", amount=50_000),
    )
    procedure = catalogue.procedure(version=2, fees=fees, valid_from=date(2026, 1, 1))
    paying.hear([catalogue.published(procedure)])


def test_an_exemption_is_claimed_at_filing_and_confirmed_at_reception(paying: Running) -> None:
    with_exemption(paying)
    answer = filed(paying, exemptions=["HN"])
    assert answer["fee"]["amount"] == 50_000
    assert paying.post(f"dossiers/{answer['id']}/reception", "counter_officer", {}).status_code == 200
    account = owed(paying, answer["id"])
    assert [line["claim"] and line["claim"]["confirmed"] for line in account["bills"][0]["lines"]] == [True, None]
    assert account["due"] == 50_000


def test_an_exemption_without_right_is_asked_for_at_reception(paying: Running) -> None:
    with_exemption(paying)
    id = filed(paying, exemptions=["HN"])["id"]
    answer = paying.post(f"dossiers/{id}/reception", "counter_officer", {"exemptions": []})
    assert answer.get_json()["status"] == "fee_asked"
    account = owed(paying, id)
    assert [(bill["amount"], bill["due"]) for bill in account["bills"]] == [(50_000, True), (80_000, True)]
    assert [event["amount"] for event in told(paying, "fee.asked")] == [80_000]
    second = account["bills"][1]
    assert tell(paying, message(second["purpose"], 80_000)).status_code == 200
    assert paying.get(f"dossiers/{id}", "counter_officer").get_json()["status"] == "received"


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (["XX"], [("/exemptions/0", "unknown_exemption")]),
        (["HN", "HN"], [("/exemptions/1", "repeated_exemption")]),
    ],
)
def test_what_cannot_be_claimed_is_named(paying: Running, sent: list[str], found: list[tuple[str, str]]) -> None:
    with_exemption(paying)
    assert pointers(paying.post("dossiers", "citizen", body(exemptions=sent))) == found


def test_what_nobody_claimed_is_not_confirmed_and_costs_no_code(paying: Running) -> None:
    with_exemption(paying)
    id = filed(paying)["id"]
    answer = paying.post(f"dossiers/{id}/reception", "counter_officer", {"exemptions": ["HN"]})
    assert pointers(answer) == [("/exemptions/0", "not_claimed")]
    assert paying.post(f"dossiers/{id}/reception", "counter_officer", {}).get_json()["code"].endswith("-0001")


# -- at the counter ----------------------------------------------------------------------------------------------------


def test_an_officer_takes_the_money_and_gives_a_receipt(paying: Running) -> None:
    dossier = received(paying)
    answer = take(paying, dossier["id"], method="card", receipt_book="AA/21-0000123")
    assert answer.status_code == 201, answer.text
    paid = answer.get_json()
    assert (paid["due"], paid["status"], paid["version"]) == (0, "received", 2)
    assert (paid["payment"]["receipt"], paid["payment"]["channel"]) == (f"{HERE}-BL26-000001", "counter")
    receipt = paying.get(f"dossiers/{dossier['id']}/payments/{paid['payment']['id']}/receipt", "counter_officer")
    assert receipt.get_json() == {
        "number": f"{HERE}-BL26-000001",
        "receipt_book": "AA/21-0000123",
        "agency": HERE,
        "agency_name": f"Ủy ban nhân dân {HERE}",
        "dossier": dossier["id"],
        "code": dossier["code"],
        "procedure": "1.001612",
        "procedure_name": "Đăng ký thành lập hộ kinh doanh",
        "payer": "Nguyễn Thị Hoa",
        "lines": owed(paying, dossier["id"])["bills"][0]["lines"],
        "amount": FEE,
        "method": "card",
        "paid_at": "2026-03-04T02:00:00Z",
        "issued_at": "2026-03-04T02:00:00Z",
        "reversed": False,
    }
    journal = paying.get(f"dossiers/{dossier['id']}/journal", "counter_officer").get_json()["items"]
    assert [entry["act"] for entry in journal] == ["filed", "received", "fee_paid"]
    assert journal[-1]["note"] == f"{HERE}-BL26-000001: {FEE}"
    assert told(paying, "fee.paid") == [
        {
            "dimensions": told(paying, "dossier.received")[0]["dimensions"],
            "code": dossier["code"],
            "payment": paid["payment"]["id"],
            "amount": FEE,
            "channel": "counter",
            "paid_at": "2026-03-04T02:00:00Z",
            "provider": None,
            "settled": True,
            "requested_at": None,
        }
    ]


def test_the_same_click_twice_is_one_payment_and_one_number(paying: Running) -> None:
    id = received(paying)["id"]
    first, second = take(paying, id, key="click"), take(paying, id, key="click")
    assert (first.data, first.status_code) == (second.data, second.status_code)
    assert len(owed(paying, id)["payments"]) == 1
    problem(take(paying, id, 1, key="click"), 422, "idempotency_key_reused")
    assert paying.database["counters"].find_one({"_id": f"{HERE}-BL26"})["drawn"] == 1  # type: ignore[index]


def test_two_officers_at_once_take_it_once(paying: Running) -> None:
    id = received(paying)["id"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: take(paying, id).status_code, range(8)))
    assert sorted(answers) == [201] + [409] * 7
    assert owed(paying, id)["paid"] == FEE


def test_a_bill_is_paid_as_a_whole(paying: Running) -> None:
    id = received(paying)["id"]
    for amount in (FEE - 1, FEE + 1, 1):
        assert pointers(take(paying, id, amount)) == [("/amount", "amount_differs")]
    for amount in (0, -FEE, 10**13):
        assert problem(take(paying, id, amount), 422)["errors"][0]["pointer"] == "/amount"
    problem(take(paying, id, bill=2), 409, "nothing_due")
    assert owed(paying, id)["payments"] == []


def test_what_is_paid_is_not_paid_again(paying: Running) -> None:
    id = received(paying)["id"]
    assert take(paying, id).status_code == 201
    problem(take(paying, id), 409, "nothing_due")


def test_only_the_receiving_agency_takes_money(paying: Running) -> None:
    id = received(paying)["id"]
    problem(take(paying, id, who="other_officer"), 404)
    problem(take(paying, id, who="citizen"), 403)
    problem(take(paying, id, who=ACCOUNTANT), 403)
    problem(paying.request("POST", f"dossiers/{id}/payments", "counter_officer", {"amount": FEE}), 428)


def test_nothing_is_taken_for_a_dossier_that_was_refused(paying: Running) -> None:
    id = filed(paying)["id"]
    assert paying.post(f"dossiers/{id}/refusal", "counter_officer", {"reason": "Sai"}).status_code == 200
    problem(take(paying, id), 409, "dossier_closed")
    assert owed(paying, id)["due"] == 0


def test_an_office_that_was_offline_says_when_it_took_the_money(paying: Running) -> None:
    at = "2026-03-03T03:00:00Z"
    dossier = paying.post("dossiers", "backdate", body(channel="counter"), headers={"Occurred-At": at}).get_json()
    early = take(paying, dossier["id"], who="backdate", headers={"Occurred-At": "2026-03-02T03:00:00Z"})
    problem(early, 422, "before_filing")
    answer = take(paying, dossier["id"], who="backdate", headers={"Occurred-At": at})
    assert answer.get_json()["payment"]["paid_at"] == at


def test_receipts_numbers_are_each_given_once_even_when_the_counter_was_set_back(paying: Running) -> None:
    ids = [received(paying)["id"] for _ in range(3)]
    numbers = [take(paying, id).get_json()["payment"]["receipt"] for id in ids]
    assert numbers == [f"{HERE}-BL26-00000{n}" for n in (1, 2, 3)]
    paying.database["counters"].update_one({"_id": f"{HERE}-BL26"}, {"$set": {"drawn": 0}})
    again = received(paying)
    assert take(paying, again["id"]).get_json()["payment"]["receipt"] == f"{HERE}-BL26-000004"
    paying.database["counters"].update_one({"_id": f"{HERE}-BL26"}, {"$set": {"drawn": 0}})
    by_transfer = received(paying)
    assert tell(paying, message(by_transfer["code"])).status_code == 200
    assert owed(paying, by_transfer["id"])["payments"][0]["receipt"] not in [*numbers, f"{HERE}-BL26-000004"]


# -- by transfer -------------------------------------------------------------------------------------------------------


def test_a_signed_call_back_pays_the_bill(paying: Running) -> None:
    dossier = filed(paying)
    reference = owed(paying, dossier["id"], "citizen")["bills"][0]["purpose"]
    answer = tell(paying, message(f"  {reference.lower()}  nop phi "))
    assert answer.status_code == 200, answer.text
    account = owed(paying, dossier["id"], "citizen")
    [payment] = account["payments"]
    assert answer.get_json() == {"transaction": "FT1", "result": "recorded", "payment": payment["id"]}
    assert (account["due"], payment["channel"], payment["provider"]) == (0, "online", PROVIDER)
    assert payment["paid_at"] == "2026-03-04T01:59:00Z"
    assert unmatched(paying) == []
    [event] = told(paying, "fee.paid")
    assert (event["channel"], event["code"], event["provider"], event["settled"]) == ("online", None, PROVIDER, True)


def test_the_reference_stays_good_after_reception_and_so_does_the_code(paying: Running) -> None:
    first, second = filed(paying), filed(paying)
    reference = owed(paying, first["id"])["bills"][0]["purpose"]
    codes = [
        paying.post(f"dossiers/{each['id']}/reception", "counter_officer", {}).get_json()["code"]
        for each in (first, second)
    ]
    tell(paying, message(reference, transaction="FT1"))
    tell(paying, message(codes[1], transaction="FT2"))
    assert [owed(paying, each["id"])["due"] for each in (first, second)] == [0, 0]


def test_a_repeated_call_back_is_harmless_and_gets_the_same_answer(paying: Running) -> None:
    dossier = received(paying)
    sent = message(dossier["code"])
    first = tell(paying, sent)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: tell(paying, sent), range(8)))
    assert {(answer.status_code, answer.data) for answer in [first, *answers]} == {(200, first.data)}
    assert len(owed(paying, dossier["id"])["payments"]) == 1
    assert len(told(paying, "fee.paid")) == 1
    assert unmatched(paying) == []


def test_two_call_backs_at_once_count_once(paying: Running) -> None:
    for round in range(5):
        dossier = received(paying)
        sent = message(dossier["code"], transaction=f"FT{round}")
        with another_process(paying) as other, ThreadPoolExecutor(8) as pool:
            told = [pool.submit(tell, each, sent) for each in (paying, other) * 4]
            answers = [each.result().data for each in told]
        assert len(set(answers)) == 1
        assert owed(paying, dossier["id"])["paid"] == FEE
        assert len(owed(paying, dossier["id"])["payments"]) == 1
    assert unmatched(paying) == []


def test_two_transactions_at_once_for_one_bill_pay_it_once_and_keep_the_other(paying: Running) -> None:
    dossier = received(paying)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: tell(paying, message(dossier["code"], transaction=f"FT{n}")), range(6)))
    account = owed(paying, dossier["id"])
    assert (account["paid"], len(account["payments"])) == (FEE, 1)
    strays = unmatched(paying)
    assert [stray["why"] for stray in strays] == ["already_paid"] * 5
    assert {stray["transaction"] for stray in strays} | {account["payments"][0]["transaction"]} == {
        f"FT{n}" for n in range(6)
    }


@pytest.mark.parametrize(
    ("order", "amount", "why"),
    [
        ("{code}", FEE + 1, "amount_differs"),
        ("{code}", FEE - 1, "amount_differs"),
        ("H56.30-260304-9999", FEE, "unknown_order"),
        ("MC23456789ABCD", FEE, "unknown_order"),
        ("nộp phí giúp em", FEE, "unknown_order"),
        ("", FEE, "unknown_order"),
        ("=HYPERLINK(1)\x00\u202e", FEE, "unknown_order"),
    ],
)
def test_money_that_settles_nothing_is_kept_and_answered_like_any_other(
    paying: Running, order: str, amount: int, why: str
) -> None:
    dossier = received(paying)
    sent = message(order.format(code=dossier["code"]), amount)
    first, second = tell(paying, sent), tell(paying, sent)
    assert (first.status_code, first.get_json()["result"]) == (200, "recorded"), first.text
    assert first.data == second.data
    [stray] = unmatched(paying)
    assert (stray["why"], stray["amount"], stray["transaction"]) == (why, amount, "FT1")
    assert stray["dossier"] == (dossier["id"] if why == "amount_differs" else None)
    assert owed(paying, dossier["id"])["paid"] == 0
    assert told(paying, "fee.paid") == []


def test_money_for_a_dossier_that_is_closed_is_kept(paying: Running) -> None:
    id = filed(paying)["id"]
    reference = owed(paying, id)["bills"][0]["purpose"]
    assert paying.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "Không cần nữa"}).status_code == 200
    assert tell(paying, message(reference)).status_code == 200
    [stray] = unmatched(paying)
    assert (stray["why"], stray["dossier"], stray["agency"]) == ("dossier_closed", id, HERE)
    assert paying.get(f"dossiers/{id}", "citizen").get_json()["status"] == "withdrawn"


def test_the_same_transaction_with_another_amount_contradicts_and_is_kept_too(paying: Running) -> None:
    dossier = received(paying)
    for amount in (FEE, 1, 1, FEE):
        assert tell(paying, message(dossier["code"], amount)).status_code == 200
    assert owed(paying, dossier["id"])["paid"] == FEE
    [stray] = unmatched(paying)
    assert (stray["why"], stray["amount"]) == ("contradicts", 1)


def test_another_provider_may_use_the_same_name_for_its_own_transaction(paying: Running) -> None:
    first, second = received(paying), received(paying)
    tell(paying, message(first["code"]))
    assert tell(paying, message(second["code"]), provider="other", secret="o" * 24).status_code == 200
    assert [owed(paying, each["id"])["due"] for each in (first, second)] == [0, 0]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"secret": "x" * 30}, "signature_wrong"),
        ({"headers": {"Payment-Signature": ""}}, "signature_wrong"),
        ({"headers": {"Payment-Signature": "\xff\xfe"}}, "signature_wrong"),
        ({"headers": {"Payment-Timestamp": "1"}}, "signature_wrong"),
        ({"headers": {"Payment-Timestamp": "١٢٣"}}, "signature_wrong"),
        ({"provider": "nobody"}, "signature_wrong"),
        ({"provider": "other"}, "signature_wrong"),
        ({"provider": "nobody", "secret": ""}, "signature_wrong"),
        ({"after": -301}, "timestamp_outside_window"),
        ({"after": 301}, "timestamp_outside_window"),
    ],
)
def test_what_is_not_signed_now_by_the_provider_is_refused_and_leaves_nothing(
    paying: Running, how: dict[str, Any], code: str
) -> None:
    dossier = received(paying)
    headers = how.get("headers", {})
    if any(not value.isascii() for value in headers.values()):
        how = {**how, "headers": {name: value.encode().decode("latin-1") for name, value in headers.items()}}
    problem(tell(paying, message(dossier["code"]), **how), 401, code)
    assert owed(paying, dossier["id"])["payments"] == []
    assert paying.rows("payments") == []


def test_a_changed_body_is_not_the_signed_one(paying: Running) -> None:
    dossier = received(paying)
    sent = json.dumps(message(dossier["code"])).encode()
    signed = tell(paying, sent, after=-200)
    assert signed.status_code == 200
    forged = sent.replace(b"FT1", b"FT2")
    stamp = {"Payment-Timestamp": str(int(paying.clock.now.timestamp()))}
    stamp["Payment-Signature"] = signature(SECRET, stamp["Payment-Timestamp"], sent)
    problem(tell(paying, forged, headers=stamp), 401, "signature_wrong")


def test_a_provider_may_change_its_secret_without_a_pause(paying: Running) -> None:
    first, second = received(paying), received(paying)
    assert tell(paying, message(first["code"], transaction="A")).status_code == 200
    assert tell(paying, message(second["code"], transaction="B"), secret=NEXT_SECRET, after=299).status_code == 200
    assert [owed(paying, each["id"])["due"] for each in (first, second)] == [0, 0]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b"null", 422),
        (message("x", transaction="<script>"), 422),
        (message("x", 0), 422),
        (message("x", -1), 422),
        (message("x", 10**30), 422),
        (message("x", amount=1.5), 422),  # type: ignore[arg-type]
        (message("x", currency="USD"), 422),
        (message("x", paid_at="2026-03-04T01:59:00"), 422),
        (message("x", paid_at="0001-01-01T00:00:00+14:00"), 422),
        (message("x" * 501), 422),
        (b"x" * 30_000, 413),
    ],
)
def test_a_signed_message_that_makes_no_sense_is_said_so(paying: Running, content: Any, status: int) -> None:
    problem(tell(paying, content), status)
    assert paying.rows("payments") == []


def test_a_payment_of_the_future_is_of_now_and_a_failed_one_is_none(paying: Running) -> None:
    dossier = received(paying)
    answer = tell(paying, message(dossier["code"], status="failed"))
    assert answer.get_json() == {"transaction": "FT1", "result": "ignored", "payment": None}
    assert owed(paying, dossier["id"])["paid"] == 0
    tell(paying, message(dossier["code"], paid_at="2999-01-01T00:00:00Z", more="is not read"))
    assert owed(paying, dossier["id"])["payments"][0]["paid_at"] == "2026-03-04T02:00:00Z"


# -- asked for later ---------------------------------------------------------------------------------------------------


def test_a_fee_asked_for_later_makes_the_dossier_wait(paying: Running) -> None:
    dossier = received(paying)
    answer = ask(paying, dossier["id"])
    assert (answer.status_code, answer.get_json()["status"]) == (200, "fee_asked")
    account = owed(paying, dossier["id"])
    assert [(bill["amount"], bill["due"]) for bill in account["bills"]] == [(FEE, True), (20_000, True)]
    assert account["bills"][1]["purpose"] != dossier["code"], "two transfers at once must be told apart"
    [asked] = told(paying, "fee.asked")
    assert (asked["amount"], asked["code"], asked["reason"]) == (20_000, dossier["code"], "Phải thẩm định tại chỗ")
    tell(paying, message(account["bills"][1]["purpose"], 20_000))
    found = paying.get(f"dossiers/{dossier['id']}", "counter_officer").get_json()
    assert found["status"] == "received", "the first bill holds nothing up"
    assert told(paying, "fee.paid")[-1]["settled"] is False


def test_with_the_dossiers_code_the_amount_says_which_bill_it_is(paying: Running) -> None:
    dossier = received(paying)
    ask(paying, dossier["id"])
    tell(paying, message(dossier["code"], 20_000))
    assert [bill["due"] for bill in owed(paying, dossier["id"])["bills"]] == [True, False]


def test_the_same_request_twice_asks_once(paying: Running) -> None:
    id = received(paying)["id"]
    assert ask(paying, id, key="once").data == ask(paying, id, key="once").data
    problem(ask(paying, id, match=1), 412)
    assert len(owed(paying, id)["bills"]) == 2


def test_nothing_is_asked_for_before_reception_or_after_the_end(paying: Running) -> None:
    id = filed(paying)["id"]
    problem(ask(paying, id), 409, "fee_not_askable")
    assert paying.post(f"dossiers/{id}/refusal", "counter_officer", {"reason": "Sai"}).status_code == 200
    problem(ask(paying, id), 409, "fee_not_askable")


def test_a_bill_that_was_a_mistake_is_cancelled(paying: Running) -> None:
    id = received(paying)["id"]
    ask(paying, id)

    def cancel(number: int) -> Any:
        return paying.post(f"dossiers/{id}/bills/{number}/cancellation", "counter_officer", {"reason": "Nhầm"})

    assert cancel(2).get_json()["status"] == "received"
    problem(cancel(2), 409, "bill_settled")
    problem(cancel(3), 404)
    assert take(paying, id).status_code == 201
    problem(cancel(1), 409, "bill_settled")
    account = owed(paying, id)
    assert (account["amount"], account["due"]) == (FEE, 0)
    reference = account["bills"][1]["purpose"]
    tell(paying, message(reference, 20_000))
    assert [stray["why"] for stray in unmatched(paying)] == ["nothing_due"]


# -- reversal ----------------------------------------------------------------------------------------------------------


def reverse(intake: Running, id: str, payment: str, who: str | Persona = OFFICE_ACCOUNTANT, **options: Any) -> Any:
    return intake.post(f"dossiers/{id}/payments/{payment}/reversal", who, {"reason": "Thu nhầm"}, **options)


def test_a_reversed_payment_counts_no_more_and_leaves_its_trace(paying: Running) -> None:
    id = received(paying)["id"]
    payment = take(paying, id).get_json()["payment"]["id"]
    paying.clock.move(hours=1)
    answer = reverse(paying, id, payment)
    assert (answer.status_code, answer.get_json()["due"]) == (200, FEE)
    account = owed(paying, id)
    assert (account["paid"], account["due"]) == (0, FEE)
    assert account["payments"][0]["reversal"] == {
        "at": "2026-03-04T03:00:00Z",
        "by": "test:Kế toán đơn vị",
        "reason": "Thu nhầm",
    }
    journal = paying.get(f"dossiers/{id}/journal", "counter_officer").get_json()["items"]
    assert journal[-1]["act"] == "fee_reversed"
    assert paying.get(f"dossiers/{id}/journal/verification", "counter_officer").get_json()["intact"]
    [event] = told(paying, "fee.reversed")
    assert (event["payment"], event["amount"], event["channel"]) == (payment, FEE, "counter")
    problem(reverse(paying, id, payment), 409, "already_reversed")
    receipt = paying.get(f"dossiers/{id}/payments/{payment}/receipt", "counter_officer").get_json()
    assert receipt["reversed"]
    again = take(paying, id).get_json()["payment"]
    assert (again["receipt"], owed(paying, id)["due"]) == (f"{HERE}-BL26-000002", 0)


def test_a_call_back_does_not_bring_back_what_was_reversed(paying: Running) -> None:
    dossier = received(paying)
    sent = message(dossier["code"])
    payment = tell(paying, sent).get_json()["payment"]
    assert reverse(paying, dossier["id"], payment, ACCOUNTANT).status_code == 200
    assert tell(paying, sent).get_json()["payment"] == payment
    assert (owed(paying, dossier["id"])["paid"], unmatched(paying)) == (0, [])


def test_who_takes_money_does_not_reverse_it_and_nor_do_others(paying: Running) -> None:
    id = received(paying)["id"]
    payment = take(paying, id).get_json()["payment"]["id"]
    problem(reverse(paying, id, payment, "counter_officer"), 403)
    problem(reverse(paying, id, payment, OTHER_ACCOUNTANT), 404)
    problem(reverse(paying, id, "nothing"), 404)
    assert owed(paying, id)["paid"] == FEE


# -- strays ------------------------------------------------------------------------------------------------------------


def assign(intake: Running, id: str, dossier: str, who: Persona = ACCOUNTANT, **options: Any) -> Any:
    return intake.post(f"payments/{id}/assignment", who, {"dossier": dossier}, **options)


def stray(intake: Running, order: str = "nộp phí giúp em", amount: int = FEE) -> str:
    assert tell(intake, message(order, amount)).status_code == 200
    [found] = unmatched(intake)
    id: str = found["id"]
    return id


def test_an_unmatched_payment_is_placed_by_hand(paying: Running) -> None:
    dossier = received(paying)
    id = stray(paying)
    paying.clock.move(hours=1)
    answer = assign(paying, id, dossier["id"], key="once")
    assert (answer.status_code, answer.get_json()["due"]) == (201, 0), answer.text
    assert assign(paying, id, dossier["id"], key="once").data == answer.data
    assert unmatched(paying) == []
    [done] = unmatched(paying, state="assigned")
    assert (done["placed"], done["done_by"]) == (dossier["id"], "test:Kế toán")
    [payment] = owed(paying, dossier["id"])["payments"]
    assert (payment["id"], payment["channel"], payment["paid_at"]) == (id, "online", "2026-03-04T01:59:00Z")
    assert len(told(paying, "fee.paid")) == 1
    problem(assign(paying, id, dossier["id"]), 409, "not_unmatched")
    tell(paying, message("nộp phí giúp em"))
    assert (unmatched(paying), owed(paying, dossier["id"])["paid"]) == ([], FEE)


def test_a_payment_goes_to_one_dossier_however_many_officers_place_it(paying: Running) -> None:
    dossiers = [received(paying)["id"] for _ in range(4)]
    id = stray(paying)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: assign(paying, id, dossiers[n % 4]).status_code, range(8)))
    assert answers.count(201) == 1
    assert set(answers) <= {201, 409}
    assert sum(owed(paying, each)["paid"] for each in dossiers) == FEE
    assert unmatched(paying) == []


def test_a_payment_is_placed_or_refunded_never_both(paying: Running) -> None:
    for round in range(6):
        dossier = received(paying)["id"]
        tell(paying, message("?", transaction=f"R{round}"))
        [found] = unmatched(paying)

        def act(n: int, id: str = found["id"], dossier: str = dossier) -> int:
            if n % 2:
                return assign(paying, id, dossier).status_code  # type: ignore[no-any-return]
            return paying.post(f"payments/{id}/refund", ACCOUNTANT, {"reason": "Trả lại"}).status_code

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(act, (round, round + 1, round, round + 1)))
        [state] = [row["state"] for row in paying.rows("payments") if row["transaction"] == f"R{round}"]
        paid = owed(paying, dossier)["paid"]
        assert (state, paid) in {("assigned", FEE), ("refunded", 0)}, answers


def test_a_payment_that_fits_no_bill_is_not_placed(paying: Running) -> None:
    dossier = received(paying)["id"]
    id = stray(paying, amount=FEE + 5)
    assert pointers(assign(paying, id, dossier)) == [("/amount", "amount_differs")]
    assert [row["placing"] for row in paying.rows("payments")] == [None]
    problem(assign(paying, id, "nothing"), 404)
    problem(assign(paying, "nothing", dossier), 404)
    answer = paying.post(f"payments/{id}/refund", ACCOUNTANT, {"reason": "Chuyển thừa, đã trả lại"})
    assert (answer.status_code, answer.get_json()["state"]) == (200, "refunded")
    problem(paying.post(f"payments/{id}/refund", ACCOUNTANT, {"reason": "nữa"}), 409, "not_unmatched")
    problem(assign(paying, id, dossier), 409, "not_unmatched")
    [done] = unmatched(paying, state="refunded")
    assert done["reason"] == "Chuyển thừa, đã trả lại"


def test_what_died_in_the_middle_is_done_by_whoever_asks_again(paying: Running) -> None:
    """The dossier has the payment, and the stray does not know it yet; or it is held, and the dossier has nothing."""
    dossier = received(paying)["id"]
    id = stray(paying)
    row = paying.rows("payments")[0]
    assert assign(paying, id, dossier).status_code == 201
    paying.database["payments"].replace_one({"_id": id}, row)
    problem(assign(paying, id, received(paying)["id"]), 409, "payment_placed")
    assert [each["state"] for each in paying.rows("payments")] == ["assigned"]
    paying.database["payments"].replace_one({"_id": id}, row)
    tell(paying, message("nộp phí giúp em"))
    problem(paying.post(f"payments/{id}/refund", ACCOUNTANT, {"reason": "x"}), 409, "payment_placed")


def test_a_stray_that_somebody_began_to_place_is_free_again_after_a_while(paying: Running) -> None:
    dossier, other = received(paying)["id"], received(paying)["id"]
    id = stray(paying)
    held = {"dossier": other, "by": "test:Ai đó", "at": paying.clock.now}
    paying.database["payments"].update_one({"_id": id}, {"$set": {"placing": held}})
    problem(assign(paying, id, dossier), 409, "not_unmatched")
    problem(paying.post(f"payments/{id}/refund", ACCOUNTANT, {"reason": "x"}), 409, "not_unmatched")
    paying.clock.move(minutes=5)
    assert assign(paying, id, dossier).status_code == 201


def test_accountants_see_what_names_their_agencys_dossiers(paying: Running) -> None:
    dossier = received(paying)
    tell(paying, message(dossier["code"], 1, "FT1"))
    tell(paying, message("?", 2, "FT2"))
    assert {each["transaction"] for each in unmatched(paying)} == {"FT1", "FT2"}
    assert [each["transaction"] for each in unmatched(paying, OFFICE_ACCOUNTANT)] == ["FT1"]
    assert unmatched(paying, OTHER_ACCOUNTANT) == []
    [mine] = unmatched(paying, OFFICE_ACCOUNTANT)
    problem(assign(paying, mine["id"], dossier["id"], OTHER_ACCOUNTANT), 404)
    problem(paying.post(f"payments/{mine['id']}/refund", OTHER_ACCOUNTANT, {"reason": "x"}), 404)
    problem(paying.get("payments", "counter_officer"), 403)


def test_unmatched_payments_are_listed_page_by_page(paying: Running) -> None:
    for n in range(5):
        tell(paying, message("?", transaction=f"FT{n}"))
        paying.clock.move(seconds=n % 2)
    seen, cursor = [], ""
    while cursor is not None:
        page = paying.get(f"payments?limit=2&cursor={cursor}", ACCOUNTANT).get_json()
        seen += [each["transaction"] for each in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == [f"FT{n}" for n in range(5)]
    problem(paying.get("payments?cursor=xyz", ACCOUNTANT), 422)


def test_each_question_uses_an_index(paying: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    dossier = received(paying)
    with watched(mongo, paying.database.name) as seen:
        tell(paying, message(dossier["code"]))
        tell(paying, message("?", transaction="FT2"))
        unmatched(paying)
        unmatched(paying, OFFICE_ACCOUNTANT)
        paying.request(
            "POST",
            f"payments/reconciliations?provider={PROVIDER}",
            ACCOUNTANT,
            data=b"transaction,reference,amount,paid_at\nFT1,x,150000,2026-03-04\n",
            headers={"Content-Type": "text/csv"},
            key="k",
        )
    ran = seen.of("dossiers", "payments", "reconciliations")
    assert len(ran) > 8
    assert [each for each in ran if "COLLSCAN" in each.plan or each.sorted_in_memory] == []
