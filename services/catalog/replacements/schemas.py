"""Request bodies and answers about papers that a database replaces."""

from collections import Counter
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from catalog.replacements.domain import Replacement
from catalog.replacements.store import ReplacementRow, StoredReplacements
from chassis.web import Body

MAX_ROWS = 5_000
Text = Annotated[str, Field(max_length=2_000)]


class RowBody(BaseModel):
    """A row of an annex: in the procedure `code`, `database` replaces the component, or the papers that `documents`
    name. What else a published annex has in its rows is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    code: Annotated[str, Field(max_length=100)]
    component: Text | None = Field(default=None, description="the component's code")
    documents: Annotated[tuple[Text, ...], Field(max_length=50)] = Field(
        default=(), description="names of papers, as in the annex; each is the name of components, or its beginning"
    )
    database: Text

    def replacement(self) -> Replacement:
        return Replacement(
            procedure=self.code, component=self.component, documents=self.documents, database=self.database
        )


class ReplacementsBody(Body):
    """Papers that are not asked for any more from `valid_from` on, because a database has what they say. Every row is
    read by itself, so that a bad one spoils only itself."""

    decision: Annotated[str, Field(max_length=500)] = Field(description="what says so; it joins the legal basis")
    valid_from: date
    items: Annotated[list[SkipValidation[RowBody]], Field(max_length=MAX_ROWS)]
    dry_run: bool = Field(default=False, description="says what would happen, and changes nothing")


class ReplacementsAnswer(Body):
    """What became of the rows. `versions`: so many procedures got a new version (or would, in a dry run)."""

    id: str
    decision: str
    valid_from: date
    dry_run: bool
    total: int
    accepted: int
    unchanged: int
    rejected: int
    versions: int
    rows: tuple[ReplacementRow, ...]

    @classmethod
    def of(cls, done: StoredReplacements) -> "ReplacementsAnswer":
        counts = Counter(row.status for row in done.rows)
        return cls.model_construct(
            id=done.id,
            decision=done.decision,
            valid_from=done.valid_from,
            dry_run=done.dry_run,
            total=len(done.rows),
            accepted=counts["accepted"],
            unchanged=counts["unchanged"],
            rejected=counts["rejected"],
            versions=done.versions,
            rows=done.rows,
        )
