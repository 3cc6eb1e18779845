"""The province's API as its callers use it: a token or a key for each, and a write that is repeated keeps its key."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import requests

from sample.province import stamp

BUSY = (429, 502, 503, 504)
"""The gateway's or a service's way to say "later"."""
PAUSE_SECONDS = 0.5


class Unreachable(Exception):  # noqa: N818 (the word that is reported)
    """The system did not answer, or only that it is busy, for as long as `patience`."""


class Refused(Exception):  # noqa: N818 (the word that is reported)
    """An answer that is not a success."""

    def __init__(self, what: str, answer: requests.Response) -> None:
        body = _json(answer)
        problem = body if isinstance(body, dict) else {}
        self.status = answer.status_code
        self.code = str(problem.get("code", ""))
        self.errors = [str(error.get("code")) for error in problem.get("errors", ())]
        reasons = [f"{error.get('pointer')}: {error.get('message')}" for error in problem.get("errors", ())]
        detail = "; ".join(filter(None, [str(problem.get("detail", "")), *reasons[:3]]))
        super().__init__(f"{what} was answered {self.status} {self.code}: {detail}")


@dataclass(frozen=True, slots=True)
class Access:
    """What the access file holds. `callers`: the headers with which each proves who it is."""

    base_url: str
    callers: Mapping[str, Mapping[str, str]] = field(repr=False)
    agencies: Mapping[str, str]

    @classmethod
    def read(cls, file: Path, base_url: str | None = None) -> Self:
        """`base_url` goes before the file's. Any of several exceptions when it is no such file."""
        content = json.loads(file.read_text(encoding="utf-8"))
        tokens = {name: {"Authorization": f"Bearer {token}"} for name, token in content["tokens"].items()}
        keys = {name: {"X-Api-Key": key} for name, key in content["api_keys"].items()}
        return cls((base_url or content["base_url"]).rstrip("/"), tokens | keys, content["agencies"])


class Api:
    """Thread-safe: each thread has connections of its own."""

    def __init__(self, access: Access, patience: float) -> None:
        self._access = access
        self._patience = patience
        self._local = threading.local()
        self._lock = threading.Lock()
        self.requests_sent = 0

    def get(self, who: str, path: str, **query: Any) -> Any:
        """The answer's JSON. Raises Refused, Unreachable."""
        return _json(self._send(who, "GET", path, {}, None, query))

    def post(self, who: str, path: str, body: Mapping[str, Any], key: str, at: datetime | None = None) -> bytes:
        """The answer as it came. `at`: when it happened, if not now. Raises Refused, Unreachable."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        if at is not None:
            headers["Occurred-At"] = stamp(at)
        return self._send(who, "POST", path, headers, json.dumps(body, ensure_ascii=False).encode(), None).content

    def put(self, who: str, path: str, body: Mapping[str, Any], key: str) -> bytes:
        """The answer as it came. Raises Refused, Unreachable."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return self._send(who, "PUT", path, headers, json.dumps(body, ensure_ascii=False).encode(), None).content

    def items(self, who: str, path: str, **query: Any) -> list[Any]:
        """All items of a list, page by page."""
        found: list[Any] = []
        while True:
            page = self.get(who, path, **query)
            found += page["items"]
            if page.get("next") is None:
                return found
            query["cursor"] = page["next"]

    def _send(
        self, who: str, method: str, path: str, headers: Mapping[str, str], data: bytes | None, query: Any
    ) -> requests.Response:
        url = self._access.base_url + path
        every = {**self._access.callers[who], **headers}
        deadline = time.monotonic() + self._patience
        while True:
            with self._lock:
                self.requests_sent += 1
            wait = PAUSE_SECONDS
            try:
                answer = self._session().request(method, url, params=query, data=data, headers=every, timeout=30)
            except (requests.ConnectionError, requests.Timeout) as error:
                reason = f"does not answer ({type(error).__name__})"
            else:
                if answer.ok:
                    return answer
                if answer.status_code not in BUSY:
                    raise Refused(f"{method} {path}", answer)
                reason = f"answers {answer.status_code} again and again"
                wait = _retry_after(answer)
            if time.monotonic() + wait > deadline:
                raise Unreachable(f"{url} {reason}")
            time.sleep(wait)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            # No proxy or .netrc of the environment has a say.
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session


def _retry_after(answer: requests.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else PAUSE_SECONDS


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None
