"""Where a webhook may lead to: not to what only we can reach, whatever its name, and whatever the name says later."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notify.webhooks import outlet
from notify.webhooks.addresses import AddressRefused, Guard, read_networks
from notify.webhooks.domain import WebhookInvalid
from notify.webhooks.outlet import NoReply, Sender
from tests.doubles.webhook_receiver import Fault, Receiver, certificate
from tests.notify.webhook_parts import LOCAL

PUBLIC = Guard(ports=(443, 8443))


def answering(*addresses: str) -> Any:
    return lambda _host, _port: list(addresses)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://office.example/", "not_https"),
        ("ftp://office.example/", "not_a_url"),
        ("https:///path", "not_a_url"),
        ("office.example", "not_a_url"),
        ("https://office.example:22/", "port_not_allowed"),
        ("https://office.example:99999/", "not_a_url"),
        ("https://office.example:x/", "not_a_url"),
        ("https://user:word@office.example/", "userinfo_or_fragment"),
        ("https://@office.example/", "userinfo_or_fragment"),
        ("https://office.example/#here", "userinfo_or_fragment"),
        ("https://office.example/a b", "not_a_url"),
        ("https://office.example/\r\nX-Evil: 1", "not_a_url"),
        ("https://office.example\\@127.0.0.1/", "not_a_url"),
        ("https://office.example/đường", "not_a_url"),
        ("https://[fe80::1%25eth0]/", "address_not_allowed"),
        ("https://[::1/", "not_a_url"),
        ("https://office.example/" + "x" * 500, "not_a_url"),
    ],
)
def test_what_is_no_address(url: str, reason: str) -> None:
    guard = Guard(ports=(443, 8443), resolve=_resolved)
    with pytest.raises(WebhookInvalid) as error:
        guard.check(url)
    assert [(wrong.pointer, wrong.code) for wrong in error.value.errors] == [("/url", reason)]


def _resolved(host: str, _port: int) -> list[str]:
    return [host] if ":" in host else ["93.184.216.34"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "10.0.0.1", "172.16.3.4",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[fc00::1]", "[fe80::1]", "[ff02::1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]", "[::127.0.0.1]", "[2001:db8::1]",
    ],
)  # fmt: skip
def test_what_only_we_can_reach_is_refused_as_the_system_resolves_it(host: str) -> None:
    with pytest.raises(AddressRefused):
        PUBLIC.addresses(PUBLIC.target(f"https://{host}/"))


def test_a_name_that_nobody_knows_is_looked_at_again_before_it_is_connected_to() -> None:
    def nobody_knows(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    guard = Guard(ports=(443,), resolve=nobody_knows)
    guard.check("https://office.example/")
    with pytest.raises(AddressRefused, match="host_unknown"):
        guard.connect(guard.target("https://office.example/"), 1)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::6810:84e5"])
def test_public_addresses_are_not(address: str) -> None:
    guard = Guard(ports=(443,), resolve=answering(address))
    assert guard.addresses(guard.target("https://office.example/")) == [address]


def test_one_bad_address_spoils_a_name() -> None:
    guard = Guard(ports=(443,), resolve=answering("93.184.216.34", "10.0.0.1"))
    with pytest.raises(AddressRefused, match="address_not_allowed"):
        guard.addresses(guard.target("https://office.example/"))


def test_a_provinces_own_networks_can_be_allowed() -> None:
    guard = Guard(ports=(443,), networks=read_networks("10.1.0.0/16, fd00:1::/32"), resolve=answering("10.1.2.3"))
    guard.check("https://office.example/")
    for address in ("10.2.0.1", "fd00:2::1", "127.0.0.1"):
        with pytest.raises(WebhookInvalid):
            Guard(ports=(443,), networks=read_networks("10.1.0.0/16"), resolve=answering(address)).check("https://x/")


@pytest.fixture
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A server of ours that nobody outside should reach; what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(b"connected")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        over.set()
        thread.join()


def test_a_name_that_leads_elsewhere_after_it_was_looked_at_is_not_followed(
    listening: tuple[int, list[bytes]],
) -> None:
    port, heard = listening
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    guard = Guard(ports=(port,), resolve=lambda _host, _port: next(answers))
    url = f"https://rebinding.example:{port}/"
    guard.check(url)
    with Sender(guard, timeout=1).connection(url) as connection, pytest.raises(NoReply) as error:
        connection.post({}, b"{}")
    assert (error.value.reason, error.value.sent) == ("address_not_allowed", False)
    assert heard == []


def test_what_is_connected_to_is_the_address_that_was_looked_at() -> None:
    """The name is asked for once a connection, and the connection goes to what that answered."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Receiver() as receiver:
        receiver.fault = Fault.UNKNOWN
        guard = Guard(ports=(443,), networks=read_networks(LOCAL), http=True, resolve=resolve)
        url = f"http://office.invalid:{receiver.server_port}/"
        with Sender(guard, timeout=1).connection(url) as connection:
            assert connection.post({"webhook-id": "1"}, b"{}").status == 401
        assert receiver.asked == 1
    assert asked == ["office.invalid"]


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, listening: tuple[int, list[bytes]]) -> None:
    port, heard = listening
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    with Receiver() as receiver:
        guard = Guard(ports=(443,), networks=read_networks(LOCAL), http=True)
        with Sender(guard, timeout=1).connection(receiver.url) as connection:
            assert connection.post({}, b"{}").status == 401
    assert heard == []


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [("127.0.0.1", True, None), ("127.0.0.1", False, "certificate_not_trusted"),
     ("elsewhere.example", True, "certificate_not_trusted")],
)  # fmt: skip
def test_certificates_are_checked(tmp_path: Path, host: str, trusted: bool, reason: str | None) -> None:
    files = certificate(tmp_path, host)
    with Receiver(tls=files) as receiver:
        guard = Guard(ports=(receiver.server_port,), networks=read_networks(LOCAL))
        sender = Sender(guard, timeout=2, ca_file=files[0] if trusted else None)
        with sender.connection(receiver.url) as connection:
            if reason is None:
                assert connection.post({}, b"{}").status == 401
                return
            with pytest.raises(NoReply) as error:
                connection.post({}, b"{}")
    assert (error.value.reason, error.value.sent, receiver.asked) == (reason, False, 0)


def test_a_handshake_that_never_ends_does(listening: tuple[int, list[bytes]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        guard = Guard(ports=(silent.getsockname()[1],), networks=read_networks(LOCAL))
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        with Sender(guard, timeout=0.3).connection(url) as connection, pytest.raises(NoReply) as error:
            connection.post({}, b"{}")
    assert (error.value.reason, error.value.sent) == ("timeout", False)


def test_a_connection_that_was_kept_and_closed_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(ports=(443,), networks=read_networks(LOCAL), http=True)
    with Receiver() as receiver, Sender(guard, timeout=1).connection(receiver.url) as connection:
        assert connection.post({}, b"{}").status == 401
        assert receiver.connections == 1
        assert connection.post({}, b"{}").status == 401
        assert receiver.connections == 1
        receiver.stop()
        with Receiver(receiver.server_port) as again:
            kept = connection._open
            assert kept is not None
            kept.sock.shutdown(socket.SHUT_RDWR)
            assert connection.post({}, b"{}").status == 401
            assert again.asked == 1
    assert outlet.MOST_BYTES == 4096
