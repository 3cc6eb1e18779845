"""E-mail over SMTP (RFC 5321): one connection for a batch, and for each message one of three named answers."""

import socket
import ssl
from binascii import b2a_qp
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import cache, cached_property
from pathlib import Path
from re import compile as pattern
from smtplib import SMTP, SMTP_SSL, SMTPAuthenticationError, SMTPDataError, SMTPException, SMTPNotSupportedError
from types import TracebackType
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from chassis import logs
from notify.domain.messages import Events, Message, news
from notify.outlets import Accepted, Answer, Away, Deferred, Refused, Stage
from notify.templates import Rendered, TemplateBroken, Templates

log = logs.get()
OK = (250, 251, 252)
CLOSING = 421
"""The server ends the connection now; whatever it was asked, that is no answer about a message."""
_ADDRESS = pattern(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_Step = Literal["sender", "recipient", "content"]
_PROGRESS: dict[_Step, Stage] = {"sender": "connection", "recipient": "recipient", "content": "content"}


# -- the server's address ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServerAddress:
    scheme: Literal["smtp", "smtps", "smtp+starttls"]
    host: str
    port: int
    user: str | None


def read_smtp_url(url: str) -> ServerAddress:
    """`smtp://host:port`, `smtps://user@host`, `smtp+starttls://user@host`; ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must be smtp://host:port, smtps://user@host or smtp+starttls://user@host")
    if parts.password is not None:
        raise ValueError("must not hold the password: that belongs in SMTP_PASSWORD_FILE")
    if parts.username and parts.scheme == "smtp":
        raise ValueError("would send the password in the clear: use smtps:// or smtp+starttls://")
    user = unquote(parts.username) if parts.username else None
    return ServerAddress(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], user)  # type: ignore[arg-type]


# -- the message -------------------------------------------------------------------------------------------------------


class AddressMalformed(Exception):  # noqa: N818 (what it is, not what happened)
    """No server could be asked to send to it."""


def wire_address(address: str) -> str:
    """The address in ASCII, with an internationalised domain encoded; AddressMalformed for what cannot be."""
    local, _, domain = address.rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        raise AddressMalformed from None
    if len(plain) > 254 or not _ADDRESS.fullmatch(plain):
        raise AddressMalformed
    return plain


@cache
def read_sender(text: str) -> tuple[str, str]:
    """`Một Cửa <mot-cua@x.vn>` or a bare address → (display name, address); ValueError for anything else."""
    name, address = parseaddr(text)
    try:
        return name, wire_address(address)
    except AddressMalformed:
        raise ValueError("must be an e-mail address, or a name with one in angle brackets") from None


def write_mail(rendered: Rendered, *, id: str, sender: str, to: str, language: str, at: datetime) -> bytes:
    """The message as it goes over the wire: plain text, with HTML beside it where there is some (RFC 5322, RFC 2046).

    `Message-ID` is made of the row's id alone, so that whoever gets a message twice can tell. It is written here and
    not by `email.generator`, which takes longer for it than the mail server.
    """
    name, address = read_sender(sender)
    headers = [
        "MIME-Version: 1.0",
        f"Subject: {_header('Subject', rendered.subject)}",
        f"From: {_from(name, address)}",
        f"To: {to}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{id}@{address.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        f"Content-Language: {language}",
    ]
    if rendered.unsubscribe is not None and rendered.unsubscribe.isascii():
        # RFC 2369, and RFC 8058 for the button of the mail program.
        headers += [
            f"List-Unsubscribe: <{rendered.unsubscribe}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        ]
    text = _part(rendered.text, "plain")
    if rendered.html is None:
        return _lines(*headers) + text
    # In what is quoted-printable, no line begins like that.
    boundary = f"=_{id}"
    start = f"\r\n--{boundary}\r\n".encode()
    return b"".join((
        _lines(*headers, f'Content-Type: multipart/alternative; boundary="{boundary}"'),
        start, text, start, _part(rendered.html, "html"), f"\r\n--{boundary}--\r\n".encode(),
    ))  # fmt: skip


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _part(text: str, subtype: str) -> bytes:
    head = _lines(f'Content-Type: text/{subtype}; charset="utf-8"', "Content-Transfer-Encoding: quoted-printable", "")
    # With their final line ends, lines are broken by the same ones.
    lines = "".join(f"{line}\r\n" for line in text.removesuffix("\n").split("\n"))
    return head + b2a_qp(lines.encode(), istext=True)


def _header(name: str, text: str) -> str:
    """Encoded whole. The newer policies of `email` fold long texts word by word and lose spaces (3.11)."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name=name).encode(linesep="\r\n", maxlinelen=78)


@cache
def _from(name: str, address: str) -> str:
    return formataddr((name, address))


# -- sending -----------------------------------------------------------------------------------------------------------


class MailServer:
    """`ca_file`: who vouches for the server besides those that the system trusts, in PEM. `timeout`: in seconds, for
    each word of the server's."""

    def __init__(self, url: str, password: str | None, *, timeout: float, ca_file: Path | None = None) -> None:
        self._url = url
        self._password = password
        self._timeout = timeout
        self._ca_file = ca_file

    def connect(self) -> "Session":
        """An open, secured and authenticated connection; raises Away."""
        address = read_smtp_url(self._url)
        smtp: SMTP | None = None
        try:
            smtp = self._open(address)
            smtp.ehlo_or_helo_if_needed()
            if address.scheme == "smtp+starttls":
                smtp.starttls(context=self._context)
                # What the server said before it was sure to be the server does not count any more.
                smtp.ehlo()
            if address.user is not None:
                smtp.login(address.user, self._password or "")
        except (SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise Away(_reason(error)) from None
        return Session(smtp)

    def _open(self, address: ServerAddress) -> SMTP:
        name = _own_name()
        if address.scheme == "smtps":
            return SMTP_SSL(
                address.host, address.port, local_hostname=name, timeout=self._timeout, context=self._context
            )
        return SMTP(address.host, address.port, local_hostname=name, timeout=self._timeout)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Made once: to read the authorities takes longer than a message. It checks certificate and name."""
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        return context


class Session:
    """An open connection, for one thread."""

    def __init__(self, smtp: SMTP) -> None:
        self._smtp = smtp
        self._left_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._smtp.quit()
        except (SMTPException, OSError):
            # Everything was answered by then.
            pass
        finally:
            self._smtp.close()

    def send(self, sender: str, to: str, content: bytes) -> Answer:
        """Sends one message; `sender` is where undeliverable ones come back to. Raises Away."""
        if self._left_over:
            # A refused message leaves its envelope behind.
            self._ask("sender", self._smtp.rset)
        self._left_over = True
        code, reply = self._ask("sender", lambda: self._smtp.mail(sender))
        if code not in OK:
            # It is we who are refused, and every other message would be as well.
            raise Away(f"sender_refused_{code}")
        code, reply = self._ask("recipient", lambda: self._smtp.rcpt(to))
        if code not in OK:
            return _answer(code, reply, to)
        code, reply = self._ask("content", lambda: self._content(content))
        self._left_over = code not in OK
        return _answer(code, reply, to)

    def _content(self, content: bytes) -> tuple[int, bytes]:
        try:
            return self._smtp.data(content)
        except SMTPDataError as error:
            return error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""

    def _ask(self, stage: _Step, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        try:
            code, reply = ask()
        except (SMTPException, OSError) as error:
            raise Away(f"{stage}_{_reason(error)}", _PROGRESS[stage]) from None
        if code == CLOSING:
            raise Away(f"{stage}_closing", _PROGRESS[stage])
        return code, reply


class MailLine:
    """A session as a courier uses it: message after message."""

    def __init__(self, session: Session, templates: Templates, mail_from: str) -> None:
        self._session = session
        self._templates = templates
        self._mail_from = mail_from

    def send(self, rows: Sequence[Message]) -> list[Answer]:
        return [self._send(message) for message in rows]

    def _send(self, message: Message) -> Answer:
        try:
            to = wire_address(message.to)
            rendered = self._templates.render(message)
            content = write_mail(
                rendered, id=message.id, sender=self._mail_from, to=to,
                language=message.language, at=message.created_at,
            )  # fmt: skip
        except AddressMalformed:
            return Refused("address_malformed")
        except TemplateBroken as error:
            # A mended template comes with the next deployment; until then the others must not wait.
            log.error("template_broken", message=message.id, template=message.template, reason=str(error))
            return Deferred("template_broken", ours=True)
        answer = self._session.send(read_sender(self._mail_from)[1], to, content)
        if isinstance(answer, Accepted):
            return replace(answer, noted={"template_version": rendered.version})
        return answer


class MailOutlet:
    """The mail server as an outlet, a connection for a batch. `name`: its own where there are several."""

    lot = 1

    def __init__(self, server: MailServer, templates: Templates, *, mail_from: str, name: str = "email") -> None:
        self.name = name
        self._server = server
        self._templates = templates
        self._mail_from = mail_from

    @contextmanager
    def open(self) -> Iterator[MailLine]:
        with self._server.connect() as session:
            yield MailLine(session, self._templates, self._mail_from)

    def news(self, row: Message, at: datetime) -> Events:
        return news(row, at)


def _answer(code: int, reply: bytes, to: str) -> Answer:
    text = f"{code} {reply.decode('utf-8', 'replace')}".replace(to, "<…>")[:200]
    if code in OK:
        return Accepted(text)
    return Refused(text) if code >= 500 else Deferred(text)


def _reason(error: Exception) -> str:
    if isinstance(error, SMTPAuthenticationError):
        return f"login_refused_{error.smtp_code}"
    if isinstance(error, SMTPNotSupportedError):
        return "not_supported"
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


@cache
def _own_name() -> str:
    """For EHLO. It is looked up once, since where DNS is away each time takes many seconds."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
