"""An SMS provider over HTTP, in both dialects: it checks what it is asked strictly, remembers messages by their keys,
and errs as it is told to.

`fault` is how it is now: "" (well), "down" (hangs up), "slow" (answers after `slow_seconds`), "500" (took nothing),
"took_500" (took it and says 500), "503", "429", "not_json", "odd" (JSON that says nothing), "unauthorised",
"lost" (took it and hangs up), "refuses" (the number), "unknown_code".
"""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.doubles.serving import Answering, Listening

SECRET = "s" * 40
KEYS = {"rest": "rest-key", "coded": "api:secret"}


@dataclass(frozen=True)
class Taken:
    id: str
    to: str
    text: str
    sender: str


@dataclass
class SmsProvider:
    """Use it as a context: `url` is where it listens. `took`: by our key. `asked`: every key, in order."""

    name: str
    now: Callable[[], datetime]
    dialect: str = "rest"
    fault: str = ""
    slow_seconds: float = 0.0
    took: dict[str, Taken] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._server = Listening(_handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/sms"
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        assert not self.wrong, self.wrong

    @property
    def settings(self) -> dict[str, Any]:
        """As it stands in SMS_PROVIDERS."""
        return {
            "name": self.name,
            "url": self.url,
            "key": KEYS[self.dialect],
            "brand": "THANHHOA",
            "dialect": self.dialect,
            "most_per_second": 1000,
            "receipt_secrets": [SECRET],
        }

    def receipt(self, client: FlaskClient, key: str, status: str = "delivered", **more: Any) -> TestResponse:
        """Tells what became of a message, as it does of its own accord."""
        taken = self.took.get(key)
        if self.dialect == "coded":
            ok = status == "delivered"
            body = {
                "SMSID": taken.id if taken else "?",
                "RequestId": key,
                "SendSuccess": int(ok),
                "SendFailed": int(not ok),
            }
            return self.tell(client, {**body, **more})
        body = {"id": taken.id if taken else None, "key": key, "status": status, "at": self.now().isoformat()}
        return self.tell(client, {**body, **more})

    def tell(
        self, client: FlaskClient, body: Any, *, secret: str = SECRET, at: int | None = None, path: str | None = None
    ) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = str(int(self.now().timestamp()) if at is None else at)
        signed = hmac.new(secret.encode(), stamp.encode() + b"." + data, hashlib.sha256).hexdigest()
        return client.post(
            f"/api/notify/v1/receipts/{path or self.name}",
            data=data,
            content_type="application/json",
            headers={"Receipt-Timestamp": stamp, "Receipt-Signature": signed},
        )

    def take(self, key: str, to: str, text: str, sender: str) -> tuple[Taken, bool]:
        """And whether it is new."""
        with self._lock:
            known = self.took.get(key)
            if known is not None:
                if (known.to, known.text) != (to, text):
                    self.wrong.append(f"another message under the key {key}")
                return known, False
            self.took[key] = Taken(f"{self.name}-{len(self.took) + 1}", to, text, sender)
            return self.took[key], True


def _handler(provider: SmsProvider) -> type[Answering]:
    class Handler(Answering):
        def on_post(self) -> None:
            body = json.loads(self.sent())
            rest = provider.dialect == "rest"
            key = body["key" if rest else "RequestId"]
            provider.asked.append(key)
            if provider.fault == "slow":
                time.sleep(provider.slow_seconds)
            if provider.fault == "unauthorised" or not self._authorised(body, rest):
                self.say(401, {"code": "unauthorised"}) if rest else self.say(200, {"CodeResult": "101"})
            elif provider.fault == "down":
                self.close_connection = True
            elif provider.fault in ("500", "503", "429"):
                self.say(int(provider.fault), {})
            elif provider.fault == "not_json":
                self.answer(200, b"<html>")
            elif provider.fault == "odd":
                self.say(200, {"hello": ["world"]})
            elif provider.fault == "refuses":
                code = "invalid_number" if rest else "777"
                self.say(422, {"code": code}) if rest else self.say(200, {"CodeResult": code})
            elif provider.fault == "unknown_code":
                self.say(422, {"code": "brand_new"}) if rest else self.say(200, {"CodeResult": "4711"})
            else:
                self._take(body, key, rest)

        def _take(self, body: dict[str, Any], key: str, rest: bool) -> None:
            names = {"to", "text", "sender", "key"} if rest else {
                "ApiKey", "SecretKey", "Phone", "Content", "Brandname", "SmsType", "IsUnicode", "RequestId",
            }  # fmt: skip
            if set(body) != names or not all(isinstance(value, str) for value in body.values()):
                provider.wrong.append(f"fields {sorted(body)}")
            if not rest and (body["IsUnicode"] == "0") != body["Content"].isascii():
                provider.wrong.append("IsUnicode")
            to, text = (body["to"], body["text"]) if rest else (f"+{body['Phone']}", body["Content"])
            taken, new = provider.take(key, to, text, body["sender" if rest else "Brandname"])
            if provider.fault == "lost":
                self.close_connection = True
            elif provider.fault == "took_500":
                self.say(500, {})
            elif rest:
                self.say(202 if new else 409, {"id": taken.id, "status": "accepted" if new else "duplicate"})
            else:
                self.say(200, {"CodeResult": "100", "SMSID": taken.id} if new else {"CodeResult": "124"})

        def _authorised(self, body: dict[str, Any], rest: bool) -> bool:
            if rest:
                return self.headers["Authorization"] == f"Bearer {KEYS['rest']}"
            return f"{body['ApiKey']}:{body['SecretKey']}" == KEYS["coded"]

    return Handler
