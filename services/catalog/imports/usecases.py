"""Imports as requests ask for them: a small one is done at once, what is larger, or a file, waits for a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import to_json

from catalog.imports import schemas
from catalog.imports.engine import Author, Import, Item
from catalog.imports.store import ImportFormat, ImportRow, RowFilter, RowKind, StoredImport
from catalog.store import CatalogStore
from chassis import acts
from chassis.clock import id_from
from chassis.errors import NotFound
from chassis.web import Answer, Call

MOST_AT_ONCE = 500
"""As many procedures are imported within a request (about a second); more, in the background."""


class ImportUnknown(NotFound):
    code, title = "import_unknown", "Không có lần nhập dữ liệu này"


@dataclass(frozen=True, slots=True)
class Imports:
    """Imports as requests ask for them."""

    store: CatalogStore

    def run(self, call: Call, body: schemas.ImportBody) -> Answer:
        """Imports what can be imported, and answers 201 with what became of each row."""
        id = call.id_for_new("import")
        if (first := acts.first_answer(self.store.imports.imports.load(id), call)) is not None:
            return first
        author = Author(id, call.occurred_at, call.principal.subject, call.trace)
        rows = Import(self.store, author, dry_run=body.dry_run).do(items_of(body))
        by_kind = sorted(rows, key=lambda row: row.kind != "procedure")
        done = StoredImport(
            id=id,
            dry_run=body.dry_run,
            rows=tuple(by_kind),
            changed_at=call.occurred_at,
            changed_by=call.principal.subject,
        )
        return acts.create(
            self.store.imports.imports, id, done, [], call, lambda state, _: Answer(schemas.ImportAnswer.of(state), 201)
        )

    def status(self, id: str) -> StoredImport:
        """How far an import is; ImportUnknown."""
        found = self.store.imports.imports.load(id)
        if found is None:
            raise ImportUnknown(f"there is no import {id}")
        return found.state

    def rows(self, id: str, status: RowFilter | None, after: int, limit: int) -> list[tuple[int, ImportRow]]:
        """Rows behind the number `after`, each with its number; ImportUnknown."""
        stored = self.status(id)
        if stored.upload is not None:
            return self.store.imports.rows.page(id, status, after, limit)
        fitting = [
            (number, row)
            for number, row in enumerate(stored.rows)
            if number > after and (status in (None, row.status) or (status == "warned" and row.warnings))
        ]
        return fitting[:limit]

    def take(self, call: Call, body: schemas.ImportBody) -> Answer:
        """Does a small import at once, and leaves a large one to a worker; 201."""
        if len(body.procedures) <= MOST_AT_ONCE:
            return self.run(call, body)
        lists = {"procedures": body.procedures, "agencies": body.agencies, "calendars": body.calendars}
        return self.queue(call, Sent("json", to_json(lists), body.dry_run))

    def queue(self, call: Call, sent: "Sent") -> Answer:
        """Keeps what was sent, and answers 201 with an import that a worker will do. The same key: the same import."""
        id = call.id_for_new("import")
        if (first := acts.first_answer(self.store.imports.imports.load(id), call)) is not None:
            return first
        # What was sent comes first, under a name of its own: without the import that refers to it, it is swept.
        kept = id_from(id, call.body_hash)
        self.store.imports.uploads.keep(kept, sent.data, call.now)
        queued = StoredImport(
            id=id,
            dry_run=sent.dry_run,
            format=sent.format,
            state="queued",
            upload=kept,
            trace=call.trace,
            changed_at=call.occurred_at,
            changed_by=call.principal.subject,
        )
        return acts.create(
            self.store.imports.imports,
            id,
            queued,
            [],
            call,
            lambda state, _: Answer(schemas.ImportAnswer.of(state), 201),
        )


def format_of(data: bytes, named: Literal["national", "processes"] | None) -> ImportFormat:
    """What a file is, by how it begins; whoever sends one often gives it another's name."""
    if named is not None:
        return named
    if data.startswith(b"PK"):
        return "xlsx"
    return "json" if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else "csv"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent to be imported, as it came."""

    format: ImportFormat
    data: bytes
    dry_run: bool


def items_of(body: schemas.ImportBody) -> list[Item]:
    """The things of an import in JSON, in the order in which they are done."""
    lists: tuple[tuple[RowKind, Sequence[Any]], ...] = (
        ("agency", body.agencies),
        ("calendar", body.calendars),
        ("procedure", body.procedures),
    )
    return [Item(kind, index, raw) for kind, raws in lists for index, raw in enumerate(raws)]
