"""Those who call catalog: an editor's calls of use cases, and its requests over HTTP."""

from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient

from chassis.auth import Principal
from chassis.web import Call

NOW = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)


def call(key: str | None = None, *, match: int | None = None, body: str = "", now: datetime = NOW) -> Call:
    """An editor's call; `body` stands for its body's hash."""
    editor = Principal("editor", "", frozenset({"catalog.edit"}), None, frozenset(), "person")
    return Call(
        principal=editor, now=now, occurred_at=now, key=key, if_match=match, trace=None, body_hash=body or (key or "")
    )


class Api:
    """The HTTP application, as the editor sees it; `public` without a token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._token = token

    def _send(
        self, method: str, path: str, *, token: str | None, key: str | None, match: int | None, **more: Any
    ) -> Any:
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if match is not None:
            headers["If-Match"] = f'"{match}"'
        return self._client.open(f"/api/catalog/v1{path}", method=method, headers=headers, **more)

    def public(self, path: str, method: str = "GET", **more: Any) -> Any:
        return self._send(method, path, token=None, key=None, match=None, **more)

    def get(self, path: str) -> Any:
        return self._send("GET", path, token=self._token, key=None, match=None)

    def put(self, path: str, body: Any, *, key: str | None = None, match: int | None = None, **more: Any) -> Any:
        return self._send("PUT", path, token=self._token, key=key, match=match, json=body, **more)

    def post(self, path: str, body: Any, *, key: str | None = None, **more: Any) -> Any:
        return self._send("POST", path, token=self._token, key=key, match=None, json=body, **more)

    def as_(self, token: str) -> "Api":
        return Api(self._client, token)
