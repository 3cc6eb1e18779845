"""Operators: many messages sent again as one act, what waits for each channel, and messages found by what is known."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import id_from
from chassis.store import Change
from native.access import Persona
from notify.domain import deliveries, retries
from notify.domain.deliveries import Attempt
from notify.domain.messages import Message
from notify.main import NOTIFY
from notify.store import NotifyStore
from notify.usecases.retries import AT_ONCE, RetryMany
from tests.support.services import Clock, Running, Tokens, pointers, problem, running, subject_of

OPERATOR = Persona("Quản trị", ("messages.read", "messages.manage"))
HOA = Persona("Hoa", ("messages.read",))


@pytest.fixture
def api(database_url: str, notify_store: NotifyStore, clock: Clock, tmp_path: Path) -> Iterator[Running]:
    mail = {"smtp_url": "smtp://nowhere.invalid", "mail_from": "mot-cua@thanhhoa.example", "mail_recipient_hour": 7}
    with running(NOTIFY, database_url, Tokens(tmp_path), clock, **mail) as api:
        yield api


@pytest.fixture
def worker(notify_store: NotifyStore, clock: Clock) -> RetryMany:
    return RetryMany(notify_store, clock)


def put(notify_store: NotifyStore, count: int, at: datetime, *, state: str = "failed", **more: Any) -> list[str]:
    """So many messages that came to this state at `at`."""
    failed = Attempt(at=at, outcome="refused", detail="550 5.7.1 this server is not allowed")
    made = [
        Message(
            id=id_from("test", at.isoformat(), state, str(more), str(n)), state=state, attempts=(failed,),  # type: ignore[arg-type]
            next_at=at if state == "queued" else None, over_at=None if state == "queued" else at, lease=None,
            created_at=at, trace=None,
            **{
                "event_type": "intake.dossier.received.v1", "dossier": f"d{n}", "code": None, "agency": "H56.01",
                "channel": "email", "to": f"a{n}@x.vn", "person": None, "language": "vi", "template": "received",
                "params": {}, **more,
            },
        )
        for n in range(count)
    ]  # fmt: skip
    assert all(notify_store.messages.add([(message, ()) for message in made]))
    return [message.id for message in made]


def state(notify_store: NotifyStore, id: str) -> Message:
    loaded = notify_store.messages.aggregates.load(id)
    assert loaded is not None
    return loaded.state


def body(since: datetime, until: datetime, **more: Any) -> dict[str, Any]:
    wanted = {"channel": "email", "from": since.isoformat(), "to": until.isoformat(), "reason": "Máy chủ thư đã sửa"}
    return wanted | more


# -- many sent again ---------------------------------------------------------------------------------------------------


def test_what_failed_in_a_time_is_sent_again_and_nothing_else(
    api: Running, notify_store: NotifyStore, clock: Clock, worker: RetryMany
) -> None:
    since, until = clock(), clock() + timedelta(hours=2)
    before = put(notify_store, 1, since - timedelta(milliseconds=1))
    within = put(notify_store, 2, since) + put(notify_store, 1, until - timedelta(milliseconds=1))
    after = put(notify_store, 1, until)
    others = put(notify_store, 1, since, channel="sms") + put(notify_store, 1, since, state="sent", template="filed")
    clock.move(hours=3)
    asked = api.post("messages/retries", OPERATOR, body(since, until))
    assert asked.status_code == 201
    made = asked.get_json()
    assert {name: made[name] for name in ("state", "sent_again", "channel", "reason", "by", "left_over")} == {
        "state": "waiting",
        "sent_again": 0,
        "channel": "email",
        "reason": "Máy chủ thư đã sửa",
        "by": subject_of(OPERATOR),
        "left_over": False,
    }
    assert {state(notify_store, id).state for id in within} == {"failed"}, "nothing is done in the request"
    while worker.go_on():
        pass
    for id in within:
        message = state(notify_store, id)
        assert (message.state, message.next_at, message.over_at) == ("queued", clock(), None)
        assert (message.attempts[-1].outcome, message.attempts[-1].detail) == ("requested", subject_of(OPERATOR))
    for id in before + after + others:
        assert len(state(notify_store, id).attempts) == 1
    shown = api.get(f"messages/retries/{made['id']}", OPERATOR)
    assert (shown.get_json()["state"], shown.get_json()["sent_again"]) == ("done", 3)
    assert shown.get_json()["from"] == made["from"]


def test_the_same_request_twice_is_one_act(api: Running, notify_store: NotifyStore, clock: Clock) -> None:
    put(notify_store, 1, clock())
    wanted = body(clock() - timedelta(hours=1), clock())
    first = api.post("messages/retries", OPERATOR, wanted, key="k1")
    again = api.post("messages/retries", OPERATOR, wanted, key="k1")
    assert (again.status_code, again.data) == (201, first.data)
    problem(api.post("messages/retries", OPERATOR, {**wanted, "channel": "sms"}, key="k1"), 422)
    assert len(api.rows("message_retries")) == 1


def test_many_go_in_steps_and_a_worker_that_dies_between_two_writes_leaves_nothing_out(
    notify_store: NotifyStore, api: Running, clock: Clock, worker: RetryMany, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = put(notify_store, AT_ONCE + 20, clock())
    clock.move(hours=1)
    api.post("messages/retries", OPERATOR, body(clock() - timedelta(hours=2), clock()))

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retries, "went_on", dies)
        with pytest.raises(KeyboardInterrupt):
            worker.go_on()
    assert sum(state(notify_store, id).state == "queued" for id in ids) == AT_ONCE
    while worker.go_on():
        pass
    assert {len(state(notify_store, id).attempts) for id in ids} == {2}
    assert not worker.go_on()


def test_what_fails_again_is_not_sent_for_ever(
    notify_store: NotifyStore, api: Running, clock: Clock, worker: RetryMany
) -> None:
    (id,) = put(notify_store, 1, clock())
    clock.move(hours=1)
    api.post("messages/retries", OPERATOR, body(clock() - timedelta(hours=2), clock()))
    assert worker.go_on()
    loaded = notify_store.messages.aggregates.load(id)
    assert loaded is not None
    refused = deliveries.refused(deliveries.take(loaded.state, "worker-1", clock()), clock(), "550 again")
    assert notify_store.messages.aggregates.save([Change(loaded, refused, (), clock())]) == [True]
    while worker.go_on():
        pass
    assert [attempt.outcome for attempt in state(notify_store, id).attempts] == ["refused", "requested", "refused"]


def test_one_act_has_an_end() -> None:
    at = datetime.fromisoformat("2026-11-20T00:00:00+00:00")
    act = retries.request("r1", "email", at - timedelta(days=31), at, "x", by="operator-1", at=at)
    act = retries.went_on(act, retries.MOST - 1, more=True)
    assert (act.state, act.left_over) == ("waiting", False)
    act = retries.went_on(act, 1, more=True)
    assert (act.state, act.left_over, act.sent_again) == ("done", True, retries.MOST)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"from": "2026-11-20T01:00:00Z", "to": "2026-11-20T01:00:00Z"}, [("/to", "order")]),
        ({"from": "2026-10-01T00:00:00Z"}, [("/to", "too_long")]),
        ({"to": "2026-11-20T01:30:00.001Z"}, [("/to", "future")]),
        ({"channel": "pigeon"}, [("/channel", "literal_error")]),
        ({"reason": " \n"}, [("/reason", "string_too_short")]),
        ({"reason": "a\x00b"}, [("/reason", "string_pattern_mismatch")]),
        ({"from": "0001-01-01T00:00:00+14:00"}, [("/from", "value_error")]),
        ({"from": "2026-11-20"}, None),
        ({"more": 1}, [("/more", "extra_forbidden")]),
    ],
)
def test_what_is_no_act_is_named(
    api: Running, clock: Clock, change: dict[str, Any], expected: list[tuple[str, str]] | None
) -> None:
    answer = api.post("messages/retries", OPERATOR, body(clock() - timedelta(hours=1), clock(), **change))
    assert pointers(answer) == expected if expected else pointers(answer)
    assert api.rows("message_retries") == []


def test_only_operators(api: Running, clock: Clock) -> None:
    wanted = body(clock() - timedelta(hours=1), clock())
    problem(api.post("messages/retries", HOA, wanted), 403)
    problem(api.get("messages/retries/r1", HOA), 403)
    problem(api.get("channels", HOA), 403)
    problem(api.get("messages/retries/r1", OPERATOR), 404, "retries_not_found")
    problem(api.request("POST", "messages/retries", OPERATOR, wanted), 428)


# -- what waits --------------------------------------------------------------------------------------------------------


def test_what_waits_for_a_channel(api: Running, notify_store: NotifyStore, clock: Clock) -> None:
    put(notify_store, 2, clock() - timedelta(hours=3), state="queued")
    put(notify_store, 3, clock() - timedelta(hours=24))
    put(notify_store, 1, clock() - timedelta(hours=24, milliseconds=1))
    notify_store.outlets.note("email", "timeout", clock() - timedelta(hours=2))
    notify_store.outlets.note("email", "ConnectionRefusedError", clock() - timedelta(hours=1))
    (channel,) = [one for one in api.get("channels", OPERATOR).get_json()["items"] if one["channel"] == "email"]
    limits = channel.pop("limits")
    assert limits["recipient_hour"] == 7
    assert channel == {
        "channel": "email",
        "queued": 2,
        "sending": 0,
        "due_since": "2026-11-19T22:30:00Z",
        "failed_last_day": 3,
        "away_since": "2026-11-19T23:30:00Z",
        "away_reason": "ConnectionRefusedError",
    }
    notify_store.outlets.note("email", None, clock())
    (channel,) = [one for one in api.get("channels", OPERATOR).get_json()["items"] if one["channel"] == "email"]
    assert (channel["away_since"], channel["away_reason"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"agency": "H56.02"}, {"agency"}),
        ({"template": "filed"}, {"template"}),
        ({"person": "person-hoa"}, {"person"}),
        ({"agency": "H56.01", "template": "received", "person": "person-hoa"}, {"person"}),
        ({"from": "2026-11-20T01:30:00Z"}, {"late"}),
        ({"to": "2026-11-19T01:30:00Z"}, {"early"}),
        ({"from": "2026-11-19T01:30:00Z", "to": "2026-11-20T01:30:00Z"}, {"agency", "template", "person"}),
    ],
)
def test_messages_are_found_by_what_is_known_of_them(
    api: Running, notify_store: NotifyStore, clock: Clock, query: dict[str, str], expected: set[str]
) -> None:
    yesterday = clock() - timedelta(days=1)
    named = {
        "agency": put(notify_store, 1, yesterday, agency="H56.02"),
        "template": put(notify_store, 1, yesterday, template="filed"),
        "person": put(notify_store, 1, yesterday, person="person-hoa"),
        "early": put(notify_store, 1, yesterday - timedelta(milliseconds=1)),
        "late": put(notify_store, 1, clock()),
    }
    answer = api.app.test_client().get(
        "/api/notify/v1/messages",
        query_string=query,
        headers={"Authorization": f"Bearer {api.tokens.of(OPERATOR)}"},
    )
    items = answer.get_json()["items"]
    assert [item["id"] for item in items] == [id for name in named if name in expected for id in named[name]] or {
        item["id"] for item in items
    } == {id for name in expected for id in named[name]}
    assert {item["failure"] for item in items} == {"permanent"}
    assert {item["to"] for item in items} == {"a***@x.vn"}


def test_nobody_finds_anothers_by_name(api: Running, notify_store: NotifyStore, clock: Clock) -> None:
    put(notify_store, 1, clock(), person="person-tu")
    assert api.get("messages?person=person-tu", HOA).get_json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [("refused", "permanent"), ("deferred", "transient"), ("interrupted", "technical"), ("accepted", None)],
)
def test_kinds_of_failures_are_told_apart(outcome: deliveries.AttemptOutcome, failure: str | None) -> None:
    assert deliveries.kind_of_failure(outcome) == failure


@pytest.mark.parametrize("field", ["agency", "template"])
def test_a_search_looks_at_little_more_than_it_shows(notify_store: NotifyStore, clock: Clock, field: str) -> None:
    put(notify_store, 200, clock(), state="sent")
    put(notify_store, 1, clock(), **{field: "rare"})
    found = notify_store.messages.aggregates.collection.find({field: "rare"}).sort([("created_at", -1), ("_id", -1)])
    assert found.limit(51).explain()["executionStats"]["totalDocsExamined"] == 1


def test_what_failed_is_found_without_looking_at_the_rest(notify_store: NotifyStore, clock: Clock) -> None:
    put(notify_store, 100, clock(), state="sent")
    put(notify_store, 2, clock())
    assert len(notify_store.messages.failed("email", clock(), clock() + timedelta(hours=1), 10)) == 2
    collection = notify_store.messages.aggregates.collection
    wanted = {"channel": "email", "state": "failed", "over_at": {"$gte": clock()}}
    assert collection.find(wanted).hint("failed").explain()["executionStats"]["totalKeysExamined"] == 2
