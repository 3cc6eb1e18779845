"""The real worker is killed, as by `kill -9`, while it sends to a webhook: nothing is lost, and what the receiver gets
twice comes under the same `webhook-id`. And the receiver that offices are given as an example knows it by that."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import system_clock
from clients.webhook_receiver import NotGenuine, verify
from clients.webhook_receiver import Receiver as Example
from native.ports import free_port
from notify.webhooks import signatures
from notify.webhooks.domain import TYPES
from tests.doubles.webhook_receiver import SECRET, Receiver
from tests.notify.national_portal_parts import SEALING_KEY
from tests.notify.webhook_parts import LOCAL, OFFICE, Parts, event, parts
from tests.support.services import Clock, Tokens

ROOT = Path(__file__).parent.parent.parent
A_ROUND = 4
POINTS = [
    ("notify.courier.Courier._take", 1, "after"),
    ("notify.webhooks.outlet.Connection.post", 1, "before"),
    # The receiver has it, and nobody here knows.
    ("notify.webhooks.outlet.Connection.post", 2, "after"),
    ("notify.courier.Courier._answered", 3, "after"),
    ("notify.courier.Courier._note", 1, "before"),
    ("notify.courier.Courier._note", 1, "after"),
]


@pytest.fixture
def made(database_url: str, tmp_path: Path) -> Iterator[Parts]:
    with parts(database_url, Tokens(tmp_path), Clock(system_clock())) as made:
        yield made


@pytest.fixture
def nursery(database_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'services'}",
        "MONGO_URL": database_url,
        "AMQP_URL": "amqp://127.0.0.1:1/none",
        "JWKS": str(tmp_path / "jwks.json"),
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "mot-cua@thanhhoa.example",
        "SEALING_KEY": SEALING_KEY,
        "WEBHOOK_HTTP": "true",
        "WEBHOOK_NETWORKS": LOCAL,
        "WEBHOOK_LINES": "2",
        "HEALTH_PORT": str(free_port()),
    }
    with (tmp_path / "nursery.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.notify.nursery"], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
        with started:
            try:
                yield started
            finally:
                os.killpg(started.pid, signal.SIGKILL)


def days_pass(made: Parts) -> None:
    """Instead of waiting for leases to end and waits to be over."""
    rows = made.store.rows.collection
    day = 24 * 3_600_000
    rows.update_many({"state": "queued"}, [{"$set": {"next_at": {"$subtract": ["$next_at", day]}}}])
    rows.update_many({"state": "sending"}, [{"$set": {"lease.until": {"$subtract": ["$lease.until", day]}}}])


def test_a_worker_killed_while_it_sends_repeats_under_the_same_id(made: Parts, nursery: subprocess.Popen[str]) -> None:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    told_before_a_death: set[str] = set()
    with Receiver() as receiver:
        hook = made.create(receiver.url)
        for n, (point, nth, when) in enumerate(POINTS):
            made.clock.now = system_clock()
            made.hear(*(event(TYPES[1], f"r{n}-{m}", 1) for m in range(A_ROUND)))
            nursery.stdin.write(f"{point} {nth} {when}\n")
            nursery.stdin.flush()
            assert nursery.stdout.readline() == f"{-signal.SIGKILL}\n", f"{when} {point} {nth}"
            in_hand = {each["_id"] for each in made.store.rows.collection.find({"state": "sending"}, {"_id": 1})}
            told_before_a_death |= in_hand & set(receiver.ids)
            days_pass(made)
        made.clock.now = system_clock()
        for _ in range(3):
            made.send()
            days_pass(made)
        assert set(made.states(hook["id"])) == {"sent"}
        times = receiver.times
        assert {taken.event["subject"] for taken in receiver.taken} == {
            f"r{n}-{m}" for n in range(len(POINTS)) for m in range(A_ROUND)
        }
        assert len(times) == len(POINTS) * A_ROUND, "an event has one id"
        doubled = {id for id, count in times.items() if count > 1}
        assert doubled
        assert doubled <= told_before_a_death


# -- the example -------------------------------------------------------------------------------------------------------


@pytest.fixture
def example() -> Iterator[tuple[str, list[dict[str, Any]], Example]]:
    taken: list[dict[str, Any]] = []
    with Example(("127.0.0.1", 0), [signatures.new_secret(), SECRET], taken.append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", taken, server
        server.shutdown()
        thread.join()


def test_the_example_takes_an_event_once(made: Parts, example: tuple[str, list[dict[str, Any]], Example]) -> None:
    url, taken, server = example
    hook = made.create(url)
    made.hear(event(TYPES[1], "d1", 1))
    made.send()
    (row,) = made.deliveries(hook["id"])
    assert (row["state"], row["status"]) == ("sent", 204)
    made.notify.post(f"webhooks/{hook['id']}/deliveries/{row['id']}/retry", OFFICE)
    made.send()
    assert [each["subject"] for each in taken] == ["d1"]

    def fails(_event: dict[str, Any]) -> None:
        raise OSError("no database")

    server.take, server.handle_error = fails, lambda *_: None  # type: ignore[method-assign]
    made.hear(event(TYPES[1], "d2", 1))
    made.send()
    (failed,) = made.deliveries(hook["id"], query="?state=queued")
    assert (failed["status"], failed["subject"]) == (500, "d2")
    server.take = taken.append
    made.clock.move(hours=1)
    # The signature carries the time of the attempt, which is checked against the example's own clock.
    made.clock.now = system_clock()
    days_pass(made)
    made.store.note_success(hook["id"])
    made.send()
    assert [each["subject"] for each in taken] == ["d1", "d2"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-id": "other"}, "signature"),
        ({"webhook-id": ""}, "webhook-id"),
        ({"webhook-timestamp": "x"}, "webhook-timestamp"),
        ({"webhook-timestamp": "1000"}, "too old"),
        ({"webhook-signature": ""}, "signature"),
        ({"webhook-signature": "v1,AAAA v2,BBBB"}, "signature"),
        ({"webhook-signature": "v1,đ"}, "signature"),
    ],
)
def test_the_example_takes_nothing_else(change: dict[str, str], reason: str) -> None:
    now = time.time()
    good = signatures.headers([signatures.key_of(SECRET)], "i1", int(now), b"{}")
    assert verify([SECRET], good, b"{}", now) == "i1"
    assert verify([SECRET], good, b"{}", now + 299) == "i1"
    with pytest.raises(NotGenuine):
        verify([SECRET], good, b"{ }", now)
    with pytest.raises(NotGenuine, match="too old"):
        verify([SECRET], good, b"{}", now + 302)
    with pytest.raises(NotGenuine, match=reason):
        verify([SECRET], {**good, **change}, b"{}", now)
