"""A load generator that costs little: threads with keep-alive connections of the standard library."""

import http.client
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 16


class Client:
    """Posts JSON to one address, each thread over a connection of its own."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._port = port
        self._headers = {"Content-Type": "application/json", **headers}
        self._local = threading.local()

    def post(self, path: str, body: bytes, key: str) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", path, body, {**self._headers, "Idempotency-Key": key})
        answer = connection.getresponse()
        return answer.status, answer.read()


def expect(answer: tuple[int, bytes], *statuses: int) -> dict[str, Any]:
    status, body = answer
    if status not in statuses:
        raise RuntimeError(f"{status}: {body.decode()[:500]}")
    parsed: dict[str, Any] = json.loads(body)
    return parsed


def each(act: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(act, items))
