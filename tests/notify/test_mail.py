"""E-mails as they go over the wire, and what mail servers answer."""

import datetime as dt
import socket
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from native.ports import free_port
from notify.channels import mail
from notify.channels.mail import AddressMalformed, MailServer, ServerAddress
from notify.outlets import Accepted, Away, Deferred, Refused
from notify.templates import Rendered
from tests.notify.mail_server import Mailbox, Silence

AT = dt.datetime(2026, 11, 20, 1, 30, tzinfo=dt.UTC)
SENDER = "Một Cửa <mot-cua@thanhhoa.example>"
LONG_NAME = "Thủ tục đăng ký thành lập công ty trách nhiệm hữu hạn một thành viên có vốn đầu tư nước ngoài " * 3


def written(rendered: Rendered) -> tuple[bytes, EmailMessage]:
    raw = mail.write_mail(rendered, id="m1", sender=SENDER, to="hoa@example.vn", language="vi", at=AT)
    return raw, message_from_bytes(raw, policy=policy.default)


def content(message: EmailMessage) -> str:
    """As a mail program shows it: lines end with a line feed, the last one too."""
    return str(message.get_content()).replace("\r\n", "\n").removesuffix("\n") + "\n"


def test_vietnamese_can_be_read_in_the_raw_message() -> None:
    raw, message = written(Rendered("Hồ sơ đã được tiếp nhận", "Kính gửi: Đỗ Thị Hoa\n.\n", "<p>Đỗ Thị Hoa</p>"))
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert message["Subject"] == "Hồ sơ đã được tiếp nhận"
    assert message["From"] == SENDER
    assert message["To"] == "hoa@example.vn"
    assert message["Message-ID"] == "<m1@thanhhoa.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == AT
    assert message["Content-Language"] == "vi"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text, html = (cast(EmailMessage, part) for part in message.iter_parts())
    assert content(text) == "Kính gửi: Đỗ Thị Hoa\n.\n"
    assert content(html) == "<p>Đỗ Thị Hoa</p>\n"


@pytest.mark.parametrize("html", [None, "<p>Đã có kết quả</p>"])
def test_the_same_message_is_the_same_bytes(html: str | None) -> None:
    rendered = Rendered("Hồ sơ", "Đã có kết quả\n", html)
    assert written(rendered)[0] == written(rendered)[0]


def test_no_text_ends_a_part() -> None:
    text = "--=_m1\n--=_m1--\n=_m1 \n\n.\nFrom hoa\n"
    _, message = written(Rendered("x", text, text))
    plain, html = (cast(EmailMessage, part) for part in message.iter_parts())
    assert content(plain) == content(html) == text


def test_a_mail_that_may_be_opted_out_of_says_where() -> None:
    choices = "https://motcua.thanhhoa.example/thong-bao/tuy-chon?k=abc"
    _, message = written(Rendered("x", "x", None, unsubscribe=choices))
    assert message["List-Unsubscribe"] == f"<{choices}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    _, obligatory = written(Rendered("x", "x", None))
    assert "List-Unsubscribe" not in obligatory
    raw, _ = written(Rendered("x", "x", None, unsubscribe="https://đ.example/"))
    assert raw.isascii()


words = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co"]))


@settings(deadline=None)
@given(st.one_of(words, words.map(lambda text: f"{LONG_NAME}{text}")))
def test_no_subject_loses_a_space(text: str) -> None:
    subject = " ".join(text.split())
    raw, message = written(Rendered(subject, "x", None))
    assert message["Subject"] == subject
    assert len(message.keys()) == len(set(message.keys())) == 10
    assert raw.isascii()


@settings(deadline=None)
@given(words, st.lists(words))
def test_no_body_loses_a_letter(first: str, more: list[str]) -> None:
    text = "\n".join([first, *more]) + "\n"
    _, message = written(Rendered("x", text, None))
    assert content(message) == text


@pytest.mark.parametrize(
    ("address", "wire"),
    [("hoa@example.vn", "hoa@example.vn"), ("o'b+tag@x.vn", "o'b+tag@x.vn"), ("a@bücher.vn", "a@xn--bcher-kva.vn")],
)
def test_wire_address(address: str, wire: str) -> None:
    assert mail.wire_address(address) == wire


@pytest.mark.parametrize(
    "address",
    [
        "", "hoa", "@x.vn", "hoa@", "hoa@x..vn", "hoa@x.vn\r\nBcc: all@x.vn", "a b@x.vn", "hoa@x.vn>", "đỗ@x.vn",
        "<a@x.vn>", "a@b@x.vn", "a,b@x.vn", "hoa@x.vn\n", f"{'a' * 65}@x.vn", f"a@{'x.' * 150}vn",
    ],
)  # fmt: skip
def test_an_address_that_nothing_can_be_sent_to(address: str) -> None:
    with pytest.raises(AddressMalformed):
        mail.wire_address(address)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("smtp://127.0.0.1:1025", ServerAddress("smtp", "127.0.0.1", 1025, None)),
        ("smtp://relay", ServerAddress("smtp", "relay", 25, None)),
        ("smtps://mot-cua%40x.vn@mail.x.vn", ServerAddress("smtps", "mail.x.vn", 465, "mot-cua@x.vn")),
        ("smtp+starttls://motcua@mail.x.vn/", ServerAddress("smtp+starttls", "mail.x.vn", 587, "motcua")),
    ],
)
def test_a_servers_address(url: str, address: ServerAddress) -> None:
    assert mail.read_smtp_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.x.vn",
        "http://x.vn",
        "smtp://",
        "smtp://x.vn/path",
        "smtps://u:secret@x.vn",
        "smtp://u@x.vn",
        "smtp://x:y",
    ],
)
def test_what_is_no_servers_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        mail.read_smtp_url(url)


def test_many_messages_over_one_connection(mailbox: Mailbox) -> None:
    with MailServer(mailbox.url, None, timeout=5).connect() as session:
        for n in range(3):
            content = mail.write_mail(
                Rendered("x", f"{n}", None), id=f"m{n}", sender=SENDER, to="a@x.vn", language="vi", at=AT
            )
            assert isinstance(session.send("mot-cua@thanhhoa.example", f"a{n}@x.vn", content), Accepted)
    assert mailbox.recipients == ["a0@x.vn", "a1@x.vn", "a2@x.vn"]
    assert mailbox.senders == ["mot-cua@thanhhoa.example"] * 3
    assert mailbox.connections == 1


def test_each_answer_has_its_name_and_names_nobody(mailbox: Mailbox) -> None:
    mailbox.answers = {"no@x.vn": ["550 5.1.1 <no@x.vn> unknown"], "later@x.vn": ["451 4.7.1 greylisted"]}
    with MailServer(mailbox.url, None, timeout=5).connect() as session:
        assert session.send("s@x.vn", "no@x.vn", b"x\r\n") == Refused("550 5.1.1 <<…>> unknown")
        assert session.send("s@x.vn", "later@x.vn", b"x\r\n") == Deferred("451 4.7.1 greylisted")
        mailbox.answer_to_content = lambda: "554 5.7.1 content refused"
        assert session.send("s@x.vn", "a@x.vn", b"x\r\n") == Refused("554 5.7.1 content refused")
        mailbox.answer_to_content = lambda: "452 4.3.1 full"
        assert session.send("s@x.vn", "a@x.vn", b"x\r\n") == Deferred("452 4.3.1 full")
        mailbox.answer_to_content = lambda: "250 OK"
        assert isinstance(session.send("s@x.vn", "a@x.vn", b"x\r\n"), Accepted)
    assert mailbox.recipients == ["a@x.vn"]


@pytest.mark.parametrize("answer", ["530 5.7.0 log in first", "451 try later", "421 closing"])
def test_a_sender_that_is_refused_is_no_messages_fault(mailbox: Mailbox, answer: str) -> None:
    mailbox.answers = {"MAIL": [answer]}
    with MailServer(mailbox.url, None, timeout=5).connect() as session, pytest.raises(Away) as raised:
        session.send("s@x.vn", "a@x.vn", b"x\r\n")
    assert raised.value.stage == "connection"


def test_nobody_there() -> None:
    with pytest.raises(Away, match="ConnectionRefusedError"):
        MailServer(f"smtp://127.0.0.1:{free_port()}", None, timeout=5).connect()


def test_a_server_that_says_nothing() -> None:
    with Silence() as silence, pytest.raises(Away):
        MailServer(silence.url, None, timeout=0.2).connect()


def test_a_server_that_does_not_even_take_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), pytest.raises(Away, match="timeout"):
            MailServer(f"smtp://127.0.0.1:{port}", None, timeout=0.2).connect()


def test_after_a_refused_message_the_next_one_begins_anew(mailbox: Mailbox) -> None:
    """A server keeps an envelope until it is told to forget it, or has taken the message."""
    mailbox.answers = {"no@x.vn": ["550 unknown"]}
    with MailServer(mailbox.url, None, timeout=5).connect() as session:
        assert isinstance(session.send("s@x.vn", "a@x.vn", b"x\r\n"), Accepted)
        assert isinstance(session.send("s@x.vn", "no@x.vn", b"x\r\n"), Refused)
        mailbox.answer_to_content = lambda: "554 no"
        assert isinstance(session.send("s@x.vn", "b@x.vn", b"x\r\n"), Refused)
        mailbox.answer_to_content = lambda: "250 OK"
        assert isinstance(session.send("s@x.vn", "c@x.vn", b"x\r\n"), Accepted)
    assert mailbox.recipients == ["a@x.vn", "c@x.vn"]


def test_a_server_without_starttls_is_told_nothing(mailbox: Mailbox) -> None:
    url = mailbox.url.replace("smtp://", "smtp+starttls://motcua@")
    with pytest.raises(Away, match="not_supported"):
        MailServer(url, "secret", timeout=5).connect()


# -- with TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for localhost that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + certificate.public_bytes(encoding))
    return path


@pytest.fixture
def starttls(certificate: Path) -> Mailbox:
    """A server that takes mail over TLS only, and only from `motcua` with the password `right`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def check(*arguments: object) -> AuthResult:
        given = cast(LoginPassword, arguments[-1])
        return AuthResult(success=given == LoginPassword(b"motcua", b"right"), handled=False)

    return Mailbox(tls_context=context, require_starttls=True, authenticator=check, auth_required=True)


def secured(mailbox: Mailbox) -> str:
    return mailbox.url.replace("smtp://127.0.0.1", "smtp+starttls://motcua@localhost")


def test_starttls_and_login(starttls: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with starttls, MailServer(secured(starttls), "right", timeout=5).connect() as session:
        assert isinstance(session.send("s@x.vn", "a@x.vn", b"x\r\n"), Accepted)
    assert starttls.recipients == ["a@x.vn"]


def test_a_server_that_only_our_own_authorities_vouch_for(starttls: Mailbox, certificate: Path) -> None:
    with starttls, MailServer(secured(starttls), "right", timeout=5, ca_file=certificate).connect() as session:
        assert isinstance(session.send("s@x.vn", "a@x.vn", b"x\r\n"), Accepted)


def test_a_server_under_another_name_gets_no_password(starttls: Mailbox, certificate: Path) -> None:
    url = secured(starttls).replace("localhost", "127.0.0.1")
    with starttls, pytest.raises(Away, match="SSLCertVerificationError"):
        MailServer(url, "right", timeout=5, ca_file=certificate).connect()


def test_a_wrong_password(starttls: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with starttls, pytest.raises(Away, match="login_refused_535"):
        MailServer(secured(starttls), "wrong", timeout=5).connect()


def test_a_server_that_nobody_vouches_for_gets_no_password(starttls: Mailbox) -> None:
    with starttls, pytest.raises(Away, match="SSLCertVerificationError"):
        MailServer(secured(starttls), "right", timeout=5).connect()


def test_smtps(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with Mailbox(ssl_context=context) as mailbox:
        url = mailbox.url.replace("smtp://127.0.0.1", "smtps://localhost")
        with MailServer(url, None, timeout=5).connect() as session:
            assert isinstance(session.send("s@x.vn", "a@x.vn", b"x\r\n"), Accepted)
    assert mailbox.recipients == ["a@x.vn"]
