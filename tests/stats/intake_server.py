"""Intake's list of states over HTTP, as a server of the test's own, with the ways in which it can fail."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "mc_the-key-of-stats"


class IntakeServer(ThreadingHTTPServer):
    """Intake's list of states over HTTP, 50 a page; `fails` takes its place: a status, a text, or silence."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.states: list[dict[str, Any]] = []
        self.fails: int | str | None = None
        self.silence = threading.Event()
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: IntakeServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        asked = urlsplit(self.path)
        if self.server.fails == "silence":
            self.server.silence.wait(20)
        if asked.path != "/api/intake/v1/dossiers/states" or self.headers["X-Api-Key"] != KEY:
            self._answer(403, {"code": "forbidden"})
        elif isinstance(self.server.fails, int):
            self._answer(self.server.fails, {"code": "internal"})
        elif self.server.fails is not None:
            self._answer(200, self.server.fails)
        else:
            query = parse_qs(asked.query)
            assert query["limit"] == ["1000"]
            start = int(query.get("cursor", ["0"])[0])
            more = start + 50 < len(self.server.states)
            items = self.server.states[start : start + 50]
            self._answer(200, {"items": items, "next": str(start + 50) if more else None})

    def _answer(self, status: int, body: Any) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass
