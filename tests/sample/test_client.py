"""A write that meets a busy or dead system is repeated with its key, and no longer than patience lasts."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from native.ports import free_port
from sample.client import Access, Api, Refused, Unreachable
from sample.crowd import Crowd

Answer = tuple[int, dict[str, str], object]


class Server(ThreadingHTTPServer):
    """Gives the answers in their order, the last one for ever, and keeps the requests' headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(dict(self.headers))
        answers = self.server.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def api(url: str, patience: float = 5) -> Api:
    return Api(Access(url, {"officer": {"Authorization": "Bearer t"}}, {}), patience)


def test_a_busy_answer_is_followed_by_the_same_request_with_the_same_key(server: Server) -> None:
    server.answers = [(503, {"Retry-After": "0"}, {}), (429, {"Retry-After": "0"}, {}), (201, {}, {"id": "1"})]

    answer = api(server.url).post("officer", "/x", {"a": "đ"}, "key-1", datetime(2026, 4, 1, 2, tzinfo=UTC))

    assert json.loads(answer) == {"id": "1"}
    assert [seen["Idempotency-Key"] for seen in server.seen] == ["key-1"] * 3
    assert {seen["Occurred-At"] for seen in server.seen} == {"2026-04-01T02:00:00Z"}
    assert {seen["Authorization"] for seen in server.seen} == {"Bearer t"}


def test_a_system_that_stays_busy_is_unreachable(server: Server) -> None:
    server.answers = [(503, {"Retry-After": "1"}, {})]

    with pytest.raises(Unreachable, match="503"):
        api(server.url, patience=0.1).get("officer", "/x")


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        api(f"http://127.0.0.1:{free_port()}", patience=0).get("officer", "/x")


def test_a_problem_is_told_with_its_fields_and_not_repeated(server: Server) -> None:
    errors = [{"pointer": "/agency", "code": "unknown_agency", "message": "there is no such agency"}]
    server.answers = [(422, {}, {"code": "invalid", "detail": "not known", "errors": errors})]

    with pytest.raises(Refused, match="422 invalid: not known; /agency: there is no such agency") as refused:
        api(server.url).post("officer", "/x", {}, "key-1")

    assert (refused.value.status, refused.value.errors, len(server.seen)) == (422, ["unknown_agency"], 1)


def test_a_list_is_read_page_by_page(server: Server) -> None:
    server.answers = [(200, {}, {"items": [1, 2], "next": "c"}), (200, {}, {"items": [3], "next": None})]

    assert api(server.url).items("officer", "/x", by="month") == [1, 2, 3]


def test_the_access_file_names_callers_and_their_agencies(tmp_path: Path) -> None:
    content = {
        "base_url": "http://127.0.0.1:8080/",
        "tokens": {"citizen": "t"},
        "api_keys": {"office": "k"},
        "agencies": {"office": "H56.30"},
    }
    file = tmp_path / "access.json"
    file.write_text(json.dumps(content))

    access = Access.read(file)

    assert access.base_url == "http://127.0.0.1:8080"
    assert access.callers == {"citizen": {"Authorization": "Bearer t"}, "office": {"X-Api-Key": "k"}}
    assert Access.read(file, "http://other/").base_url == "http://other"
    assert "Bearer" not in repr(access)


# -- many at once ------------------------------------------------------------------------------------------------------


def test_courses_take_turns_and_all_end() -> None:
    steps: list[tuple[str, int]] = []

    def course(name: str) -> Iterator[float]:
        for step in range(3):
            steps.append((name, step))
            yield 0.0

    Crowd([course("a"), course("b")]).run(1, watch=lambda: None, every=0.01)

    assert steps == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_one_that_waits_holds_up_nobody() -> None:
    ended: list[str] = []

    def course(name: str, wait: float) -> Iterator[float]:
        yield wait
        ended.append(name)

    began = time.monotonic()
    Crowd([course("slow", 0.2), *(course("quick", 0.0) for _ in range(20))]).run(1, lambda: None, 0.01)

    assert ended == ["quick"] * 20 + ["slow"]
    assert time.monotonic() - began >= 0.2


def test_the_first_failure_is_raised() -> None:
    def course(fail: Callable[[], None]) -> Iterator[float]:
        yield 0.0
        fail()
        while True:
            yield 0.01

    def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        Crowd([course(fail), course(lambda: None)]).run(2, lambda: None, 0.01)
