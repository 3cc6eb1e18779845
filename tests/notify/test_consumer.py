"""From events to messages, whatever order they come in and however often."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from chassis.consume import Done, Duplicate, Later, Subscription
from notify import consumer
from notify.routing import RULES
from notify.store import NotifyStore
from notify.usecases.telling import Telling
from tests.notify.events import (
    AGENCY_TYPES,
    EMAIL,
    FILED,
    FINISHED,
    HANDED_OVER,
    PERSON,
    RECEIVED,
    REFUSED,
    SUPPLEMENT_REQUESTED,
    TYPES,
    WITHDRAWN,
    agency,
    event,
)
from tests.support.samples import sample
from tests.support.services import Clock, hear

HERE = json.loads(sample(RECEIVED))["data"]["dimensions"]["agency"]


@pytest.fixture
def table(notify_store: NotifyStore, clock: Clock) -> list[Subscription]:
    return consumer.table(Telling(notify_store, clock, lambda: RULES, language="vi", max_age=timedelta(days=7)))


def rows(notify_store: NotifyStore, **wanted: Any) -> list[dict[str, Any]]:
    return list(notify_store.messages.aggregates.collection.find(wanted, sort=[("_id", 1)]))


def life(dossier: str, clock: Clock) -> list[bytes]:
    """Everything that is told about a dossier that was filed, received, finished and handed over."""
    return [
        event(FILED, dossier, 1, clock()),
        event(RECEIVED, dossier, 2, clock(), code="H56.01-261120-0001"),
        event(FINISHED, dossier, 7, clock(), code="H56.01-261120-0001"),
        event(HANDED_OVER, dossier, 3, clock(), code="H56.01-261120-0001"),
    ]


def test_each_event_is_told_by_email_and_in_the_portal(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    others = [
        *(event(kind, "d1", 10 + n, clock()) for n, kind in enumerate(TYPES[6:]) if kind != FINISHED),
        event(REFUSED, "d2", 2, clock()),
        event(SUPPLEMENT_REQUESTED, "d2", 4, clock()),
        event(WITHDRAWN, "d2", 3, clock(), code=None),
    ]
    for body in [*life("d1", clock), *others]:
        assert hear(table, [body]) == [Done()]
    told = {(row["event_type"], row["channel"]): row for row in rows(notify_store)}
    assert set(told) == {(event_type, channel) for event_type in TYPES for channel in ("email", "portal")}
    for (_, channel), row in told.items():
        assert row["to"] == {"email": EMAIL, "portal": PERSON}[channel]
        assert row["state"] == {"email": "queued", "portal": "delivered"}[channel]
        assert row["person"] == PERSON
        assert row["created_at"] == clock()
    received = told[RECEIVED, "email"]
    assert (received["dossier"], received["code"]) == ("d1", "H56.01-261120-0001")
    assert told[REFUSED, "email"]["code"] is None


def test_a_message_in_the_portal_is_told_of_at_once(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    hear(table, [event(FILED, "d1", 1, clock())])
    outboxes = {row["channel"]: [entry["key"] for entry in row["outbox"]] for row in rows(notify_store)}
    assert outboxes == {"email": [], "portal": ["notify.message.sent"]}


def test_a_repeated_event_tells_nobody_twice(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    bodies = life("d1", clock)
    assert hear(table, bodies) == [Done()] * 4
    before = rows(notify_store)
    assert hear(table, bodies) == [Duplicate()] * 4
    assert hear(table, [bodies[0], bodies[0]]) == [Duplicate()] * 2
    assert rows(notify_store) == before


def test_a_message_that_was_sent_is_not_queued_again(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    body = event(FILED, "d1", 1, clock())
    hear(table, [body])
    notify_store.messages.aggregates.collection.update_many(
        {"channel": "email"}, {"$set": {"state": "sent", "next_at": None}}
    )
    hear(table, [body])
    assert [row["state"] for row in rows(notify_store, channel="email")] == ["sent"]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_batches_tell_the_same(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock, seed: int
) -> None:
    bodies = [body for n in range(8) for body in life(f"d{n}", clock)]
    shuffled = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    waiting = bodies * 2
    shuffled.shuffle(waiting)
    rounds = 0
    while waiting:
        rounds += 1
        assert rounds < 1000
        size = shuffled.randint(1, 9)
        batch, waiting = waiting[:size], waiting[size:]
        outcomes = hear(table, batch)
        waiting += [body for body, outcome in zip(batch, outcomes, strict=True) if isinstance(outcome, Later)]
    told = sorted((row["dossier"], row["event_type"], row["channel"]) for row in rows(notify_store))
    assert told == sorted(
        (f"d{n}", event_type, channel)
        for n in range(8)
        for event_type in (FILED, RECEIVED, FINISHED, HANDED_OVER)
        for channel in ("email", "portal")
    )


def test_a_result_waits_for_whom_to_tell(table: list[Subscription], notify_store: NotifyStore, clock: Clock) -> None:
    finished, received = event(FINISHED, "d1", 7, clock()), event(RECEIVED, "d1", 2, clock())
    assert hear(table, [finished]) == [Later("contact_unknown")]
    assert rows(notify_store) == []
    assert hear(table, [finished, received]) == [Done(), Done()]


@pytest.mark.parametrize("event_type", AGENCY_TYPES)
def test_agencies_are_told_at_their_own_address(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock, event_type: str
) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock() - timedelta(days=30))])
    overdue = event(event_type, "d1", 9, clock(), agency="H56.14", told=["H56.14", "H56", "H56.15"])
    assert hear(table, [overdue]) == [Later("agency_unknown")]
    known = [agency("H56.14", "stp@x.vn"), agency("H56", "ubnd@x.vn"), agency("H56.15", None)]
    assert hear(table, [*known[:2], overdue]) == [Done(), Done(), Later("agency_unknown")]
    assert rows(notify_store) == []
    assert hear(table, [overdue, known[2]]) == [Done(), Done()]
    assert hear(table, [overdue, known[2]]) == [Duplicate(), Duplicate()]
    told = rows(notify_store)
    assert sorted((row["to"], row["channel"], row["person"]) for row in told) == [
        ("stp@x.vn", "email", None),
        ("ubnd@x.vn", "email", None),
    ]
    assert {row["params"]["name"] for row in told} == {"Sở Xây dựng"}
    assert {row["agency"] for row in told} == {"H56.14"}, "the one that is to act"


def test_agencies_that_share_an_address_are_told_once(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock() - timedelta(days=30))])
    hear(table, [agency("H56.14", "chung@x.vn"), agency("H56", "chung@x.vn")])
    hear(table, [event(AGENCY_TYPES[0], "d1", 9, clock(), told=["H56.14", "H56"])])
    assert [row["to"] for row in rows(notify_store)] == ["chung@x.vn"]


def test_the_newest_address_counts(table: list[Subscription], notify_store: NotifyStore, clock: Clock) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock() - timedelta(days=30))])
    assert hear(table, [agency("H56", "new@x.vn", 3), agency("H56", "old@x.vn", 2)]) == [Done(), Duplicate()]
    hear(table, [event(AGENCY_TYPES[1], "d1", 9, clock(), told=["H56"])])
    assert [row["to"] for row in rows(notify_store)] == ["new@x.vn"]


def test_a_dossier_that_goes_on_is_told_of_in_the_name_of_its_agency(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    """The event of an extension names no agency."""
    hear(table, [event(RECEIVED, "d1", 2, clock() - timedelta(days=30))])
    hear(table, [event("workflow.dossier.extended.v1", "d1", 9, clock())])
    assert {(row["agency"], row["template"]) for row in rows(notify_store)} == {(HERE, "extended")}


def test_the_newest_contact_counts(table: list[Subscription], notify_store: NotifyStore, clock: Clock) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock(), personal={"email": "new@x.vn"})])
    hear(table, [event(FILED, "d1", 1, clock(), personal={"email": "old@x.vn"})])
    hear(table, [event(FINISHED, "d1", 7, clock())])
    assert {row["template"]: row["to"] for row in rows(notify_store, channel="email")} == {
        "received": "new@x.vn",
        "filed": "old@x.vn",
        "result_ready": "new@x.vn",
    }


@pytest.mark.parametrize(
    ("personal", "channels"),
    [
        ({"email": None}, {"portal"}),
        ({"person": None}, {"email"}),
        ({"email": None, "person": None}, set()),
    ],
)
def test_who_cannot_be_reached_is_not_told(
    table: list[Subscription],
    notify_store: NotifyStore,
    clock: Clock,
    personal: dict[str, None],
    channels: set[str],
) -> None:
    assert hear(table, [event(FILED, "d1", 1, clock(), personal=personal)]) == [Done()]
    assert {row["channel"] for row in rows(notify_store)} == channels
    assert hear(table, [event(FINISHED, "d1", 7, clock())]) == [Done()]


def test_what_happened_long_ago_is_told_to_nobody_but_known(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock
) -> None:
    """A migration files what is years old; what is still open then ends today."""
    old = clock() - timedelta(days=7, milliseconds=1)
    assert hear(table, [event(FILED, "d1", 1, old), event(RECEIVED, "d1", 2, old)]) == [Done(), Done()]
    assert rows(notify_store) == []
    hear(table, [event(FINISHED, "d1", 7, clock() - timedelta(days=7))])
    assert {row["template"] for row in rows(notify_store)} == {"result_ready"}


def test_no_log_says_who_is_told(table: list[Subscription], clock: Clock) -> None:
    with capture_logs() as logs:
        hear(table, [event(FILED, "d1", 1, clock() - timedelta(days=30)), *life("d2", clock)])
    assert logs
    assert not [secret for secret in (EMAIL, PERSON, "Nguyễn") if secret in repr(logs)]
