"""TCP ports on the loopback interface."""

import http.client
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Self

import psutil

from native.children import NativeError

FIRST_FREE, LAST_FREE = 20_000, 32_000


def _port(default: int, what: str, count: int = 1) -> int:
    number: int = field(default=default, metadata={"what": what, "count": count})
    return number


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of `./run`, each changed by a variable: MOTCUA_MONGO_PORT for `mongo` and so on.

    `web` and `health` are the first of five in a row, in the services' order.
    """

    gateway: int = _port(8080, "the gateway")
    web: int = _port(8001, "the services", 5)
    health: int = _port(8101, "the workers' health", 5)
    mongo: int = _port(27017, "MongoDB")
    amqp: int = _port(5672, "RabbitMQ")
    management: int = _port(15672, "RabbitMQ's management API")
    dist: int = _port(25672, "RabbitMQ's Erlang distribution")
    smtp: int = _port(1025, "the catcher of e-mails")

    @classmethod
    def read(cls, environ: Mapping[str, str], gateway: str | None = None) -> Self:
        """The ports of the environment; `gateway`, the option --port, goes before its variable. Raises NativeError."""
        texts = {item.name: environ.get(variable(item.name)) for item in fields(cls)}
        texts["gateway"] = gateway or texts["gateway"]
        for name, text in texts.items():
            if text and not (text.isdecimal() and 1 <= int(text) <= 65_530):
                raise NativeError(f"{way_to_choose(name)} must be given a port number, not {text!r}.")
        ports = cls(**{name: int(text) for name, text in texts.items() if text})
        owners: dict[int, str] = {}
        for item, port in ports._each():
            if port in owners:
                one, other = way_to_choose(owners[port]), way_to_choose(item.name)
                raise NativeError(f"Port {port} was chosen twice: by {one}, and by {other}.")
            owners[port] = item.name
        return ports

    def busy(self) -> Iterator[str]:
        """A sentence for every port that something else listens on."""
        for item, port in self._each():
            if not is_free(port):
                who, how = holder(port) or "another process", way_to_choose(item.name)
                what = item.metadata["what"]
                yield f"Port {port}, meant for {what}, is taken by {who}: end that, or choose another port with {how}."

    def _each(self) -> Iterator[tuple[Field[Any], int]]:
        for item in fields(self):
            first: int = getattr(self, item.name)
            yield from ((item, port) for port in range(first, first + item.metadata["count"]))


def variable(name: str) -> str:
    return f"MOTCUA_{name.upper()}_PORT"


def way_to_choose(name: str) -> str:
    return f"--port or {variable(name)}" if name == "gateway" else variable(name)


def free_port() -> int:
    """A port that nothing listens on now. Another process may take it before the caller does, but no connection will:
    it lies below those that systems give out, so a server that restarts finds its port free."""
    while True:
        port = FIRST_FREE + secrets.randbelow(LAST_FREE - FIRST_FREE + 1)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A server that just stopped leaves connections in TIME_WAIT, which do not stop the next one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def holder(port: int) -> str | None:
    """The process that listens on the port, as `name (pid N)`; None when it may not be seen."""
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        pids = [c.pid for c in listening if c.pid and getattr(c.laddr, "port", None) == port]
        return f"{psutil.Process(pids[0]).name()} (pid {pids[0]})" if pids else None
    except psutil.Error:
        return None


def http_status(port: int, path: str) -> int | None:
    """What a GET is answered with; None when there is no answer. Proxies of the environment have no say in this."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
