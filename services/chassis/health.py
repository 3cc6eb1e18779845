"""`python -m chassis.health URL`: exit status 0 when the URL answers with success, else 1. For health checks.

It is started every few seconds in every container, so it speaks HTTP over a bare socket: the standard library's client
takes twice as long to import as Python takes to start.
"""

import socket
import sys
from collections.abc import Sequence

TIMEOUT_SECONDS = 4


def healthy(url: str) -> bool:
    """True when `http://HOST:PORT/PATH` answers 2xx within the timeout."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    try:
        with socket.create_connection((name, int(port or 80)), TIMEOUT_SECONDS) as connection:
            connection.sendall(f"GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            words = connection.makefile("rb").readline(100).split()
    except OSError:
        return False
    return len(words) > 1 and words[1].startswith(b"2")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1:
        print("usage: health URL", file=sys.stderr)
        return 2
    return 0 if healthy(arguments[0]) else 1


if __name__ == "__main__":
    sys.exit(main())
