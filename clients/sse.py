"""A monitoring system that follows the feed as server-sent events, with `requests` alone: `python -m clients.sse
--help`. For who reaches the province over HTTPS and not over AMQP.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import requests

from clients.feed import Feed
from clients.totals import Totals, tell

RETRY_SECONDS = 2.0
SAVE_SECONDS = 5.0


def events(lines: Iterable[str]) -> Iterator[dict[str, Any] | None]:
    """The CloudEvents of a stream's lines; None for a comment, which says that there is nothing more for now. An empty
    line ends an event, and one that ends otherwise is not whole."""
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield json.loads("\n".join(data))
            data = []
        elif line and not name:
            yield None


def follow(feed: Feed, state: Path) -> None:
    """For ever: the stream ends now and then, and is asked for again behind the last entry that was taken."""
    totals = Totals.load(state)
    while True:
        try:
            with feed.stream(totals.cursor) as answer:
                _take_all(answer, totals, state)
        except requests.RequestException as error:
            print(f"waits: {type(error).__name__}", file=sys.stderr, flush=True)
        time.sleep(RETRY_SECONDS)


def _take_all(answer: requests.Response, totals: Totals, state: Path) -> None:
    """Saves when there is nothing more for now, and while there is, now and then. What a killed process had not saved,
    its successor is sent again."""
    answer.encoding = "utf-8"
    saved, saved_at = totals.cursor, time.monotonic()
    # Each line as soon as it is there.
    for event in events(answer.iter_lines(chunk_size=1, decode_unicode=True)):
        if event is not None and totals.take(event):
            tell(event)
        if totals.cursor > saved and (event is None or time.monotonic() - saved_at > SAVE_SECONDS):
            totals.save(state)
            print(f"at {totals.cursor}", flush=True)
            saved, saved_at = totals.cursor, time.monotonic()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m clients.sse", description="Follows the feed over HTTP.")
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--token-file", type=Path, required=True, help="a bearer token with the scope stats.feed")
    parser.add_argument("--state", type=Path, default=Path("sse.json"), help="what was read so far")
    given = parser.parse_args()
    try:
        follow(Feed.of_file(given.base_url, given.token_file), given.state)
    except KeyboardInterrupt:
        for line in Totals.load(given.state).lines():
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
