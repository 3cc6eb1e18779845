"""Which addresses a webhook may have. An office says where its events go, so it must not be able to say: to a server
that only we can reach (server-side request forgery). A host's addresses are looked at when the webhook is made and each
time that it is connected to; what is connected to is an address that was looked at, whatever the name says by then.
"""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from chassis.errors import FieldError
from notify.webhooks.domain import WebhookInvalid

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
LONGEST = 500
_SCHEMES = {"https": 443, "http": 80}
_WRAPPING = tuple(ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
"""IPv6 that stands for IPv4 addresses (NAT64, 6to4, Teredo, IPv4-compatible): where it ends, is not ours to say."""

_UNKNOWN = "host_unknown"
_WORDS = {
    "not_a_url": "must be an absolute URL of at most 500 characters, without blanks",
    "not_https": "must begin with https://",
    "userinfo_or_fragment": "must have neither a user nor a fragment",
    "port_not_allowed": "must have a port that is allowed",
    "address_not_allowed": "must name a public host, or one in a network that is allowed",
}


class AddressRefused(Exception):  # noqa: N818 (what happened to it)
    """`reason` is a word: nothing is connected to."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart. `host` is ASCII; `path` with its query."""

    tls: bool
    host: str
    port: int
    path: str


def resolve(host: str, port: int) -> Sequence[str]:
    """The host's addresses, as the system knows them; OSError when it knows none."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class Guard:
    """`networks`: addresses that are allowed though they are not public ones, for a province has systems of its own.
    `http`: also without TLS, on any port: for tests and development."""

    def __init__(
        self, *, ports: Sequence[int], networks: Sequence[Network] = (), http: bool = False, resolve: Resolve = resolve
    ) -> None:
        self._ports = tuple(ports)
        self._networks = tuple(networks)
        self._http = http
        self._resolve = resolve

    def target(self, url: str) -> Target:
        """Takes a URL apart, or raises AddressRefused; it asks nobody."""
        if len(url) > LONGEST or not url.isprintable() or any(c in url for c in ' "<>\\^`{|}'):
            raise AddressRefused("not_a_url")
        try:
            parts = urlsplit(url)
            port = parts.port
            host = _ascii(parts.hostname or "")
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            path.encode("ascii")
        except ValueError:
            raise AddressRefused("not_a_url") from None
        if parts.scheme not in _SCHEMES or not host:
            raise AddressRefused("not_a_url")
        if parts.scheme == "http" and not self._http:
            raise AddressRefused("not_https")
        if "@" in parts.netloc or parts.fragment:
            raise AddressRefused("userinfo_or_fragment")
        port = _SCHEMES[parts.scheme] if port is None else port
        if port not in self._ports and not self._http:
            raise AddressRefused("port_not_allowed")
        return Target(tls=parts.scheme == "https", host=host, port=port, path=path)

    def addresses(self, target: Target) -> Sequence[str]:
        """The host's addresses, all of which may be connected to; raises AddressRefused."""
        try:
            found = self._resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise AddressRefused(_UNKNOWN) from None
        if not found or not all(self._may_be(address) for address in found):
            raise AddressRefused("address_not_allowed" if found else _UNKNOWN)
        return found

    def check(self, url: str) -> None:
        """Raises WebhookInvalid unless this can be a webhook's address. A name that nobody knows here may be one: where
        a web process runs, names may not be told; whoever connects looks again."""
        try:
            self.addresses(self.target(url))
        except AddressRefused as refused:
            if refused.reason == _UNKNOWN:
                return
            raise WebhookInvalid("the address cannot be a webhook's", errors=[wrong_url(refused.reason)]) from None

    def connect(self, target: Target, timeout: float) -> socket.socket:
        """A connection to one of the addresses that were looked at. Raises AddressRefused, OSError."""
        failed: OSError | None = None
        for address in self.addresses(target):
            try:
                return socket.create_connection((address, target.port), timeout)
            except OSError as error:
                failed = error
        raise failed or OSError("no address")

    def _may_be(self, text: str) -> bool:
        try:
            address: Address = ip_address(text)
        except ValueError:
            # An address of a link carries the link's name.
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        if any(address.version == network.version and address in network for network in _WRAPPING):
            return False
        return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def read_networks(text: str) -> tuple[Network, ...]:
    """`10.1.0.0/16,fd00::/8`; ValueError for anything else."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def read_ports(text: str) -> tuple[int, ...]:
    """`443,8443`; ValueError for anything else."""
    ports = tuple(int(part) for part in text.split(","))
    if not all(0 < port <= 65535 for port in ports):
        raise ValueError("a port is from 1 to 65535")
    return ports


def wrong_url(reason: str) -> FieldError:
    return FieldError("/url", reason, _WORDS[reason])


def _ascii(host: str) -> str:
    with suppress(UnicodeError):
        return host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode()
    raise ValueError("not a host")
