"""A monitoring system, and stats' web process as one reaches it over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from chassis.service import STOPPING
from native.access import Persona
from tests.support.services import Running

MONITOR = Persona("Hệ thống giám sát", ("stats.feed",))


@contextmanager
def listening(served: Running) -> Iterator[str]:
    """Its base URL."""
    server = make_server("127.0.0.1", 0, served.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        # Streams end, so that their threads do.
        served.app.extensions[STOPPING].set()
        server.shutdown()
        thread.join()
        server.server_close()
