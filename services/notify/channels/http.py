"""HTTP to a provider: no redirects, no proxies, in time, and no answer larger than anybody needs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from json import loads as json_of
from types import TracebackType
from typing import Any, Self

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from notify.outlets import Away

MOST_BYTES = 64_000
_PIECE = 8_192


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    data: Any
    """The body's JSON; None when it is none."""

    def text(self, name: str, most: int = 100) -> str | None:
        """A text or number of the answer's, as text; None where there is none, or it is longer."""
        value = self.data.get(name) if isinstance(self.data, dict) else None
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return None
        return str(value) if 0 < len(str(value)) <= most else None


class Http:
    """Open connections, for one thread. `timeout`: seconds, for connecting and for the answer each."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._session = requests.Session()
        # No proxy or .netrc of anybody's has a say in where a person's number is sent.
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._session.close()

    def post(
        self, url: str, *, json: Any = None, form: Mapping[str, str] | None = None, headers: Mapping[str, str]
    ) -> Reply:
        """The answer. Raises Away: "connection" when nobody was asked, "content" when nobody knows who heard it."""
        deadline = time.monotonic() + self._timeout
        try:
            with self._session.post(
                url, json=json, data=form, headers=dict(headers), timeout=self._timeout, stream=True,
                allow_redirects=False,
            ) as answer:  # fmt: skip
                data = _read_all(answer, deadline)
                return Reply(answer.status_code, _parsed(data))
        except requests.ConnectTimeout:
            raise Away("connect_timeout") from None
        except (requests.Timeout, ReadTimeoutError):
            raise Away("timeout", "content") from None
        except requests.exceptions.SSLError:
            raise Away("tls_failed") from None
        except requests.ConnectionError as error:
            # Refused before anything was sent, or broken off after it: requests does not say which, its cause does.
            refused = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            raise Away("connection_failed", "connection" if refused else "content") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Away(type(error).__name__, "content") from None


def _read_all(answer: requests.Response, deadline: float) -> bytes:
    data = b""
    # As it comes, and not piece by piece: who sends a byte a second is late all the same.
    while piece := answer.raw.read1(_PIECE, decode_content=True):
        data += piece
        if len(data) > MOST_BYTES:
            raise Away("answer_too_large", "content")
        if time.monotonic() > deadline:
            raise Away("timeout", "content")
    return data


def _parsed(data: bytes) -> Any:
    try:
        return json_of(data)
    except (ValueError, RecursionError):
        return None
