"""The public page of the published reports, `/bao-cao`. Plain HTML: it works without JavaScript and prints."""

import re
from datetime import datetime
from typing import Any

from flask import Flask, Response, render_template, request

from chassis import logs, store
from chassis.errors import Invalid
from chassis.paging import cursor_of, keys_of, page
from chassis.worktime import ZONE
from stats.domain.reports import PUBLIC, Report
from stats.pages import FRESH_SECONDS, policy_of
from stats.report_texts import FORMS
from stats.store.reports import Reports
from stats.usecases.reports import public_url

log = logs.get()
ROWS = 50
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def add_report_pages(app: Flask, reports: Reports) -> None:
    """After `stats.pages.add_pages`, whose style it uses."""
    policy = policy_of(app)

    @app.get("/bao-cao")
    def bao_cao() -> Response:
        """`thang` (`YYYY-MM`): of one month; `sau`: behind that one. What is neither is as if it was not there."""
        month = request.args.get("thang", "")
        wanted = {"month": month} if _MONTH.fullmatch(month) else {}
        try:
            keys = _keys(request.args.get("sau"))
            found = reports.published(PUBLIC, wanted, keys, ROWS + 1)
            rows, following = page(found, ROWS, lambda last: cursor_of(last.publication.at, last.id))
            text = render_template(
                "bao_cao.html", month=wanted.get("month", ""), items=[_shown(each) for each in rows], next=following
            )
            response = Response(text, mimetype="text/html")
            response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
        except store.UNAVAILABLE as error:
            log.warning("store_unavailable", reason=type(error).__name__)
            response = Response(render_template("khong_san_sang.html"), status=503, mimetype="text/html")
            response.headers["Retry-After"] = "30"
        response.headers["Content-Security-Policy"] = policy
        return response


def _keys(cursor: str | None) -> Any:
    try:
        keys = keys_of(cursor, datetime, str)
    except Invalid:
        return None
    return None if keys is None else tuple(keys)


def _shown(report: Report) -> dict[str, Any]:
    publication, files = report.publication, report.files
    if publication is None or files is None or report.known_until is None:
        raise AssertionError("only published ones are shown")
    return {
        "title": FORMS[report.form].vi,
        "agency": report.agency_name,
        "month": f"{report.month[5:]}/{report.month[:4]}",
        "revision": publication.revision,
        "at": publication.at.astimezone(ZONE).strftime("%H:%M ngày %d/%m/%Y"),
        "known": report.known_until.astimezone(ZONE).strftime("%H:%M ngày %d/%m/%Y"),
        "hash": publication.hash,
        "files": [
            {"name": format.upper(), "url": public_url(report.id, format), "kilobytes": -(-file.length // 1024)}
            for format, file in files.items()
        ],
    }
