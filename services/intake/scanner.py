"""The worker's loop that has files scanned, and without a scanner, tells the operator that nobody does."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chassis import logs, metrics, worker
from chassis.clock import Clock
from chassis.store import UNAVAILABLE
from intake.clamd import Clamd, ClamdAway
from intake.domain.files import Scan, StoredFile
from intake.store.files import Files

log = logs.get()
LEASE = timedelta(minutes=5)
"""Longer than one scan may take; when a worker dies over a file, another one takes it after this."""
ASIDE = timedelta(minutes=5)
"""How long a file waits that clamd could not scan while it could scan others."""
POLL_SECONDS = 1.0


class Scanner:
    """Several workers may run it: a file is its taker's for the time of LEASE, and scanning it twice does no harm."""

    def __init__(self, files: Files, clamd: Clamd | None, clock: Clock) -> None:
        self._files = files
        self._clamd = clamd
        self._clock = clock
        self._details: dict[str, Any] = {"clamd": "unknown"}

    def details(self) -> Mapping[str, Any]:
        """For /readyz."""
        return self._details

    def run(self, stop: threading.Event) -> None:
        """The worker's loop, until `stop` is set."""
        if self._clamd is None:
            log.warning("files_are_not_scanned", reason="CLAMD_ADDRESS is not set")
        worker.every(POLL_SECONDS, self.once, UNAVAILABLE)(stop)

    def once(self) -> bool:
        """Has one file scanned; True when more may wait. ClamdAway: what waits is as it was before."""
        if self._clamd is None:
            self._files.no_scanner()
            self._tell("not_configured")
            return False
        try:
            # Before anything is taken: where there is no clamd, no file is touched.
            self._clamd.version()
        except ClamdAway:
            self._tell("away")
            raise
        self._tell("ok")
        now = self._clock()
        file = self._files.take_to_scan(now, now + LEASE)
        if file is not None:
            self._scan(self._clamd, file)
        return file is not None

    def _scan(self, clamd: Clamd, file: StoredFile) -> None:
        content = self._files.contents.open(file.content)
        if content is None:
            self._put_aside(file, "content_missing")
            return
        try:
            threat = clamd.scan(content)
        except ClamdAway as error:
            self._put_aside(file, error.reason)
            return
        scan = Scan.INFECTED if threat else Scan.CLEAN
        self._files.scanned(file.id, scan, threat, self._clock())
        metrics.SCANNED.labels(scan.value).inc()
        if threat:
            log.warning("file_infected", file=file.id, threat=threat)

    def _put_aside(self, file: StoredFile, reason: str) -> None:
        metrics.SCANNED.labels("failed").inc()
        log.warning("file_not_scanned", file=file.id, reason=reason)
        self._files.scan_later(file.id, self._clock() + ASIDE)

    def _tell(self, clamd: str) -> None:
        """Keeps what waits for the operator's eyes."""
        waiting = {scan: self._files.waiting(scan) for scan in (Scan.PENDING, Scan.UNSCANNED)}
        oldest = waiting[Scan.PENDING].oldest
        age = max(0.0, (self._clock() - oldest).total_seconds()) if oldest else 0.0
        for scan, found in waiting.items():
            metrics.FILES_WAITING.labels(scan.value).set(found.count)
        metrics.SCAN_AGE.set(age)
        self._details = {
            "clamd": clamd,
            "files_pending": waiting[Scan.PENDING].count,
            "files_pending_oldest_seconds": round(age),
            "files_unscanned": waiting[Scan.UNSCANNED].count,
        }
