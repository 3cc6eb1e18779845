"""A worker process: the relay, the consumer and the service's timers in threads, and a port for health and metrics.

Any thread that ends by an exception ends the process with status 1, so that whoever supervises it starts it anew: a
worker that runs by halves is worse than one that is seen to be down.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chassis import logs, scrape

log = logs.get()
STOP_SECONDS = 25

FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 60.0

Loop = Callable[[threading.Event], None]
Checks = Callable[[], tuple[bool, Mapping[str, Any]]]


class Away(Exception):  # noqa: N818 (a state of the other side)
    """What an act needs outside of this system does not answer; what it would have done is as it was before.
    `reason` is a word for the log, and holds nothing of what was asked.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def every(seconds: float, act: Callable[[], Any], unavailable: tuple[type[Exception], ...]) -> Loop:
    """A loop that acts, waits, and acts again; at once when `act` returned something true. It waits longer while a
    store is away. While `act` raises Away, the log says `other_side_away` with the loop's name, and the waits grow from
    one second to a minute, twice as long each time: what was away for hours is tried again within a minute, and is not
    stormed before.
    """

    def loop(stop: threading.Event) -> None:
        pause = 0.0
        while not stop.is_set():
            more = False
            try:
                more = act()
                pause = 0.0
            except Away as away:
                pause = min(MAX_PAUSE_SECONDS, pause * 2 or FIRST_PAUSE_SECONDS)
                # `run` names a loop's thread after it.
                loop = threading.current_thread().name
                log.warning("other_side_away", loop=loop, reason=away.reason, seconds=pause)
            except unavailable as error:
                log.warning("timer_waits", reason=type(error).__name__)
                stop.wait(2)
            if not more:
                stop.wait(max(seconds, pause))

    return loop


def run(loops: Mapping[str, Loop], bind: str, health_port: int, checks: Checks, version: Mapping[str, str]) -> int:
    """Runs every loop in a thread until SIGTERM or SIGINT; the exit status."""
    stop, failed = threading.Event(), threading.Event()

    def guarded(name: str, loop: Loop) -> None:
        try:
            loop(stop)
        except BaseException as error:
            log.error("loop_failed", loop=name, exc_info=error)
            failed.set()
        finally:
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = _health_server(bind, health_port, checks, version)
    threads = [threading.Thread(target=guarded, args=item, name=item[0], daemon=True) for item in loops.items()]
    for thread in threads:
        thread.start()
    log.info("worker_started", loops=sorted(loops))
    # A plain wait() without a timeout would not let the signal handler run on some platforms.
    while not stop.wait(1):
        pass
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    server.shutdown()
    log.info("worker_stopped", failed=failed.is_set())
    return 1 if failed.is_set() else 0


def _health_server(bind: str, port: int, checks: Checks, version: Mapping[str, str]) -> ThreadingHTTPServer:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = 200, "application/json", b"{}"
            if self.path == "/livez":
                body = b'{"status": "ok"}'
            elif self.path == "/readyz":
                ready, details = checks()
                status, body = 200 if ready else 503, json.dumps(details).encode()
            elif self.path == "/version":
                body = json.dumps(version).encode()
            elif self.path == "/metrics":
                body, kind = scrape.text()
            else:
                status = 404
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((bind, port), Health)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def version(service: str) -> dict[str, str]:
    """What runs: the service, its version and the commit that the image or the native start was made from."""
    return {
        "service": service,
        "version": os.environ.get("MOTCUA_VERSION", "0.1.0"),
        "commit": os.environ.get("MOTCUA_COMMIT", "unknown"),
    }
