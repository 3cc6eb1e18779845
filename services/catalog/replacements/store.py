"""What became of imports of replacements, in MongoDB."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from chassis import store
from chassis.errors import FieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacementRow:
    """What became of a row: `components` are replaced from now on (accepted), or were before (unchanged); `errors` say
    what of the row means no paper."""

    index: int
    procedure: str | None
    status: Literal["accepted", "unchanged", "rejected"]
    components: tuple[str, ...]
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReplacements:
    id: str
    decision: str
    valid_from: date
    dry_run: bool
    versions: int
    rows: tuple[ReplacementRow, ...]
    changed_at: datetime
    changed_by: str


class ReplacementImports:
    def __init__(self, database: Any, carrier: store.Carrier) -> None:
        self.imports = store.Aggregates(database, "replacements", StoredReplacements, carrier)
