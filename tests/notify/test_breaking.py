"""What breaks over one row, one event or one mark: the others go on, and what is known is not forgotten."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs

from chassis.consume import Done, Later, Outcome, Received, Subscription
from notify import consumer
from notify.courier import Courier
from notify.domain.messages import Message
from notify.outlets import Accepted, Answer
from notify.routing import RULES
from notify.store import NotifyStore
from notify.taps import tapped
from notify.usecases import sweeping as module
from notify.usecases.sweeping import AGE, Sweeping
from notify.usecases.telling import Telling
from tests.notify.events import FILED, event
from tests.notify.test_courier import message, queue
from tests.notify.test_sweep import lost
from tests.support.samples import sample
from tests.support.services import Clock, hear

GO = threading.Event()


class Brittle:
    """An outlet that breaks over some rows, having taken what came before them."""

    name = "email"

    def __init__(self, *, lot: int, over: Sequence[str] = (), error: Exception | None = None) -> None:
        self.lot = lot
        self.over = set(over)
        self.error = error or ValueError("hoa@x.vn is in my way")
        self.took: list[str] = []

    @contextmanager
    def open(self) -> Iterator["Brittle"]:
        yield self

    def send(self, rows: Sequence[Message]) -> list[Answer]:
        if any(row.id in self.over for row in rows):
            raise self.error
        self.took += [row.id for row in rows]
        return [Accepted("taken") for _ in rows]

    def news(self, _row: Message, _at: datetime) -> Sequence[Any]:
        return ()


def courier(notify_store: NotifyStore, outlet: Brittle, clock: Clock) -> Courier[Message]:
    return Courier(notify_store.messages.rows("email"), outlet, clock, holder="worker-1", batch=20)


def states(notify_store: NotifyStore, ids: Sequence[str]) -> list[str]:
    return [message(notify_store, id).state for id in ids]


@pytest.mark.parametrize("error", [ValueError("hoa@x.vn is in my way"), AutoReconnect("the store is away")])
def test_what_was_sent_before_the_sending_broke_is_noted_and_the_rest_goes_out(
    notify_store: NotifyStore, clock: Clock, error: Exception
) -> None:
    ids = queue(notify_store, clock, ["a@x.vn", "b@x.vn", "c@x.vn"])
    outlet = Brittle(lot=1, over=[ids[1]], error=error)
    with capture_logs() as logs:
        courier(notify_store, outlet, clock).once(GO)
    assert outlet.took == [ids[0], ids[2]]
    assert states(notify_store, ids) == ["sent", "queued", "sent"]
    (attempt,) = message(notify_store, ids[1]).attempts
    assert (attempt.outcome, attempt.detail) == ("interrupted", f"broke_{type(error).__name__}")
    (said,) = [entry for entry in logs if entry["event"] == "sending_broke"]
    assert said["rows"] == [ids[1]]
    assert "test_breaking.py:" in said["at"]
    assert "hoa" not in repr(logs), "an error's words may hold anything"


def test_of_a_lot_that_broke_only_the_guilty_row_stays_behind(notify_store: NotifyStore, clock: Clock) -> None:
    ids = queue(notify_store, clock, ["a@x.vn", "b@x.vn", "c@x.vn", "d@x.vn"])
    outlet = Brittle(lot=10, over=[ids[1]])
    sender = courier(notify_store, outlet, clock)
    sender.once(GO)
    assert states(notify_store, ids) == ["queued"] * 4
    clock.move(minutes=2)
    fresh = queue(notify_store, clock, ["e@x.vn", "f@x.vn"], prefix="fresh")
    sender.once(GO)
    assert states(notify_store, ids) == ["sent", "queued", "sent", "sent"]
    assert states(notify_store, fresh) == ["sent", "sent"]
    assert sorted(outlet.took) == sorted([*ids[:1], *ids[2:], *fresh])


# -- the consumer ------------------------------------------------------------------------------------------------------


def test_a_tap_that_breaks_keeps_nobody_from_being_told() -> None:
    heard: list[str] = []

    def own(batch: Sequence[Received]) -> list[Outcome]:
        heard.extend(item.event.type for item in batch)
        return [Done()] * len(batch)

    def tap(_: Sequence[Received]) -> list[Outcome]:
        raise KeyError("nothing like that")

    (outcome,) = hear(tapped([Subscription(own, {FILED: dict})], [tap]), [sample(FILED)])
    assert heard == [FILED]
    assert isinstance(outcome, Later)
    assert "KeyError" in outcome.reason


# -- the sweep ---------------------------------------------------------------------------------------------------------


def test_a_mark_that_cannot_be_told_lets_the_others_pass(
    notify_store: NotifyStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: the sweep looks at the oldest first."""
    telling = Telling(notify_store, clock, lambda: RULES, language="vi", max_age=timedelta(days=7))
    sweeping = Sweeping(notify_store, telling, clock)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    for n in range(3):
        lost(monkeypatch, notify_store, consumer.table(telling), event(FILED, f"d{n}", 1, clock()))
        clock.move(seconds=1)
    marks = notify_store.tellings._begun
    first, second, third = marks.find(sort=[("at", 1)])
    # As another version of notify wrote it; and one of a dossier of which nothing is known.
    marks.update_one({"_id": first["_id"]}, {"$unset": {"happened.params": ""}})
    marks.database["contacts"].delete_one({"_id": "d1"})
    clock.now += 2 * AGE
    with capture_logs() as logs:
        sweeping.once()
        sweeping.once()
    told = {row["dossier"] for row in notify_store.messages.aggregates.collection.find()}
    assert told == {"d2"}
    assert [entry["event_id"] for entry in logs if entry["event"] == "event_not_told"] == [first["_id"], second["_id"]]
    assert {mark["_id"] for mark in marks.find()} == {first["_id"], second["_id"]}, "they are not forgotten"
    assert third["_id"] not in {mark["_id"] for mark in marks.find()}
