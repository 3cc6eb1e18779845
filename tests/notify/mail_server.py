"""Real SMTP servers for tests, in threads of their own."""

import socket
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from native.ports import free_port


class Mailbox:
    """A mail server that keeps what it takes, in order, and answers as it is told.

    `answers`: recipient → what it says to RCPT TO, one after the other; to all others it says 250. `options` go to
    aiosmtpd. It can be stopped and started again at the same address. `named`: every recipient that it was told, also
    those of messages that it never took.
    """

    def __init__(self, **options: Any) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.raw: list[bytes] = []
        self.senders: list[str] = []
        self.named: list[str] = []
        self.connections = 0
        self.answers: dict[str, list[str]] = {}
        self.answer_to_content: Callable[[], str] = lambda: "250 OK"
        self._port = free_port()
        self._options = options
        self._controller: Controller | None = None
        self.url = f"smtp://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port, **self._options)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's words, here and below)
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.answers.get("MAIL", ["250 OK"])[0]
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.named.append(address)
        waiting = self.answers.get(address)
        answer = waiting.pop(0) if waiting else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        answer = self.answer_to_content()
        if answer.startswith("250"):
            message = message_from_bytes(content, policy=policy.default)
            self.raw.append(content)
            self.senders.append(envelope.mail_from or "")
            self.taken.extend((address, message) for address in envelope.rcpt_tos)
        return answer

    @property
    def recipients(self) -> list[str]:
        return [address for address, _ in self.taken]


class Silence:
    """Takes connections and never says a word."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
