"""Several lines at once, limits on the way, and what is seen of an other side that is away."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from notify.backlog import Backlogs
from notify.channels.mail import MailOutlet, MailServer
from notify.courier import Courier
from notify.domain.messages import Message
from notify.failover import FEWEST, Failover
from notify.limits import Limits, MessageGate
from notify.outlets import Accepted, Answer, Away
from notify.store import NotifyStore
from notify.templates import Templates
from tests.notify.mail_server import Mailbox
from tests.notify.test_courier import GO, MakeSender, message, outcomes, queue
from tests.support.services import Clock
from tests.support.waiting import until


class Provider:
    """`does`: what happens with each row."""

    name = "email"
    lot = 1

    def __init__(self, does: Callable[[Message], Answer] = lambda _: Accepted("ok")) -> None:
        self.does = does
        self.took: list[str] = []
        self.opened = 0

    @contextmanager
    def open(self) -> Iterator["Provider"]:
        self.opened += 1
        yield self

    def send(self, rows: Sequence[Message]) -> list[Answer]:
        answers = [self.does(row) for row in rows]
        self.took += [row.to for row in rows]
        return answers

    def news(self, *_: Any) -> Sequence[Any]:
        return ()


def courier(notify_store: NotifyStore, provider: Any, clock: Clock, **options: Any) -> Courier[Message]:
    rows = notify_store.messages.rows(options.pop("channel", "email"))
    return Courier(rows, provider, clock, holder="worker-1", **{"batch": 5, **options})


@contextmanager
def at_work(of: Courier[Message]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=loop, args=(stop,), name=name) for name, loop in of.loops().items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_so_many_lines_send_at_the_same_time_and_each_row_goes_once(notify_store: NotifyStore, clock: Clock) -> None:
    # Every row waits until two others are being sent as well.
    together = threading.Barrier(3)

    def does(_: Message) -> Answer:
        together.wait(20)
        return Accepted("ok")

    provider = Provider(does)
    addresses = [f"a{n}@x.vn" for n in range(60)]
    ids = queue(notify_store, clock, addresses)
    with at_work(courier(notify_store, provider, clock, lines=3)):
        until(lambda: len(provider.took) == 60)
        until(lambda: notify_store.messages.rows("email").backlog().sending == 0)
    assert Counter(provider.took) == Counter(addresses)
    assert {message(notify_store, id).state for id in ids} == {"sent"}


def test_no_second_line_is_opened_while_one_is_enough(notify_store: NotifyStore, clock: Clock) -> None:
    provider = Provider()
    with at_work(courier(notify_store, provider, clock, lines=4)):
        for n in range(3):
            queue(notify_store, clock, [f"a{n}@x.vn"], prefix=f"r{n}-")
            until(lambda n=n: len(provider.took) == n + 1)  # type: ignore[misc]
    assert provider.opened == 3


def test_a_limit_keeps_rows_back_uncounted_and_they_go_in_the_next_hour(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, make_sender: MakeSender
) -> None:
    ids = queue(notify_store, clock, ["hoa@x.vn", "hoa@x.vn", "tu@x.vn"])
    gate = MessageGate(notify_store.counters, "email", Limits(recipient_hour=1, recipient_day=0, agency_day=0))
    sender = make_sender(gate=gate)
    held = sample("motcua_held_back_rows_total", channel="email", limit="recipient_hour")
    assert sender.once(GO)
    assert not sender.once(GO)
    assert sorted(mailbox.recipients) == ["hoa@x.vn", "tu@x.vn"]
    (waiting,) = [row for id in ids if (row := message(notify_store, id)).state == "queued"]
    assert waiting.attempts == ()
    assert waiting.lease is None
    assert waiting.next_at is not None
    assert clock() + timedelta(minutes=30) <= waiting.next_at < clock() + timedelta(minutes=40)
    assert sample("motcua_held_back_rows_total", channel="email", limit="recipient_hour") == held + 1
    clock.now = waiting.next_at
    sender.once(GO)
    assert mailbox.recipients.count("hoa@x.vn") == 2


def test_a_batch_that_is_all_kept_back_hides_nobody_behind_it(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, make_sender: MakeSender
) -> None:
    queue(notify_store, clock, ["hoa@x.vn"] * 5)
    clock.move(seconds=1)
    queue(notify_store, clock, ["tu@x.vn"], prefix="later")
    gate = MessageGate(notify_store.counters, "email", Limits(recipient_hour=1, recipient_day=0, agency_day=0))
    sender = make_sender(gate=gate, batch=2)
    while sender.once(GO):
        pass
    assert mailbox.recipients == ["hoa@x.vn", "tu@x.vn"]


def test_one_broken_channel_is_seen_and_the_others_go_on(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, make_sender: MakeSender
) -> None:
    ids = queue(notify_store, clock, [f"a{n}@x.vn" for n in range(4)])
    notify_store.messages.aggregates.collection.update_many({"_id": {"$in": ids[2:]}}, {"$set": {"channel": "sms"}})
    sms = Provider()
    sms.name = "sms"
    healthy = courier(notify_store, sms, clock, channel="sms", watch=notify_store.outlets)
    broken = make_sender(watch=notify_store.outlets)
    rows = {"email": notify_store.messages.rows("email"), "sms": notify_store.messages.rows("sms")}
    backlogs = Backlogs(rows, notify_store.outlets, clock)
    failures = sample("motcua_outlet_failures_total", channel="email", stage="connection")
    mailbox.stop()
    for _ in range(3):
        with pytest.raises(Away):
            broken.once(GO)
        while healthy.once(GO):
            pass
        clock.move(minutes=1)
    backlogs.measure()
    assert sorted(sms.took) == ["a2@x.vn", "a3@x.vn"]
    assert sample("motcua_unsent_rows", channel="email", state="queued") == 2
    assert sample("motcua_unsent_rows", channel="sms", state="queued") == 0
    assert sample("motcua_unsent_oldest_seconds", channel="email") == 180
    assert sample("motcua_unsent_oldest_seconds", channel="sms") == 0
    assert sample("motcua_outlet_away", outlet="email") == 1
    assert sample("motcua_outlet_away", outlet="sms") == 0
    assert sample("motcua_outlet_failures_total", channel="email", stage="connection") == failures + 3
    assert backlogs.details() == {
        "outgoing": {
            "email": {"queued": 2, "sending": 0, "oldest_seconds": 180, "away": "ConnectionRefusedError"},
            "sms": {"queued": 0, "sending": 0, "oldest_seconds": 0, "away": None},
        }
    }
    away = notify_store.outlets.states()["email"]
    assert away.at == clock() - timedelta(minutes=3), "since it was first noticed"
    mailbox.start()
    broken.once(GO)
    assert sample("motcua_outlet_away", outlet="email") == 0
    assert notify_store.outlets.states()["email"].away is None
    assert notify_store.outlets.states()["email"].at == clock()


def test_attempts_and_times_are_counted(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, make_sender: MakeSender
) -> None:
    def counted() -> list[float]:
        return [
            *(
                sample("motcua_message_attempts_total", channel="email", outcome=outcome)
                for outcome in ("accepted", "deferred", "refused")
            ),
            sample("motcua_send_seconds_count", channel="email"),
        ]

    mailbox.answers = {"later@x.vn": ["451 later"], "no@x.vn": ["550 no"]}
    queue(notify_store, clock, ["a@x.vn", "b@x.vn", "later@x.vn", "no@x.vn"])
    before = counted()
    make_sender().once(GO)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [2, 1, 1, 4]


# -- two mail servers --------------------------------------------------------------------------------------------------


@pytest.fixture
def other() -> Iterator[Mailbox]:
    with Mailbox() as other:
        yield other


def over_both(clock: Clock, *mailboxes: Mailbox, timeout: float = 5) -> Failover[Message]:
    outlets = [
        MailOutlet(
            MailServer(mailbox.url, None, timeout=timeout),
            Templates("https://motcua.example"),
            mail_from="mot-cua@thanhhoa.example",
            name=f"smtp_{n}",
        )
        for n, mailbox in enumerate(mailboxes, 1)
    ]
    return Failover("email", outlets, share=0.5, window=20, slow_seconds=2, probe_after=60, clock=clock)


def test_a_mail_server_that_is_down_is_replaced_within_the_batch(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, other: Mailbox
) -> None:
    ids = queue(notify_store, clock, [f"a{n}@x.vn" for n in range(10)])
    mailbox.stop()
    sender = courier(notify_store, over_both(clock, mailbox, other), clock, batch=50)
    sender.once(GO)
    assert len(other.taken) == 10
    assert {message(notify_store, id).attempts[0].via for id in ids} == {"smtp_2"}


def test_a_mail_server_that_puts_everybody_off_is_replaced_at_the_share_and_everything_arrives_once(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, other: Mailbox
) -> None:
    addresses = [f"a{n}@x.vn" for n in range(30)]
    ids = queue(notify_store, clock, addresses)
    mailbox.answer_to_content = lambda: "451 4.3.0 not now"
    sender = courier(notify_store, over_both(clock, mailbox, other), clock, batch=50)
    with capture_logs() as logs:
        while sender.once(GO):
            pass
    assert {"goes_elsewhere", "side_is_left_out"} <= {entry["event"] for entry in logs}
    assert len(other.taken) == 30 - FEWEST
    states = [message(notify_store, id) for id in ids]
    put_off = [row for row in states if row.state == "queued"]
    assert [[(a.outcome, a.via) for a in row.attempts] for row in put_off] == [[("deferred", "smtp_1")]] * FEWEST
    clock.move(minutes=2)
    while sender.once(GO):
        pass
    assert Counter(other.recipients) == Counter(addresses)
    assert mailbox.taken == []


def test_a_mail_that_the_first_server_may_have_waits_for_it(
    notify_store: NotifyStore, clock: Clock, mailbox: Mailbox, other: Mailbox
) -> None:
    hanging, release = iter([True]), threading.Event()

    def hang() -> str:
        if next(hanging, False):
            release.wait(10)
        return "250 OK"

    mailbox.answer_to_content = hang
    (id,) = queue(notify_store, clock, ["a@x.vn"])
    both = over_both(clock, mailbox, other, timeout=1)
    sender = courier(notify_store, both, clock)
    assert sender.once(GO)
    release.set()
    assert [(a.outcome, a.via) for a in message(notify_store, id).attempts] == [("interrupted", "smtp_1")]
    until(lambda: len(mailbox.taken) == 1)
    clock.move(minutes=2)
    while sender.once(GO):
        pass
    assert outcomes(notify_store, id) == ["interrupted", "accepted"]
    assert other.taken == []
    assert len({mail["Message-ID"] for _, mail in mailbox.taken}) == 1
