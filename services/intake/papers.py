"""Makes PDFs of papers, outside of requests: a worker's loop takes what was asked for, prints it and keeps it.

The layout is that of administrative papers (Nghị định 30/2020/NĐ-CP, phụ lục I): A4, Times, the national name and motto
on top. What is printed comes with the paper; nothing is fetched from anywhere.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chassis import logs
from chassis.clock import Clock
from chassis.worktime import ZONE
from intake import texts
from intake.store.papers import Papers

log = logs.get()
TEMPLATES = Path(__file__).with_name("templates") / "papers"
LEASE = timedelta(seconds=60)
"""A maker that died leaves its paper to another after this long; a register of a month takes some seconds."""
TRIES = 3


class Printer:
    """HTML by the kind's template, then PDF. Not thread-safe; WeasyPrint is loaded with the first paper, for it takes a
    second and 40 MB, which a worker that prints nothing is spared."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters |= {
            "qr": qr,
            "instant": instant,
            "day": day,
            "day_in_words": day_in_words,
            "dong": dong,
        }
        self._environment.globals["words"] = texts.ON_PAPER

    def html(self, kind: str, content: dict[str, Any]) -> str:
        return self._environment.get_template(f"{kind}.html").render(content)

    def pdf(self, kind: str, content: dict[str, Any]) -> bytes:
        from weasyprint import HTML  # noqa: PLC0415 (see the class)
        from weasyprint.urls import URLFetcher  # noqa: PLC0415

        # What applicants typed is escaped; should any of it become a link to fetch all the same, nothing is fetched.
        fetcher = URLFetcher(allowed_protocols=["data"])
        made: bytes = HTML(string=self.html(kind, content), url_fetcher=fetcher).write_pdf()
        return made


def qr(text: str) -> str:
    """The text as an SVG image in a data URL (ISO/IEC 18004, error correction M)."""
    uri: str = segno.make(text, error="m", micro=False).svg_data_uri(border=2)
    return uri


def instant(at: str | None) -> str:
    """An RFC 3339 time as papers write it: 07 giờ 30 phút, ngày 23/08/2024; nothing for None."""
    return "" if at is None else f"{datetime.fromisoformat(at).astimezone(ZONE):%H giờ %M phút, ngày %d/%m/%Y}"


def day(text: str) -> str:
    return f"{date.fromisoformat(text):%d/%m/%Y}"


def day_in_words(text: str) -> str:
    return f"{date.fromisoformat(text):ngày %d tháng %m năm %Y}"


def dong(amount: int) -> str:
    """25.000"""
    return f"{amount:,}".replace(",", ".")


class PaperMaker:
    """The worker's loop body: prints one paper that waits."""

    def __init__(self, papers: Papers, clock: Clock, printer: Printer | None = None) -> None:
        self._papers = papers
        self._clock = clock
        self._printer = printer or Printer()

    def once(self) -> bool:
        """True when there was one. A paper that cannot be printed fails after TRIES tries, and says so to who asks."""
        now = self._clock()
        asked = self._papers.take(now, now + LEASE)
        if asked is None:
            return False
        try:
            pdf = self._printer.pdf(asked.kind, asked.content)
        except Exception as error:
            # Whatever a template or the printer stumbles over must not stop the worker; the paper tells its reader.
            log.error("paper_failed", paper=asked.id, kind=asked.kind, tries=asked.tries, exc_info=error)
            self._papers.failed(asked, self._clock(), final=asked.tries >= TRIES)
        else:
            self._papers.made(asked, pdf, self._clock())
        return True
