"""The digest: what was told to somebody in a day and could wait, in one e-mail. Plain Python.

Each message is a row at once, "gathered", and names the digest it is meant for. When that one's hour has come it is
made, a row too, and says once and for all which messages are in it; so whoever looks later, after any crash, comes to
the same end for each of them. What came too late for its digest goes by itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from notify.domain.messages import Message
from notify.domain.telling import Fact

EVENT_TYPE, TEMPLATE = "notify.digest", "digest"
MOST = 200
"""Messages in one digest; who gets more in a day gets the rest by themselves."""


def made(gathered: Sequence[Message], told: Mapping[str, Mapping[str, Fact]], now: datetime) -> Message:
    """The digest of messages that name the same one, the oldest first. `told`: by id, what it says of each: `subject`,
    `text`, `lookup`."""
    first = gathered[0]
    return replace(
        first,
        id=first.digest or "",
        state="queued",
        next_at=now,
        event_type=EVENT_TYPE,
        dossier="",
        code=None,
        agency="",
        template=TEMPLATE,
        params={
            "name": gathered[-1].params["name"],
            "entries": tuple({"id": message.id, **told[message.id]} for message in gathered[:MOST]),
        },
        created_at=now,
        trace=None,
        group=None,
        digest=None,
    )


def holds(digest: Message) -> Collection[str]:
    """The ids of the messages that are in a digest."""
    entries = digest.params["entries"]
    return {str(entry["id"]) for entry in entries} if isinstance(entries, tuple) else set()


def settled(message: Message, digest: Message, now: datetime) -> Message:
    """What becomes of a gathered message once its digest is there: it is in it, or goes by itself."""
    if message.id in holds(digest):
        return replace(message, next_at=None)
    return replace(message, state="queued", next_at=now, digest=None)
