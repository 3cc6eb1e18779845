"""Events that were seen and made no message, since somebody died in between."""

from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs

from chassis.consume import Done, Duplicate, Subscription
from notify import consumer
from notify.routing import RULES
from notify.store import NotifyStore
from notify.usecases.sweeping import AGE, Sweeping
from notify.usecases.telling import Telling
from tests.notify.events import FILED, FINISHED, RECEIVED, event
from tests.support.services import Clock, hear


@pytest.fixture
def telling(notify_store: NotifyStore, clock: Clock) -> Telling:
    return Telling(notify_store, clock, lambda: RULES, language="vi", max_age=timedelta(days=7))


@pytest.fixture
def table(telling: Telling) -> list[Subscription]:
    return consumer.table(telling)


@pytest.fixture
def sweeping(notify_store: NotifyStore, telling: Telling, clock: Clock) -> Sweeping:
    return Sweeping(notify_store, telling, clock)


def told(notify_store: NotifyStore) -> list[tuple[str, str, str]]:
    found = notify_store.messages.aggregates.collection.find()
    return sorted((row["dossier"], row["event_type"], row["channel"]) for row in found)


def lost(monkeypatch: pytest.MonkeyPatch, notify_store: NotifyStore, table: list[Subscription], *bodies: bytes) -> None:
    """A worker dies before it writes the messages, and the broker loses the events with it."""

    def dies(*_: Any) -> None:
        raise AutoReconnect("killed")

    with monkeypatch.context() as patched:
        patched.setattr(notify_store.messages, "add", dies)
        with pytest.raises(AutoReconnect):
            hear(table, list(bodies))


def test_what_was_begun_and_made_no_message_is_told_after_a_while(
    notify_store: NotifyStore,
    table: list[Subscription],
    sweeping: Sweeping,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost(monkeypatch, notify_store, table, event(FILED, "d1", 1, clock()), event(RECEIVED, "d2", 2, clock()))
    assert told(notify_store) == []
    clock.now += AGE
    sweeping.once()
    assert told(notify_store) == [], "the broker may still bring it"
    clock.move(milliseconds=1)
    with capture_logs() as logs:
        sweeping.once()
    found = told(notify_store)
    assert {(dossier, event_type) for dossier, event_type, _ in found} == {("d1", FILED), ("d2", RECEIVED)}
    assert [entry["count"] for entry in logs if entry["event"] == "events_told_by_sweep"] == [2]
    before = list(notify_store.messages.aggregates.collection.find())
    with capture_logs() as logs:
        sweeping.once()
    assert logs == []
    assert hear(table, [event(FILED, "d1", 1, clock())]) == [Duplicate()]
    assert list(notify_store.messages.aggregates.collection.find()) == before


def test_it_says_the_same_as_the_event_would_have(
    notify_store: NotifyStore,
    table: list[Subscription],
    sweeping: Sweeping,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hear(table, [event(FILED, "d1", 1, clock())])
    body = event(FINISHED, "d1", 5, clock())
    lost(monkeypatch, notify_store, table, body)
    clock.now += 2 * AGE
    sweeping.once()
    messages = notify_store.messages.aggregates.collection
    swept = list(messages.find({"event_type": FINISHED}, sort=[("_id", 1)]))
    messages.delete_many({"event_type": FINISHED})
    hear(table, [body])
    assert swept
    assert list(messages.find({"event_type": FINISHED}, sort=[("_id", 1)])) == swept


def test_what_was_told_leaves_nothing_to_sweep(
    notify_store: NotifyStore, table: list[Subscription], clock: Clock
) -> None:
    assert hear(table, [event(FILED, "d1", 1, clock()), event(FILED, "d1", 1, clock())]) == [Done(), Duplicate()]
    assert notify_store.tellings.left_over(clock() + timedelta(days=1), 10) == {}


def test_one_that_cannot_be_told_holds_up_nobody_and_is_not_forgotten(
    notify_store: NotifyStore,
    table: list[Subscription],
    sweeping: Sweeping,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost(monkeypatch, notify_store, table, event(FILED, "d1", 1, clock()))
    clock.move(seconds=1)
    lost(monkeypatch, notify_store, table, event(FILED, "d2", 1, clock()))
    messages = notify_store.messages.aggregates.collection
    messages.database["contacts"].delete_one({"_id": "d1"})
    clock.now += 2 * AGE
    with capture_logs() as logs:
        sweeping.once()
    assert {dossier for dossier, _, _ in told(notify_store)} == {"d2"}
    assert [entry["reason"] for entry in logs if entry["event"] == "event_not_told"] == ["contact_unknown"]
    clock.move(seconds=1)
    (left,) = notify_store.tellings.left_over(clock(), 10).values()
    assert left is not None
    assert left.dossier == "d1"
