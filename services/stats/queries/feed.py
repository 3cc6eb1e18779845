"""The feed as callers follow it: page by page, waiting for the next entry, or as a stream of server-sent events.

Whoever waits or streams holds a thread of the web process, so there is a limit on how many do.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from chassis import logs, metrics, store
from chassis.errors import FieldError, Invalid, Unavailable
from stats.store.feed import Entry, Feed

log = logs.get()
LOOK_SECONDS = 0.5
"""How often a process looks for new entries, for all its followers together."""
HEARTBEAT_SECONDS = 15
STREAM_SECONDS = 600
"""A stream ends after this, and its follower comes again: with a token that is still good, and perhaps to a process
that has fewer."""
RETRY_MILLISECONDS = 2_000
BATCH = 200


class CursorAhead(Invalid):
    code, title = "cursor_ahead", "Vị trí đọc chưa có trong luồng số liệu"


class TooManyFollowers(Unavailable):
    code, title = "too_many_followers", "Đang có quá nhiều hệ thống theo dõi luồng số liệu, xin thử lại"


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: behind which to go on; everything up to there was looked at."""

    entries: Sequence[Entry]
    next: int


class Following:
    """`most`: how many callers of this process may wait or stream at once. `stopping`: the process was told to end."""

    def __init__(self, feed: Feed, most: int, stopping: threading.Event) -> None:
        self._feed = feed
        self._most = threading.BoundedSemaphore(most)
        self._stopping = stopping
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._end = 0

    def page(self, after: int, limit: int, types: Sequence[str], wait_seconds: float = 0) -> Page:
        """The entries behind `after`. When there are none yet, the first that come within `wait_seconds`.

        CursorAhead, TooManyFollowers (only who would wait).
        """
        page = self._page(after, limit, types, self.end(after))
        if page.entries or not wait_seconds:
            return page
        with _Place(self._most):
            until = time.monotonic() + wait_seconds
            while not page.entries and (left := until - time.monotonic()) > 0:
                if self._stopping.wait(min(LOOK_SECONDS, left)):
                    break
                if (end := self._look()) > page.next:
                    page = self._page(page.next, limit, types, end)
        return page

    def stream(self, after: int, types: Sequence[str]) -> "Stream":
        """CursorAhead, TooManyFollowers."""
        self.end(after)
        return Stream(self, _Place(self._most).__enter__(), after, types)

    def end(self, after: int) -> int:
        """The feed's newest entry; CursorAhead when `after` is behind it."""
        end = self._feed.end()
        if after > end:
            wrong = FieldError("/after", "cursor", "the feed has not come that far")
            raise CursorAhead("the cursor is not one that this feed gave", errors=[wrong])
        return end

    def ready(self, after: int, types: Sequence[str]) -> Page:
        """What a stream sends next, at once."""
        return self._page(after, BATCH, types, self._look())

    def wait(self) -> bool:
        """Until it is time to look again; True when the process was told to end."""
        return self._stopping.wait(LOOK_SECONDS)

    def _page(self, after: int, limit: int, types: Sequence[str], end: int) -> Page:
        entries = self._feed.after(after, end, limit, types) if end > after else []
        return Page(entries, entries[-1].cursor if len(entries) == limit else max(after, end))

    def _look(self) -> int:
        with self._lock:
            if time.monotonic() - self._looked_at > LOOK_SECONDS:
                self._end = self._feed.end()
                self._looked_at = time.monotonic()
            return self._end


class _Place:
    """One of the places for followers; TooManyFollowers when all are taken. It is given back once."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        self._places = places
        self._taken = False

    def __enter__(self) -> Self:
        if not self._places.acquire(blocking=False):
            raise TooManyFollowers("every place for followers is taken", retry_after=5)
        self._taken = True
        metrics.FEED_FOLLOWERS.inc()
        return self

    def __exit__(self, *_: object) -> None:
        if self._taken:
            self._taken = False
            metrics.FEED_FOLLOWERS.dec()
            self._places.release()


class Stream:
    """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `id` is the entry's cursor,
    `event` its type, `data` the CloudEvent. A comment as soon as there is nothing more for now, and every
    HEARTBEAT_SECONDS; to a follower of some types, with the cursor up to which there was nothing for it.

    Not a generator: its place is given back by `close` also when nothing was ever read from it.
    """

    def __init__(self, following: Following, place: _Place, after: int, types: Sequence[str]) -> None:
        self._following = following
        self._place = place
        self._types = types
        self._cursor = self._told = after
        self._ends_at = time.monotonic() + STREAM_SECONDS
        self._sent_at = 0.0
        self._owes_comment = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._sent_at:
            return self._sent(f"retry: {RETRY_MILLISECONDS}\n\n")
        try:
            while time.monotonic() < self._ends_at:
                page = self._following.ready(self._cursor, self._types)
                self._cursor = page.next
                if page.entries:
                    self._told, self._owes_comment = page.entries[-1].cursor, True
                    return self._sent("".join(map(_message, page.entries)))
                if self._owes_comment or time.monotonic() - self._sent_at > HEARTBEAT_SECONDS:
                    return self._sent(self._heartbeat())
                if self._following.wait():
                    break
        except store.UNAVAILABLE as error:
            # The follower comes again, and is told so by the route.
            log.warning("feed_stream_interrupted", reason=type(error).__name__)
        self.close()
        raise StopIteration

    def close(self) -> None:
        self._place.__exit__()

    def _heartbeat(self) -> str:
        told, self._told, self._owes_comment = self._told, self._cursor, False
        return f": {self._cursor}\n" + ("" if told == self._cursor else f"id: {self._cursor}\n") + "\n"

    def _sent(self, text: str) -> bytes:
        self._sent_at = time.monotonic()
        return text.encode()


def _message(entry: Entry) -> str:
    return f"id: {entry.cursor}\nevent: {entry.type}\ndata: {entry.body}\n\n"
