"""Webhooks, from an event to an office's software: whom it is told to, what is sent, and what becomes of it."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.consume import Done, Duplicate, Later
from intake import events as intake_events
from notify.domain.deliveries import WAITS
from notify.store import NotifyStore
from notify.templates import Templates
from notify.webhooks import domain, signatures, usecases
from notify.webhooks.domain import TYPES, WILDCARDS
from notify.webhooks.usecases import Notices, row_id
from tests.doubles.webhook_receiver import SECRET, Fault, Receiver
from tests.notify.webhook_parts import (
    GO,
    OFFICE,
    OTHER_OFFICE,
    OTHERS,
    OURS,
    PROVINCE,
    Parts,
    event,
    parts,
)
from tests.support.samples import sample
from tests.support.services import Clock, Tokens, subject_of
from tests.support.waiting import until
from workflow import events as workflow_events

RECEIVED, PAUSED, FINISHED = "intake.dossier.received.v1", "workflow.dossier.paused.v1", "workflow.dossier.finished.v1"
TRANSFERRED = "workflow.dossier.transferred.v1"


@pytest.fixture
def made(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Parts]:
    with parts(database_url, Tokens(tmp_path), clock) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def some(count: int, **more: Any) -> list[bytes]:
    return [event(RECEIVED, f"d{n}", 1, **more) for n in range(count)]


# -- what is told to whom ----------------------------------------------------------------------------------------------


def test_an_event_arrives_signed_and_without_anybodys_data(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    assert made.hear(event(RECEIVED, "d1", 1)) == [Done()]
    made.send()
    (taken,) = receiver.taken
    assert not receiver.wrong
    assert taken.id == row_id(hook["id"], "intake.dossier:d1:1")
    assert taken.timestamp == int(made.clock().timestamp())
    sent = json.loads(event(RECEIVED, "d1", 1))
    assert sent["data"].pop("personal")
    assert taken.event == {**sent, "time": taken.event["time"]}
    (delivery,) = made.deliveries(hook["id"])
    assert (delivery["state"], delivery["status"], delivery["id"]) == ("sent", 202, taken.id)
    assert delivery["response"] == '{"nhan": "da nhan"}'
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]
    kept = json.dumps([*made.notify.rows("webhook_rows"), *made.notify.rows("webhook_events")], default=str)
    assert json.loads(event(RECEIVED, "d1", 1))["data"]["personal"]["name"] not in kept
    assert "da nhan" not in kept


@pytest.mark.parametrize("event_type", TYPES)
def test_every_type_is_published_and_says_nothing_about_a_person(event_type: str) -> None:
    published = {kind.TYPE for kind in (*intake_events.PUBLISHED, *workflow_events.PUBLISHED)}
    assert event_type in published
    data = json.loads(sample(event_type))["data"]
    assert "personal" not in json.dumps(domain.without_personal({**data, "deep": [{"personal": 1}]}))


def test_what_is_subscribed_is_told_and_nothing_else(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url, types=["intake.dossier.*", PAUSED])
    made.hear(
        event(RECEIVED, "d1", 1), event("intake.fee.paid.v1", "d1", 2), event(PAUSED, "d1", 1), event(FINISHED, "d1", 2)
    )
    made.send()
    assert [taken.event["type"] for taken in receiver.taken] == [RECEIVED, PAUSED]


def test_an_agency_is_told_of_its_own_dossiers_and_of_what_was_transferred_to_it(
    made: Parts, receiver: Receiver
) -> None:
    """Invariant 5, for webhooks too."""
    made.create(receiver.url)
    made.hear(event(RECEIVED, "mine", 1), event(RECEIVED, "theirs", 1, OTHERS), event(FINISHED, "theirs", 2, OTHERS))
    # These name no agency: whose the dossier is, is known from before.
    made.hear(event(PAUSED, "mine", 3), event(PAUSED, "theirs", 3))
    made.send()
    assert {taken.event["subject"] for taken in receiver.taken} == {"mine"}
    assert len(receiver.taken) == 2
    made.hear(event(TRANSFERRED, "theirs", 4, from_agency=OTHERS, to_agency=OURS), event(PAUSED, "theirs", 5))
    made.send()
    assert [(taken.event["subject"], taken.event["sequence"]) for taken in receiver.taken[2:]] == [
        ("theirs", 4), ("theirs", 5)
    ]  # fmt: skip


def test_the_whole_province_is_told_to_whoever_may_know_it(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url, PROVINCE, province=True)
    made.hear(event(RECEIVED, "a", 1), event(RECEIVED, "b", 1, OTHERS), event(PAUSED, "nobody knows whose", 2))
    made.send()
    assert {taken.event["subject"] for taken in receiver.taken} == {"a", "b", "nobody knows whose"}


def test_an_event_of_an_unknown_dossier_waits_until_it_is_known_whose_it_is(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url)
    assert made.hear(event(PAUSED, "d1", 2)) == [Later("agency_of_dossier_unknown")]
    made.notify.database["contacts"].insert_one({"_id": "d1", "agency": OURS})
    assert made.hear(event(PAUSED, "d1", 2)) == [Done()]
    made.send()
    assert [taken.event["type"] for taken in receiver.taken] == [PAUSED]


def test_without_webhooks_nothing_is_kept(made: Parts) -> None:
    assert made.hear(event(RECEIVED, "d1", 1), event(PAUSED, "d9", 1)) == [Done(), Done()]
    assert made.notify.rows("webhook_events") == made.notify.rows("webhook_rows") == []


def test_an_event_that_comes_twice_is_sent_once(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url)
    assert made.hear(event(RECEIVED, "d1", 1)) == [Done()]
    made.send()
    assert made.hear(event(RECEIVED, "d1", 1), event(RECEIVED, "d2", 1)) == [Duplicate(), Done()]
    made.send()
    assert sorted(taken.event["subject"] for taken in receiver.taken) == ["d1", "d2"]


def test_the_services_own_table_hears_for_webhooks(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url)
    assert made.notify.hear([event("workflow.result.issued.v1", "d1", 1), event(RECEIVED, "d1", 1)]) == [Done(), Done()]
    made.send()
    assert len(receiver.taken) == 2


def test_order_is_kept_while_everything_is_taken(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url)
    for start in range(0, 60, 20):
        made.hear(*(event(PAUSED, "d1", n + 2) if n else event(RECEIVED, "d1", 1) for n in range(start, start + 20)))
    made.send(batch=7)
    assert [taken.event["sequence"] for taken in receiver.taken] == [1, *range(3, 62)]
    assert receiver.connections < 60, "connections are kept"


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "state", "detail"),
    [
        (Fault.ERROR, "queued", "status_500"),
        (Fault.UNKNOWN, "queued", "status_404"),
        (Fault.REDIRECT, "failed", "status_302"),
        (Fault.GONE, "failed", "status_410"),
        (Fault.HANG, "queued", "timeout"),
        (Fault.DRIPPING, "queued", "timeout"),
        (Fault.GARBAGE, "queued", "not_http"),
        (Fault.TAKEN, "queued", "connection_failed"),
        (Fault.ENDLESS, "sent", "status_200"),
    ],
)
def test_what_a_receiver_may_do(made: Parts, receiver: Receiver, fault: Fault, state: str, detail: str) -> None:
    hook = made.create(receiver.url)
    made.hear(event(RECEIVED, "d1", 1))
    receiver.fault = fault
    made.send(timeout=0.4)
    (delivery,) = made.deliveries(hook["id"])
    assert (delivery["state"], delivery["attempts"][-1]["detail"]) == (state, detail)
    assert len(delivery["response"] or "") <= 1000
    assert receiver.asked == 1
    if state == "queued":
        receiver.fault = None
        made.clock.move(hours=1)
        made.send()
        assert made.states(hook["id"]) == ["sent"]
        assert set(receiver.ids) == {delivery["id"]}


def test_a_receiver_that_is_down_for_days_gets_everything_when_it_is_back(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    receiver.fault = Fault.BUSY
    made.hear(*some(10))
    for _ in range(19):
        made.send()
        made.clock.move(hours=4)
    assert set(made.states(hook["id"])) == {"queued"}
    assert receiver.asked < 10 * len(WAITS)
    receiver.fault = None
    for _ in range(4):
        made.send()
        made.clock.move(hours=13)
    assert made.states(hook["id"]) == ["sent"] * 10
    assert set(receiver.times.values()) == {1}
    assert made.shown(hook["id"])["state"] == "active"


def test_a_single_row_is_tried_for_three_days_and_more(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    receiver.fault = Fault.ERROR
    made.hear(event(RECEIVED, "d1", 1))
    began = made.clock()
    while made.states(hook["id"]) == ["queued"]:
        made.send()
        made.clock.move(hours=2)
        assert made.clock() - began < timedelta(days=5)
    assert made.clock() - began > timedelta(hours=72)
    (delivery,) = made.deliveries(hook["id"])
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", len(WAITS) + 1)
    assert {attempt["outcome"] for attempt in delivery["attempts"]} == {"deferred"}
    # The owner may have it sent all the same, under the same id.
    receiver.fault = None
    again = made.notify.post(f"webhooks/{hook['id']}/deliveries/{delivery['id']}/retry", OFFICE)
    assert again.get_json()["state"] == "queued"
    made.clock.move(hours=1)
    made.send()
    assert receiver.ids == [delivery["id"]]


def test_a_failing_receiver_is_left_alone_and_asked_with_one_row_whether_it_is_well(
    made: Parts, receiver: Receiver
) -> None:
    hook = made.create(receiver.url)
    receiver.fault = Fault.ERROR
    made.hear(*some(20))
    made.send()
    assert receiver.asked == 3, "after three in a row there is a pause"
    made.clock.move(seconds=3)
    made.send()
    assert receiver.asked == 3
    made.clock.move(seconds=4)
    made.send()
    assert receiver.asked == 4, "one row asks"
    receiver.fault = None
    made.clock.move(minutes=10)
    made.send()
    assert made.states(hook["id"]) == ["sent"] * 20


def test_gone_disables_at_once_and_what_waits_is_kept(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    receiver.fault = Fault.GONE
    made.hear(*some(3))
    made.send()
    shown = made.shown(hook["id"])
    assert (shown["state"], shown["disabled"]["reason"]) == ("disabled", "gone")
    assert receiver.asked == 1
    receiver.fault = None
    made.hear(event(RECEIVED, "missed", 1))
    made.clock.move(days=1)
    made.send()
    assert receiver.asked == 1
    assert made.notify.post(f"webhooks/{hook['id']}/enable", OFFICE).get_json()["state"] == "active"
    made.send()
    assert [taken.event["subject"] for taken in receiver.taken] == ["d1", "d2"]
    since = made.clock() - timedelta(days=2)
    assert made.notify.post(f"webhooks/{hook['id']}/replay", OFFICE, {"from": since.isoformat()}).status_code == 201
    made.replay()
    made.clock.move(seconds=1)
    made.send()
    assert sorted({taken.event["subject"] for taken in receiver.taken}) == ["d0", "d1", "d2", "missed"]


def test_after_days_without_success_it_is_disabled_and_its_owner_is_told(
    made: Parts, receiver: Receiver, notify_store: NotifyStore
) -> None:
    hook = made.create(receiver.url)
    notify_store.contacts._offices.collection.insert_one(
        {"_id": OURS, "sequence": 1, "id": OURS, "name": "UBND xã Hoằng Lộc", "email": "xa@thanhhoa.example"}
    )
    receiver.fault = Fault.ERROR
    for day in range(5):
        made.hear(event(RECEIVED, f"day {day}", 1))
        made.send()
        made.clock.move(hours=23)
        assert made.shown(hook["id"])["state"] == "active"
    made.clock.move(hours=6)
    made.send()
    shown = made.shown(hook["id"])
    assert (shown["state"], shown["disabled"]["reason"]) == ("disabled", "failing")
    notices = Notices(made.store, notify_store, made.clock, "vi")
    for _ in range(2):
        notices.once()
    found = [
        notify_store.messages.aggregates.loaded(each).state
        for each in notify_store.messages.aggregates.collection.find()
    ]
    assert {(each.channel, each.to) for each in found} == {
        ("portal", subject_of(OFFICE)), ("email", "xa@thanhhoa.example")
    }  # fmt: skip
    for each in found:
        rendered = Templates("https://motcua.example").render(each)
        assert "Phần mềm của xã" in rendered.text
        assert "nhiều ngày liền" in rendered.text
    assert receiver.url not in str(found)
    assert made.store.untold(10) == []
    # Enabled, it has five days again.
    made.notify.post(f"webhooks/{hook['id']}/enable", OFFICE)
    made.clock.move(hours=1)
    made.send()
    assert made.shown(hook["id"])["state"] == "active"


def test_a_success_in_between_begins_the_days_anew(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    for day in range(8):
        receiver.fault = None if day == 4 else Fault.ERROR
        made.hear(event(RECEIVED, f"day {day}", 1))
        made.send()
        made.clock.move(days=1)
    assert made.shown(hook["id"])["state"] == "active"


def test_receivers_that_hang_hold_up_nobody_else(made: Parts, receiver: Receiver) -> None:
    """Six that hang, on four lines: the healthy one has everything all the same."""
    hanging = [Receiver() for _ in range(6)]
    stop = threading.Event()
    loops: list[threading.Thread] = []
    try:
        for each in hanging:
            each.fault = Fault.HANG
            each.__enter__()
            made.create(each.url)
        made.hear(*some(3))
        made.create(receiver.url)
        made.hear(*(event(RECEIVED, f"after {n}", 1) for n in range(40)))
        dispatch = made.dispatch(timeout=1.5)
        loops = [threading.Thread(target=loop, args=(stop,)) for loop in dispatch.loops().values()]
        for loop in loops:
            loop.start()
        until(lambda: len(receiver.taken) == 40)
        assert not any(each.taken for each in hanging)
    finally:
        stop.set()
        for each in hanging:
            each.stop()
        for loop in loops:
            loop.join()


def test_those_known_to_fail_have_half_of_the_lines(made: Parts, receiver: Receiver) -> None:
    """Four that hang, on four lines: two are spoken to, the other lines are for whoever is well."""
    released, stop = threading.Event(), threading.Event()
    hanging = [Receiver() for _ in range(4)]
    loops: list[threading.Thread] = []
    try:
        for each in hanging:
            each.before = lambda: bool(released.wait(20))
            each.__enter__()
            hook = made.create(each.url)
            made.store.note_failure(hook["id"], made.clock(), made.clock())
        made.hear(*some(1))
        dispatch = made.dispatch(timeout=15)
        loops = [threading.Thread(target=loop, args=(stop,)) for loop in dispatch.loops().values()]
        for loop in loops:
            loop.start()
        until(lambda: sum(each.asked for each in hanging) == 2)
        made.create(receiver.url)
        made.hear(event(RECEIVED, "after", 1))
        until(lambda: len(receiver.taken) == 1)
        assert sum(each.asked for each in hanging) == 2
    finally:
        stop.set()
        released.set()
        for loop in loops:
            loop.join()
        for each in hanging:
            each.stop()


# -- replay ------------------------------------------------------------------------------------------------------------


def test_a_replay_sends_what_came_in_a_time_again_under_the_same_ids(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url, types=["intake.*"])
    other = made.create(receiver.url, OTHER_OFFICE, types=["intake.*"])
    times = []
    for n in range(4):
        times.append(made.clock())
        made.hear(event(RECEIVED, f"d{n}", 1), event(RECEIVED, f"theirs {n}", 1, OTHERS), event(PAUSED, f"d{n}", 2))
        made.clock.move(hours=1)
    made.send()
    first = receiver.times
    assert set(first.values()) == {1}
    body = {"from": times[1].isoformat(), "to": times[3].isoformat()}
    asked = made.notify.post(f"webhooks/{hook['id']}/replay", OFFICE, body, key="r1")
    assert asked.get_json()["state"] == "waiting"
    made.replay()
    made.clock.move(seconds=1)
    made.send()
    again = receiver.times - first
    assert set(again) == {row_id(hook["id"], f"intake.dossier:d{n}:1") for n in (1, 2)}
    shown = made.notify.get(f"webhooks/{hook['id']}/replays/{asked.get_json()['id']}", OFFICE).get_json()
    assert (shown["state"], shown["queued"]) == ("done", 2)
    # What it is told of since, it can be told from before.
    wider = {"url": receiver.url, "types": ["intake.*", PAUSED], "description": "x"}
    assert made.notify.request("PUT", f"webhooks/{hook['id']}", OFFICE, wider, key="c1").status_code == 200
    made.notify.post(f"webhooks/{hook['id']}/replay", OFFICE, {"from": times[0].isoformat(), "types": [PAUSED]})
    made.replay()
    made.clock.move(seconds=1)
    made.send()
    assert sum(taken.event["type"] == PAUSED for taken in receiver.taken) == 4
    assert {each["state"] for each in made.deliveries(other["id"], OTHER_OFFICE)} == {"sent"}
    assert len(made.deliveries(other["id"], OTHER_OFFICE)) == 4


def test_a_worker_that_dies_in_a_replay_queues_nothing_twice(
    made: Parts, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = made.create(receiver.url)
    monkeypatch.setattr(usecases, "REPLAYED_AT_ONCE", 20)
    made.hear(*some(50))
    made.send()
    since = made.clock() - timedelta(hours=1)
    made.clock.move(hours=1)
    made.notify.post(f"webhooks/{hook['id']}/replay", OFFICE, {"from": since.isoformat()})

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(made.store.replays, "save", dies)
        with pytest.raises(KeyboardInterrupt):
            made.replay()
    made.clock.move(seconds=1)
    made.send()
    made.replay()
    made.clock.move(seconds=1)
    made.send()
    assert set(receiver.times.values()) == {2}
    assert len(receiver.times) == 50


# -- signatures --------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    keys=st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3),
    id=st.text("abcdef0123456789-", min_size=1),
    timestamp=st.integers(0, 2**33),
    body=st.binary(),
)
def test_signatures_are_those_of_an_independent_computation(
    keys: list[bytes], id: str, timestamp: int, body: bytes
) -> None:
    made = signatures.headers(keys, id, timestamp, body)
    assert (made["webhook-id"], made["webhook-timestamp"]) == (id, str(timestamp))
    for key, signature in zip(keys, made["webhook-signature"].split(" "), strict=True):
        # HMAC by RFC 2104, by hand.
        block = key.ljust(64, b"\0")
        inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + f"{id}.{timestamp}.".encode() + body).digest()
        outer = hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).digest()
        assert signature == "v1," + base64.b64encode(outer).decode()


def test_a_known_signature() -> None:
    """The example of the Standard Webhooks libraries."""
    key = signatures.key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signatures.headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_old_and_new_secret_sign_for_a_day(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    answer = made.notify.post(f"webhooks/{hook['id']}/secret-rotation", OFFICE, {}, key="rotate")
    again = made.notify.post(f"webhooks/{hook['id']}/secret-rotation", OFFICE, {}, key="rotate")
    assert answer.data == again.data
    new = answer.get_json()["secret"]
    assert answer.get_json()["signatures"] == 2
    made.hear(event(RECEIVED, "d1", 1))
    made.send()
    assert len(receiver.taken[0].headers["webhook-signature"].split(" ")) == 2
    receiver.secret = new
    made.hear(event(RECEIVED, "d2", 1))
    made.send()
    assert len(receiver.taken) == 2
    made.clock.move(hours=24)
    receiver.secret = SECRET
    made.hear(event(RECEIVED, "d3", 1))
    made.send()
    assert receiver.wrong == ["signature"]
    assert new not in json.dumps(made.notify.rows("webhooks"), default=str)


def test_the_signature_of_another_body_is_another_one() -> None:
    key = b"k" * 32
    one, other = (signatures.headers([key], "i", 1, body)["webhook-signature"] for body in (b"a", b"b"))
    assert one != other
    assert hmac.compare_digest(one, signatures.headers([key], "i", 1, b"a")["webhook-signature"])


def test_wildcards_fit_by_whole_parts() -> None:
    assert "intake.dossier.*" in WILDCARDS
    assert domain.fits("intake.dossier.*", RECEIVED)
    assert not domain.fits("intake.dossier.*", "intake.dossiers.received.v1")
    assert set(domain.matching(["intake.*", "workflow.*"])) == set(TYPES)


def test_a_row_on_its_way_is_not_sent_again(made: Parts, receiver: Receiver) -> None:
    hook = made.create(receiver.url)
    made.hear(event(RECEIVED, "d1", 1))
    (row,) = made.deliveries(hook["id"])
    made.store.rows.collection.update_one({"_id": row["id"]}, {"$set": {"state": "sending", "lease": {
        "holder": "w", "until": made.clock() + timedelta(minutes=5), "via": None}}})  # fmt: skip
    answer = made.notify.post(f"webhooks/{hook['id']}/deliveries/{row['id']}/retry", OFFICE)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (409, "webhook_delivery_being_sent")
    # Its worker died: when the lease is over it goes on, under the same id.
    made.send()
    assert receiver.asked == 0
    made.clock.move(minutes=6)
    made.send()
    made.clock.move(minutes=10)
    made.send()
    assert receiver.ids == [row["id"]]
    assert made.dispatch().once(GO) is False


def test_what_waits_is_measured(made: Parts, receiver: Receiver) -> None:
    made.create(receiver.url)
    disabled = made.create(receiver.url)
    made.notify.post(f"webhooks/{disabled['id']}/disable", OFFICE)
    made.hear(*some(3))
    made.clock.move(minutes=2)
    backlog = made.dispatch().backlog()
    assert (backlog.queued, backlog.sending) == (3, 0)
    assert backlog.due_since == made.clock() - timedelta(minutes=2)
    assert made.store.states() == {"active": 1, "disabled": 1}


def test_no_look_goes_through_what_waits(made: Parts, receiver: Receiver) -> None:
    hooks = [made.create(receiver.url) for _ in range(3)]
    made.hear(*some(100))
    assert [id for id, _ in made.store.waiting()] == sorted(hook["id"] for hook in hooks)
    found = made.store.rows.collection.find({"state": "queued", "webhook": {"$gt": ""}}).hint("due").limit(1)
    assert found.sort([("webhook", 1), ("next_at", 1)]).explain()["executionStats"]["totalKeysExamined"] == 1
