"""The worker's part of reports: it reads the numbers, writes them down once, and has every format made of that.

A maker that dies leaves its report to another, which begins anew under keys of its own; a report's files are named by
it only when all are there, so nobody ever gets half a file.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from chassis import logs
from chassis.clock import Clock
from chassis.store import UNAVAILABLE
from stats.domain.content import head_line, row_line
from stats.domain.reports import FORMATS, File, Format, Report
from stats.queries.reports import Drawing
from stats.store import StatsStore
from stats.store.reports import Reports
from stats.usecases.reports import of

log = logs.get()
LEASE = timedelta(seconds=60)
"""After this long without a sign of life, another worker takes over."""
SIGN_OF_LIFE_SECONDS = 10
TRIES = 4
ROWS_AT_ONCE = 2000
DRAWN = 50
"""Percent of the work that is done when all rows are read; the formats are the rest."""
SOURCES = Path(__file__).resolve().parents[1]


class Lost(Exception):  # noqa: N818 (what happened)
    """Another maker took the report over."""


class NotRendered(Exception):  # noqa: N818 (what happened)
    """The process that was to make a file ended badly."""


class ReportMaker:
    """`render` makes a file of the content, and calls `alive` now and then; by default in a process of its own."""

    def __init__(
        self,
        store: StatsStore,
        reports: Reports,
        clock: Clock,
        render: Callable[[Format, Path, Path, Callable[[], None]], None] | None = None,
    ) -> None:
        self._reports = reports
        self._drawing = Drawing(store)
        self._clock = clock
        self._render = render or in_a_process

    def once(self) -> bool:
        """Makes the report that waits longest; True when there was one. One that cannot be made fails after TRIES
        tries, and says so to who asks for it."""
        now = self._clock()
        report = self._reports.take(now, now + LEASE)
        if report is None:
            return False
        if report.tries > 1:
            self._reports.files.remove(report.id, before=report.tries)
        if report.tries > TRIES:
            # Whoever made it died each time.
            self._reports.finish(replace(report, state="failed"))
            return True
        try:
            self._reports.finish(self._made(report))
        except Lost:
            log.info("report_lost", report=report.id, tries=report.tries)
        except UNAVAILABLE:
            raise
        except Exception as error:
            # Whatever a query or a format stumbles over must not stop the worker; the report tells its reader.
            log.error("report_failed", report=report.id, kind=report.form, tries=report.tries, exc_info=error)
            if report.tries >= TRIES:
                self._reports.finish(replace(report, state="failed"))
            else:
                self._reports.free(report, self._clock())
        return True

    def sweep(self) -> bool:
        return self._reports.sweep(self._clock())

    def _made(self, report: Report) -> Report:
        now = self._clock()
        drawn = self._drawing.draw(of(report, as_of=report.as_of), now)
        with TemporaryDirectory(prefix="report-") as folder:
            content = Path(folder, "content")
            with content.open("wb") as out:
                out.write(head_line(drawn.head))
                for n, row in enumerate(drawn.rows, 1):
                    out.write(row_line(row))
                    if n % ROWS_AT_ONCE == 0:
                        self._alive(report, min(DRAWN, DRAWN * n // drawn.expected))
            kept = self._reports.keep(report, "content", content, self._clock())
            files: dict[Format, File] = {}
            for n, format in enumerate(FORMATS):
                percent = DRAWN + (100 - DRAWN) * n // len(FORMATS)
                self._alive(report, percent)
                path = Path(folder, format)
                self._render(format, content, path, partial(self._alive, report, percent))
                files[format] = self._reports.keep(report, format, path, self._clock())
                path.unlink()
        return replace(
            report, state="ready", progress=100, known_until=drawn.head.known_until, content=kept, files=files
        )

    def _alive(self, report: Report, percent: int) -> None:
        if not self._reports.progress(report, percent, self._clock() + LEASE):
            raise Lost


def in_a_process(format: Format, content: Path, path: Path, alive: Callable[[], None]) -> None:
    """NotRendered when it fails."""
    with content.open("rb") as source, path.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "stats.rendering", format],
            stdin=source, stdout=out, stderr=subprocess.DEVNULL, cwd=SOURCES,
        )  # fmt: skip
        try:
            while True:
                try:
                    status = running.wait(SIGN_OF_LIFE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    alive()
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
    if status != 0:
        raise NotRendered(f"{format}: status {status}")
