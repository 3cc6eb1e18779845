"""The worker's loops of the feed."""

import threading
import time
from contextlib import suppress

from chassis import logs, metrics
from chassis.publish import BROKER_DOWN
from chassis.store import UNAVAILABLE, Lease
from chassis.worker import Loop
from stats.store.overtaking import Overtaken
from stats.usecases.feed import Feeding
from stats.usecases.streaming import Streaming

log = logs.get()
SHARE = 9
"""The feed rests at least this many times as long as its last round took, so that it never takes more than a tenth of
the worker's time from the counting itself."""
MAX_PAUSE_SECONDS = 30.0
MEASURE_SECONDS = 5.0


def feeding(feeding: Feeding, lease: Lease, seconds: float) -> Loop:
    """Makes entries of what changed, at most every so many seconds."""

    def loop(stop: threading.Event) -> None:
        while not stop.is_set():
            pause = seconds
            try:
                if lease.hold():
                    began = time.monotonic()
                    more = feeding.round()
                    pause = max(0.0 if more else seconds, SHARE * (time.monotonic() - began))
            except Overtaken:
                log.info("feed_overtaken")
            except UNAVAILABLE as error:
                log.warning("feed_waits", reason=type(error).__name__)
                pause = max(seconds, 2.0)
            stop.wait(min(pause, MAX_PAUSE_SECONDS))
        with suppress(*UNAVAILABLE):
            lease.release()

    return loop


def streaming(streaming: Streaming, lease: Lease, seconds: float) -> Loop:
    """Publishes entries as they come; while the broker or the store is away it waits, longer each time."""

    def loop(stop: threading.Event) -> None:
        pause, measured_at = 0.0, -MEASURE_SECONDS
        while not stop.is_set():
            more = False
            try:
                if time.monotonic() - measured_at > MEASURE_SECONDS:
                    streaming.measure()
                    measured_at = time.monotonic()
                if lease.hold():
                    more = streaming.round()
                streaming.idle()
                pause = 0.0
            except (*UNAVAILABLE, *BROKER_DOWN) as error:
                pause = min(MAX_PAUSE_SECONDS, pause * 2 or 0.5)
                metrics.RELAY_FAILURES.labels(type(error).__name__).inc()
                log.warning("feed_stream_waits", reason=type(error).__name__, seconds=pause)
            if not more:
                stop.wait(max(pause, seconds))
        with suppress(*UNAVAILABLE):
            lease.release()
        streaming.close()

    return loop
