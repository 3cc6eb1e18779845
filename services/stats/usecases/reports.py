"""Asking for reports, publishing them, and telling the feed."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from chassis import acts
from chassis.auth import Principal
from chassis.clock import id_from
from chassis.errors import FieldError, Invalid, NotFound, Unavailable
from chassis.hashchain import link
from chassis.store import New
from chassis.web import Answer, Call
from chassis.worktime import ZONE, local_day
from stats.domain.catalogue import top
from stats.domain.content import read
from stats.domain.feed import Statement
from stats.domain.feed import published as said_published
from stats.domain.months import next_month
from stats.domain.reports import (
    FORMS,
    PUBLIC,
    Before,
    Difference,
    Form,
    Format,
    Head,
    Report,
    ReportNotReady,
    Rows,
    differences,
    manifest,
    published,
)
from stats.queries.counts import NotAsOf
from stats.queries.reports import Drawing, Of, seen
from stats.store import StatsStore
from stats.store.reports import Reports
from stats.usecases.feed import Touched

KEPT = timedelta(days=7)
"""A report that nobody published can be made anew at any time."""
FRESH = timedelta(minutes=5)
"""Who asks for a file gets the numbers of the last report that was asked for, as long as it is no older."""
REST = timedelta(minutes=10)
"""A report that could not be made is not tried again before this for who asks for its file."""
MOST_WAITING = 500


class MonthInvalid(Invalid):
    code, title = "month_invalid", "Tháng không hợp lệ"


class ReportFailed(Unavailable):
    code, title = "report_failed", "Báo cáo này chưa lập được, xin báo bộ phận kỹ thuật"


class TooManyReports(Unavailable):
    code, title = "too_many_reports", "Quá nhiều báo cáo đang chờ lập, xin thử lại sau"


def file_url(id: str, format: Format) -> str:
    return f"/api/stats/v1/reports/{id}/files/{format}"


def public_url(id: str, format: Format) -> str:
    return f"/api/stats/v1/publications/{id}.{format}"


class Reporting:
    def __init__(self, store: StatsStore, reports: Reports) -> None:
        self._store = store
        self._reports = reports
        self._drawing = Drawing(store)

    # -- asking --

    def ask(
        self, call: Call, form: Form, agency: str | None, month: str, as_of: date | None, format: Format,
        render: acts.Render[Report],
    ) -> Answer:  # fmt: skip
        """A new report, to be made by a worker. NotFound for agencies of others, MonthInvalid, NotAsOf,
        TooManyReports, KeyReused."""
        report = self._asked(call, call.id_for_new("report"), form, agency, month, format)
        if as_of is not None and as_of < local_day(call.now):
            if form == "register":
                raise NotAsOf("only what is known now can be listed", errors=[FieldError("/as_of", "not_as_of", "no")])
            report = replace(report, as_of=as_of)
        loaded = self._reports.reports.load(report.id)
        if loaded is None and self._reports.waiting(MOST_WAITING) >= MOST_WAITING:
            raise TooManyReports("too many reports wait to be made", retry_after=60)
        return acts.create(self._reports.reports, report.id, report, (), call, render)

    def current(self, call: Call, form: Form, agency: str | None, month: str, *, provisional: bool) -> Report:
        """What is published last of that agency and month; when nothing is, or with `provisional`, the newest report,
        which is asked for when there is none of the last minutes."""
        wanted = self._asked(call, "", form, agency, month, "xlsx")
        if not provisional:
            said = self._reports.before(form, wanted.agency, month).of_month
            if said is not None:
                return said
        newest = self._reports.newest(form, wanted.agency, month)
        if newest is not None and newest.state == "failed" and newest.asked_at > call.now - REST:
            raise ReportFailed("the report could not be made; the log says why", retry_after=600)
        if newest is not None and newest.state != "failed" and newest.asked_at > call.now - FRESH:
            return newest
        if newest is not None and newest.state == "waiting":
            return newest
        if self._reports.waiting(MOST_WAITING) >= MOST_WAITING:
            raise TooManyReports("too many reports wait to be made", retry_after=60)
        # Of those who ask at the same moment all get the same one.
        slot = int(call.now.timestamp() // FRESH.total_seconds())
        id = id_from("report", form, wanted.agency, month, "" if newest is None else newest.id, str(slot))
        report = replace(wanted, id=id)
        self._reports.reports.add([New(id, report, (), call.now)])
        return self._reports.load(id) or report

    def _asked(
        self, call: Call, id: str, form: Form, agency: str | None, month: str, format: Format
    ) -> Report:  # fmt: skip
        copies = self._store.agencies.all()
        whose = agency or call.principal.agency or top(copies) or ""
        found = copies.get(whose)
        if found is None or not seen(call.principal, copies, whose):
            raise NotFound("no such agency for you")
        if date.fromisoformat(f"{month}-01") > local_day(call.now):
            wrong = FieldError("/month", "month_in_future", "a month that has begun")
            raise MonthInvalid("the month has not begun", errors=[wrong])
        return Report(
            id=id, form=form, agency=whose, agency_name=found.name or whose, month=month, asked_at=call.now,
            free_at=call.now, expires_at=call.now + KEPT, format=format,
        )  # fmt: skip

    def report(self, principal: Principal, id: str) -> Report:
        """NotFound for those of others, too."""
        found = self._reports.load(id)
        if found is None or not seen(principal, self._store.agencies.all(), found.agency):
            raise NotFound("no such report for you")
        return found

    # -- publishing --

    def publish(self, call: Call, id: str, render: acts.Render[Report]) -> Answer:
        """Fixes the report for ever. NotFound, ReportNotReady, ReportPublishedAlready, MonthNotOver, ReportOutdated."""
        copies = self._store.agencies.all()
        for _ in range(acts.RACES):
            report = self.report(call.principal, id)
            before = self._reports.before(report.form, report.agency, report.month)
            try:
                return acts.change(
                    self._reports.reports, id, call,
                    sees=lambda state: state.state != "gone" and seen(call.principal, copies, state.agency),
                    decide=partial(_published, before=before, call=call),
                    render=render,
                )  # fmt: skip
            except acts.Taken:
                # Another report of the same agency was published meanwhile: this one follows it.
                continue
        raise Unavailable("too many reports are published at once", retry_after=1)

    # -- what changed since --

    def changes(self, principal: Principal, id: str, now: datetime) -> tuple[Report, datetime, list[Difference]]:
        """What the report said and what is known now, number by number, where they differ; a register's by its summary.
        NotFound, ReportNotReady."""
        report = self.report(principal, id)
        if report.content is None or report.known_until is None:
            raise ReportNotReady("the report is not there yet")
        head, rows = read(self._reports.files.lines(report.content))
        single = {n for n, table in enumerate(head.tables) if table.id == "register"}
        said = _by_row(head, rows, single)
        drawn = self._drawing.draw(of(report, as_of=None), now, single=False)
        is_now = _by_row(drawn.head, drawn.rows, set())
        tables = {table.id: table for table in (*head.tables, *drawn.head.tables) if table.id != "register"}
        found = [
            difference
            for name, table in sorted(tables.items())
            for difference in differences(table, said.get(name, {}), is_now.get(name, {}))
        ]
        return report, drawn.head.known_until, found

    # -- whether it is as it was --

    def verify(self) -> Iterator[str]:
        """Whatever is not as it was published, in words; nothing when all is."""
        for form, agency in self._reports.chains():
            previous: str | None = None
            for number, report in enumerate(self._reports.of_chain(form, agency), 1):
                publication = report.publication
                name = f"{form} {agency} {report.month} ({report.id})"
                if publication is None or publication.number != number:
                    yield f"{name}: publication {number} of {form} is missing"
                    break
                if link(previous, manifest(report, number, publication.revision, publication.at)) != publication.hash:
                    yield f"{name}: the manifest is not the one that was published"
                previous = publication.hash
                yield from (f"{name}: {problem}" for problem in self._changed_files(report))

    def _changed_files(self, report: Report) -> Iterator[str]:
        files: list[tuple[str, Any]] = [("content", report.content), *(report.files or {}).items()]
        for format, file in files:
            digest, length = hashlib.sha256(), 0
            for piece in self._reports.files.read(file):
                digest.update(piece)
                length += len(piece)
            if (digest.hexdigest(), length) != (file.sha256, file.length):
                yield f"the {format} file is not the one that was published"


class PublishedReports:
    """The source of `stats.report.published.v1`."""

    def __init__(self, store: StatsStore, reports: Reports, base_url: str) -> None:
        self._feed = store.feed
        self._reports = reports
        self._base_url = base_url.rstrip("/")

    def __call__(self, _touched: Touched, _now: datetime) -> Iterator[Statement]:
        for report in self._reports.untold():
            publication, files = report.publication, report.files
            if publication is None or files is None:
                continue
            url = public_url if report.form in PUBLIC else file_url
            statement = said_published(
                report.form, report.agency, report.month, revision=publication.revision, sha256=files["json"].sha256,
                url=self._base_url + url(report.id, "json"), at=publication.at,
            )  # fmt: skip
            # It is told when the feed holds it, not when it was handed to it.
            if self._feed.holds(statement):
                self._reports.told(report.id)
            else:
                yield statement


def of(report: Report, *, as_of: date | None) -> Of:
    return Of(report.form, report.agency, report.agency_name, report.month, as_of)


def _published(report: Report, *, before: Before, call: Call) -> tuple[Report, tuple[()]]:
    first = date.fromisoformat(f"{report.month}-01")
    ends_at = datetime.combine(next_month(first), time(), ZONE).astimezone(UTC)
    return published(report, before, ends_at, call.principal.subject, call.now), ()


def _by_row(head: Head, rows: Any, single: set[int]) -> dict[str, Rows]:
    """By table, then by what a row is about. The rows of single dossiers, which come last, are not read."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.table in single:
            break
        found.setdefault(head.tables[row.table].id, {})["" if row.total else str(row.cells[0])] = row.cells
    return dict(found)


def form_of(text: str) -> Form:
    """NotFound for a word that is none."""
    for form in FORMS:
        if form == text:
            return form
    raise NotFound("no such form")
