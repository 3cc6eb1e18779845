"""The public page of the province's numbers, `/thong-ke`. Plain HTML and inline SVG: it works without JavaScript and
prints."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import Flask, Response, render_template, request

from chassis import logs, store
from chassis.cache import Cached
from chassis.clock import Clock
from chassis.worktime import ZONE
from stats.domain.indicators import MAIN
from stats.queries.counts import Queries, Wanted
from stats.queries.indicators import Asked, Indicators
from stats.schemas.indicators import answered

log = logs.get()
FRESH_SECONDS = 60
"""How long a page is shown before it is counted anew. Everybody may open it, so it must not cost a count each time."""


def add_pages(app: Flask, queries: Queries, indicators: Indicators, clock: Clock) -> None:
    policy = policy_of(app)
    app.jinja_env.filters |= {"number": number, "percent": percent, "ceiling": ceiling, "hundredths": hundredths}
    app.jinja_env.globals["style"] = render_style(app)

    def page(year: str) -> str:
        now = clock()
        asked = Asked(start=date(int(year), 1, 1), end=date(int(year) + 1, 1, 1))
        main = answered(indicators.read(asked, now, MAIN, compared=False), asked, 2)["items"]
        numbers = _numbers(queries, int(year), now)
        return render_template("thong_ke.html", **numbers, years=years(), indicators=main)

    years = Cached(lambda _: queries.years(clock()), FRESH_SECONDS)
    pages = Cached(page, FRESH_SECONDS)

    @app.get("/thong-ke")
    def thong_ke() -> Response:
        """`nam`: the year; the current one stands in for a year without numbers."""
        asked = request.args.get("nam", "")
        try:
            year = next((year for year in years() if str(year) == asked), years()[0])
            response = Response(pages(str(year)), mimetype="text/html")
            response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
        except store.UNAVAILABLE as error:
            log.warning("store_unavailable", reason=type(error).__name__)
            response = Response(render_template("khong_san_sang.html"), status=503, mimetype="text/html")
            response.headers["Retry-After"] = "30"
        response.headers["Content-Security-Policy"] = policy
        return response


def policy_of(app: Flask) -> str:
    """The Content-Security-Policy of the service's pages."""
    style = base64.b64encode(hashlib.sha256(render_style(app).encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def render_style(app: Flask) -> str:
    """The style sheet's text, which stands in each page as it is: its hash is what allows it there."""
    return app.jinja_env.get_template("pages.css").render()


def _numbers(queries: Queries, year: int, now: datetime) -> dict[str, Any]:
    def counts(*by: str) -> list[dict[str, Any]]:
        return queries.counts(Wanted(start=date(year, 1, 1), end=date(year + 1, 1, 1), by=by), now)

    return {
        "year": year,
        "now": now.astimezone(ZONE),
        "total": counts()[0],
        "months": counts("month"),
        "agencies": sorted(counts("agency"), key=lambda row: (-row["received"]["total"], row["agency"])),
    }


def number(value: int) -> str:
    """As it is written in Vietnamese: 12.345."""
    return f"{value:,}".replace(",", ".")


def percent(part: int, whole: int) -> str:
    """96,4%, rounded half up; a dash when there is nothing to have a part of."""
    if not whole:
        return "–"
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{number(tenths // 10)},{tenths % 10}%"


def hundredths(value: float) -> str:
    """A percentage of two decimals: 82,08%."""
    return f"{number(int(value))},{round(value * 100) % 100:02}%"


def ceiling(rows: list[Mapping[str, Any]]) -> int:
    """The top of a chart's scale: the least 4, 8, 10, 20, 40, 60, 80, 100… that no column exceeds."""
    most = max((max(row["received"]["total"], row["finished"]["total"]) for row in rows), default=0)
    steps: list[int] = [step * 10**zeros for zeros in range(10) for step in (1, 2, 4, 6, 8)]
    return next(step for step in steps if step >= max(most, 4))
