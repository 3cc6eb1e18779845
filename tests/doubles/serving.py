"""What every double is made of: a real HTTP server in a thread of its own, and what answers there."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Listening(ThreadingHTTPServer):
    """On a port of 127.0.0.1, 0 for any that is free. Use it as a context, or `stop` it; `over` is set then, for those
    who keep others waiting."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Down: nobody listens any more. Twice is once."""
        if not self.over.is_set():
            self.over.set()
            self.shutdown()
            self._thread.join()
            self.server_close()

    def handle_error(self, *_: Any) -> None:
        """Whoever asks hangs up when it has waited long enough."""


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers are small, and nobody's acknowledgement is waited for in between.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.on_get()

    def do_POST(self) -> None:
        self.on_post()

    def on_get(self) -> None:
        self.send_error(405)

    def on_post(self) -> None:
        self.send_error(405)

    def sent(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def say(self, status: int, body: Any) -> None:
        self.answer(status, json.dumps(body).encode())

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def pour(self, piece: bytes, over: threading.Event) -> None:
        """A body without end."""
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        while not over.is_set():
            self.wfile.write(piece)

    def log_message(self, *_: Any) -> None:
        """The tests' output is for the tests."""
