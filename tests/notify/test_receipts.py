"""Receipts of SMS providers: signed, in any order, twice, too early, and what becomes of the message."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from chassis import store
from chassis.consume import Done
from notify.domain import deliveries
from notify.domain.deliveries import Attempt
from notify.domain.messages import Message, masked, news
from notify.domain.receipts import KEPT, RESENT_AFTER, Nothing, NotYet, Receipt, applied, key_of, looked_at, message_of
from notify.outlets import Away
from tests.doubles.sms import SECRET, SmsProvider
from tests.notify.events import RECEIVED, event
from tests.notify.sms_parts import PHONE, Sending, attempts, message, sending
from tests.notify.web import Web, make_web
from tests.support.services import Clock, hear


@pytest.fixture
def provider(clock: Clock) -> Iterator[SmsProvider]:
    with SmsProvider("first", clock) as provider:
        yield provider


@pytest.fixture
def coded(clock: Clock) -> Iterator[SmsProvider]:
    with SmsProvider("second", clock, dialect="coded") as provider:
        yield provider


@pytest.fixture
def made(database: Database[store.Document], clock: Clock, provider: SmsProvider, coded: SmsProvider) -> Sending:
    return sending(database, clock, provider, coded)


@pytest.fixture
def sms_web(database: Database[store.Document], made: Sending, tmp_path: Path) -> Web:
    return make_web(database, made.clock, tmp_path, sms_providers=made.described)


@pytest.fixture
def client(sms_web: Web) -> FlaskClient:
    return sms_web.app.test_client()


def sent(made: Sending, n: int = 1) -> Message:
    made.add(message(made.clock, n))
    made.run()
    assert made.row(n).state == "sent"
    return made.row(n)


def heard(made: Sending) -> list[dict[str, Any]]:
    return list(made.store.receipts.aggregates.collection.find({}))


# -- who may say it ----------------------------------------------------------------------------------------------------


def test_a_delivered_message_is_known_to_be(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    row = sent(made)
    made.clock.move(seconds=30)
    answer = provider.receipt(client, row.id)
    assert (answer.status_code, answer.get_json()) == (200, {"result": "heard"})
    made.listen()
    after = made.row()
    assert (after.state, after.delivered_at, after.receipt) == ("delivered", made.clock(), row.receipt)
    assert made.events() == ["notify.message.sent.v1"], "it was told when it was sent"
    made.clock.move(days=1)
    made.run()
    assert len(provider.asked) == 1


def test_nobody_else_may_say_so(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    row = sent(made)
    ways: list[tuple[dict[str, Any], str]] = [
        ({"secret": "x" * 40}, "signature_wrong"),
        ({"secret": ""}, "signature_wrong"),
        ({"path": "nobody"}, "signature_wrong"),
        ({"path": "second", "secret": "x" * 40}, "signature_wrong"),
        ({"at": 0}, "timestamp_outside_window"),
        ({"at": -5}, "signature_wrong"),
    ]
    for how, code in ways:
        answer = provider.tell(client, {"key": row.id, "id": row.receipt, "status": "delivered"}, **how)
        assert (answer.status_code, answer.get_json()["code"]) == (401, code), how
    assert heard(made) == []


def test_a_provider_speaks_of_its_own_messages_only(made: Sending, coded: SmsProvider, client: FlaskClient) -> None:
    row = sent(made)
    assert coded.receipt(client, row.id, "undeliverable").status_code == 200
    assert coded.tell(client, {"SMSID": row.receipt, "SendFailed": 1}).status_code == 200
    made.listen()
    assert made.row().state == "sent"


def test_a_signed_body_that_was_changed_is_not_believed(
    made: Sending, provider: SmsProvider, client: FlaskClient
) -> None:
    stamp = str(int(made.clock().timestamp()))
    signed = hmac.new(SECRET.encode(), f"{stamp}.{{}}".encode(), hashlib.sha256).hexdigest()
    headers = {"Receipt-Timestamp": stamp, "Receipt-Signature": signed}
    path, kind = "/api/notify/v1/receipts/first", "application/json"
    assert client.post(path, data=b"{}", headers=headers, content_type=kind).status_code == 200
    assert client.post(path, data=b"{ }", headers=headers, content_type=kind).status_code == 401
    assert client.post(path, data=b"{}", content_type=kind).status_code == 401


def test_what_says_nothing_changes_nothing(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    for body, status in (
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 10_000, 400),
        (b"[]", 200),
        (b"{}", 200),
        (b"7", 200),
        (b'{"status": "delivered"}', 200),
        (b'{"status": "on its way", "key": "x"}', 200),
        (b'{"status": ["delivered"], "key": {"x": 1}, "id": true}', 200),
        (b"x" * 30_000, 413),
    ):
        assert provider.tell(client, body).status_code == status, body[:60]
    assert heard(made) == []


def test_hostile_words_do_no_harm(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    words: list[dict[str, Any]] = [
        {"key": "k" * 5000, "reason": "\x00\u202e" * 300, "at": "yesterday"},
        {"key": "a.b.c", "at": "9999-12-31T23:59:59-23:00"},
        {"key": None, "id": 17},
        {"key": "x.99999", "id": "\u0000"},
    ]
    for more in words:
        answer = provider.tell(client, {"id": "1", "key": "x", "status": "undeliverable", **more})
        assert answer.status_code == 200
    made.listen()
    assert len(heard(made)) == len(words)


# -- in any order ------------------------------------------------------------------------------------------------------


def test_the_same_receipt_twice_is_one(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    row = sent(made)
    for _ in range(3):
        assert provider.receipt(client, row.id, "undeliverable", reason="unknown_number").status_code == 200
        made.listen()
        made.clock.move(seconds=1)
    assert len(heard(made)) == 1
    assert [outcome for outcome, _, _ in attempts(made.row())] == ["accepted", "refused"]
    assert made.events().count("notify.message.failed.v1") == 1


def test_one_that_comes_before_the_sending_is_noted_waits_for_it(
    made: Sending, provider: SmsProvider, client: FlaskClient
) -> None:
    made.add(message(made.clock))
    row = made.row()
    provider.receipt(client, row.id)
    made.listen()
    assert made.row().state == "queued"
    made.run()
    made.clock.move(seconds=2)
    made.listen()
    assert made.row().state == "delivered"


def test_one_of_nothing_is_looked_at_again_later(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    provider.receipt(client, "nobody's")
    made.listen()
    (found,) = heard(made)
    assert (found["looked"], found["next_at"]) == (1, made.clock() + timedelta(seconds=1))


@pytest.mark.parametrize("late", ["delivered", "undeliverable"])
def test_what_arrived_arrived_whatever_is_said_before_or_after(
    made: Sending, provider: SmsProvider, client: FlaskClient, late: str
) -> None:
    row = sent(made)
    first = "undeliverable" if late == "delivered" else "delivered"
    for status in (first, late):
        provider.receipt(client, row.id, status, reason="blocked")
        made.listen()
    made.listen()
    assert made.row().state == "delivered"


def test_both_in_one_round(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    row = sent(made)
    provider.receipt(client, row.id, "undeliverable", reason="blocked")
    provider.receipt(client, row.id)
    made.listen()
    made.listen()
    assert made.row().state == "delivered"
    assert all(each["next_at"] is None for each in heard(made))


def test_by_the_providers_own_number(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    rows = [sent(made, n) for n in (1, 2)]
    provider.tell(client, {"id": rows[1].receipt, "status": "delivered"})
    made.listen()
    assert [made.row(n).state for n in (1, 2)] == ["sent", "delivered"]


# -- what could not be delivered ---------------------------------------------------------------------------------------


def test_what_never_will_be_delivered_has_failed_and_it_is_told(
    made: Sending, provider: SmsProvider, client: FlaskClient
) -> None:
    row = sent(made)
    provider.receipt(client, row.id, "undeliverable", reason="unknown_number")
    made.listen()
    after = made.row()
    assert (after.state, after.over_at, after.next_at) == ("failed", made.clock(), None)
    assert attempts(after)[-1] == ("refused", "undeliverable unknown_number", "sms_first")
    assert made.events() == ["notify.message.sent.v1", "notify.message.failed.v1"]


@pytest.mark.parametrize(("reasons", "state"), [({}, "failed"), ({"roaming": "transient"}, "queued")])
def test_a_providers_own_reasons(
    database: Database[store.Document], clock: Clock, coded: SmsProvider, tmp_path: Path,
    reasons: dict[str, str], state: str,
) -> None:  # fmt: skip
    made = sending(database, clock, {**coded.settings, "reasons": reasons})
    web = make_web(database, clock, tmp_path, sms_providers=made.described)
    row = sent(made)
    coded.receipt(web.app.test_client(), row.id, "undeliverable", ErrorInfo="roaming")
    made.listen()
    assert made.row().state == state


def test_a_phone_that_was_off_is_tried_again_as_a_new_message_a_few_times(
    made: Sending, provider: SmsProvider, client: FlaskClient
) -> None:
    row = sent(made)
    keys = [row.id, *(f"{row.id}.{n}" for n in range(1, len(RESENT_AFTER) + 1))]
    for n, key in enumerate(keys):
        assert provider.asked == keys[: n + 1]
        provider.receipt(client, key, "undeliverable", reason="absent")
        provider.receipt(client, keys[0], "undeliverable", reason="absent")
        made.listen()
        if n < len(RESENT_AFTER):
            assert (made.row().state, made.row().next_at) == ("queued", made.clock() + RESENT_AFTER[n])
            made.clock.now += RESENT_AFTER[n]
            made.run()
            assert made.row().state == "sent"
    assert made.row().state == "failed"
    assert made.events()[-1] == "notify.message.failed.v1"
    made.clock.move(days=10)
    made.run()
    assert provider.asked == keys


def test_an_operator_sends_a_failed_one_again(
    made: Sending, provider: SmsProvider, client: FlaskClient, sms_web: Web
) -> None:
    row = sent(made)
    provider.receipt(client, row.id, "undeliverable", reason="blocked")
    made.listen()
    operator = sms_web.client("operator-1", "messages.read", "messages.manage")
    answer = operator.post(f"/api/notify/v1/messages/{row.id}/retry", headers={"Idempotency-Key": "again-1"})
    assert answer.status_code == 200, answer.text
    made.run()
    assert provider.asked == [row.id, f"{row.id}.1"]
    provider.receipt(client, f"{row.id}.1")
    made.listen()
    assert made.row().state == "delivered"


def test_a_receipt_settles_what_was_in_doubt(made: Sending, provider: SmsProvider, client: FlaskClient) -> None:
    provider.fault = "lost"
    made.add(message(made.clock))
    with suppress(Away):
        made.run()
    assert made.row().attempts[-1].outcome == "interrupted"
    provider.receipt(client, made.row().id)
    made.listen()
    assert made.row().state == "delivered"
    assert made.events() == ["notify.message.sent.v1"]
    made.clock.move(days=1)
    made.run()
    assert len(provider.asked) == 1, "it need not be asked again"


# -- what people see ---------------------------------------------------------------------------------------------------


def test_what_operators_and_people_see_of_it(
    made: Sending, provider: SmsProvider, client: FlaskClient, sms_web: Web
) -> None:
    row = sent(made)
    provider.receipt(client, row.id)
    made.listen()
    operator = sms_web.client("operator-1", "messages.read", "messages.manage")
    (listed,) = operator.get("/api/notify/v1/messages?channel=sms&state=delivered").get_json()["items"]
    assert (listed["to"], listed["segments"], listed["delivered_at"] is not None) == ("+84***678", 1, True)
    whole = operator.get(f"/api/notify/v1/messages/{row.id}").get_json()
    assert (whole["receipt"], whole["history"][0]["via"]) == (row.receipt, "sms_first")
    own = sms_web.client("hoa", "messages.read")
    answer = own.post(f"/api/notify/v1/messages/{row.id}/read", headers={"Idempotency-Key": "read-1"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "message_not_in_portal")
    channels = {each["channel"]: each for each in operator.get("/api/notify/v1/channels").get_json()["items"]}
    assert channels["sms"]["limits"] == {"recipient_hour": 10, "recipient_day": 30, "agency_day": 10_000}
    assert "chat" not in channels


def test_without_providers_nobody_may_say_anything(web: Web, provider: SmsProvider) -> None:
    answer = provider.tell(web.app.test_client(), {"status": "delivered", "key": "x"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "signature_wrong")


def test_a_masked_number() -> None:
    assert masked("+84912345678") == "+84***678"
    assert masked("hoa@x.vn") == "h***@x.vn"


# -- the domain alone --------------------------------------------------------------------------------------------------


def of(row: Message, clock: Clock, **given: Any) -> Receipt:
    fields: dict[str, Any] = {
        "id": "1", "provider": "sms_first", "reference": "r-1", "key": row.id, "outcome": "delivered", "reason": "",
        "permanent": True, "at": clock(), "heard_at": clock(), "next_at": clock(), "expires_at": clock() + KEPT,
        **given,
    }  # fmt: skip
    return Receipt(**fields)


def test_the_key_changes_when_it_was_taken_and_not_before(clock: Clock) -> None:
    row = message(clock)
    unsure = replace(row, attempts=(Attempt(at=clock(), outcome="interrupted", detail="", via="sms_first"),) * 2)
    assert (key_of(row), key_of(unsure)) == (row.id, row.id)
    taken = replace(row, attempts=(*unsure.attempts, Attempt(at=clock(), outcome="accepted", detail="")))
    assert key_of(taken) == f"{row.id}.1"
    assert message_of(key_of(taken)) == (row.id, 1)
    assert message_of("x.y") == ("x", 0)


def test_while_it_is_being_sent_a_receipt_waits(clock: Clock) -> None:
    row = deliveries.take(message(clock), "w1", clock() + timedelta(minutes=5), "sms_first")
    assert isinstance(applied(row, of(row, clock), clock()), NotYet)


def test_a_receipt_of_a_later_sending_than_there_can_be_is_nothing(clock: Clock) -> None:
    row = message(clock)
    assert isinstance(applied(row, of(row, clock, key=f"{row.id}.7"), clock()), Nothing)


def test_a_delivery_in_the_future_is_none(clock: Clock) -> None:
    row = replace(
        message(clock),
        state="sent",
        next_at=None,
        attempts=(Attempt(at=clock(), outcome="accepted", detail="", via="sms_first"),),
    )
    became = applied(row, of(row, clock, at=clock() + timedelta(days=400)), clock())
    assert isinstance(became, tuple)
    assert became[0].delivered_at == clock()
    assert news(became[0], clock()) == ()


def test_a_receipt_of_nothing_is_let_go_before_it_expires(clock: Clock) -> None:
    receipt = of(message(clock), clock)
    while receipt.next_at is not None:
        assert receipt.next_at < receipt.expires_at
        clock.now = receipt.next_at
        receipt = looked_at(receipt, clock())
    assert 100 < receipt.looked < 200


# -- within the whole service ------------------------------------------------------------------------------------------


def test_who_has_a_phone_is_told_by_sms_where_there_are_providers(
    sms_web: Web, web: Web, made: Sending, provider: SmsProvider
) -> None:
    personal = {"phone": "0912 345 678"}
    body = json.loads(event(RECEIVED, "d1", 2, made.clock(), personal=personal, code="H56.30-261120-0001"))
    for each, count in ((web, 0), (sms_web, 1)):
        (outcome,) = hear(each.table, [json.dumps({**body, "id": f"event-{count}"}).encode()])
        assert isinstance(outcome, Done), outcome
        assert made.store.messages.rows("sms").backlog().queued == count
        assert ("sms" in each.parts.loops, "receipts" in each.parts.loops) == (bool(count), bool(count))
        assert each.parts.details()["sms"] == ("configured" if count else "not configured")
    made.run()
    (taken,) = provider.took.values()
    assert taken.to == PHONE
    assert taken.text.startswith("Ho so H56.30-261120-0001 da duoc tiep nhan, hen tra ket qua")
