"""The gateway's template on a real nginx, before a stand-in for the services that tells what it was sent."""

import http.client
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from native.children import Child
from native.gateway import configure
from native.ports import answers, free_port
from native.system import find_nginx

GATEWAY = Path(__file__).parents[2] / "deploy" / "gateway"


@dataclass
class Upstream:
    """What the stand-in was sent, and what it answers."""

    port: int
    seen: list[tuple[str, str, dict[str, str], int]] = field(default_factory=list)
    """(method, path with query, headers, the connection's port) of each request."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"ok":true}'
    rest: threading.Event | None = None
    """When set, the answer has no length, and ends only after the event."""


@dataclass
class Gateway:
    url: str
    port: int
    log: Path

    def get(self, path: str, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.url + path, headers=named, timeout=90)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are written one after the other; on a kept connection the second would wait 40 ms.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            state.seen.append((self.command, self.path, dict(self.headers), self.client_address[1]))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(state.status)
            for name, value in {"Content-Type": "application/json", **state.headers}.items():
                self.send_header(name, value)
            self.send_header(*(("Connection", "close") if state.rest else ("Content-Length", str(len(state.body)))))
            self.end_headers()
            self.wfile.write(state.body)
            if state.rest:
                state.rest.wait(60)

        do_POST = do_GET  # noqa: N815 (the standard library's word)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Upstream(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield state
        server.shutdown()


@contextmanager
def nginx(folder: Path, upstream_port: int, dead_port: int) -> Iterator[Gateway]:
    """The gateway before services that all listen on one port, except notify, which is at `dead_port`."""
    port = free_port()
    live = f"127.0.0.1:{upstream_port}"
    values = {
        "GATEWAY_PORT": f"127.0.0.1:{port}",
        "STATIC_DIR": str(GATEWAY / "static"),
        **{f"UPSTREAM_{name}": live for name in ("CATALOG", "INTAKE", "WORKFLOW", "STATS")},
        "UPSTREAM_NOTIFY": f"127.0.0.1:{dead_port}",
    }
    log = folder / "nginx.log"
    main = configure(GATEWAY / "gateway.conf.template", folder, values)
    child = Child("nginx", [find_nginx(), "-e", "stderr", "-c", main], log=log, orphan_signal=signal.SIGKILL)
    try:
        child.wait_until(lambda: answers(port), 60)
        yield Gateway(f"http://127.0.0.1:{port}", port, log)
    finally:
        child.stop(5)


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[Gateway]:
    with nginx(tmp_path, upstream.port, free_port()) as started:
        yield started


def problem(answer: requests.Response, status: int, code: str) -> None:
    """The answer is an RFC 9457 problem of the gateway's own."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["instance"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/catalog/v1/procedures?q=%C4%91%E1%BA%A5t&limit=2",
        "/api/intake/v1/dossiers/a%2Fb",
        "/api/workflow/v1/tasks",
        "/api/stats/v1/events/stream?after=1",
        "/api/intake/v1/tracking/H56.22-1?secret=x",
        "/tra-cuu",
        "/tra-cuu/H56.22-1",
        "/thong-ke?month=2026-11",
        "/bao-cao?thang=2026-11",
    ],
)
def test_a_path_reaches_its_service_unchanged(gateway: Gateway, upstream: Upstream, path: str) -> None:
    assert gateway.get(path).json() == {"ok": True}
    assert [seen[1] for seen in upstream.seen] == [path]


@pytest.mark.parametrize(
    "path", ["/metrics", "/livez", "/readyz", "/version", "/api/catalog/metrics", "/api/other/v1/x", "/tra-cuu-x"]
)
def test_what_is_not_public_is_not_served(gateway: Gateway, upstream: Upstream, path: str) -> None:
    answer = gateway.get(path)
    if path.startswith("/api/"):
        problem(answer, 404, "not_found")
    else:
        assert answer.status_code == 404
        assert "Không tìm thấy trang" in answer.text
    assert upstream.seen == []


def test_the_gateway_has_its_own_page_and_files(gateway: Gateway) -> None:
    landing = gateway.get("/")
    assert landing.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'lang="vi"' in landing.text
    for link in re.findall(r'(?:href|src)="(/static/[^"]+)"', landing.text):
        assert gateway.get(link).status_code == 200
    assert gateway.get("/static/errors/503.html").status_code == 404
    assert gateway.get("/static/../gateway.conf.template").status_code == 404
    assert gateway.get("/healthz").text == "ok\n"


def test_a_request_keeps_a_harmless_identifier_and_is_given_one_otherwise(gateway: Gateway, upstream: Upstream) -> None:
    kept = gateway.get("/api/catalog/v1/x", X_Request_Id="abc-12345")
    replaced = gateway.get("/api/catalog/v1/x", X_Request_Id="a b\x7f'\"}")
    made = gateway.get("/api/catalog/v1/x")
    ids = [kept.headers["X-Request-Id"], replaced.headers["X-Request-Id"], made.headers["X-Request-Id"]]
    assert ids[0] == "abc-12345"
    assert all(re.fullmatch("[0-9a-f]{32}", made) for made in ids[1:])
    assert [headers["X-Request-Id"] for _, _, headers, _ in upstream.seen] == ids


def test_what_a_caller_claims_about_its_address_is_overwritten(gateway: Gateway, upstream: Upstream) -> None:
    gateway.get(
        "/api/catalog/v1/x",
        X_Forwarded_For="1.2.3.4",
        X_Forwarded_Proto="https",
        X_Real_IP="1.2.3.4",
        Forwarded="for=1.2.3.4",
    )
    headers = upstream.seen[0][2]
    assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert headers["Host"] == headers["X-Forwarded-Host"] == f"127.0.0.1:{gateway.port}"
    assert "1.2.3.4" not in str(headers)


def test_an_event_of_the_feed_leaves_at_once(gateway: Gateway, upstream: Upstream) -> None:
    upstream.rest, upstream.body = threading.Event(), b"data: 1\n\n"
    upstream.headers = {"Content-Type": "text/event-stream"}
    started = time.monotonic()
    with requests.get(f"{gateway.url}/api/stats/v1/events/stream", stream=True, timeout=90) as answer:
        assert next(answer.iter_content(len(upstream.body))) == upstream.body
        assert time.monotonic() - started < 30
        upstream.rest.set()


def test_connections_to_a_service_are_kept(gateway: Gateway, upstream: Upstream) -> None:
    for _ in range(40):
        gateway.get("/api/catalog/v1/x")
    # A worker process of nginx keeps connections of its own.
    assert len({seen[3] for seen in upstream.seen}) <= 16


def test_a_service_that_is_down_is_a_503_that_says_when_to_come_back(gateway: Gateway) -> None:
    answer = gateway.get("/api/notify/v1/messages")
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_a_page_whose_service_is_down_is_a_page(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port(), free_port()) as gateway:
        for path in ("/tra-cuu/H56", "/thong-ke", "/thong-bao?ma=0"):
            answer = gateway.get(path)
            assert answer.status_code == 503
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert answer.headers["Retry-After"] == "5"
            assert "tạm thời gián đoạn" in answer.text


def test_an_address_that_says_nothing_is_a_service_that_is_down(tmp_path: Path) -> None:
    # A socket whose queue of new connections is full lets them time out, as the address of a
    # container that has gone does.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        with nginx(tmp_path, free_port(), port) as gateway:
            problem(gateway.get("/api/notify/v1/messages"), 503, "unavailable")
        for each in waiting:
            each.close()


@pytest.mark.parametrize("status", [400, 404, 409, 413, 429, 500, 503])
def test_what_a_service_answers_is_passed_on(gateway: Gateway, upstream: Upstream, status: int) -> None:
    upstream.status, upstream.body = status, b'{"code":"its_own"}'
    upstream.headers = {"Content-Type": "application/problem+json", "Retry-After": "77"}
    answer = gateway.get("/api/catalog/v1/x")
    assert (answer.status_code, answer.content) == (status, upstream.body)
    assert answer.headers["Retry-After"] == "77"


def test_a_body_above_the_limit_is_refused_before_it_is_read(gateway: Gateway, upstream: Upstream) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=90)
    connection.putrequest("POST", "/api/intake/v1/files")
    connection.putheader("Content-Length", str(56 * 1024 * 1024))
    connection.endheaders()
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert (answer.status, body["code"], answer.headers["Content-Type"]) == (
        413,
        "too_large",
        "application/problem+json",
    )
    assert upstream.seen == []


def test_only_files_may_be_so_large(gateway: Gateway, upstream: Upstream) -> None:
    for path in ("/api/intake/v1/dossiers", "/api/intake/v1/filesx", "/api/catalog/v1/imports"):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=90)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(22 * 1024 * 1024))
        connection.endheaders()
        assert json.loads(connection.getresponse().read())["code"] == "too_large"
        connection.close()
    assert upstream.seen == []
    assert requests.post(f"{gateway.url}/api/catalog/v1/imports", data=bytes(20_000_000), timeout=90).status_code == 200
    chunk = f"{gateway.url}/api/intake/v1/uploads/x/chunks/1"
    assert requests.post(chunk, data=bytes(4 * 1024 * 1024), timeout=90).status_code == 200


def test_a_body_of_the_size_of_a_large_file_is_taken(gateway: Gateway, upstream: Upstream) -> None:
    answer = requests.post(f"{gateway.url}/api/intake/v1/files", data=bytes(50 * 1024 * 1024), timeout=90)
    assert answer.status_code == 200
    assert upstream.seen[0][2]["Content-Length"] == str(50 * 1024 * 1024)


def test_headers_that_are_too_long_are_a_problem(gateway: Gateway) -> None:
    problem(gateway.get("/api/catalog/v1/x", X_Api_Key="k" * 70_000), 400, "unreadable")


@pytest.mark.parametrize("length", [9_000, 40_000])
def test_an_address_that_is_too_long_is_a_problem(gateway: Gateway, upstream: Upstream, length: int) -> None:
    problem(gateway.get(f"/api/catalog/v1/procedures?q={'x' * length}"), 400, "unreadable")
    assert gateway.get(f"/api/catalog/v1/procedures?q={'x' * 7_000}").status_code == 200
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /tra-cuu HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_problem(gateway: Gateway, upstream: Upstream, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), 60) as connection:
        connection.sendall(sent)
        said = b"".join(iter(partial(connection.recv, 65_536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Type: application/problem+json" in head
    assert (json.loads(body)["status"], json.loads(body)["code"]) == (400, "unreadable")
    assert upstream.seen == []


def test_the_place_of_that_problem_is_nobodys_path(gateway: Gateway) -> None:
    assert gateway.get("/.unreadable").status_code == 404


@pytest.mark.parametrize(
    ("path", "is_page"), [("/api/intake/v1/tracking/X?secret=1", False), ("/tra-cuu/X?secret=1", True)]
)
def test_public_tracking_is_limited_strictly(gateway: Gateway, upstream: Upstream, path: str, is_page: bool) -> None:
    # Another key each time does not help: what counts is the address.
    started = time.monotonic()
    answers = [gateway.get(path, X_Api_Key=f"invented-{number}") for number in range(40)]
    refused = [answer for answer in answers if answer.status_code == 429]
    allowed = 1 + 20 + 5 * (time.monotonic() - started)
    assert 21 <= len(upstream.seen) == 40 - len(refused) <= allowed + 1
    assert refused[0].headers["Retry-After"] == "1"
    if is_page:
        assert "Quá nhiều yêu cầu" in refused[0].text
    else:
        problem(refused[0], 429, "too_many_requests")
    # The rest of the system goes on.
    assert gateway.get("/api/intake/v1/dossiers").status_code == 200


def test_offices_are_not_slowed_down(gateway: Gateway) -> None:
    with requests.Session() as session:
        answers = [
            session.get(f"{gateway.url}/api/intake/v1/dossiers", headers={"X-Api-Key": "k"}, timeout=90)
            for _ in range(300)
        ]
    assert {answer.status_code for answer in answers} == {200}


def test_headers_that_protect_browsers_are_on_everything(gateway: Gateway) -> None:
    for path in ("/", "/api/catalog/v1/x", "/api/nothing", "/api/notify/v1/x", "/static/gateway.css"):
        headers = gateway.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "nginx"


def test_a_service_may_set_such_a_header_itself(gateway: Gateway, upstream: Upstream) -> None:
    upstream.headers = {"Content-Security-Policy": "default-src 'none'"}
    assert gateway.get("/api/catalog/v1/x").headers["Content-Security-Policy"] == "default-src 'none'"


def test_an_etag_stays_strong(gateway: Gateway, upstream: Upstream) -> None:
    upstream.headers, upstream.body = {"ETag": '"3"'}, b"[" + b"0," * 2000 + b"0]"
    assert gateway.get("/api/catalog/v1/x", Accept_Encoding="gzip").headers["ETag"] == '"3"'


def test_pages_are_compressed(gateway: Gateway, upstream: Upstream) -> None:
    upstream.headers, upstream.body = {"Content-Type": "text/html; charset=utf-8"}, b"<p>" * 2000
    assert gateway.get("/tra-cuu", Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"


def test_the_log_has_neither_queries_nor_addresses(gateway: Gateway) -> None:
    for path in (
        "/api/intake/v1/tracking/H56?phone=0912345678",
        "/api/notify/v1/x?phone=0912345678",
        "/x?phone=0912345678",
    ):
        for _ in range(30):
            gateway.get(path)
    text = gateway.log.read_text(encoding="utf-8")
    assert "0912345678" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert len(lines) == 90
    assert {line["network"] for line in lines} == {"127.0.0.0/24"}
    assert {line["path"] for line in lines} == {"/api/intake/v1/tracking/H56", "/api/notify/v1/x", "/x"}
    assert {line["status"] for line in lines} == {200, 429, 503, 404}
