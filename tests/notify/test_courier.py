"""Sending over real SMTP from a real store: what is refused, deferred, interrupted, and sent by several at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Literal

import pytest
from bson.json_util import loads
from structlog.testing import capture_logs

from chassis.clock import id_from
from notify.courier import LEASE, Courier
from notify.domain import messages, telling
from notify.domain.deliveries import WAITS, WIDEST_SPREAD
from notify.domain.messages import Message
from notify.domain.telling import Contact, Happened
from notify.outlets import Away
from notify.routing import RULES
from notify.store import NotifyStore
from tests.notify.mail_server import Mailbox, Silence
from tests.support.services import Clock
from tests.support.waiting import until

MakeSender = Callable[..., Courier[Message]]
GO = threading.Event()
"""Never set: nobody wants to stop."""


def queue(
    notify_store: NotifyStore, clock: Clock, addresses: Sequence[str], *, prefix: str = "d", **contact: Any
) -> list[str]:
    """Queues an e-mail to each address; their ids."""
    made = []
    for n, address in enumerate(addresses):
        happened = Happened(
            event_type="intake.dossier.received.v1",
            event_id=f"intake.dossier:{prefix}{n}:2",
            dossier=f"{prefix}{n}",
            code=f"H56.01-261120-{n:04}",
            agency="H56.01",
            at=clock(),
            params={"received_at": clock(), "due_at": None},
            trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        known = Contact(
            name="Nguyễn Thị Hoa", email=address, person=None, procedure_name="Khai sinh", agency_name="UBND phường"
        )
        (told,) = telling.recipients(happened, replace(known, **contact), RULES)
        made.append(
            messages.compose(id_from("message", *told.key), told, happened, replace(known, **contact), "vi", clock())
        )
    assert all(notify_store.messages.add(made))
    return [message.id for message, _ in made]


def message(notify_store: NotifyStore, id: str) -> Message:
    loaded = notify_store.messages.aggregates.load(id)
    assert loaded is not None
    return loaded.state


def outcomes(notify_store: NotifyStore, id: str) -> list[str]:
    return [attempt.outcome for attempt in message(notify_store, id).attempts]


def published(notify_store: NotifyStore) -> list[dict[str, Any]]:
    """What lies in the outboxes, as the relay would publish it."""
    return [
        loads(entry["body"])
        for document in notify_store.messages.aggregates.collection.find({}, {"outbox": 1}, sort=[("_id", 1)])
        for entry in document["outbox"]
    ]


def body(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_an_email_that_can_be_read(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    (id,) = queue(notify_store, clock, ["hoa@example.vn"])
    assert make_sender().once(GO)
    ((to, mail),) = mailbox.taken
    assert to == mail["To"] == "hoa@example.vn"
    assert mail["Subject"] == "Hồ sơ H56.01-261120-0000 đã được tiếp nhận"
    text = body(mail, "plain")
    assert "Kính gửi: Nguyễn Thị Hoa" in text
    assert "Thời điểm tiếp nhận: 20/11/2026 08:30" in text
    assert "https://motcua.thanhhoa.example/tra-cuu?ma=H56.01-261120-0000" in text
    assert "Nguyễn Thị Hoa" in body(mail, "html")
    assert mail["Message-ID"] == f"<{id}@thanhhoa.example>"
    sent = message(notify_store, id)
    assert (sent.state, sent.lease, sent.next_at) == ("sent", None, None)
    assert not make_sender().once(GO)
    assert len(mailbox.taken) == 1


def test_what_is_sent_is_told_without_personal_data(
    notify_store: NotifyStore, clock: Clock, make_sender: MakeSender, mailbox: Mailbox
) -> None:
    mailbox.answers = {"gone@x.vn": ["550 5.1.1 <gone@x.vn> Nguyễn Thị Hoa is not here"]}
    sent, gone = queue(notify_store, clock, ["hoa@x.vn", "gone@x.vn"])
    with capture_logs() as logs:
        make_sender().once(GO)
    events = {event["subject"]: event for event in published(notify_store)}
    assert events[sent]["type"] == "notify.message.sent.v1"
    assert events[gone]["type"] == "notify.message.failed.v1"
    assert events[gone]["data"] == {
        "dossier": "d1",
        "code": "H56.01-261120-0001",
        "agency": "H56.01",
        "channel": "email",
        "template": "received",
        "attempts": 1,
        "reason": "refused",
        "at": "2026-11-20T01:30:00Z",
    }
    assert {event["traceparent"] for event in events.values()} == {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    }
    for told in (repr(list(events.values())), repr(logs)):
        assert "@x.vn" not in told
        assert "Hoa" not in told


def test_a_refused_recipient_fails_and_holds_nobody_up(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    mailbox.answers = {"gone@x.vn": ["550 5.1.1 unknown"]}
    first, gone, last = queue(notify_store, clock, ["a@x.vn", "gone@x.vn", "b@x.vn"])
    make_sender().once(GO)
    assert mailbox.recipients == ["a@x.vn", "b@x.vn"]
    assert [message(notify_store, id).state for id in (first, gone, last)] == ["sent", "failed", "sent"]
    assert message(notify_store, gone).attempts[0].detail == "550 5.1.1 unknown"


def test_a_deferred_recipient_is_tried_again_when_it_is_time(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    mailbox.answers = {"a@x.vn": ["451 4.7.1 greylisted", "250 OK"]}
    (id,) = queue(notify_store, clock, ["a@x.vn"])
    sender = make_sender()
    sender.once(GO)
    due = message(notify_store, id).next_at
    assert due is not None
    assert WAITS[0] <= due - clock() < WAITS[0] * 1.5
    clock.now = due - timedelta(milliseconds=1)
    assert not sender.once(GO)
    clock.move(milliseconds=1)
    assert sender.once(GO)
    assert outcomes(notify_store, id) == ["deferred", "accepted"]
    assert message(notify_store, id).state == "sent"
    assert [event["data"]["attempts"] for event in published(notify_store)] == [2]


def test_a_mailbox_that_is_full_for_ever_is_given_up_after_three_days(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    mailbox.answers = {"a@x.vn": ["452 4.2.2 full"] * 100}
    (id,) = queue(notify_store, clock, ["a@x.vn"])
    sender, began = make_sender(), clock()
    while (waiting := message(notify_store, id)).next_at is not None:
        clock.now = waiting.next_at
        assert sender.once(GO)
    assert clock() - began >= timedelta(hours=72)
    assert waiting.state == "failed"
    assert [event["data"]["reason"] for event in published(notify_store)] == ["given_up"]


def test_while_the_server_is_down_nothing_is_touched_and_then_all_is_sent_once(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    addresses = [f"a{n}@x.vn" for n in range(20)]
    ids = queue(notify_store, clock, addresses)
    sender = make_sender()
    mailbox.stop()
    before = list(notify_store.messages.aggregates.collection.find())
    for _ in range(3):
        with pytest.raises(Away):
            sender.once(GO)
        clock.move(days=2)
    assert list(notify_store.messages.aggregates.collection.find()) == before
    mailbox.start()
    while sender.once(GO):
        pass
    assert sorted(mailbox.recipients) == sorted(addresses)
    assert {message(notify_store, id).state for id in ids} == {"sent"}


def test_the_loop_waits_for_the_server_and_goes_on(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    queue(notify_store, clock, ["a@x.vn", "b@x.vn"])
    mailbox.stop()
    stop = threading.Event()
    with capture_logs() as logs:
        loop = threading.Thread(target=make_sender().run, args=(stop,), name="email")
        loop.start()
        try:
            until(lambda: ("other_side_away", "email") in {(entry["event"], entry.get("loop")) for entry in logs})
            mailbox.start()
            until(lambda: len(mailbox.taken) == 2)
        finally:
            stop.set()
            loop.join(10)
    assert not loop.is_alive()
    assert mailbox.recipients == ["a@x.vn", "b@x.vn"]


def test_a_server_that_goes_away_in_the_middle_gives_what_was_not_begun_back_uncounted(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    mailbox.answers = {"c@x.vn": ["421 4.3.2 shutting down"]}
    ids = queue(notify_store, clock, ["a@x.vn", "b@x.vn", "c@x.vn", "d@x.vn"])
    sender = make_sender()
    with pytest.raises(Away):
        sender.once(GO)
    after = [message(notify_store, id) for id in ids]
    assert [state.state for state in after] == ["sent", "sent", "queued", "queued"]
    assert (after[3].next_at, after[3].lease, after[3].attempts) == (clock(), None, ())
    # The one over which it hung up comes behind the others.
    (attempt,) = after[2].attempts
    assert (attempt.outcome, attempt.detail) == ("deferred", "recipient_closing")
    sender.once(GO)
    clock.now += WAITS[0] + WIDEST_SPREAD
    sender.once(GO)
    assert mailbox.recipients == ["a@x.vn", "b@x.vn", "d@x.vn", "c@x.vn"]


def test_a_recipient_over_whom_the_server_always_hangs_up_holds_up_nobody(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    mailbox.answers = {"a@x.vn": ["421 4.7.0 too many for this domain"] * 100}
    never, soon = queue(notify_store, clock, ["a@x.vn", "b@x.vn"])
    sender = make_sender()
    for wait in (*WAITS, timedelta()):
        with pytest.raises(Away):
            sender.once(GO)
        sender.once(GO)
        assert message(notify_store, soon).state == "sent"
        clock.now += wait + WIDEST_SPREAD
    assert message(notify_store, never).state == "failed", "it is given up like any other that is not taken for days"
    assert set(outcomes(notify_store, never)) == {"deferred"}, "it was not taken, that much is known"


def test_a_silent_server_is_left_after_the_timeout(
    notify_store: NotifyStore, clock: Clock, make_sender: MakeSender, mailbox: Mailbox
) -> None:
    (id,) = queue(notify_store, clock, ["a@x.vn"])
    with Silence() as silence:
        started = time.monotonic()
        with pytest.raises(Away):
            make_sender(url=silence.url, timeout=1).once(GO)
        assert time.monotonic() - started < 5
    assert message(notify_store, id).attempts == ()
    make_sender().once(GO)
    assert mailbox.recipients == ["a@x.vn"]


def test_a_server_that_hangs_over_a_message_holds_up_that_one_only(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    """Nobody knows whether it was taken, so it waits and is tried again; the others go back uncounted."""
    hanging = iter([True])
    release = threading.Event()

    def answer() -> str:
        if next(hanging, False):
            release.wait(5)
        return "250 OK"

    mailbox.answer_to_content = answer
    first, second = queue(notify_store, clock, ["a@x.vn", "b@x.vn"])
    sender = make_sender(timeout=1)
    with pytest.raises(Away):
        sender.once(GO)
    release.set()
    assert outcomes(notify_store, first) == ["interrupted"]
    due = message(notify_store, first).next_at
    assert due is not None
    assert due >= clock() + WAITS[0]
    assert message(notify_store, second).attempts == ()
    until(lambda: mailbox.recipients == ["a@x.vn"])
    sender.once(GO)
    clock.now = due
    sender.once(GO)
    assert mailbox.recipients == ["a@x.vn", "b@x.vn", "a@x.vn"]
    assert mailbox.taken[0][1]["Message-ID"] == mailbox.taken[2][1]["Message-ID"]


def test_two_senders_at_once_send_each_message_once(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    addresses = [f"a{n}@x.vn" for n in range(200)]
    queue(notify_store, clock, addresses)
    together = threading.Barrier(2)

    def send(holder: str) -> None:
        sender = make_sender(holder, batch=20)
        together.wait(10)
        while sender.once(GO) or notify_store.messages.rows("email").oldest_due(clock()):
            pass

    threads = [threading.Thread(target=send, args=(f"worker-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(mailbox.recipients) == Counter(addresses)
    states = notify_store.messages.aggregates.collection.aggregate(
        [{"$group": {"_id": "$state", "count": {"$sum": 1}}}]
    )
    assert list(states) == [{"_id": "sent", "count": 200}]
    assert len(published(notify_store)) == 200


class Killed(BaseException):
    """A process that is killed says nothing more."""


def test_a_worker_killed_before_it_noted_what_it_sent_has_it_sent_again_as_the_same_message(
    notify_store: NotifyStore,
    mailbox: Mailbox,
    clock: Clock,
    make_sender: MakeSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (id,) = queue(notify_store, clock, ["a@x.vn"])
    killed = make_sender("worker-1")

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(killed, "_note", die)
    with pytest.raises(Killed):
        killed.once(GO)
    assert len(mailbox.taken) == 1
    other = make_sender("worker-2")
    clock.now += LEASE
    assert not other.once(GO), "while the lease lasts it is the killed worker's"
    clock.move(milliseconds=1)
    assert not other.once(GO), "it is given back, and waits"
    assert outcomes(notify_store, id) == ["interrupted"]
    clock.now += WAITS[0] * 1.5
    assert other.once(GO)
    assert outcomes(notify_store, id) == ["interrupted", "accepted"]
    assert [mail["Message-ID"] for _, mail in mailbox.taken] == [f"<{id}@thanhhoa.example>"] * 2
    assert len(published(notify_store)) == 1


def test_nothing_is_begun_at_the_end_of_a_lease(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    """A mail server so slow that the lease runs out: the rest goes back before another worker may take it."""

    def slow() -> str:
        clock.move(minutes=2)
        return "250 OK"

    mailbox.answer_to_content = slow
    ids = queue(notify_store, clock, ["a@x.vn", "b@x.vn", "c@x.vn"])
    make_sender().once(GO)
    assert mailbox.recipients == ["a@x.vn", "b@x.vn"]
    assert [message(notify_store, id).state for id in ids] == ["sent", "sent", "queued"]


def test_what_a_slow_server_took_is_noted_on_the_way(
    notify_store: NotifyStore,
    mailbox: Mailbox,
    clock: Clock,
    make_sender: MakeSender,
) -> None:
    first, second = queue(notify_store, clock, ["a@x.vn", "b@x.vn"])
    seen: list[str] = []

    def slow() -> str:
        seen.append(message(notify_store, first).state)
        clock.move(seconds=10)
        return "250 OK"

    mailbox.answer_to_content = slow
    make_sender().once(GO)
    assert seen == ["sending", "sent"]
    assert message(notify_store, second).state == "sent"


def test_stopping_gives_back_what_was_not_begun(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    stop = threading.Event()

    def last() -> str:
        stop.set()
        return "250 OK"

    mailbox.answer_to_content = last
    ids = queue(notify_store, clock, ["a@x.vn", "b@x.vn"])
    make_sender().once(stop)
    assert mailbox.recipients == ["a@x.vn"]
    assert [message(notify_store, id).state for id in ids] == ["sent", "queued"]


@pytest.mark.parametrize(
    "contact",
    [
        {"name": "Hoa\r\nBcc: all@x.vn\r\n\r\nMua hàng"},
        {"procedure_name": "Khai sinh\nBcc: all@x.vn"},
        {"agency_name": "UBND\r\n.\r\nMAIL FROM:<x@x.vn>"},
    ],
)
def test_nobodys_name_becomes_a_header_or_a_command(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender, contact: dict[str, str]
) -> None:
    queue(notify_store, clock, ["a@x.vn"], **contact)
    make_sender().once(GO)
    ((to, mail),) = mailbox.taken
    assert to == "a@x.vn"
    assert "Bcc" not in mail
    assert mailbox.senders == ["mot-cua@thanhhoa.example"]
    (value,) = contact.values()
    assert " ".join(value.split()) in body(mail, "plain")


@pytest.mark.parametrize("address", ["a@x.vn\r\nRCPT TO:<all@x.vn>", "a@x.vn, b@x.vn", "không-có@x.vn", "a"])
def test_an_address_that_is_none_fails_without_being_sent(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender, address: str
) -> None:
    (id,) = queue(notify_store, clock, [address])
    make_sender().once(GO)
    assert mailbox.taken == []
    failed = message(notify_store, id)
    assert (failed.state, failed.attempts[0].detail) == ("failed", "address_malformed")


def test_a_broken_template_waits_and_holds_nobody_up(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    broken, whole = queue(notify_store, clock, ["a@x.vn", "b@x.vn"])
    notify_store.messages.aggregates.collection.update_one({"_id": broken}, {"$unset": {"params.due_at": ""}})
    make_sender().once(GO)
    assert mailbox.recipients == ["b@x.vn"]
    assert message(notify_store, whole).state == "sent"
    waiting = message(notify_store, broken)
    assert (waiting.state, waiting.attempts[0].detail) == ("queued", "template_broken")


def test_one_connection_for_a_batch(
    notify_store: NotifyStore, mailbox: Mailbox, clock: Clock, make_sender: MakeSender
) -> None:
    queue(notify_store, clock, [f"a{n}@x.vn" for n in range(10)])
    sender = make_sender(batch=5)
    while sender.once(GO):
        pass
    assert len(mailbox.taken) == 10
    assert mailbox.connections == 2
    sender.once(GO)
    assert mailbox.connections == 2


def test_the_polls_cost_the_same_at_any_size(notify_store: NotifyStore, clock: Clock) -> None:
    """Nothing that is over lies in the indexes of what is due or leased."""
    collection = notify_store.messages.aggregates.collection
    plans = [
        collection.find({"channel": "email", "state": "queued", "next_at": {"$lte": clock()}}),
        collection.find({"channel": "email", "state": "sending", "lease.until": {"$lt": datetime.now(UTC)}}),
    ]
    chosen = [plan.explain()["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] for plan in plans]
    assert chosen == ["due", "leased_of"]


def test_it_starts_over_a_store_of_the_version_before(notify_store: NotifyStore, clock: Clock) -> None:
    """An index of another form under the same name would end the worker, each time that it starts."""
    collection = notify_store.messages.aggregates.collection
    collection.drop_indexes()
    collection.create_index([("lease.until", 1)], name="leased", partialFilterExpression={"state": "sending"})
    notify_store.ensure_indexes()
    assert notify_store.messages.rows("email").abandoned(clock(), 1) == []
    assert "leased" not in collection.index_information()
