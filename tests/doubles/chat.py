"""A chat platform over HTTP, with tokens that are good once: it checks strictly, and errs as it is told to.

`codes`: user → the `error` that a message to them is answered with. `fault`: "" (well), "500", "not_json", "lost" (took
it and hangs up), "quota".
"""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import parse_qs

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.doubles.serving import Answering, Listening

APP_ID, APP_SECRET, EVENT_SECRET = "app-1", "app-secret", "event-secret"


@dataclass
class ChatPlatform:
    """`said`: (path, body) of what it took. `refresh`, `access`: those that are good now."""

    now: Callable[[], datetime]
    fault: str = ""
    codes: dict[str, int] = field(default_factory=dict)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refresh: str = "first"
    access: str | None = None
    renewals: int = 0
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._server = Listening(_handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def renew(self, form: dict[str, list[str]], secret: str | None) -> dict[str, Any]:
        given = {"refresh_token": [self.refresh], "app_id": [APP_ID], "grant_type": ["refresh_token"]}
        with self._lock:
            if form != given or secret != APP_SECRET:
                return {"error": -14014, "error_name": "Invalid refresh token"}
            self.renewals += 1
            self.access, self.refresh = f"access-{self.renewals}" + "x" * 200, f"refresh-{self.renewals}" + "y" * 200
            return {"access_token": self.access, "refresh_token": self.refresh, "expires_in": "90000"}

    def tells(
        self, client: FlaskClient, user: str, text: str, *, secret: str = EVENT_SECRET, **more: Any
    ) -> TestResponse:
        """Somebody writes to the province's account."""
        event = {
            "app_id": APP_ID, "event_name": "user_send_text", "timestamp": str(int(self.now().timestamp() * 1000)),
            "sender": {"id": user}, "recipient": {"id": "oa"}, "message": {"text": text, "msg_id": "1"}, **more,
        }  # fmt: skip
        data = json.dumps(event).encode()
        mac = hashlib.sha256(APP_ID.encode() + data + str(event["timestamp"]).encode() + secret.encode()).hexdigest()
        return client.post(
            "/api/notify/v1/chat/events", data=data, content_type="application/json",
            headers={"X-ZEvent-Signature": f"mac={mac}"},
        )  # fmt: skip


def _handler(platform: ChatPlatform) -> type[Answering]:
    class Handler(Answering):
        def on_post(self) -> None:
            data = self.sent()
            if platform.fault == "500":
                self.answer(500, b"{}")
            elif platform.fault == "not_json":
                self.answer(200, b"<html>")
            elif self.path == "/v4/oa/access_token":
                self.say(200, platform.renew(parse_qs(data.decode()), self.headers["secret_key"]))
            elif self.headers["access_token"] != platform.access:
                self.say(200, {"error": -216, "message": "Access token is invalid"})
            else:
                self._message(json.loads(data))

        def _message(self, body: dict[str, Any]) -> None:
            error = platform.codes.get(body["recipient"]["user_id"], -211 if platform.fault == "quota" else 0)
            if error:
                self.say(200, {"error": error, "message": "no"})
                return
            platform.said.append((self.path, body))
            if platform.fault == "lost":
                self.close_connection = True
                return
            self.say(200, {"error": 0, "message": "Success", "data": {"message_id": f"m-{len(platform.said)}"}})

    return Handler
