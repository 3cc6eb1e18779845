"""The public look-up page of a dossier, `/tra-cuu`. It works without JavaScript, and on a phone."""

from datetime import datetime

from flask import Flask, render_template, request
from pydantic import ValidationError

from chassis.clock import Clock
from chassis.errors import NotFound
from chassis.printing import dong
from chassis.worktime import ZONE
from intake import texts
from intake.api.dossiers import tracking_view
from intake.queries.dossiers import DossierQueries
from intake.schemas import dossiers as schemas


def local(instant: datetime | None) -> str:
    """17:00 ngày 23/08/2024; an empty text for None."""
    return "" if instant is None else instant.astimezone(ZONE).strftime("%H:%M ngày %d/%m/%Y")


def add_pages(app: Flask, queries: DossierQueries, clock: Clock) -> None:
    app.template_folder = "templates"
    app.jinja_env.filters |= {"local": local, "dong": dong}

    @app.get("/tra-cuu")
    def tracking_page() -> tuple[str, int]:
        """`ma`: the code; `khoa`: the receipt's secret, or the phone number."""
        code, key = request.args.get("ma", "").strip()[:80], request.args.get("khoa", "").strip()[:40]
        if not code or not key:
            return render_template("tracking.html", code=code, asked=False, found=None, status=texts.STATUS), 200
        try:
            phone: str | None = schemas.TrackingQuery(phone=key).phone
        except ValidationError:
            phone = None
        try:
            dossier = queries.tracked(code, key, phone, clock())
            found = tracking_view(dossier, queries.component_names(dossier))
        except NotFound:
            return render_template("tracking.html", code=code, asked=True, found=None, status=texts.STATUS), 404
        return render_template("tracking.html", code=code, asked=True, found=found, status=texts.STATUS), 200
