"""An SMTP server that delivers nothing: each message becomes a file that can be opened with a mail program.

`python -m native.mail --port 1025 --directory .run/mail`
"""

import argparse
import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Catcher:
    """Writes every message to a new `.eml` file in the directory; their names sort by time of arrival."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's word)
        self._count += 1
        content = envelope.original_content or b""
        path = self._directory / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{self._count:06}.eml"
        # Whoever watches the directory sees whole messages only.
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.rename(path)
        return "250 OK"


async def serve(port: int, directory: Path) -> None:
    """Until SIGTERM or SIGINT."""
    directory.mkdir(parents=True, exist_ok=True)
    catcher = Catcher(directory)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: SMTP(catcher, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    async with server:
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m native.mail", description="Catches e-mails into files.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.directory))


if __name__ == "__main__":
    main()
