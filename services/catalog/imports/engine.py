"""An import at work: a whole catalogue, or a part of one, written in bulk. A bad row spoils only itself.

What an import holds and the store has already makes no version and no event, so an import can be repeated at will, also
after it was cut short: what it wrote bears its mark, and is not written again even if somebody withdrew it meanwhile.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from catalog import definitions, domain, schemas
from catalog.directory import Directory
from catalog.domain import Agency, CalendarYear, Procedure, Version
from catalog.imports.store import ImportRow, RowKind
from catalog.store import (
    CatalogStore,
    StoredAgency,
    StoredCalendar,
    new_version,
    next_calendar,
    told_of,
)
from chassis.errors import FieldError, Invalid
from chassis.store import Aggregates, Change, KeptAnswer, Loaded, New
from chassis.web import field_errors

T = TypeVar("T")
S = TypeVar("S", StoredAgency, StoredCalendar)
MAX_ERRORS = 8
"""As many errors are kept of a row; one document holds the rows of the whole import."""
_CHANGED = FieldError("", "changed_meanwhile", "somebody else changed it during the import; import it again")


@dataclass(slots=True)
class _Row(Generic[T]):
    """An item on its way through an import. `value` is None when it could not be read."""

    item: "Item"
    id: str | None
    value: T | None
    errors: list[FieldError] = field(default_factory=list)
    unchanged: bool = False

    def lost(self, same: bool) -> None:
        """Somebody else wrote it during the import; `same`: the very same thing."""
        self.unchanged = same
        if not same:
            self.errors.append(_CHANGED)

    def done(self) -> ImportRow:
        status: Literal["accepted", "unchanged", "rejected"] = "unchanged" if self.unchanged else "accepted"
        return ImportRow(
            kind=self.item.kind,
            index=self.item.index,
            id=self.id,
            status="rejected" if self.errors else status,
            errors=_kept(self.errors),
            warnings=_kept(self.item.warnings),
        )


def _kept(found: Sequence[FieldError]) -> tuple[FieldError, ...]:
    return tuple(FieldError(each.pointer[:200], each.code, each.message[:200]) for each in found[:MAX_ERRORS])


@dataclass(frozen=True, slots=True)
class Item:
    """What an import holds of one thing, as it was read. `undated`: without a `valid_from` of its own, so that what
    differs only in that is the same. A thing with `errors` could not even be read."""

    kind: RowKind
    index: int
    raw: Any
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[FieldError, ...] = ()
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Author:
    """Who imports, when, and the mark on what the import writes."""

    import_id: str
    at: datetime
    by: str
    trace: str | None = None

    def answer(self, version: int) -> KeptAnswer:
        """Written with each thing, in the place where a request leaves its answer: it says that this import did it."""
        return KeptAnswer(self.mark, "", 201, "", version)

    @property
    def mark(self) -> str:
        return f"import:{self.import_id}"

    def made(self, loaded: Loaded[Any]) -> bool:
        return any(answer.key == self.mark for answer in loaded.answers)


class Import:
    """One import at work. Its things come in one or several parts: agencies first, whole, so that procedures may name
    them; procedures in parts of any size."""

    def __init__(self, store: CatalogStore, author: Author, *, dry_run: bool) -> None:
        self._store = store
        self._author = author
        self._dry_run = dry_run
        self._directory: Directory | None = None
        self._seen: dict[tuple[RowKind, str], int] = {}

    def do(self, items: Sequence[Item]) -> list[ImportRow]:
        """Imports these things; what became of each, in their order."""
        agencies, calendars, procedures = self._read(items)
        directory = self._known(agencies)
        for row in procedures:
            if row.value is not None:
                row.errors += directory.unknown(row.value)
        self._agencies(agencies)
        self._calendars(calendars)
        self._procedures(procedures)
        every: list[_Row[Any]] = [*agencies, *calendars, *procedures]
        done = {id(row.item): row.done() for row in every}
        return [done[id(item)] for item in items]

    def pass_over(self, items: Sequence[Item]) -> None:
        """Remembers these things as done already, by a process that ended since."""
        self._read(items)

    def _known(self, agencies: Sequence[_Row[Agency]]) -> Directory:
        if self._directory is None:
            self._directory = _fit(agencies, self._store.every_agency(), self._store.ends(_good(agencies)))
        return self._directory

    def _read(
        self, items: Sequence[Item]
    ) -> tuple[list[_Row[Agency]], list[_Row[CalendarYear]], list[_Row[Procedure]]]:
        def of(kind: RowKind) -> list[Item]:
            return [item for item in items if item.kind == kind]

        agencies = _read(
            of("agency"), "id", schemas.AgencyRow, lambda row: row.agency(row.id), domain.agency_errors, self._seen
        )
        if agencies:
            # Before any procedure is read: they hang together, and procedures may name them.
            self._known(agencies)
        calendars = _read(
            of("calendar"),
            "year",
            schemas.CalendarRow,
            lambda row: row.calendar(row.year),
            domain.calendar_errors,
            self._seen,
        )
        procedures = _read(
            of("procedure"),
            "code",
            schemas.ProcedureRow,
            lambda row: row.procedure(row.code),
            definitions.procedure_errors,
            self._seen,
        )
        return agencies, calendars, procedures

    def _agencies(self, rows: Sequence[_Row[Agency]]) -> None:
        def state(_before: StoredAgency | None, agency: Agency) -> StoredAgency:
            return StoredAgency(id=agency.id, agency=agency, changed_at=self._author.at, changed_by=self._author.by)

        _put(self._store.agencies, _good(rows), state, lambda stored: stored.agency, self._author, self._dry_run)

    def _calendars(self, rows: Sequence[_Row[CalendarYear]]) -> None:
        def state(before: StoredCalendar | None, calendar: CalendarYear) -> StoredCalendar:
            return next_calendar(before, calendar, self._author.at, self._author.by)

        _put(self._store.calendars, _good(rows), state, lambda stored: stored.calendar, self._author, self._dry_run)

    def _procedures(self, rows: Sequence[_Row[Procedure]]) -> None:
        wanted = _good(rows)
        latest = self._store.latest(wanted)
        # What this import wrote before it was cut short counts as written, whatever became of it since. It is looked
        # for after the latest versions were read: one of its own among those is known for its own.
        for code in self._store.marked(self._author.mark, wanted):
            del wanted[code]
        versions: list[Version] = []
        for code, (row, procedure) in wanted.items():
            row.unchanged = _offers_the_same(latest.get(code), row, procedure)
            if not row.unchanged:
                try:
                    versions.append(domain.publish(latest.get(code), procedure))
                except Invalid as error:
                    row.errors += error.errors
        if self._dry_run:
            return
        author = self._author
        news = [new_version(v, author.at, author.by, author.trace, author.answer(v.number)) for v in versions]
        refused = self._store.procedures.add(news)
        lost = [version for version, reason in zip(versions, refused, strict=True) if reason is not None]
        mine = self._store.marked(author.mark, [version.code for version in lost])
        winners = self._store.versions((version.code, version.number) for version in lost)
        for version in lost:
            row, procedure = wanted[version.code]
            if version.code not in mine:
                row.lost(_offers_the_same(winners[version.code], row, procedure))


def _offers_the_same(latest: Version | None, row: _Row[Procedure], procedure: Procedure) -> bool:
    if row.item.undated and latest is not None:
        procedure = replace(procedure, valid_from=latest.procedure.valid_from)
    return domain.offers_the_same(latest, procedure)


def _put(
    aggregates: Aggregates[S],
    wanted: Mapping[str, tuple[_Row[T], T]],
    state: Callable[[S | None, T], S],
    value: Callable[[S], T],
    author: Author,
    dry_run: bool,
) -> None:
    """Writes the rows whose value is not what is stored: new ones with one write, changed ones with another."""
    loaded = aggregates.load_many(wanted)
    added: list[New[S]] = []
    changed: list[Change[S]] = []
    for id, (row, new) in wanted.items():
        before = loaded.get(id)
        if before is not None and author.made(before):
            continue
        if before is not None and value(before.state) == new:
            row.unchanged = True
            continue
        after = state(None if before is None else before.state, new)
        events = [told_of(after)[1]]
        if before is None:
            added.append(New(id, after, events, author.at, author.trace, answer=author.answer(1)))
        else:
            answer = author.answer(before.version + 1)
            changed.append(Change(before, after, events, author.at, author.trace, answer))
    if dry_run:
        return
    lost = [new.id for new, refused in zip(added, aggregates.add(added), strict=True) if refused is not None]
    lost += [change.before.id for change, saved in zip(changed, aggregates.save(changed), strict=True) if not saved]
    for id, winner in aggregates.load_many(lost).items():
        row, new = wanted[id]
        if not author.made(winner):
            row.lost(value(winner.state) == new)


def _read(
    items: Sequence[Item],
    id_field: str,
    model: type[BaseModel],
    convert: Callable[[Any], T],
    check: Callable[[T], list[FieldError]],
    seen: dict[tuple[RowKind, str], int],
) -> list[_Row[T]]:
    """Each thing by itself, checked by itself. Of several good ones with the same id, the first is taken."""
    rows: list[_Row[T]] = []
    for item in items:
        raw_id = item.raw.get(id_field) if isinstance(item.raw, dict) else None
        row: _Row[T] = _Row(item, str(raw_id)[:100] if isinstance(raw_id, (str, int)) else None, None)
        row.errors = list(item.errors)
        if not row.errors:
            try:
                parsed = model.model_validate(item.raw)
                row.id = str(getattr(parsed, id_field))
                row.value = convert(parsed)
                row.errors = check(row.value)
            except ValidationError as error:
                row.errors = field_errors(error)
        if row.id is not None and seen.get((item.kind, row.id), item.index) != item.index:
            row.errors.append(FieldError(f"/{id_field}", "repeated", "is in this import already"))
        if row.id is not None and not row.errors:
            seen[item.kind, row.id] = item.index
        rows.append(row)
    return rows


def _good(rows: Iterable[_Row[T]]) -> dict[str, tuple[_Row[T], T]]:
    """The rows that may still be accepted, by id, each with its value."""
    return {row.id: (row, row.value) for row in rows if row.id is not None and row.value is not None and not row.errors}


def _fit(rows: Sequence[_Row[Agency]], stored: dict[str, Agency], ended: Mapping[str, date]) -> Directory:
    """Rejects the agencies that do not fit among the stored and the imported ones, until the rest fits together."""
    while True:
        good = _good(rows)
        directory = Directory({**stored, **{id: agency for id, (_, agency) in good.items()}}, ended)
        unfit = [(row, errors) for row, agency in good.values() if (errors := directory.errors(agency))]
        if not unfit:
            return directory
        for row, errors in unfit:
            row.errors += errors
