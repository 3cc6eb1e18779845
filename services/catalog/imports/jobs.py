"""Imports that a worker does, part by part, so that each can be seen to get on, and goes on where a killed one stopped.

A part is written first, then what became of its rows, then how far the import is. Whatever is cut short in between is
done again, and finds by the import's mark what it has written already.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from catalog.domain import NATIONAL_CODE, Procedure, counting_on, status_of
from catalog.imports import chains, national, schemas, sheets
from catalog.imports.engine import Author, Import, Item
from catalog.imports.exports import item_of
from catalog.imports.store import ImportFormat, StoredImport
from catalog.imports.usecases import items_of
from catalog.store import CatalogStore
from chassis import logs
from chassis.clock import Clock
from chassis.errors import FieldError
from chassis.store import Change, Loaded
from chassis.web import composed, field_errors
from chassis.worktime import local_day

log = logs.get()
PART = 250
MAX_ATTEMPTS = 3
"""How often a worker may end at the same place before the import is given up: what kills it would do so for ever."""


@dataclass(slots=True)
class _Running:
    """An import that this process has read."""

    id: str
    items: list[Item]
    work: Import
    done: int


class Jobs:
    def __init__(self, store: CatalogStore, clock: Clock, hold: Callable[[], bool]) -> None:
        """`hold`: whether this process may work now (see `chassis.store.Lease`); also asked while a file is read."""
        self._store = store
        self._clock = clock
        self._hold = hold
        self._running: _Running | None = None

    def work(self) -> bool:
        """Does one part of the oldest import that is not done; False when there is nothing to do."""
        if not self._hold():
            self._running = None
            return False
        loaded = self._store.imports.waiting()
        if loaded is None:
            return False
        # Whatever goes wrong below, what is in memory is not trusted afterwards, but read again.
        running, self._running = self._running, None
        if running is None or running.id != loaded.id:
            opened = self._open(loaded)
            if opened is None:
                return True
            loaded, running = opened
        elif running.done != loaded.state.progress.done:
            # Another worker did a part, having taken this one for dead.
            running.work.pass_over(running.items[: loaded.state.progress.done])
            running.done = loaded.state.progress.done
        part = running.items[running.done : _end_of_part(running.items, running.done)]
        rows = running.work.do(part)
        self._store.imports.rows.keep(loaded.id, running.done, rows)
        progress = replace(loaded.state.progress, total=len(running.items)).after(rows)
        state = replace(loaded.state, progress=progress, attempts=0)
        if progress.done >= len(running.items):
            state = replace(state, state="done")
        if self._save(loaded, state):
            running.done = progress.done
            if state.state == "done":
                self._end(state)
                return True
        self._running = running
        return True

    def _open(self, loaded: Loaded[StoredImport]) -> tuple[Loaded[StoredImport], _Running] | None:
        """Reads what was sent. None when that ended the import, or somebody else has it."""
        state = loaded.state
        if state.attempts >= MAX_ATTEMPTS:
            self._fail(loaded, (FieldError("", "gave_up", f"a worker ended {MAX_ATTEMPTS} times at this"),))
            return None
        # Noted before anything is read: what ends the process leaves its trace here.
        begun = replace(state, state="running", attempts=state.attempts + 1)
        if not self._save(loaded, begun):
            return None
        loaded = replace(loaded, version=loaded.version + 1, state=begun)
        data = self._store.imports.uploads.load(state.upload or "")
        if data is None:
            self._fail(loaded, (FieldError("", "upload_lost", "what was sent is not there any more"),))
            return None
        try:
            items = read(state, data, self._hold, self._in_force)
        except sheets.SheetError as error:
            self._fail(loaded, tuple(error.errors))
            return None
        author = Author(state.id, state.changed_at, state.changed_by, state.trace)
        running = _Running(state.id, items, Import(self._store, author, dry_run=state.dry_run), state.progress.done)
        running.work.pass_over(items[: running.done])
        return loaded, running

    def _in_force(self, codes: Collection[str], day: date) -> Mapping[str, Procedure]:
        """Those of the procedures that are in force on the day, by their codes."""
        wanted: list[tuple[str, int]] = []
        for code, history in self._store.histories(codes).items():
            entry = counting_on(history, day)
            if entry is not None and status_of(entry, history, day) == "in_force":
                wanted.append((code, entry.number))
        return {code: version.procedure for code, version in self._store.versions(wanted).items()}

    def _fail(self, loaded: Loaded[StoredImport], errors: tuple[FieldError, ...]) -> None:
        failed = replace(loaded.state, state="failed", errors=errors)
        if self._save(loaded, failed):
            self._end(failed)

    def _save(self, loaded: Loaded[StoredImport], state: StoredImport) -> bool:
        return self._store.imports.imports.save([Change(loaded, state, [], self._clock())])[0]

    def _end(self, state: StoredImport) -> None:
        if state.upload is not None:
            self._store.imports.uploads.drop(state.upload)
        log.info("import_ended", import_id=state.id, state=state.state, rows=state.progress.done)


def in_parts(store: CatalogStore, id: str, clock: Clock) -> StoredImport:
    """Does a queued import here and now, and what was queued before it."""
    jobs = Jobs(store, clock, lambda: True)
    while True:
        loaded = store.imports.imports.load(id)
        if loaded is None or loaded.state.state in ("done", "failed"):
            break
        jobs.work()
    if loaded is None:
        raise LookupError(f"there is no import {id}")
    return loaded.state


def _end_of_part(items: list[Item], start: int) -> int:
    """Where a part ends that begins here: agencies and calendars are done whole, since agencies hang together."""
    for end in range(start, len(items)):
        if items[end].kind == "procedure":
            return end if end > start else min(start + PART, len(items))
    return len(items)


def read(
    state: StoredImport,
    data: bytes,
    breathe: Callable[[], object],
    in_force: Callable[[Collection[str], date], Mapping[str, Procedure]],
) -> list[Item]:
    """The things that were sent, in the order in which they are done. `in_force`: those procedures on a day, by their
    codes. SheetError."""
    readers: dict[ImportFormat, Callable[[], list[Item]]] = {
        "csv": lambda: sheets.read_csv(data),
        "xlsx": lambda: sheets.read_xlsx(data, breathe),
        "json": lambda: _read_json(data),
        "national": lambda: read_national(_parsed(data), state),
        "processes": lambda: read_processes(_parsed(data), state, in_force),
    }
    items = readers[state.format]()
    if not items:
        raise sheets.SheetError(FieldError("", "no_rows", "there is nothing to import"))
    return items


def _parsed(data: bytes) -> Any:
    try:
        return composed(from_json(data.removeprefix(b"\xef\xbb\xbf")))
    except (ValueError, RecursionError):
        raise sheets.SheetError(FieldError("", "unreadable", "not JSON in UTF-8")) from None


def _read_json(data: bytes) -> list[Item]:
    try:
        return items_of(schemas.ImportBody.model_validate(_parsed(data)))
    except ValidationError as error:
        raise sheets.SheetError(*field_errors(error)[:20]) from None


def read_national(parsed: Any, state: StoredImport) -> list[Item]:
    """The procedures of a list in the national shape: `{"items": […]}`, or the list itself. SheetError."""
    converted = [national.convert(each, local_day(state.changed_at)) for each in _listed(parsed)]
    national.repeated_names(converted)
    return _items(converted)


def read_processes(
    parsed: Any, state: StoredImport, in_force: Callable[[Collection[str], date], Mapping[str, Procedure]]
) -> list[Item]:
    """Procedures with the internal processes of a list: `{"items": […]}`, or the list itself. SheetError."""
    listed, day = _listed(parsed), local_day(state.changed_at)
    # What is no code is not asked for: a query has a size, and whatever was sent may be in its place.
    given = {str(each["code"]).strip() for each in listed if isinstance(each, dict) and "code" in each}
    codes = {code for code in given if NATIONAL_CODE.fullmatch(code)}
    known = {code: item_of(procedure) for code, procedure in in_force(codes, day).items()}
    return _items([chains.convert(each, known, day.isoformat()) for each in listed])


def _listed(parsed: Any) -> list[Any]:
    listed = parsed.get("items") if isinstance(parsed, dict) else parsed
    if not isinstance(listed, list) or len(listed) > sheets.MAX_ROWS:
        wrong = FieldError("/items", "unreadable", f"a list of at most {sheets.MAX_ROWS} procedures")
        raise sheets.SheetError(wrong)
    return listed


def _items(converted: Sequence[national.Converted]) -> list[Item]:
    return [
        Item("procedure", index, each.row, tuple(each.errors), tuple(each.warnings), undated=True)
        for index, each in enumerate(converted)
    ]
