"""The virus scanner clamd over its socket, by its command INSTREAM (clamd(8)): the content is sent, never a path."""

import re
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chassis.worker import Away

_REPLY = re.compile(r"^stream: (?:(?P<threat>.{1,300}) FOUND|(?P<clean>OK))$")
MOST_REPLY = 4096


class ClamdAway(Away):
    """It cannot be reached, hung up, or could not scan this time. `reason` holds nothing of the file."""


class Clamd:
    """`address`: `host:port`, or the path of a Unix socket."""

    def __init__(self, address: str, *, timeout: float) -> None:
        self._address = address
        self._timeout = timeout

    def version(self) -> str:
        """The program's and the signatures' versions. Raises ClamdAway."""
        with self._connected() as connection:
            connection.sendall(b"zVERSION\0")
            return _read(connection)

    def scan(self, pieces: Iterable[bytes]) -> str | None:
        """The name of what was found in the content, None when it is clean. Raises ClamdAway."""
        with self._connected() as connection:
            try:
                connection.sendall(b"zINSTREAM\0")
                for piece in pieces:
                    if piece:
                        connection.sendall(struct.pack("!L", len(piece)) + piece)
                connection.sendall(struct.pack("!L", 0))
            except (BrokenPipeError, ConnectionResetError):
                # It stopped listening, and its reply says why: more than its StreamMaxLength, usually.
                pass
            reply = _read(connection)
        matched = _REPLY.match(reply)
        if matched is None:
            raise ClamdAway("size_limit" if "size limit" in reply else "scan_failed")
        return matched["threat"]

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        try:
            with self._connection() as connection:
                yield connection
        except OSError as error:
            raise ClamdAway(type(error).__name__) from None

    def _connection(self) -> socket.socket:
        if self._address.startswith("/"):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._timeout)
            try:
                connection.connect(self._address)
            except BaseException:
                connection.close()
                raise
            return connection
        host, _, port = self._address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), self._timeout)


def _read(connection: socket.socket) -> str:
    """A reply, which ends with a zero byte."""
    reply = b""
    while not reply.endswith(b"\0") and len(reply) < MOST_REPLY:
        more = connection.recv(MOST_REPLY)
        if not more:
            break
        reply += more
    if not reply:
        raise ClamdAway("hung_up")
    return reply.rstrip(b"\0\n").decode(errors="replace")
