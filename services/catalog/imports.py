"""Imports: a whole catalogue, or a part of one, in one request, written in bulk. A bad row spoils only itself.

What an import holds and the store has already makes no version and no event, so an import can be repeated at will, also
after it was cut short.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from catalog import domain, schemas
from catalog.domain import Agency, CalendarYear, Directory, Procedure, Version
from catalog.store import (
    CatalogStore,
    ImportRow,
    StoredAgency,
    StoredCalendar,
    StoredImport,
    new_version,
    told_of,
)
from chassis import acts
from chassis.errors import FieldError, Invalid
from chassis.store import Aggregates, Change, New
from chassis.web import Answer, Call, field_errors

T = TypeVar("T")
S = TypeVar("S", StoredAgency, StoredCalendar)
RowKind = Literal["procedure", "agency", "calendar"]
MAX_ERRORS = 8
"""As many errors are kept of a row; one document holds the rows of the whole import."""
_CHANGED = FieldError("", "changed_meanwhile", "somebody else changed it during the import; import it again")


@dataclass(slots=True)
class _Row(Generic[T]):
    """An item on its way through an import. `value` is None when it could not be read."""

    kind: RowKind
    index: int
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
        errors = tuple(
            FieldError(error.pointer[:200], error.code, error.message[:200]) for error in self.errors[:MAX_ERRORS]
        )
        status: Literal["accepted", "unchanged", "rejected"] = "unchanged" if self.unchanged else "accepted"
        return ImportRow(
            kind=self.kind, index=self.index, id=self.id, status="rejected" if self.errors else status, errors=errors
        )


@dataclass(frozen=True, slots=True)
class Imports:
    store: CatalogStore

    def run(self, call: Call, body: schemas.ImportBody) -> Answer:
        """Imports what can be imported, and answers 201 with what became of each row."""
        id = call.id_for_new("import")
        if (first := acts.first_answer(self.store.imports.load(id), call)) is not None:
            return first
        agencies = _read(
            body.agencies, "agency", "id", schemas.AgencyRow, lambda row: row.agency(row.id), domain.agency_errors
        )
        calendars = _read(
            body.calendars,
            "calendar",
            "year",
            schemas.CalendarRow,
            lambda row: row.calendar(row.year),
            domain.calendar_errors,
        )
        procedures = _read(
            body.procedures,
            "procedure",
            "code",
            schemas.ProcedureRow,
            lambda row: row.procedure(row.code),
            domain.procedure_errors,
        )
        directory = _fit(agencies, self.store.every_agency())
        for row in procedures:
            if row.value is not None:
                row.errors += directory.unknown(row.value)
        self._agencies(agencies, call, body.dry_run)
        self._calendars(calendars, call, body.dry_run)
        self._procedures(procedures, call, body.dry_run)
        done = StoredImport(
            id=id,
            dry_run=body.dry_run,
            rows=tuple(row.done() for row in (*procedures, *agencies, *calendars)),
            changed_at=call.occurred_at,
            changed_by=call.principal.subject,
        )
        return acts.create(
            self.store.imports, id, done, [], call, lambda state, _: Answer(schemas.ImportAnswer.of(state), 201)
        )

    def _agencies(self, rows: Sequence[_Row[Agency]], call: Call, dry_run: bool) -> None:
        def state(agency: Agency) -> StoredAgency:
            return StoredAgency(
                id=agency.id, agency=agency, changed_at=call.occurred_at, changed_by=call.principal.subject
            )

        _put(self.store.agencies, _good(rows), state, lambda stored: stored.agency, call, dry_run)

    def _calendars(self, rows: Sequence[_Row[CalendarYear]], call: Call, dry_run: bool) -> None:
        def state(calendar: CalendarYear) -> StoredCalendar:
            return StoredCalendar(
                id=str(calendar.year), calendar=calendar, changed_at=call.occurred_at, changed_by=call.principal.subject
            )

        _put(self.store.calendars, _good(rows), state, lambda stored: stored.calendar, call, dry_run)

    def _procedures(self, rows: Sequence[_Row[Procedure]], call: Call, dry_run: bool) -> None:
        wanted = _good(rows)
        latest = self.store.latest(wanted)
        versions: list[Version] = []
        for code, (row, procedure) in wanted.items():
            row.unchanged = domain.offers_the_same(latest.get(code), procedure)
            if not row.unchanged:
                try:
                    versions.append(domain.publish(latest.get(code), procedure))
                except Invalid as error:
                    row.errors += error.errors
        if dry_run:
            return
        news = [new_version(v, call.occurred_at, call.principal.subject, call.trace, None) for v in versions]
        refused = self.store.procedures.add(news)
        lost = [version for version, reason in zip(versions, refused, strict=True) if reason is not None]
        winners = self.store.versions((version.code, version.number) for version in lost)
        for version in lost:
            row, procedure = wanted[version.code]
            row.lost(domain.offers_the_same(winners[version.code], procedure))


def _put(
    aggregates: Aggregates[S],
    wanted: Mapping[str, tuple[_Row[T], T]],
    state: Callable[[T], S],
    value: Callable[[S], T],
    call: Call,
    dry_run: bool,
) -> None:
    """Writes the rows whose value is not what is stored: new ones with one write, changed ones with another."""
    loaded = aggregates.load_many(wanted)
    added: list[New[S]] = []
    changed: list[Change[S]] = []
    for id, (row, new) in wanted.items():
        before = loaded.get(id)
        if before is not None and value(before.state) == new:
            row.unchanged = True
            continue
        after = state(new)
        events = [told_of(after)[1]]
        if before is None:
            added.append(New(id, after, events, call.occurred_at, call.trace))
        else:
            changed.append(Change(before, after, events, call.occurred_at, call.trace))
    if dry_run:
        return
    lost = [new.id for new, refused in zip(added, aggregates.add(added), strict=True) if refused is not None]
    lost += [change.before.id for change, saved in zip(changed, aggregates.save(changed), strict=True) if not saved]
    for id, winner in aggregates.load_many(lost).items():
        row, new = wanted[id]
        row.lost(value(winner.state) == new)


def _read(
    items: Sequence[Any],
    kind: RowKind,
    id_field: str,
    model: type[BaseModel],
    convert: Callable[[Any], T],
    check: Callable[[T], list[FieldError]],
) -> list[_Row[T]]:
    """Each item by itself, checked by itself. Of several good ones with the same id, the first is taken."""
    rows: list[_Row[T]] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        raw_id = item.get(id_field) if isinstance(item, dict) else None
        row: _Row[T] = _Row(kind, index, str(raw_id)[:100] if isinstance(raw_id, (str, int)) else None, None)
        try:
            parsed = model.model_validate(item)
            row.id = str(getattr(parsed, id_field))
            row.value = convert(parsed)
            row.errors = check(row.value)
        except ValidationError as error:
            row.errors = field_errors(error)
        if row.id is not None and row.id in seen:
            row.errors.append(FieldError(f"/{id_field}", "repeated", "is in this import already"))
        if row.id is not None and not row.errors:
            seen.add(row.id)
        rows.append(row)
    return rows


def _good(rows: Iterable[_Row[T]]) -> dict[str, tuple[_Row[T], T]]:
    """The rows that may still be accepted, by id, each with its value."""
    return {row.id: (row, row.value) for row in rows if row.id is not None and row.value is not None and not row.errors}


def _fit(rows: Sequence[_Row[Agency]], stored: dict[str, Agency]) -> Directory:
    """Rejects the agencies that do not fit among the stored and the imported ones, until the rest fits together."""
    while True:
        good = _good(rows)
        directory = Directory({**stored, **{id: agency for id, (_, agency) in good.items()}})
        unfit = [(row, errors) for row, agency in good.values() if (errors := directory.errors(agency))]
        if not unfit:
            return directory
        for row, errors in unfit:
            row.errors += errors
