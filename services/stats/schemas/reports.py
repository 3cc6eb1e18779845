"""What is asked about reports, and answered."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from chassis.paging import PageQuery
from chassis.web import Body
from stats.domain.reports import PUBLIC, Cell, Difference, Form, Format, Report, State
from stats.usecases.reports import file_url, public_url

Month = Annotated[str, Field(pattern=r"^(199\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])$", description="YYYY-MM")]
AgencyId = Annotated[
    str | None, Field(max_length=100, description="an agency's id; default: one's own, or the topmost")
]
MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "pdf": "application/pdf",
    "json": "application/json",
}


class ReportBody(Body):
    """`format`: to which file `url` leads; every format is made of the same numbers. `as_of`: as known at the end of
    that day; not for a register."""

    form: Form
    agency: AgencyId = None
    month: Month
    format: Format = "xlsx"
    as_of: Annotated[date | None, Field(ge=date(1990, 1, 1), le=date(2200, 12, 31))] = None


class ReportQuery(Body):
    agency: AgencyId = None
    month: Month
    provisional: Annotated[
        bool, Field(description="as it is known now, even if a report of the month is published")
    ] = False


class PublicationsQuery(PageQuery):
    form: Form | None = None
    agency: Annotated[str | None, Field(max_length=100)] = None
    month: Month | None = None


class ChangesQuery(PageQuery):
    pass


class FileAnswer(BaseModel):
    url: str
    sha256: str
    length: int


class PublicationPart(BaseModel):
    """`number` counts what the agency published of the form; `hash` is SHA-256 over `previous`, a line feed and the
    manifest as canonical JSON. `revision` counts what it published of the month."""

    number: int
    revision: int
    published_at: datetime
    previous: str | None
    hash: str


class ReportAnswer(BaseModel):
    """`progress` in percent. `url`: where the file of the wanted format is, or will be. `known_until`: what was known
    then is counted. `expires_at` null: it is published, and stays."""

    id: str
    form: Form
    agency: str
    agency_name: str
    month: str
    as_of: date | None
    state: State
    progress: int
    url: str
    asked_at: datetime
    known_until: datetime | None
    expires_at: datetime | None
    files: dict[Format, FileAnswer] | None
    publication: PublicationPart | None


class PublishedAnswer(BaseModel):
    """A published report, with all that its hash covers (see `manifest`)."""

    id: str
    form: Form
    agency: str
    agency_name: str
    month: str
    known_until: datetime
    publication: PublicationPart
    files: dict[Format, FileAnswer]
    manifest: dict[str, Any]


class PublicationsPage(BaseModel):
    items: list[PublishedAnswer]
    next: str | None


class DifferenceItem(BaseModel):
    """A number of a table: what the report said, and what it is now; null where the row was not there. `row` is what
    the row is about, "" its total."""

    table: str
    row: str
    row_name: str | None
    column: str
    said: int | float | str | None
    now: int | float | str | None


class ChangesPage(BaseModel):
    """`said_until`, `now_until`: what was known then is counted."""

    report: str
    said_until: datetime
    now_until: datetime
    items: list[DifferenceItem]
    next: str | None


def answered(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "form": report.form,
        "agency": report.agency,
        "agency_name": report.agency_name,
        "month": report.month,
        "as_of": report.as_of,
        "state": report.state,
        "progress": report.progress,
        "url": file_url(report.id, report.format),
        "asked_at": report.asked_at,
        "known_until": report.known_until,
        "expires_at": report.expires_at,
        "files": _files(report, public=False),
        "publication": _publication(report),
    }


def shown(report: Report, manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": report.id,
        "form": report.form,
        "agency": report.agency,
        "agency_name": report.agency_name,
        "month": report.month,
        "known_until": report.known_until,
        "publication": _publication(report),
        "files": _files(report, public=True),
        "manifest": manifest,
    }


def _files(report: Report, *, public: bool) -> dict[str, Any] | None:
    if report.files is None:
        return None
    url = public_url if public and report.form in PUBLIC else file_url
    return {
        format: {"url": url(report.id, format), "sha256": file.sha256, "length": file.length}
        for format, file in report.files.items()
    }


def _publication(report: Report) -> dict[str, Any] | None:
    found = report.publication
    if found is None:
        return None
    return {
        "number": found.number,
        "revision": found.revision,
        "published_at": found.at,
        "previous": found.previous,
        "hash": found.hash,
    }


def difference(found: Difference) -> dict[str, Cell]:
    return {name: getattr(found, name) for name in Difference.__slots__}
