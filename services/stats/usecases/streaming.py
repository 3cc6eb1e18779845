"""The feed's way to RabbitMQ: what the store holds is published in order, and only then noted as published."""

from chassis import logs, metrics
from chassis.clock import Clock
from chassis.publish import Message, Publisher
from chassis.topology import FEED_KEY, FEED_OWNER
from stats.store import StatsStore

log = logs.get()
BATCH = 500


class Streaming:
    """One thread's. An entry that was published by a process that died before it noted so is published once more, with
    the same cursor; readers drop it by that."""

    def __init__(self, store: StatsStore, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    def round(self) -> bool:
        """Publishes the next entries; True when there may be more. Raises one of BROKER_DOWN."""
        feed = self._store.feed
        end, published = feed.end(), feed.published()
        entries = feed.after(published, end, BATCH)
        messages = [Message(FEED_OWNER, FEED_KEY, entry.body, entry.id) for entry in entries]
        accepted = self._publisher.publish(messages)
        # What stands behind an entry that was refused is published again after it, so that the order holds.
        taken = next((n for n, one in enumerate(accepted) if not one), len(accepted))
        if taken:
            published = entries[taken - 1].cursor
            feed.note_published(published)
        if taken < len(accepted):
            # The stream is gone, or full of troubles: a new connection declares it anew.
            log.warning("feed_entries_refused", count=len(accepted) - taken)
            self._publisher.close()
        metrics.FEED_CURSOR.labels("stream").set(published)
        return taken == BATCH

    def idle(self) -> None:
        """Between rounds."""
        self._publisher.tick()

    def measure(self) -> None:
        newest = self._store.feed.newest()
        metrics.FEED_CURSOR.labels("store").set(0 if newest is None else newest.cursor)
        age = 0.0 if newest is None else (self._clock() - newest.at).total_seconds()
        metrics.FEED_AGE.set(max(0.0, age))

    def close(self) -> None:
        self._publisher.close()
