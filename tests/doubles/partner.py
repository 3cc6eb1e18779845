"""What the doubles of EMC and the public post have in common: a real HTTP server that takes JSON, believes nothing, and
can be as wrong as a real one can: see `Fault`. `down` is nobody listening; `down_until` with a `clock` is one that
answers nothing until then.
"""

import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Fault(StrEnum):
    """`late`: it takes what it is sent, and answers too late. `taken`: it takes it, and hangs up. `over`: it does not
    know the token any more. `silent`: it takes nothing and says nothing."""

    ERROR_500 = "500"
    BUSY = "429"
    HTML = "html"
    LIST = "list"
    SILENT = "silent"
    LATE = "late"
    TAKEN = "taken"
    OVER = "over"
    HANG_UP = "hang_up"
    ENDLESS = "endless"


class Wrong(Exception):  # noqa: N818 (what a request is)
    """Why a request is refused."""


class PartnerDouble(ThreadingHTTPServer, ABC):
    """`faults`: for the next calls, one each; `fault`: for every call. `problems`: everything in the requests that was
    not as described; a test asks that there be none. `calls`: (path, Idempotency-Key) each."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, token: str, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/api"
        self.token = token
        self.clock = clock
        self.faults: deque[Fault | None] = deque()
        self.fault: Fault | None = None
        self.refused: dict[str, str] = {}
        self.problems: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.down_until: datetime | None = None
        self.lock = threading.RLock()
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody listens any more. Twice is once."""
        if not self.over.is_set():
            self.over.set()
            self.shutdown()
            self._thread.join()
            self.server_close()

    @property
    def is_down(self) -> bool:
        return self.down_until is not None and self.clock is not None and self.clock() < self.down_until

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.popleft() if self.faults else self.fault

    @abstractmethod
    def take(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """The answer's status and body. Raises Wrong."""

    def handle_error(self, *_: Any) -> None:
        """Whoever asks hangs up when it has waited long enough."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PartnerDouble

    def do_POST(self) -> None:
        server = self.server
        data = self.rfile.read(int(self.headers["Content-Length"]))
        fault = server.next_fault()
        if server.is_down or fault is Fault.HANG_UP:
            self.close_connection = True
            return
        if fault is Fault.SILENT:
            server.over.wait(30)
            return
        if fault is Fault.OVER or self.headers["Authorization"] != f"Bearer {server.token}":
            self._answer(401, b'{"message": "token expired"}')
            return
        bodies = {Fault.HTML: "<html>Hệ thống đang bảo trì</html>".encode(), Fault.LIST: b"[1, 2]"}
        if fault in bodies:
            self._answer(200, bodies[fault])
            return
        if fault in (Fault.ERROR_500, Fault.BUSY):
            self._answer(int(fault), b'{"message": "try later"}')
            return
        if fault is Fault.ENDLESS:
            self._pour()
            return
        status, answer = self._taken(data)
        if fault is Fault.TAKEN:
            self.close_connection = True
            return
        if fault is Fault.LATE:
            server.over.wait(3)
        self._answer(status, json.dumps(answer).encode())

    def _taken(self, data: bytes) -> tuple[int, dict[str, Any]]:
        server = self.server
        with server.lock:
            key = self.headers["Idempotency-Key"] or ""
            path = self.path.removeprefix("/api")
            server.calls.append((path, key))
            try:
                return server.take(path, self._read(data, key), key)
            except Wrong as wrong:
                server.problems.append(str(wrong))
                return 400, {"error_code": 1, "message": str(wrong)}

    def _read(self, data: bytes, key: str) -> dict[str, Any]:
        if self.headers["Content-Type"] != "application/json" or not key:
            raise Wrong("no JSON, or no key")
        found: dict[str, Any] = json.loads(data)
        return found

    def _pour(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        while not self.server.over.is_set():
            self.wfile.write(b" " * 10_000)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
