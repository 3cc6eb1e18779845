"""A receiver of webhooks, as small as it can be: it checks who sent an event, and takes each event once.

`python -m clients.webhook_receiver --secret-file secret --port 8088` prints what it takes. Put a web server with TLS in
front of it. What it has taken it remembers in memory; keep that in your database, in the same step as what you make of
the event. By https://www.standardwebhooks.com/.
"""

import argparse
import base64
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

TOLERANCE_SECONDS = 300
"""How far the sender's clock may be from ours; what is older may have been recorded and sent again by somebody."""
MOST_BYTES = 1_000_000
REMEMBERED = 100_000


class NotGenuine(Exception):  # noqa: N818 (what it is)
    """It was not sent by whoever knows the secret, or not now."""


def verify(secrets: list[str], headers: Mapping[str, str] | Message, body: bytes, now: float) -> str:
    """The event's `webhook-id`, or NotGenuine. `secrets`: `whsec_…`, any of them: while a secret is changed there are
    two. `body`: the bytes as they came, not JSON that was read and written again."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not id or not timestamp.isascii() or not timestamp.isdigit():
        raise NotGenuine("no webhook-id or webhook-timestamp")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotGenuine("too old, or a clock is wrong")
    signed = f"{id}.{timestamp}.".encode() + body
    given = [each[3:].encode() for each in headers.get("webhook-signature", "").split(" ") if each.startswith("v1,")]
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.digest(key, signed, sha256))
        if any(hmac.compare_digest(expected, each) for each in given):
            return id
    raise NotGenuine("no signature by our secret")


class Taken:
    """The ids of what was taken, the newest of them. Thread-safe."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def once(self, id: str, take: Callable[[], None]) -> None:
        """Calls `take`, unless it was done for this id. One at a time; what raises was not done."""
        with self._lock:
            if id in self._ids:
                return
            take()
            self._ids[id] = None
            if len(self._ids) > REMEMBERED:
                self._ids.popitem(last=False)


class Receiver(ThreadingHTTPServer):
    """`take` is given each new event, as a dictionary. What it raises is answered 500, and the event comes again."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], secrets: list[str], take: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(address, _Handler)
        self.secrets = secrets
        self.take = take
        self.taken = Taken()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = 30

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        try:
            id = verify(self.server.secrets, self.headers, body, time.time())
        except NotGenuine as error:
            self._answer(401, str(error))
            return
        try:
            self.server.taken.once(id, lambda: self.server.take(json.loads(body)))
        except Exception:
            self._answer(500)
            raise
        # Also for what was here before: otherwise it comes again and again.
        self._answer(204)

    def _answer(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the events that a webhook is told of.")
    parser.add_argument("--secret-file", type=Path, required=True, help="a secret a line, the newest first")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8088)
    arguments = parser.parse_args()
    secrets = arguments.secret_file.read_text(encoding="ascii").split()

    def show(event: dict[str, Any]) -> None:
        print(event["type"], event["subject"], event["sequence"], event["time"], flush=True)

    with Receiver((arguments.host, arguments.port), secrets, show) as receiver:
        receiver.serve_forever()


if __name__ == "__main__":
    main()
