"""The feed over HTTP, page by page: for what a stream does not have any more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

TIMEOUT_SECONDS = 40


class Feed:
    """`base_url` is the province's address, `token` a bearer token with the scope `stats.feed`."""

    def __init__(self, base_url: str, token: str) -> None:
        self._url = f"{base_url.rstrip('/')}/api/stats/v1/events"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def of_file(cls, base_url: str, token_file: Path) -> "Feed":
        return cls(base_url, token_file.read_text(encoding="utf-8").strip())

    def after(self, cursor: int, until: int | None = None) -> Iterator[dict[str, Any]]:
        """The entries behind the cursor, in order, up to `until` or the end."""
        while until is None or cursor < until:
            answer = self.session.get(self._url, params={"after": cursor, "limit": 200}, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            items: list[dict[str, Any]] = answer.json()["items"]
            for event in items:
                if until is None or event["cursor"] <= until:
                    yield event
            if not items:
                return
            cursor = items[-1]["cursor"]

    def stream(self, cursor: int) -> requests.Response:
        """The server-sent events behind the cursor."""
        answer = self.session.get(
            f"{self._url}/stream",
            headers={"Last-Event-ID": str(cursor), "Accept": "text/event-stream"},
            stream=True,
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return answer
