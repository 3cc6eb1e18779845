"""Prints papers: HTML by a template, then PDF. A page takes a quarter of a second: never inside a request.

The layout is that of administrative papers (Nghị định 30/2020/NĐ-CP, phụ lục I): A4, Times, the national name and motto
on top. What is printed comes with the paper; nothing is fetched from anywhere.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chassis.worktime import ZONE

SHEETS = Path(__file__).with_name("sheets")
"""What the papers of all services look like: `base.html`, which theirs extend, and `signatures.html`."""


class Printer:
    """`templates`: the folder of a service's templates, one `<kind>.html` each; `words`: what they call things by.

    Not thread-safe; WeasyPrint is loaded with the first paper, for it takes a second and 40 MB, which a worker that
    prints nothing is spared."""

    def __init__(self, templates: Path, words: Mapping[str, Mapping[str, str]]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([templates, SHEETS]), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters |= FILTERS
        self._environment.globals["words"] = words

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


FILTERS: dict[str, Callable[..., str]] = {
    "qr": qr,
    "instant": instant,
    "day": day,
    "day_in_words": day_in_words,
    "dong": dong,
}
