"""Reports: asked for, made by a worker, fetched, published."""

from base64 import b64encode
from datetime import datetime
from typing import Any

from chassis.errors import Invalid, NotFound, Unavailable
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from stats.api import PUBLISH, REPORTS
from stats.domain import reports as domain
from stats.domain.reports import PUBLIC, Format, Report
from stats.queries.counts import NotAsOf
from stats.schemas import reports as schemas
from stats.store.reports import Reports
from stats.usecases import reports as usecases
from stats.usecases.reports import Reporting, form_of

LAW = "published reports are for everybody (Nghị định 118/2025/NĐ-CP)"
FILES = tuple(schemas.MEDIA.values())
POLL_SECONDS = "2"


def add_routes(router: Router, reporting: Reporting, reports: Reports) -> None:
    @router.post(
        "/reports",
        scope=REPORTS,
        needs="key",
        answers={202: schemas.ReportAnswer},
        raises=[NotFound, usecases.MonthInvalid, NotAsOf, usecases.TooManyReports],
    )
    def ask_for_report(call: Call, body: schemas.ReportBody) -> Answer:
        """Has a report made, in every format: of an agency with those below it, in a month

        Follow `GET …/reports/{id}`: `progress` in percent, then `files`. What nobody publishes is kept for a week.
        """
        return reporting.ask(call, body.form, body.agency, body.month, body.as_of, body.format, _render(202))

    @router.get("/reports/<id>", scope=REPORTS, answers={200: schemas.ReportAnswer}, raises=[NotFound])
    def get_report(call: Call, id: str) -> Answer:
        """How far a report is, and its files"""
        return Answer(schemas.answered(reporting.report(call.principal, id)))

    @router.get(
        "/reports/<form>.<format>",
        scope=REPORTS,
        answers={200: FILES, 202: schemas.ReportAnswer},
        raises=[NotFound, usecases.MonthInvalid, usecases.ReportFailed, usecases.TooManyReports],
    )
    def get_report_file(call: Call, form: str, format: str, query: schemas.ReportQuery) -> Answer:
        """The file of a form, agency and month: what was published last, else what is known now

        Forms: register, situation-by-agency, situation-by-field, monthly. 202 while it is being made: ask again after
        Retry-After seconds. What is not published is made anew when it is older than five minutes.
        """
        wanted = _format(format)
        found = reporting.current(call, form_of(form), query.agency, query.month, provisional=query.provisional)
        if found.state == "waiting":
            return Answer(schemas.answered(found), 202, headers={"Retry-After": POLL_SECONDS})
        return _file(reports, found, wanted, public=False)

    @router.get(
        "/reports/<id>/files/<format>",
        scope=REPORTS,
        answers={200: FILES},
        raises=[NotFound, domain.ReportNotReady, usecases.ReportFailed],
    )
    def get_file_of_report(call: Call, id: str, format: str) -> Answer:
        """A report's file (xlsx, csv, pdf, json)"""
        return _file(reports, reporting.report(call.principal, id), _format(format), public=False)

    @router.post(
        "/reports/<id>/publication",
        scope=PUBLISH,
        needs="key",
        answers={201: schemas.ReportAnswer},
        raises=[
            NotFound,
            domain.ReportNotReady,
            domain.ReportPublishedAlready,
            domain.MonthNotOver,
            domain.ReportOutdated,
            Unavailable,
        ],
    )
    def publish_report(call: Call, id: str) -> Answer:
        """Publishes a report: from then on its files are what they are, for ever

        A later one of the same month is another revision. `stats.report.published.v1` tells the feed.
        """
        return reporting.publish(call, id, _render(201))

    @router.get(
        "/reports/<id>/changes",
        scope=REPORTS,
        answers={200: schemas.ChangesPage},
        raises=[Invalid, NotFound, domain.ReportNotReady],
    )
    def list_changes(call: Call, id: str, query: schemas.ChangesQuery) -> Answer:
        """What is known now and was not when the report was made, number by number

        By table, row and column. Of a register, its summary.
        """
        after = keys_of(query.cursor, str, str, str)
        report, now_until, found = reporting.changes(call.principal, id, call.now)
        place = {(each.table, each.row, each.column): n for n, each in enumerate(found)}
        behind = found
        if after is not None:
            # What was the last may not differ any more: then those of the rows behind it.
            known = place.get((after[0], after[1], after[2]))
            behind = (
                found[known + 1 :]
                if known is not None
                else [each for each in found if [each.table, each.row] > after[:2]]
            )
        items, following = page(
            behind[: query.limit + 1], query.limit, lambda last: cursor_of(last.table, last.row, last.column)
        )
        return Answer(
            {
                "report": report.id,
                "said_until": report.known_until,
                "now_until": now_until,
                "items": [schemas.difference(each) for each in items],
                "next": following,
            }
        )

    @router.get("/publications", public=LAW, answers={200: schemas.PublicationsPage}, raises=[Invalid])
    def list_publications(call: Call, query: schemas.PublicationsQuery) -> Answer:
        """The published reports but registers, the newest first, each with what its hash covers"""
        after = keys_of(query.cursor, datetime, str)
        forms = [form for form in PUBLIC if query.form in (None, form)]
        wanted = {name: value for name in ("agency", "month") if (value := getattr(query, name)) is not None}
        found = reports.published(forms, wanted, None if after is None else (after[0], after[1]), query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.publication.at, last.id))
        return Answer({"items": [_shown(each) for each in items], "next": following})

    @router.get("/publications/<id>", public=LAW, answers={200: schemas.PublishedAnswer}, raises=[NotFound])
    def get_publication(call: Call, id: str) -> Answer:
        """A published report: its files, their hashes, and what its hash covers"""
        return Answer(_shown(_public(reports, id)))

    @router.get("/publications/<id>.<format>", public=LAW, answers={200: FILES}, raises=[NotFound])
    def get_published_file(call: Call, id: str, format: str) -> Answer:
        """A published report's file (xlsx, csv, pdf, json)"""
        return _file(reports, _public(reports, id), _format(format), public=True)


def _render(status: int) -> Any:
    return lambda state, _version: Answer(schemas.answered(state), status)


def _format(text: str) -> Format:
    for format in domain.FORMATS:
        if format == text:
            return format
    raise NotFound("no such format")


def _public(reports: Reports, id: str) -> Report:
    found = reports.load(id)
    if found is None or found.publication is None or found.form not in PUBLIC:
        raise NotFound("no such publication")
    return found


def _shown(report: Report) -> dict[str, Any]:
    publication = report.publication
    if publication is None:
        raise AssertionError("only published ones are shown")
    manifest = domain.manifest(report, publication.number, publication.revision, publication.at)
    return schemas.shown(report, manifest)


def _file(reports: Reports, report: Report, format: Format, *, public: bool) -> Answer:
    if report.state == "failed":
        raise usecases.ReportFailed("the report could not be made; the log says why")
    if report.files is None:
        raise domain.ReportNotReady("the report is not there yet")
    file = report.files[format]
    digest = b64encode(bytes.fromhex(file.sha256)).decode()
    name = f"{report.form}-{report.agency}-{report.month}"
    name = "".join(each if each.isascii() and (each.isalnum() or each in "-.") else "_" for each in name)
    is_fixed = report.publication is not None
    headers = {
        "Content-Length": str(file.length),
        "Content-Disposition": f'attachment; filename="{name}.{format}"',
        # RFC 9530.
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": "public, max-age=31536000, immutable" if public else "private, no-cache",
        "Motcua-Report": report.id,
        "Motcua-Report-State": "published" if is_fixed else "provisional",
    }
    media_type = schemas.MEDIA[format] + ("; charset=utf-8" if format == "csv" else "")
    return Answer(headers=headers, media_type=media_type, stream=reports.files.read(file))
