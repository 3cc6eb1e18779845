"""The feed's stream on a real broker, and the sample clients, which are killed again and again."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.exceptions import AMQPError

from chassis import topology
from chassis.publish import Message, Publisher
from chassis.service import Context
from chassis.store import Carrier, Lease
from clients.totals import Totals
from stats import loops
from stats.domain.feed import measured
from stats.main import STATS
from stats.queries.counts import Queries, Wanted
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.store.feed import Seen
from stats.usecases import streaming as usecase
from stats.usecases.events import Taking
from stats.usecases.feed import CountsOfMonths, Feeding
from stats.usecases.streaming import Streaming
from tests.contracts.documents import TOP
from tests.stats.making import at, many, messages
from tests.stats.monitoring import MONITOR, listening
from tests.support.servers import Broker
from tests.support.services import Clock, Running
from tests.support.waiting import until

AGENCIES = ["H56.01", "H56.02", "H56.03"]


@pytest.fixture
def streaming(stats: StatsStore, amqp: Broker, clock: Clock) -> Iterator[Streaming]:
    made = Streaming(stats, Publisher(amqp.url, prepare=topology.declare_feed), clock)
    yield made
    made.close()


def say(stats: StatsStore, clock: Clock, *numbers: int) -> None:
    for n in numbers:
        stats.feed.catch_up()
        stats.feed.say([measured("online", None, "2024-11", n, 100, clock())], Seen(0, "2024-11-20", 0), clock())


def read(amqp: Broker, count: int, offset: str | int = "first") -> list[tuple[int, dict[str, Any]]]:
    """(stream offset, CloudEvent) of the first so many, as a client of another maker reads them."""
    found: list[tuple[int, dict[str, Any]]] = []
    connection = pika.BlockingConnection(pika.URLParameters(amqp.url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=100)
    arguments = {"x-stream-offset": offset}
    for method, properties, body in channel.consume("motcua.feed", arguments=arguments, inactivity_timeout=20):
        assert method is not None, f"{len(found)} of {count} came"
        assert properties.delivery_mode == 2
        assert properties.content_type == "application/cloudevents+json"
        found.append((properties.headers["x-stream-offset"], json.loads(body)))
        channel.basic_ack(method.delivery_tag)
        if len(found) == count:
            break
    with suppress(AMQPError):
        connection.close()
    return found


def test_the_stream_has_every_entry_in_order_and_can_be_read_again_from_any_point(
    stats: StatsStore, streaming: Streaming, amqp: Broker, clock: Clock
) -> None:
    say(stats, clock, 1, 2)
    assert streaming.round() is False
    say(stats, clock, 3)
    streaming.round()
    streaming.round()
    found = read(amqp, 3)
    assert [(offset, event["cursor"]) for offset, event in found] == [(0, 1), (1, 2), (2, 3)]
    assert [entry.body for entry in stats.feed.after(0, 3, 10)] == [
        json.dumps(event, separators=(",", ":"), ensure_ascii=False) for _, event in found
    ]
    assert [event["cursor"] for _, event in read(amqp, 1, 2)] == [3]
    [queue] = [queue for queue in amqp.management.get("queues", amqp.vhost) if queue["name"] == "motcua.feed"]
    assert queue["arguments"]["x-queue-type"] == "stream"


def test_what_stands_behind_a_refused_entry_is_published_again_after_it(
    stats: StatsStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order holds, and nothing is noted that the broker does not hold; a batch is not the whole feed."""
    monkeypatch.setattr(usecase, "BATCH", 3)
    sent: list[list[int]] = []

    class Refusing(Publisher):
        def publish(self, messages: Sequence[Message]) -> list[bool]:
            sent.append([json.loads(message.body)["cursor"] for message in messages])
            return [len(sent) > 1 or n != 1 for n in range(len(messages))]

    say(stats, clock, 1, 2, 3, 4, 5)
    streaming = Streaming(stats, Refusing("amqp://nowhere"), clock)
    assert [streaming.round() for _ in range(4)] == [False, True, False, False]
    assert sent == [[1, 2, 3], [2, 3, 4], [5], []]
    assert stats.feed.published() == 5


def test_who_died_before_it_noted_what_it_published_publishes_it_again(
    stats: StatsStore, streaming: Streaming, amqp: Broker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(stats, clock, 1, 2)
    with monkeypatch.context() as patched:
        patched.setattr(stats.feed, "note_published", lambda _: None)
        streaming.round()
    say(stats, clock, 3)
    streaming.round()
    assert [event["cursor"] for _, event in read(amqp, 5)] == [1, 2, 1, 2, 3]


def test_a_stream_that_was_lost_is_made_again_and_goes_on(
    stats: StatsStore, streaming: Streaming, amqp: Broker, clock: Clock
) -> None:
    say(stats, clock, 1, 2)
    streaming.round()
    amqp.management.delete("queues", amqp.vhost, "motcua.feed")
    say(stats, clock, 3)
    # Nobody takes it, so it is not noted as published.
    assert not streaming.round()
    assert stats.feed.published() == 2
    streaming.round()
    assert [event["cursor"] for _, event in read(amqp, 1)] == [3]


def test_the_stream_is_filled_again_by_a_command(
    stats: StatsStore, streaming: Streaming, amqp: Broker, clock: Clock, served: Running
) -> None:
    say(stats, clock, 1, 2, 3)
    streaming.round()
    settings = StatsSettings(mongo_url=served.url, amqp_url=amqp.url, jwks="none", intake_api_key="none")
    context = Context(settings, stats.database, Carrier(clock), clock)
    assert STATS.commands["restream"][1](context, served.parts, ["x"]) == 2
    assert STATS.commands["restream"][1](context, served.parts, ["1"]) == 0
    streaming.round()
    assert [event["cursor"] for _, event in read(amqp, 5)] == [1, 2, 3, 2, 3]


# -- the sample clients ------------------------------------------------------------------------------------------------


@dataclass
class Follower:
    """A sample client as a process of its own, and the file that it keeps."""

    command: list[str]
    state: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @contextmanager
    def running(self, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([*self.command, *more], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def cursor(self) -> int:
        return Totals.load(self.state).cursor

    def kill_after(self, cursor: int) -> None:
        """`kill -9` once it has saved something behind the cursor."""
        with self.running() as process:
            until(lambda: self.cursor() > cursor or process.poll() is not None)
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


@dataclass
class Flow:
    """Dossiers live their lives while the feed and its stream are made: a worker's threads. `batches` of events are
    taken as `release` lets them."""

    store: StatsStore
    batches: int
    release: threading.Semaphore
    stop: threading.Event
    threads: list[threading.Thread]
    done: threading.Event

    def go_on(self, batches: int) -> None:
        for _ in range(batches):
            self.release.release()

    def end(self) -> None:
        self.stop.set()
        self.go_on(self.batches)
        for thread in self.threads:
            thread.join()


@pytest.fixture
def flow(new_store: Callable[[], StatsStore], amqp: Broker, clock: Clock) -> Iterator[Callable[[int], Flow]]:
    made: list[Flow] = []

    def start(count: int) -> Flow:
        store, stop, done, release = new_store(), threading.Event(), threading.Event(), threading.Semaphore(0)
        told = messages(e for life in many(count, at("2024-10-01 08:00"), 40, AGENCIES, ["1.1"]) for e in life.events())
        random.Random(7).shuffle(told)  # noqa: S311 (any order will do)

        def live() -> None:
            taking = Taking(new_store(), clock)
            for first in range(0, len(told), 25):
                release.acquire()
                taking.take(told[first : first + 25])
                if stop.is_set():
                    return
            done.set()

        feeding = Feeding(store, [CountsOfMonths(store, Queries(store))], clock)
        streaming = Streaming(new_store(), Publisher(amqp.url, prepare=topology.declare_feed), clock)
        acts = [
            live,
            lambda: loops.feeding(feeding, Lease(store.database, "feed", "a"), 0.05)(stop),
            lambda: loops.streaming(streaming, Lease(store.database, "stream", "a"), 0.05)(stop),
        ]
        threads = [threading.Thread(target=act) for act in acts]
        made.append(Flow(store, -(-len(told) // 25), release, stop, threads, done))
        for thread in threads:
            thread.start()
        return made[-1]

    yield start
    for each in made:
        each.end()


@pytest.fixture
def url(served: Running) -> Iterator[str]:
    with listening(served) as url:
        yield url


@pytest.fixture
def follower(served: Running, url: str, amqp: Broker, tmp_path: Path) -> Callable[[str], Follower]:
    token = tmp_path / "token"
    token.write_text(served.tokens.of(MONITOR))

    def make(client: str) -> Follower:
        state = tmp_path / f"{client}.json"
        command = [sys.executable, "-m", f"clients.{client}", "--base-url", url, "--token-file", str(token)]
        if client == "monitor":
            command += ["--amqp-url", amqp.url]
        return Follower([*command, "--state", str(state)], state)

    return make


def totals_of(store: StatsStore, clock: Clock) -> dict[str, dict[str, int]]:
    """By agency, what the store itself counts."""
    found: dict[str, dict[str, int]] = {}
    wanted = Wanted(start=date(2024, 1, 1), end=date(2024, 12, 1), by=("agency",))
    for row in Queries(store).counts(wanted, clock()):
        found[row["agency"]] = {name: row[name]["total"] for name in ("received", "finished", "open")}
    return found


def killed(follower: Follower, flow: Flow, times: int) -> None:
    """Kills it so often while events flow, then lets it come to the end."""
    for _ in range(times):
        flow.go_on(flow.batches // (times + 1))
        follower.kill_after(follower.cursor())
    flow.go_on(flow.batches)
    with follower.running():
        assert flow.done.wait(60)
        store = flow.store
        seen = store.changes.last()

        def at_the_end() -> bool:
            made = store.feed.made(Seen(0, "2024-11-20", 0))
            return made is not None and made.log == seen and follower.cursor() == store.feed.end()

        until(at_the_end)


@pytest.mark.parametrize(("client", "times"), [("monitor", 5), ("sse", 2)])
def test_a_client_that_is_killed_again_and_again_has_the_stores_totals(
    follower: Callable[[str], Follower], flow: Callable[..., Flow], clock: Clock, client: str, times: int
) -> None:
    monitor, running = follower(client), flow(150)
    killed(monitor, running, times)
    assert Totals.load(monitor.state).by_agency() == totals_of(running.store, clock)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_client_that_is_killed_a_hundred_times_has_the_stores_totals(
    follower: Callable[[str], Follower], flow: Callable[..., Flow], clock: Clock
) -> None:
    monitor, running = follower("monitor"), flow(1500)
    killed(monitor, running, 100)
    assert Totals.load(monitor.state).by_agency() == totals_of(running.store, clock)


def test_a_client_fetches_what_the_stream_does_not_have(
    stats: StatsStore, streaming: Streaming, amqp: Broker, clock: Clock, follower: Callable[[str], Follower]
) -> None:
    say(stats, clock, 1, 2, 3)
    stats.feed.note_published(2)
    streaming.round()
    monitor = follower("monitor")
    with monitor.running():
        until(lambda: monitor.cursor() == 3)
    # Its stream is lost, and the new one counts its offsets anew.
    say(stats, clock, 4, 5)
    amqp.management.delete("queues", amqp.vhost, "motcua.feed")
    stats.feed.note_published(5)
    streaming.close()
    say(stats, clock, 6)
    streaming.round()
    with monitor.running("--check-seconds", "0.5"):
        until(lambda: monitor.cursor() == 6)


def test_a_client_that_begins_anew_has_the_same_totals_and_prints_them(
    stats: StatsStore, taking: Taking, streaming: Streaming, clock: Clock, follower: Callable[[str], Follower]
) -> None:
    lives = many(40, at("2024-10-01 08:00"), 40, AGENCIES, ["1.1"])
    taking.take(messages(event for life in lives for event in life.events()))
    Feeding(stats, [CountsOfMonths(stats, Queries(stats))], clock).round()
    streaming.round()
    monitor = follower("monitor")
    for more in ([], ["--from-beginning"]):
        with monitor.running(*more) as process:
            assert process.stdout is not None
            assert process.stdout.readline().decode() == f"at {stats.feed.end()}\n"
            process.send_signal(signal.SIGTERM)
            printed = process.stdout.read().decode()
        for agency, numbers in totals_of(stats, clock).items():
            received, finished, opened = numbers.values()
            assert f"{agency}: received {received}, finished {finished}, open {opened}\n" in printed
