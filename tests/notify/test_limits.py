"""How many go out to one address and for one agency; real counters, and everybody asking at once."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notify.domain.deliveries import spread
from notify.domain.messages import Message
from notify.domain.quiet import Quiet
from notify.limits import DAY_SPREAD, HOUR_SPREAD, Limits, MessageGate
from notify.store import NotifyStore
from notify.store.counters import KEPT, Asked
from tests.support.services import Clock, local

NOBODY = Limits(recipient_hour=0, recipient_day=0, agency_day=0)


@pytest.fixture
def now() -> datetime:
    return local("2026-11-20 08:30")


def message(id: str, to: str = "hoa@x.vn", *, agency: str = "H56.01", urgent: bool = False) -> Message:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Message(
        id=f"00000000-0000-8000-8000-{id:0>12}", state="queued", attempts=(), next_at=at, lease=None, created_at=at,
        trace=None, event_type="intake.dossier.received.v1", dossier="d1", code=None, agency=agency, channel="email",
        to=to, person=None, language="vi", template="received", params={}, urgent=urgent,
    )  # fmt: skip


def messages(count: int, to: str = "hoa@x.vn", *, first: int = 0, agency: str = "H56.01") -> list[Message]:
    return [message(str(n), to, agency=agency) for n in range(first, first + count)]


def gate(notify_store: NotifyStore, channel: str = "email", **limits: int) -> MessageGate:
    return MessageGate(notify_store.counters, channel, replace(NOBODY, **limits))


def test_an_hour_has_room_for_so_many_and_the_rest_goes_in_the_next_one(
    notify_store: NotifyStore, now: datetime
) -> None:
    rows = messages(5)
    waits = gate(notify_store, recipient_hour=3).held_back(rows, now)
    assert waits[:3] == [None] * 3
    assert waits[3:] == [local("2026-11-20 09:00") + spread(row.id, HOUR_SPREAD) for row in rows[3:]]
    assert waits[3] != waits[4]
    later = local("2026-11-20 09:00")
    assert gate(notify_store, recipient_hour=3).held_back(rows[3:], later) == [None] * 2


def test_a_day_ends_in_the_next_morning(notify_store: NotifyStore, now: datetime) -> None:
    rows = messages(3)
    by_day = gate(notify_store, recipient_day=2)
    assert by_day.held_back(rows, now) == [
        None,
        None,
        local("2026-11-21 08:00") + spread(rows[2].id, DAY_SPREAD),
    ]
    assert by_day.held_back(rows[2:], local("2026-11-20 23:59")) != [None]
    assert by_day.held_back(rows[2:], local("2026-11-21 00:00")) == [None], "another day"


@pytest.mark.parametrize(
    ("other", "admitted"),
    [
        ({"to": "tu@x.vn"}, True),
        ({"to": "HOA@x.vn"}, False),
        ({"agency": "H56.02"}, False),
    ],
)
def test_each_address_has_its_own_room(
    notify_store: NotifyStore, now: datetime, other: dict[str, str], admitted: bool
) -> None:
    by_hour = gate(notify_store, recipient_hour=1)
    by_hour.held_back([message("1")], now)
    assert (by_hour.held_back([message("2", **other)], now) == [None]) is admitted  # type: ignore[arg-type]


def test_each_channel_and_each_agency_has_its_own_room(notify_store: NotifyStore, now: datetime) -> None:
    by_agency = gate(notify_store, agency_day=1)
    assert by_agency.held_back([message("1")], now) == [None]
    assert by_agency.held_back([message("2", "tu@x.vn")], now) != [None]
    assert by_agency.held_back([message("3", "tu@x.vn", agency="H56.02")], now) == [None]
    assert gate(notify_store, "sms", agency_day=1).held_back([message("4")], now) == [None]
    assert by_agency.held_back([message("5", agency=""), message("6", agency="")], now) == [None] * 2, "nobody's"


def test_an_urgent_one_goes_over_the_hours_limit_and_counts(notify_store: NotifyStore, now: datetime) -> None:
    by_hour = gate(notify_store, recipient_hour=2)
    waits = by_hour.held_back([message("1"), message("2"), message("3", urgent=True)], now)
    assert [wait is None for wait in waits] == [True, False, True]
    assert by_hour.held_back([message("4", urgent=True)], now) == [None]
    assert by_hour.held_back([message("5")], now) != [None]
    by_day = gate(notify_store, recipient_day=1)
    assert by_day.held_back([message("6")], now) == [None]
    assert by_day.held_back([message("7", urgent=True)], now) != [None], "a day's limit holds for all"


def test_who_asks_again_is_counted_once(notify_store: NotifyStore, now: datetime) -> None:
    """A worker that died between the count and the take; or another one that was faster."""
    by_hour = gate(notify_store, recipient_hour=3, recipient_day=3, agency_day=3)
    rows = messages(3)
    for _ in range(4):
        assert by_hour.held_back(rows, now) == [None] * 3
    assert by_hour.held_back([message("x")], now) != [None]


def test_what_one_limit_keeps_back_takes_no_room_of_another(notify_store: NotifyStore, now: datetime) -> None:
    both = gate(notify_store, recipient_hour=2, agency_day=1)
    assert [wait is None for wait in both.held_back([message("1"), message("2")], now)] == [True, False]
    assert both.held_back([message("3", agency="H56.02")], now) == [None]
    assert both.held_back([message("4", agency="H56.03")], now) != [None]


def test_it_stays_exact_when_many_ask_at_once(notify_store: NotifyStore, now: datetime) -> None:
    rows = messages(60)
    admitted: list[str] = []
    together = threading.Barrier(4)

    def ask(n: int) -> None:
        by_hour = gate(notify_store, recipient_hour=25)
        together.wait(10)
        for start in range(0, 60, 6):
            # Each asks for its own and for some of the next one's.
            mine = [rows[(start + n * 15 + step) % 60] for step in range(8)]
            waits = by_hour.held_back(mine, now)
            admitted.extend(row.id for row, wait in zip(mine, waits, strict=True) if wait is None)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(admitted)) == 25


def test_nobody_is_disturbed_in_quiet_hours_but_for_what_is_urgent(notify_store: NotifyStore) -> None:
    night = Quiet(since=21 * 60, until=7 * 60)
    rows = [replace(message("1"), quiet=night), replace(message("2", urgent=True), quiet=night), message("3")]
    open_to_all = gate(notify_store)
    assert open_to_all.held_back(rows, local("2026-11-20 22:00")) == [local("2026-11-21 07:00"), None, None]
    assert open_to_all.held_back(rows, local("2026-11-21 07:00")) == [None] * 3


def test_without_limits_nothing_is_counted(notify_store: NotifyStore, now: datetime) -> None:
    assert gate(notify_store).held_back(messages(3), now) == [None] * 3
    assert notify_store.messages.aggregates.collection.database["counters"].find_one() is None


def test_counters_name_nobody_and_go_away(notify_store: NotifyStore, now: datetime) -> None:
    gate(notify_store, recipient_hour=1, agency_day=1).held_back([message("1")], now)
    counters = notify_store.messages.aggregates.collection.database["counters"]
    kept = list(counters.find())
    assert len(kept) == 2
    assert "hoa" not in repr(kept)
    assert {document["expires_at"] for document in kept} == {now + timedelta(days=2)}
    assert counters.index_information()["expires"]["expireAfterSeconds"] == 0


def test_a_window_stays_small(notify_store: NotifyStore, clock: Clock) -> None:
    def ask(ids: list[str]) -> frozenset[str]:
        asked = Asked(window="w", limit=10**6, ids=ids, free=frozenset(), expires_at=clock())
        return notify_store.counters.count([asked])[0]

    for start in range(0, KEPT + 1000, 1000):
        assert len(ask([f"row-{n:012}" for n in range(start, start + 1000)])) == 1000
    document = notify_store.messages.aggregates.collection.database["counters"].find_one({"_id": "w"})
    assert document is not None
    assert (document["count"], len(document["rows"])) == (KEPT + 1000, KEPT)
    assert set(document) == {"_id", "count", "rows", "expires_at"}
