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
from typing import Any

from tests.doubles.serving import Answering, Listening


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


class PartnerDouble(Listening, ABC):
    """`faults`: for the next calls, one each; `fault`: for every call. `problems`: everything in the requests that was
    not as described; a test asks that there be none. `calls`: (path, Idempotency-Key) each."""

    def __init__(self, token: str, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(_Handler)
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

    @property
    def is_down(self) -> bool:
        return self.down_until is not None and self.clock is not None and self.clock() < self.down_until

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.popleft() if self.faults else self.fault

    @abstractmethod
    def take(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """The answer's status and body. Raises Wrong."""


class _Handler(Answering):
    server: PartnerDouble

    def on_post(self) -> None:
        server = self.server
        data = self.sent()
        fault = server.next_fault()
        if server.is_down or fault is Fault.HANG_UP:
            self.close_connection = True
            return
        if fault is Fault.SILENT:
            server.over.wait(30)
            return
        if fault is Fault.OVER or self.headers["Authorization"] != f"Bearer {server.token}":
            self.answer(401, b'{"message": "token expired"}')
            return
        bodies = {Fault.HTML: "<html>Hệ thống đang bảo trì</html>".encode(), Fault.LIST: b"[1, 2]"}
        if fault in bodies:
            self.answer(200, bodies[fault])
            return
        if fault in (Fault.ERROR_500, Fault.BUSY):
            self.answer(int(fault), b'{"message": "try later"}')
            return
        if fault is Fault.ENDLESS:
            self.pour(b" " * 10_000, server.over)
            return
        status, answer = self._taken(data)
        if fault is Fault.TAKEN:
            self.close_connection = True
            return
        if fault is Fault.LATE:
            server.over.wait(3)
        self.say(status, answer)

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
