"""A monitoring system that follows the RabbitMQ stream `motcua.feed` with pika: `python -m clients.monitor --help`.

It can be stopped, killed and started at any time. It goes on behind the last entry that it saved, drops what comes
twice, and fetches over HTTP what the stream does not have any more, so that its totals are those of the province's
store.
"""

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pika
from pika.exceptions import AMQPError

from clients.feed import Feed
from clients.totals import Totals, tell

STREAM = "motcua.feed"
BATCH = 200
IDLE_SECONDS = 0.5
RETRY_SECONDS = 2.0


class Monitor:
    """`check_seconds`: after so long without an entry it asks over HTTP whether the stream has lost its place, as it
    has when somebody deleted the stream and it was made anew."""

    def __init__(self, amqp_url: str, feed: Feed, state: Path, check_seconds: float) -> None:
        self._parameters = pika.URLParameters(amqp_url)
        self._feed = feed
        self._state = state
        self._check_seconds = check_seconds
        self.totals = Totals.load(state)

    def forget(self) -> None:
        """Begins anew, from the first entry of the stream."""
        self.totals = Totals()

    def follow(self, stop: threading.Event) -> None:
        """Until `stop`; a connection that breaks is made again."""
        while not stop.is_set():
            try:
                self._consume(stop)
            except (AMQPError, OSError) as error:
                # RabbitMQ 3.10 ends the connection of a reader that leaves a stream, so this is no news while stopping.
                if not stop.is_set():
                    print(f"waits: {type(error).__name__}", file=sys.stderr, flush=True)
                    stop.wait(RETRY_SECONDS)

    def _consume(self, stop: threading.Event) -> None:
        connection = pika.BlockingConnection(self._parameters)
        channel = connection.channel()
        # A stream wants a prefetch limit and acknowledgements; these only say that more may be sent.
        channel.basic_qos(prefetch_count=2 * BATCH)
        offset = self.totals.offset
        arguments = {"x-stream-offset": "first" if offset is None else offset + 1}
        waiting, last, checked = 0, None, time.monotonic()
        for method, properties, body in channel.consume(STREAM, arguments=arguments, inactivity_timeout=IDLE_SECONDS):
            if method is not None:
                self._take(json.loads(body))
                self.totals.offset = int(properties.headers["x-stream-offset"])
                waiting, last, checked = waiting + 1, method.delivery_tag, time.monotonic()
            elif time.monotonic() - checked > self._check_seconds:
                waiting, checked = waiting + self._fetch(None), time.monotonic()
            if waiting and (method is None or waiting >= BATCH or stop.is_set()):
                # First the file, then the acknowledgement.
                self.totals.save(self._state)
                print(f"at {self.totals.cursor}", flush=True)
                waiting = 0
                if last is not None:
                    channel.basic_ack(last, multiple=True)
                    last = None
            if stop.is_set():
                break
        connection.close()

    def _take(self, event: dict[str, Any]) -> None:
        if self.totals.misses(event):
            self._fetch(int(event["cursor"]) - 1)
        if self.totals.take(event):
            tell(event)

    def _fetch(self, until: int | None) -> int:
        """Takes what the stream does not have; how many entries it was."""
        count = 0
        for event in self._feed.after(self.totals.cursor, until):
            if self.totals.take(event):
                tell(event)
                count += 1
        return count


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m clients.monitor", description="Follows the stream motcua.feed.")
    parser.add_argument("--amqp-url", required=True, help="amqp://monitor@HOST:5672/motcua")
    parser.add_argument("--amqp-password-file", type=Path, help="the user's password, if the URL has none")
    parser.add_argument("--base-url", required=True, help="the province's address, for what the stream lacks")
    parser.add_argument("--token-file", type=Path, required=True, help="a bearer token with the scope stats.feed")
    parser.add_argument("--state", type=Path, default=Path("monitor.json"), help="what was read so far")
    parser.add_argument("--check-seconds", type=float, default=60)
    parser.add_argument("--from-beginning", action="store_true", help="forget what was read so far")
    parser.add_argument("--totals", action="store_true", help="print the totals as saved, and end")
    given = parser.parse_args()
    url = given.amqp_url
    if given.amqp_password_file is not None:
        parts = urlsplit(url)
        password = quote(given.amqp_password_file.read_text(encoding="utf-8").strip(), safe="")
        user, _, host = parts.netloc.rpartition("@")
        url = parts._replace(netloc=f"{user}:{password}@{host}").geturl()
    monitor = Monitor(url, Feed.of_file(given.base_url, given.token_file), given.state, given.check_seconds)
    if given.from_beginning:
        monitor.forget()
    if not given.totals:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        monitor.follow(stop)
    for line in monitor.totals.lines():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
