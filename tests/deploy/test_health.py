"""The containers' health check."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from chassis import health
from native.ports import free_port


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("status", "exit_status"), [(200, 0), (204, 0), (404, 1), (500, 1), (503, 1)])
def test_only_success_is_healthy(server: str, status: int, exit_status: int) -> None:
    assert health.main([f"{server}/{status}"]) == exit_status


def test_silence_is_not_healthy() -> None:
    assert health.main([f"http://127.0.0.1:{free_port()}/readyz"]) == 1


def test_it_wants_one_url() -> None:
    assert health.main([]) == 2
