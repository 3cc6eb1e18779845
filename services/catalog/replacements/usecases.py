"""Imports of replacements: many papers at once, one new version for each procedure that has any of them.

What is replaced already makes no version, so an import can be repeated at will, also after it was cut short.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from catalog.checks import Wrong
from catalog.domain import Version, publish
from catalog.replacements import domain, schemas
from catalog.replacements.domain import Replacement
from catalog.replacements.store import ReplacementImports, ReplacementRow, StoredReplacements
from catalog.store import CatalogStore, new_version
from catalog.usecases import refuse
from chassis import acts
from chassis.errors import FieldError, NotFound
from chassis.web import Answer, Call, field_errors

MAX_ERRORS = 8
_CHANGED = FieldError("", "changed_meanwhile", "somebody else changed it during the import; import it again")


class ReplacementsUnknown(NotFound):
    code, title = "replacements_unknown", "Không có lần nhập danh mục giấy tờ thay thế này"


@dataclass(slots=True)
class _Row:
    """A row on its way. `meant` is None when it could not be read."""

    index: int
    procedure: str | None
    meant: Replacement | None
    components: tuple[str, ...] = ()
    errors: list[FieldError] = field(default_factory=list)
    refused: bool = False
    changes: bool = False

    def refuse(self, *errors: FieldError) -> None:
        self.errors += errors
        self.refused = True

    def done(self) -> ReplacementRow:
        errors = tuple(
            FieldError(error.pointer[:200], error.code, error.message[:200]) for error in self.errors[:MAX_ERRORS]
        )
        if self.refused:
            return ReplacementRow(
                index=self.index, procedure=self.procedure, status="rejected", components=(), errors=errors
            )
        return ReplacementRow(
            index=self.index,
            procedure=self.procedure,
            status="accepted" if self.changes else "unchanged",
            components=self.components,
            errors=errors,
        )


@dataclass(frozen=True, slots=True)
class Replacing:
    store: CatalogStore
    replacements: ReplacementImports

    def run(self, call: Call, body: schemas.ReplacementsBody) -> Answer:
        """Puts the rows into the procedures; 201 with what became of each."""
        id = call.id_for_new("replacements")
        if (first := acts.first_answer(self.replacements.imports.load(id), call)) is not None:
            return first
        wrong = Wrong()
        wrong.text("/decision", body.decision)
        refuse(wrong.errors)
        rows = [_read(index, item) for index, item in enumerate(body.items)]
        wanted: defaultdict[str, list[tuple[_Row, Replacement]]] = defaultdict(list)
        for row in rows:
            if row.meant is not None and not row.refused:
                wanted[row.meant.procedure].append((row, row.meant))
        latest = self.store.latest(wanted)
        versions = [
            version
            for code, mine in wanted.items()
            if (version := _next(latest.get(code), mine, body.decision, body.valid_from)) is not None
        ]
        if not body.dry_run:
            versions = self._publish(versions, wanted, call)
        done = StoredReplacements(
            id=id,
            decision=body.decision,
            valid_from=body.valid_from,
            dry_run=body.dry_run,
            versions=len(versions),
            rows=tuple(row.done() for row in rows),
            changed_at=call.occurred_at,
            changed_by=call.principal.subject,
        )
        return acts.create(
            self.replacements.imports, id, done, [], call,
            lambda state, _: Answer(schemas.ReplacementsAnswer.of(state), 201),
        )  # fmt: skip

    def done(self, id: str) -> StoredReplacements:
        """ReplacementsUnknown when there was no such import."""
        found = self.replacements.imports.load(id)
        if found is None:
            raise ReplacementsUnknown(f"there is no import {id}")
        return found.state

    def _publish(
        self, versions: Sequence[Version], wanted: dict[str, list[tuple[_Row, Replacement]]], call: Call
    ) -> list[Version]:
        """Those that were published; the rows of the others are refused."""
        news = [new_version(v, call.occurred_at, call.principal.subject, call.trace, None) for v in versions]
        published = []
        for version, refused in zip(versions, self.store.procedures.add(news), strict=True):
            if refused is None:
                published.append(version)
                continue
            for row, _ in wanted[version.code]:
                row.refuse(_CHANGED)
        return published


def _read(index: int, item: Any) -> _Row:
    raw = item.get("code") if isinstance(item, dict) else None
    row = _Row(index, str(raw)[:100] if isinstance(raw, str) else None, None)
    try:
        row.meant = schemas.RowBody.model_validate(item).replacement()
    except ValidationError as error:
        row.refuse(*field_errors(error))
        return row
    if errors := domain.errors_of(row.meant):
        row.refuse(*errors)
    return row


def _next(latest: Version | None, rows: Sequence[tuple[_Row, Replacement]], decision: str, on: date) -> Version | None:
    """The version that all rows of a procedure make together; None when nothing changes."""
    against = domain.stands_against(latest, on)
    if latest is None or against is not None:
        for row, _ in rows:
            row.refuse(*([] if against is None else [against]))
        return None
    asked = {component.code for component in latest.procedure.components if component.replaced_by_database is None}
    papers: list[tuple[str, str]] = []
    for row, replacement in rows:
        match = domain.match(replacement, latest.procedure.components)
        row.errors += match.errors
        row.components = match.components
        row.changes = any(code in asked for code in match.components)
        if not match.components:
            row.refuse()
        papers += [(code, replacement.database) for code in match.components]
    changed = domain.replaced(latest.procedure, papers, decision, on)
    return None if changed is None else publish(latest, changed)
