"""The feed."""

from chassis.errors import FieldError, Invalid
from chassis.web import Answer, Call, Router
from stats.api import FEED
from stats.queries.feed import CursorAhead, Following, TooManyFollowers
from stats.schemas.feed import FeedPage, FeedQuery, StreamQuery


def add_routes(router: Router, following: Following) -> None:
    @router.get("/events", scope=FEED, answers={200: FeedPage}, raises=[CursorAhead, TooManyFollowers])
    def read_feed(_call: Call, query: FeedQuery) -> Answer:
        """The feed behind a cursor

        What is answered is the same, byte for byte, whenever it is asked for. Begin with `after=0`, then with `next` of
        the answer before. With `wait`, an empty answer comes only when nothing came for so long.
        """
        page = following.page(int(query.after), query.limit, query.wanted(), query.wait)
        items = ",".join(entry.body for entry in page.entries)
        return Answer(f'{{"items":[{items}],"next":"{page.next}"}}'.encode())

    @router.get(
        "/events/stream", scope=FEED, answers={200: "text/event-stream"}, raises=[CursorAhead, TooManyFollowers]
    )
    def follow_feed(call: Call, query: StreamQuery) -> Answer:
        """The feed as server-sent events

        `id` is the entry's cursor, `event` its type, `data` the CloudEvent. Begins behind `Last-Event-ID`, or `after`.
        Comments come every 15 seconds. The stream ends now and then: come again with `Last-Event-ID`. 503 with
        Retry-After when too many follow.
        """
        stream = following.stream(_behind(call.last_event_id, query.after), query.wanted())
        return Answer(media_type="text/event-stream", stream=stream, headers={"X-Accel-Buffering": "no"})


def _behind(last_event_id: str | None, after: str) -> int:
    word = last_event_id or after
    if not (word.isascii() and word.isdigit() and len(word) <= 15):
        wrong = FieldError("/Last-Event-ID", "cursor", "unknown cursor")
        raise Invalid("Last-Event-ID is not one that this feed gave", errors=[wrong])
    return int(word)
