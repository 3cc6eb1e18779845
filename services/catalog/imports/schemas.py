"""What an import is sent as, and what is told of it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, SkipValidation

from catalog.imports import texts
from catalog.imports.columns import column_of
from catalog.imports.store import (
    ImportFormat,
    ImportRow,
    ImportState,
    Progress,
    RowFilter,
    RowKind,
    RowStatus,
    StoredImport,
)
from catalog.schemas import MAX_ROWS, AgencyRow, CalendarRow, ProcedureRow, Word
from chassis.errors import FieldError
from chassis.paging import Page, PageQuery
from chassis.web import Body


class ImportBody(Body):
    """A catalogue, or a part of one. Every row is read by itself, so that a bad one spoils only itself."""

    procedures: Annotated[list[SkipValidation[ProcedureRow]], Field(default=[], max_length=MAX_ROWS)]
    agencies: Annotated[list[SkipValidation[AgencyRow]], Field(default=[], max_length=MAX_ROWS)]
    calendars: Annotated[list[SkipValidation[CalendarRow]], Field(default=[], max_length=200)]
    dry_run: bool = Field(default=False, description="says what would happen, and changes nothing")


class ImportQuery(Body):
    """How a file that is sent is to be imported. (In JSON, `dry_run` is in the body too.)"""

    dry_run: bool = Field(default=False, description="says what would happen, and changes nothing")
    format: Literal["national", "processes"] | None = Field(
        default=None,
        description="of a JSON list. national: procedures in the national database's shape; processes: internal "
        "processes as decisions publish them, for procedures that are in force",
    )


class ImportAnswer(Body):
    """What became of an import: so many things accepted (they would be, in a dry run), unchanged, rejected; `warned` of
    those accepted or unchanged say too little, and something safe was taken in its place.

    `total`: null until the file has been read. `progress` in percent. `rows`: of an import that was done within its
    request; of others, and in Vietnamese, ask for `…/rows`. `errors`: why it failed as a whole.
    """

    id: str
    state: ImportState
    format: ImportFormat
    dry_run: bool
    total: int | None
    done: int
    progress: int
    accepted: int
    rejected: int
    unchanged: int
    warned: int
    errors: tuple["RowError", ...]
    rows: tuple[ImportRow, ...]

    @classmethod
    def of(cls, stored: StoredImport) -> "ImportAnswer":
        counts = stored.progress if stored.upload else Progress().after(stored.rows)
        finished = stored.state == "done" or not counts.total
        share = 100 * int(stored.state == "done") if finished else 100 * counts.done // (counts.total or 1)
        return cls.model_construct(
            id=stored.id,
            state=stored.state,
            format=stored.format,
            dry_run=stored.dry_run,
            total=counts.total,
            done=counts.done,
            progress=share,
            accepted=counts.accepted,
            rejected=counts.rejected,
            unchanged=counts.unchanged,
            warned=counts.warned,
            errors=tuple(RowError.of(error) for error in stored.errors),
            rows=stored.rows,
        )


class RowsQuery(PageQuery):
    """Which rows of an import."""

    status: RowFilter | None = Field(default=None, description="warned: of any status, with warnings")


class RowError(Body):
    """What is wrong, or was assumed. `column`: of a sheet. `message` in Vietnamese, `detail` in English."""

    pointer: str
    column: str | None
    code: str
    message: str
    detail: str

    @classmethod
    def of(cls, error: FieldError) -> "RowError":
        return cls.model_construct(
            pointer=error.pointer,
            column=column_of(error.pointer),
            code=error.code,
            message=texts.message(error.code),
            detail=error.message,
        )


class RowAnswer(Body):
    """What became of a row. `index`: its place in its list, or its row in the sheet as a spreadsheet program counts."""

    kind: RowKind
    index: int
    id: str | None
    status: RowStatus
    errors: tuple[RowError, ...]
    warnings: tuple[RowError, ...]

    @classmethod
    def of(cls, row: ImportRow) -> "RowAnswer":
        return cls.model_construct(
            kind=row.kind,
            index=row.index,
            id=row.id,
            status=row.status,
            errors=tuple(RowError.of(each) for each in row.errors),
            warnings=tuple(RowError.of(each) for each in row.warnings),
        )


class RowList(Page[RowAnswer]):
    """Rows in the order in which they were done."""


class ExportQuery(Body):
    """Which procedures: those in force on the day."""

    on: date | None = Field(default=None, description="today if it is left out")
    field: Word | None = Field(default=None, description="the field's code")
    agency: Word | None = Field(default=None, description="what this agency offers; its identifier or an alias")
