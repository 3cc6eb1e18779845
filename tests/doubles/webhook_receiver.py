"""A double of an office's own software that is told by webhooks: a real HTTP or HTTPS server that checks what it is
sent by Standard Webhooks, remembers it, and can be as wrong as a real one can: see `Fault`.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.doubles.serving import Answering, Listening

SECRET = "whsec_" + base64.b64encode(b"bi mat cua van phong mot cua").decode()


class Fault(StrEnum):
    """`hang`: it takes the request and says nothing. `dripping`: a byte of its answer now and then, so that no socket
    times out. `garbage`: no HTTP. `endless`: a body without end. `taken`: it takes what it is sent, and hangs up."""

    HANG = "hang"
    DRIPPING = "dripping"
    GARBAGE = "garbage"
    ENDLESS = "endless"
    TAKEN = "taken"
    ERROR = "500"
    BUSY = "503"
    UNKNOWN = "404"
    GONE = "410"
    REDIRECT = "302"


@dataclass(frozen=True)
class Taken:
    id: str
    timestamp: int
    event: dict[str, Any]
    body: bytes
    headers: dict[str, str]


class Receiver(Listening):
    """`secret`: what it knows; what is not signed with it is answered 401. `fault`: what is wrong with it. `taken`:
    what it took, by order of arrival; `asked`: how many requests came. `before`: called with each request."""

    def __init__(self, port: int = 0, *, tls: tuple[Path, Path] | None = None) -> None:
        super().__init__(_Handler, port)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.secret = SECRET
        self.fault: Fault | None = None
        self.slow = 0.0
        self.taken: list[Taken] = []
        self.asked = 0
        self.wrong: list[str] = []
        self.connections = 0
        self.before: Callable[[], object] = lambda: None
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}/su-kien?nguon=mot-cua"

    @property
    def ids(self) -> list[str]:
        return [taken.id for taken in self.taken]

    @property
    def times(self) -> Counter[str]:
        """How often each id was taken."""
        return Counter(self.ids)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(Answering):
    server: Receiver

    def on_post(self) -> None:
        server = self.server
        server.asked += 1
        body = self.sent()
        server.before()
        if wrong := self._wrong(body):
            server.wrong.append(wrong)
            self.answer(401, wrong.encode())
        elif server.fault in (None, Fault.TAKEN):
            server.over.wait(server.slow)
            found = {name.lower(): value for name, value in self.headers.items()}
            server.taken.append(
                Taken(found["webhook-id"], int(found["webhook-timestamp"]), json.loads(body), body, found)
            )
            if server.fault is Fault.TAKEN:
                self.close_connection = True
                self.connection.close()
                return
            self.answer(202, b'{"nhan": "da nhan"}')
        else:
            self._fail(server.fault)

    def _wrong(self, body: bytes) -> str | None:
        """What is not as Standard Webhooks has it; the signature is computed here anew."""
        id, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signatures = (self.headers["webhook-signature"] or "").split(" ")
        if not id or not (timestamp or "").isdigit() or not signatures[0]:
            return "headers"
        if self.headers["Content-Type"] != "application/cloudevents+json; charset=utf-8":
            return "content_type"
        key = base64.b64decode(self.server.secret.removeprefix("whsec_"))
        expected = hmac.new(key, b".".join([id.encode(), timestamp.encode(), body]), hashlib.sha256).digest()
        given = [base64.b64decode(each.removeprefix("v1,")) for each in signatures if each.startswith("v1,")]
        return None if any(hmac.compare_digest(expected, each) for each in given) else "signature"

    def _fail(self, fault: Fault | None) -> None:
        self.close_connection = True
        if fault is Fault.HANG:
            self.server.over.wait(30)
        elif fault is Fault.DRIPPING:
            while not self.server.over.wait(0.05):
                self.wfile.write(b"H")
                self.wfile.flush()
        elif fault is Fault.GARBAGE:
            self.wfile.write(b"\x00\x01 khong phai HTTP\r\n\r\n")
        elif fault is Fault.ENDLESS:
            self.pour(b"x" * 4096, self.server.over)
        elif fault is not None:
            self.answer(int(fault.value), f"loi {fault.value}".encode(), Location="http://127.0.0.1:1/")


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate that nobody vouches for but itself, for this address or name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{host}.pem", folder / f"{host}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
