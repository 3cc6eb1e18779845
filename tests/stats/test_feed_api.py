"""The feed over HTTP: by cursor, waiting, and as server-sent events."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from prometheus_client import REGISTRY

from chassis import openapi, store
from chassis.service import STOPPING, described
from native.ports import answers, free_port
from stats.domain.feed import measured, raised
from stats.events import Words
from stats.main import STATS
from stats.queries import feed as following
from stats.store import StatsStore
from stats.store.feed import Seen
from tests.contracts.documents import TOP
from tests.stats.monitoring import MONITOR, listening
from tests.support.services import Clock, Running, pointers, problem
from tests.support.waiting import until

INDICATOR, ALERT, COUNTS = "stats.indicator.changed.v1", "stats.alert.raised.v1", "stats.counts.v1"


@pytest.fixture
def say(stats: StatsStore, clock: Clock) -> Callable[[int], None]:
    """Says so many things: every third one is an alert."""
    said: list[int] = []

    def many(count: int) -> None:
        stats.feed.catch_up()
        made = []
        for n in range(len(said), len(said) + count):
            if n % 3 == 2:
                made.append(raised("late", "H56.01", f"{n:04}", {"n": n}, Words(vi="Cảnh báo", en="Alert"), clock()))
            else:
                made.append(measured(f"online_{n}", "H56.01", "2024-11", 1 + n, 100, clock()))
            said.append(n)
        stats.feed.say(made, Seen(0, "2024-11-20", 0), clock())

    return many


def read(served: Running, query: str) -> dict[str, Any]:
    answer = served.get(f"events{query}", MONITOR)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def test_pages_hold_every_entry_once_and_say_where_to_go_on(served: Running, say: Callable[[int], None]) -> None:
    assert read(served, "") == {"items": [], "next": "0"}
    say(7)
    cursors, after = [], "0"
    for _ in range(4):
        page = read(served, f"?after={after}&limit=3")
        cursors += [event["cursor"] for event in page["items"]]
        after = page["next"]
    assert cursors == [1, 2, 3, 4, 5, 6, 7]
    assert after == "7"
    say(1)
    assert [event["cursor"] for event in read(served, "?after=7")["items"]] == [8]


def test_an_answer_is_the_same_whenever_it_is_asked_for(served: Running, say: Callable[[int], None]) -> None:
    say(3)
    first = served.get("events?after=1&limit=2", MONITOR).get_data()
    say(3)
    assert served.get("events?after=1&limit=2", MONITOR).get_data() == first


def test_types_are_left_out_and_the_cursor_goes_past_them(served: Running, say: Callable[[int], None]) -> None:
    say(7)
    page = read(served, f"?types={ALERT}")
    assert ([event["cursor"] for event in page["items"]], page["next"]) == ([3, 6], "7")
    assert read(served, f"?types={ALERT}&limit=1")["next"] == "3"
    assert read(served, f"?types={COUNTS}")["next"] == "7"
    assert len(read(served, f"?types={ALERT},{INDICATOR}")["items"]) == 7


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("after=-1", ("/after", "string_pattern_mismatch")),
        ("after=1e3", ("/after", "string_pattern_mismatch")),
        ("after=%D9%A3", ("/after", "string_pattern_mismatch")),
        ("after=9999999999999999", ("/after", "string_pattern_mismatch")),
        ("types=stats.counts", ("/types", "value_error")),
        ("limit=201", ("/limit", "less_than_equal")),
        ("wait=26", ("/wait", "less_than_equal")),
        ("wait=nan", ("/wait", "less_than_equal")),
    ],
)
def test_a_wrong_parameter_is_named(served: Running, query: str, found: tuple[str, str]) -> None:
    assert pointers(served.get(f"events?{query}", MONITOR)) == [found]


@pytest.mark.parametrize("path", ["events?after=4", "events/stream?after=4"])
def test_a_cursor_that_the_feed_never_gave_is_refused(served: Running, say: Callable[[int], None], path: str) -> None:
    say(3)
    problem(served.get(path, MONITOR), 422, "cursor_ahead")


@pytest.mark.parametrize("word", ["x", "-1", "1.5", "٣", "1" * 16])
def test_an_id_that_the_feed_never_gave_is_refused(served: Running, word: str) -> None:
    answer = served.get("events/stream", MONITOR, headers={"Last-Event-ID": word.encode().decode("latin-1")})
    assert pointers(answer) == [("/Last-Event-ID", "cursor")]


@pytest.mark.parametrize("path", ["events", "events/stream"])
def test_only_monitoring_systems_follow(served: Running, path: str) -> None:
    problem(served.get(path), 401)
    problem(served.get(path, "citizen"), 403)


def test_the_document_names_the_header_that_a_stream_resumes_by() -> None:
    operation = openapi.document(described(STATS), "1")["paths"]["/api/stats/v1/events/stream"]["get"]
    assert "Last-Event-ID" in [each["name"] for each in operation["parameters"]]
    assert list(operation["responses"]["200"]["content"]) == ["text/event-stream"]


# -- with a server, since these take their time ------------------------------------------------------------------------


@dataclass
class Server:
    running: Running
    url: str

    def get(self, path: str, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {self.running.tokens.of(MONITOR)}"
        return requests.get(f"{self.url}/api/stats/v1/{path}", headers=named, timeout=20, stream=True)

    def stream(self, path: str = "events/stream", **headers: str) -> "Sse":
        return Sse(self.get(path, **headers))


class Sse:
    """The blocks of a stream, one by one."""

    def __init__(self, answer: requests.Response) -> None:
        assert answer.status_code == 200, answer.text
        self.answer = answer
        self._lines = answer.iter_lines(chunk_size=1, decode_unicode=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()

    def block(self) -> list[str]:
        """The lines up to the next empty one; none at the stream's end."""
        found: list[str] = []
        for line in self._lines:
            if not line:
                break
            found.append(line.encode("latin-1").decode())
        return found

    def events(self, count: int) -> list[tuple[str, str, int]]:
        """(id, event, the CloudEvent's cursor) of each."""
        found: list[tuple[str, str, int]] = []
        while len(found) < count:
            block = dict(line.split(": ", 1) for line in self.block())
            if "data" in block:
                found.append((block["id"], block["event"], json.loads(block["data"])["cursor"]))
        return found


@pytest.fixture
def server(served: Running) -> Iterator[Server]:
    with listening(served) as url:
        yield Server(served, url)


def test_who_waits_gets_the_next_entry_as_soon_as_it_is_there(server: Server, say: Callable[[int], None]) -> None:
    say(2)
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(server.get("events?after=2&wait=20").json()))
    waiting.start()
    until(lambda: REGISTRY.get_sample_value("motcua_feed_followers"))
    say(1)
    waiting.join(10)
    assert [(len(page["items"]), page["next"]) for page in found] == [(1, "3")]
    # What it does not follow does not end its waiting.
    began = time.monotonic()
    assert server.get(f"events?after=2&types={COUNTS}&wait=0.3").json() == {"items": [], "next": "3"}
    assert time.monotonic() - began >= 0.3


def test_a_stream_begins_behind_the_cursor_and_goes_on_with_what_comes(
    server: Server, say: Callable[[int], None]
) -> None:
    say(3)
    with server.stream("events/stream?after=1") as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        assert stream.block() == ["retry: 2000"]
        assert stream.events(2) == [("2", INDICATOR, 2), ("3", ALERT, 3)]
        say(2)
        assert stream.events(2) == [("4", INDICATOR, 4), ("5", INDICATOR, 5)]
    with server.stream("events/stream?after=0", Last_Event_ID="4") as stream:
        assert stream.events(1) == [("5", INDICATOR, 5)]
    with server.stream(f"events/stream?types={ALERT}") as stream:
        assert stream.events(1) == [("3", ALERT, 3)]


def test_a_stream_says_now_and_then_that_it_lives_and_ends_one_day(
    server: Server, say: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(following, "STREAM_SECONDS", 1.5)
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.05)
    say(2)
    with server.stream(f"events/stream?types={ALERT}") as stream:
        assert stream.block() == ["retry: 2000"]
        # Nothing for this follower up to the second entry, where it may go on.
        assert stream.block() == [": 2", "id: 2"]
        assert stream.block() == [": 2"]
        while stream.block():
            pass


def test_a_stream_ends_when_the_process_is_told_to(server: Server, say: Callable[[int], None]) -> None:
    say(1)
    with server.stream() as stream:
        stream.events(1)
        server.running.app.extensions[STOPPING].set()
        while stream.block():
            pass


def test_a_stream_ends_while_the_store_is_away(
    server: Server, say: Callable[[int], None], stats: StatsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(1)

    def away(_: Any) -> None:
        raise store.UNAVAILABLE[0]("away")

    with server.stream() as stream:
        stream.events(1)
        monkeypatch.setattr(type(stats.feed), "end", away)
        while stream.block():
            pass


def test_only_so_many_follow_at_once_and_their_places_are_free_again(
    served: Running, say: Callable[[int], None]
) -> None:
    say(1)
    answers = [served.get("events/stream", MONITOR) for _ in range(8)]
    assert REGISTRY.get_sample_value("motcua_feed_followers") == 8
    for path in ("events/stream", "events?after=1&wait=1"):
        refused = served.get(path, MONITOR)
        problem(refused, 503, "too_many_followers")
        assert refused.headers["Retry-After"] == "5"
    # Who does not wait needs no place.
    assert len(read(served, "?after=0&wait=1")["items"]) == 1
    # Read from or not, closed once or twice.
    next(answers[0].response)  # type: ignore[call-overload]
    for answer in [*answers, answers[0]]:
        answer.close()
    assert REGISTRY.get_sample_value("motcua_feed_followers") == 0
    served.get("events/stream", MONITOR).close()


def test_a_web_process_that_is_told_to_stop_ends_its_streams_first(
    served: Running, say: Callable[[int], None], tmp_path: Path
) -> None:
    say(1)
    port, tokens = free_port(), served.tokens
    settings = {
        "MONGO_URL": served.url, "AMQP_URL": "amqp://127.0.0.1:1/none", "JWKS": tokens.jwks, "PORT": str(port),
        "INTAKE_API_KEY": "x", "WEB_THREADS": "2",
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        environment = {**os.environ, **settings, "PYTHONPATH": str(TOP / "services")}
        process = subprocess.Popen(
            [sys.executable, "-m", "stats", "web"], cwd=TOP, env=environment, stdout=log, stderr=log
        )
    try:
        until(lambda: answers(port))
        with Server(served, f"http://127.0.0.1:{port}").stream() as stream:
            assert stream.events(1) == [("1", INDICATOR, 1)]
            process.terminate()
            while stream.block():
                pass
        assert process.wait(15) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()
