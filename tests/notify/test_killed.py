"""The real worker is killed, as by `kill -9`, at every point of sending, over real SMTP: nothing is lost, and doubled
is only what the mail server had been told already, as the same message."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis import keys
from chassis.clock import system_clock
from native.ports import free_port
from notify.store import NotifyStore
from tests.notify.mail_server import Mailbox
from tests.notify.test_courier import MakeSender, published, queue
from tests.support.services import Clock

ROOT = Path(__file__).parent.parent.parent
A_ROUND = 7
"""Messages for each worker; it takes three at once, so it comes to its end, and to each point, more than once."""
POINTS = [
    (point, nth, when)
    for point, times in (
        ("notify.courier.Courier._give_back_abandoned", (1, 2)),
        ("notify.courier.Courier._take", (1, 2)),
        ("notify.store.counters.Counters.count", (1, 2)),
        ("notify.domain.deliveries.take", (1, 4)),
        ("chassis.store.Aggregates.save", (2, 3)),
        ("notify.courier.Courier._send", (1, 2)),
        ("notify.channels.mail.MailLine.send", (1, 2, 4)),
        ("notify.templates.Templates.render", (1, 3)),
        ("smtplib.SMTP.connect", (1,)),
        ("smtplib.SMTP.mail", (1, 3)),
        ("smtplib.SMTP.rcpt", (1, 2)),
        # The command that begins a message's content, and the content itself.
        ("smtplib.SMTP.send", (4, 5, 9)),
        ("smtplib.SMTP.data", (1, 2, 3, 5)),
        ("smtplib.SMTP.quit", (1, 2)),
        ("notify.courier.Courier._answered", (1, 3, 4)),
        ("notify.domain.deliveries.accepted", (1, 2)),
        ("notify.courier.Courier._note", (1, 2)),
        ("notify.store.outlets.Outlets.note", (1,)),
    )
    for nth in times
    for when in ("before", "after")
]
QUICK = [
    ("notify.store.counters.Counters.count", 1, "after"),
    ("notify.courier.Courier._send", 1, "before"),
    ("smtplib.SMTP.rcpt", 2, "after"),
    ("smtplib.SMTP.send", 5, "after"),
    ("smtplib.SMTP.data", 3, "after"),
    ("notify.courier.Courier._answered", 3, "after"),
    ("notify.courier.Courier._note", 1, "before"),
    ("notify.courier.Courier._note", 1, "after"),
]


@pytest.fixture
def nursery(database_url: str, mailbox: Mailbox, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    keys.make_key_pair(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'services'}",
        "MONGO_URL": database_url,
        # Mail goes out while the broker is away.
        "AMQP_URL": "amqp://127.0.0.1:1/none",
        "JWKS": str(tmp_path / "jwks.json"),
        "SMTP_URL": mailbox.url,
        "MAIL_FROM": "mot-cua@thanhhoa.example",
        "MAIL_BATCH": "3",
        "MAIL_LINES": "2",
        "HEALTH_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "tests.notify.nursery"]
    with (tmp_path / "nursery.log").open("wb") as log:
        started = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
        with started:
            try:
                yield started
            finally:
                # With the worker that it has started.
                os.killpg(started.pid, signal.SIGKILL)


def kill_each(
    points: list[tuple[str, int, str]],
    nursery: subprocess.Popen[str],
    notify_store: NotifyStore,
    mailbox: Mailbox,
    make_sender: MakeSender,
) -> None:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    clock = Clock(system_clock())
    messages = notify_store.messages.aggregates.collection
    told_before_a_death: set[str] = set()
    ids: list[str] = []
    for n, (point, nth, when) in enumerate(points):
        addresses = [f"r{n}-{m}@x.vn" for m in range(A_ROUND)]
        ids += queue(notify_store, clock, addresses, prefix=f"r{n}-")
        nursery.stdin.write(f"{point} {nth} {when}\n")
        nursery.stdin.flush()
        assert nursery.stdout.readline() == f"{-signal.SIGKILL}\n", f"{when} {point} {nth}"
        named = set(mailbox.named)
        in_hand = {document["to"] for document in messages.find({"state": "sending"}, {"to": 1})}
        told_before_a_death |= named & in_hand
        hours_pass(notify_store)
    clock.now = system_clock()
    sender = make_sender(clock=clock)
    for _ in range(3):
        while sender.once(threading.Event()):
            pass
        hours_pass(notify_store)
    states = Counter(document["state"] for document in messages.find({}, {"state": 1}))
    assert states == {"sent": len(ids)}
    took = Counter(mail["Message-ID"] for _, mail in mailbox.taken)
    assert set(took) == {f"<{id}@thanhhoa.example>" for id in ids}
    by_recipient = Counter(mailbox.recipients)
    doubled = {address for address, times in by_recipient.items() if times > 1}
    assert doubled <= told_before_a_death
    assert len(by_recipient) == len(took), "whoever got a message twice got it under the same Message-ID"
    assert len(published(notify_store)) == len(ids)


def hours_pass(notify_store: NotifyStore) -> None:
    """Instead of waiting for leases to end and waits to be over; the order in which rows are due stays."""
    earlier = {
        name: {"$cond": [{"$gt": [f"${name}", None]}, {"$subtract": [f"${name}", 13 * 3_600_000]}, f"${name}"]}
        for name in ("next_at", "lease.until")
    }
    messages = notify_store.messages.aggregates.collection
    messages.update_many({"state": "queued"}, [{"$set": {"next_at": earlier["next_at"]}}])
    messages.update_many({"state": "sending"}, [{"$set": {"lease.until": earlier["lease.until"]}}])


def test_a_worker_killed_while_it_sends_loses_nothing(
    nursery: subprocess.Popen[str], notify_store: NotifyStore, mailbox: Mailbox, make_sender: MakeSender
) -> None:
    kill_each(QUICK, nursery, notify_store, mailbox, make_sender)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_worker_killed_a_hundred_times_loses_nothing(
    nursery: subprocess.Popen[str], notify_store: NotifyStore, mailbox: Mailbox, make_sender: MakeSender
) -> None:
    drawn = random.Random(5)  # noqa: S311 (the same every time)
    points = POINTS + drawn.choices(POINTS, k=100 - len(POINTS)) if len(POINTS) < 100 else POINTS
    drawn.shuffle(points)
    kill_each(points, nursery, notify_store, mailbox, make_sender)
