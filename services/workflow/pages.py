"""The public page of a result, `/ket-qua`, which its QR code leads to. It works without JavaScript, and on a phone."""

from datetime import datetime

from flask import Flask, render_template, request

from chassis.errors import NotFound
from chassis.worktime import ZONE
from workflow.queries.results import ResultQueries
from workflow.result_texts import VERDICTS


def local(instant: datetime | None) -> str:
    """17:00 ngày 23/08/2024; an empty text for None."""
    return "" if instant is None else instant.astimezone(ZONE).strftime("%H:%M ngày %d/%m/%Y")


def add_pages(app: Flask, queries: ResultQueries) -> None:
    app.template_folder = "templates"
    app.jinja_env.filters["local"] = local

    @app.get("/ket-qua")
    def result_page() -> tuple[str, int]:
        """`ma`: what the QR code holds."""
        token = request.args.get("ma", "").strip()[:100]
        if not token:
            return render_template("verification.html", asked=False, worth=None, verdict=None), 200
        try:
            worth = queries.verified_by_token(token)
        except NotFound:
            return render_template("verification.html", asked=True, worth=None, verdict=None), 404
        return render_template("verification.html", asked=True, worth=worth, verdict=VERDICTS[worth.verdict]), 200
