"""Sends a webhook's rows over HTTP: to an address that was looked at, without redirects or proxies, and in time.

`http.client` and not a library above it, since the connection itself is made here (see `addresses.Guard.connect`).
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chassis.clock import Clock
from notify.outlets import Accepted, Answer, Deferred, Postponed, Refused, Uncertain
from notify.sealing import Sealing, Unsealable
from notify.webhooks import signatures
from notify.webhooks.addresses import AddressRefused, Guard, Target
from notify.webhooks.domain import HookRow, Said, Webhook, signing

NAME = "webhook"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
AGENT = "MotCua-Webhooks/1"
MOST_BYTES = 4096
RUN_SECONDS = 5.0
"""After that others have their turn."""
IN_A_ROW = 3
"""After so many failures the receiver is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


class NoReply(Exception):  # noqa: N818 (what came)
    """`reason` is a word; `sent`: the receiver may have taken what it was sent."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class Sender:
    """Posts to receivers; thread-safe. `timeout`: seconds that a request takes at most, whatever the receiver does."""

    def __init__(self, guard: Guard, *, timeout: float, ca_file: Path | None = None) -> None:
        self._guard = guard
        self._timeout = timeout
        self._ca_file = ca_file

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made when it is first needed: to read the system's authorities takes a tenth of a second."""
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        return context

    @contextmanager
    def connection(self, url: str) -> Iterator["Connection"]:
        """A way to this address, opened when something is posted."""
        connection = Connection(self._guard, url, lambda: self._tls, self._timeout)
        try:
            yield connection
        finally:
            connection.close()


class Connection:
    """To one receiver, for one thread. It is kept open between requests, if the receiver likes."""

    def __init__(self, guard: Guard, url: str, tls: Callable[[], ssl.SSLContext], timeout: float) -> None:
        self._guard = guard
        self._url = url
        self._tls = tls
        self._timeout = timeout
        self._open: _Http | None = None

    def post(self, headers: dict[str, str], body: bytes) -> Reply:
        """What the receiver answers, its body up to MOST_BYTES. Raises NoReply."""
        deadline = time.monotonic() + self._timeout
        kept = self._open is not None and self._open.sock is not None
        try:
            return self._post(headers, body, deadline)
        except NoReply as nothing:
            # One that was kept open may have been closed at the other side meanwhile; the id lets it be sent again.
            if not kept or nothing.reason == "timeout":
                raise
            return self._post(headers, body, deadline)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _post(self, headers: dict[str, str], body: bytes, deadline: float) -> Reply:
        sent = False
        try:
            target = self._guard.target(self._url)
            if self._open is None:
                self._open = _Http(target, self._guard, self._tls, self._timeout)
            made = self._open
            with made.hung_up_at(deadline):
                made.connect()
                sent = True
                made.request("POST", target.path, body, {"Content-Type": CONTENT_TYPE, "User-Agent": AGENT, **headers})
                answer = made.getresponse()
                data = answer.read(MOST_BYTES)
                if not answer.isclosed():
                    # There is more of it than anybody wants to read.
                    self.close()
                return Reply(answer.status, data)
        except AddressRefused as refused:
            self.close()
            raise NoReply(refused.reason, sent=False) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = time.monotonic() >= deadline or isinstance(error, TimeoutError)
            self.close()
            raise NoReply("timeout" if late else _word(error), sent=sent) from None


class _Http(http.client.HTTPConnection):
    def __init__(self, target: Target, guard: Guard, tls: Callable[[], ssl.SSLContext], timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        # What the header `Host` leaves out.
        self.default_port = 443 if target.tls else 80
        self._target = target
        self._guard = guard
        self._tls = tls
        self._late = threading.Event()

    def connect(self) -> None:
        """Once; the name in the certificate is the URL's, the address is the one that was looked at."""
        if self.sock is not None:
            return
        plain = self._guard.connect(self._target, float(self.timeout or 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = plain
        if self._target.tls:
            self.sock = self._tls().wrap_socket(plain, server_hostname=self._target.host, do_handshake_on_connect=False)
        if self._late.is_set():
            # Before there was anything to hang up.
            raise TimeoutError
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    @contextmanager
    def hung_up_at(self, deadline: float) -> Iterator[None]:
        """A socket's own timeout begins anew with each byte; this one does not."""
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        self._late.set()
        made: Any = self.sock
        if made is not None:
            with suppress(OSError):
                # Not the TLS socket's own, which another thread must not call.
                socket.socket.shutdown(made, socket.SHUT_RDWR)


def _word(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate_not_trusted"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return "connection_failed" if isinstance(error, OSError) else "not_http"


class HookOutlet:
    """One webhook's for its courier, for one run: at most RUN_SECONDS, and no longer than the receiver takes what it is
    sent. `said`: by row, what it answered."""

    name = NAME
    lot = 1

    def __init__(self, hook: Webhook, sender: Sender, sealing: Sealing, clock: Clock) -> None:
        self.said: dict[str, Said] = {}
        self.gone = False
        self.succeeded = 0
        self.failed = 0
        self.slowest = 0.0
        self._hook = hook
        self._sender = sender
        self._sealing = sealing
        self._clock = clock
        self._began = time.monotonic()
        self._in_a_row = 0
        self._broken = False

    @contextmanager
    def open(self) -> Iterator["_HookLine"]:
        with self._sender.connection(self._hook.url) as connection:
            yield _HookLine(lambda row: self._send(connection, row))

    def news(self, row: HookRow, at: datetime) -> Sequence[Any]:  # noqa: ARG002 (of the protocol)
        return ()

    def _send(self, connection: Connection, row: HookRow) -> Answer:
        if self._broken or time.monotonic() - self._began > RUN_SECONDS:
            return Postponed(row.next_at or self._clock())
        now, body = self._clock(), row.body.encode()
        try:
            keys = [open_secret(self._sealing, self._hook.id, each.sealed) for each in signing(self._hook, now)]
        except Unsealable:
            self._fail(broken=True)
            return Deferred("secret_cannot_be_opened", ours=True)
        headers = signatures.headers(keys, row.id, int(now.timestamp()), body)
        began = time.monotonic()
        try:
            reply = connection.post(headers, body)
        except NoReply as nothing:
            self._note(row, None, b"", time.monotonic() - began)
            self._fail(broken=True)
            return Uncertain(nothing.reason) if nothing.sent else Deferred(nothing.reason)
        self._note(row, reply.status, reply.body, time.monotonic() - began)
        return self._answered(reply.status)

    def _answered(self, status: int) -> Answer:
        word = f"status_{status}"
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self.succeeded += 1
            self._in_a_row = 0
            return Accepted(word)
        self.gone = status == HTTPStatus.GONE
        self._fail(broken=self.gone)
        # Where it leads to, nobody has looked at.
        is_redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        return Refused(word) if self.gone or is_redirect else Deferred(word)

    def _fail(self, *, broken: bool) -> None:
        self.failed += 1
        self._in_a_row += 1
        self._broken = broken or self._in_a_row >= IN_A_ROW

    def _note(self, row: HookRow, status: int | None, body: bytes, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)
        self.said[row.id] = Said(
            at=self._clock(),
            status=status,
            milliseconds=int(seconds * 1000),
            sealed=self._sealing.seal(body, answer_context(row.id)),
        )


class _HookLine:
    def __init__(self, send: Callable[[HookRow], Answer]) -> None:
        self._send = send

    def send(self, rows: Sequence[HookRow]) -> Sequence[Answer]:
        return [self._send(row) for row in rows]


def answer_context(row: str) -> str:
    return f"webhook answer {row}"


def seal_secret(sealing: Sealing, webhook: str, secret: str) -> bytes:
    """Raises SecretUnusable."""
    return sealing.seal(signatures.key_of(secret), f"webhook secret {webhook}")


def open_secret(sealing: Sealing, webhook: str, sealed: bytes) -> bytes:
    """Raises Unsealable."""
    return sealing.open(sealed, f"webhook secret {webhook}")
