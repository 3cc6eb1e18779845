"""JSON over HTTP to a partner: a POST, and what it answers, in time and up to a size."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests

from notify.outlets import Away

MOST_BYTES = 256_000
_PIECE = 16_384
UNAUTHORISED = (requests.codes.unauthorized, requests.codes.forbidden)


@dataclass(frozen=True, slots=True)
class Reply:
    """`body`: an object, empty where the answer is none that can be read; `readable` says which."""

    status: int
    body: Mapping[str, Any]
    readable: bool

    @property
    def words(self) -> str:
        message = self.body.get("message")
        return message if isinstance(message, str) else ""


class Partner:
    """`url`: what paths are added to; `token`: a bearer token (RFC 6750), None for none."""

    def __init__(self, url: str, token: str | None, timeout_seconds: float) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout_seconds

    def line(self) -> "Connection":
        return Connection(self._url, self._headers, self._timeout)


class Connection:
    """A thread's own."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._session = requests.Session()
        # No proxy or .netrc of anybody's has a say in where people's data goes.
        self._session.trust_env = False
        self._session.headers.update(headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()

    def post(self, path: str, body: Mapping[str, Any], key: str) -> Reply:
        """`key`: the same for the same thing, so that the partner may know it. Away when it cannot be asked, when it
        does not know us ("connection"), or when nobody knows whether it took what it was sent ("content")."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        deadline = time.monotonic() + self._timeout
        try:
            with self._session.post(
                self._url + path, data=json.dumps(body, ensure_ascii=False).encode(), headers=headers,
                timeout=self._timeout, stream=True, allow_redirects=False,
            ) as answer:  # fmt: skip
                if answer.status_code in UNAUTHORISED:
                    raise Away("not_authorised")
                return _reply(answer.status_code, _read_all(answer, deadline))
        except requests.ConnectTimeout:
            raise Away("connect_timeout") from None
        except requests.ConnectionError as error:
            # Refused before anything was sent, or broken off after it: requests does not say which, its cause does.
            refused = "NewConnectionError" in repr(error)
            raise Away("connection_failed", "connection" if refused else "content") from None
        except requests.RequestException as error:
            raise Away(type(error).__name__, "content") from None


def _reply(status: int, data: bytes) -> Reply:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    return Reply(status, found, readable=True) if isinstance(found, dict) else Reply(status, {}, readable=False)


def _read_all(answer: requests.Response, deadline: float) -> bytes:
    data = b""
    for piece in answer.iter_content(_PIECE):
        data += piece
        if len(data) > MOST_BYTES:
            raise Away("answer_too_large", "content")
        if time.monotonic() > deadline:
            raise Away("timeout", "content")
    return data
