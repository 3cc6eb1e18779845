"""The routes of imports, and of what they can be made from: templates and exports."""

from typing import TypeVar

from catalog.imports import schemas
from catalog.imports.exports import ExportFormat, FormatUnknown, export, template
from catalog.imports.sheets import XLSX
from catalog.imports.usecases import Imports, Sent, format_of
from catalog.queries import Queries
from catalog.store import Wanted
from chassis.paging import cursor_of, keys_of, page
from chassis.web import Answer, Call, Router, Upload, UploadRule
from chassis.worktime import local_day

MAX_UPLOAD = 20_000_000


def add_routes(router: Router, imports: Imports, queries: Queries, edit: str, law: str) -> None:
    @router.post(
        "/imports",
        scope=edit,
        needs="key",
        answers={201: schemas.ImportAnswer},
        upload=UploadRule("multipart", MAX_UPLOAD, besides=("text/csv", XLSX)),
    )
    def import_catalogue(
        call: Call, query: schemas.ImportQuery, body: schemas.ImportBody | None = None, upload: Upload | None = None
    ) -> Answer:
        """Imports procedures, agencies and calendars, and says what became of each row.

        A bad row is rejected by itself; what is there already stays unchanged. A procedure that differs from its latest
        version becomes the next version. Parents may come in the same import. JSON with at most 500 procedures is
        imported at once (`state` is `done`, and `rows` are in the answer); a file (CSV, XLSX, JSON) and larger JSON in
        the background: follow `GET …/imports/{id}` and `…/rows`. The columns of a sheet: `GET …/imports/template.xlsx`.
        """
        if upload is None:
            given = body or schemas.ImportBody.model_validate({})
            return imports.take(call, given.model_copy(update={"dry_run": given.dry_run or query.dry_run}))
        data = upload.file.read()
        return imports.queue(call, Sent(format_of(data, query.format), data, query.dry_run))

    @router.get("/imports/template.<format>", public=law, answers={200: ("text/csv", XLSX)}, raises=(FormatUnknown,))
    def get_template(call: Call, format: str) -> Answer:
        """An empty sheet (csv or xlsx) with the columns' names; the workbook also says how to fill it in."""
        return template(_format(format, ("csv", "xlsx")))

    @router.get("/imports/<id>", scope=edit, answers={200: schemas.ImportAnswer})
    def get_import(call: Call, id: str) -> Answer:
        """What became of an import, or how far it is."""
        return Answer(schemas.ImportAnswer.of(imports.status(id)))

    @router.get("/imports/<id>/rows", scope=edit, answers={200: schemas.RowList})
    def list_import_rows(call: Call, id: str, query: schemas.RowsQuery) -> Answer:
        """What became of each row so far, with what was wrong in it, in Vietnamese."""
        keys = keys_of(query.cursor, int)
        found = imports.rows(id, query.status, keys[0] if keys else -1, query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last[0]))
        return Answer({"items": [schemas.RowAnswer.of(row) for _, row in items], "next": following})

    @router.get(
        "/procedures/export.<format>",
        public=law,
        answers={200: ("application/json", "text/csv", XLSX)},
        raises=(FormatUnknown,),
    )
    def export_procedures(call: Call, format: str, query: schemas.ExportQuery) -> Answer:
        """The versions in force today, or on the day `on`, as a file (json, csv, xlsx) that an import takes."""
        day = query.on or local_day(call.now)
        wanted = Wanted(field=query.field, agency=queries.agency_in_filter(query.agency, day))
        return export(queries, wanted, day, _format(format, ("json", "csv", "xlsx")))


F = TypeVar("F", bound=ExportFormat)


def _format(given: str, known: tuple[F, ...]) -> F:
    for each in known:
        if each == given:
            return each
    raise FormatUnknown(f"one of: {', '.join(known)}")
