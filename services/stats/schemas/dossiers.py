"""What is asked about the dossiers behind a number, and answered."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator

from chassis.paging import PageQuery
from stats.domain.facts import Channel, PauseKind, ServiceLevel, Timing
from stats.queries.counts import Wanted
from stats.queries.dossiers import LISTED
from stats.schemas.filters import Filters


class LookupsQuery(PageQuery, Filters):
    def wanted(self) -> Wanted:
        return self._wanted()


class DossiersQuery(LookupsQuery):
    measure: Annotated[str, Field(description=f"the number that they make up: {', '.join(LISTED)}")]

    @field_validator("measure")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in LISTED:
            raise ValueError("no number of that name is made up of dossiers")
        return name


class DossierBehind(BaseModel):
    """A dossier that counts, with what makes it count: its days, how it was finished, since when and for what its clock
    stands still (of an open one). `filed_on` is when it was handed in, whatever the channel."""

    id: str
    code: str | None
    agency: str
    agency_name: str | None
    field: str
    procedure: str
    channel: Channel
    service_level: ServiceLevel
    filed_on: date | None
    received_on: date | None
    due_on: date | None
    refused_on: date | None
    withdrawn_on: date | None
    finished_on: date | None
    timing: Timing | None
    stopped_on: date | None
    handed_over_on: date | None
    paused: PauseKind | None
    paused_since: date | None
    supplement_requests: int
    extensions: int
    reused: bool
    paid_on: date | None
    paid_online: bool
    score: int | None


class DossiersPage(BaseModel):
    """A page may be short, and even empty, while `next` is there: then go on."""

    items: list[DossierBehind]
    next: str | None


class LookupBehind(BaseModel):
    """A look into the document store. `agency`, `procedure`: for which it was; null for people who looked at their
    own."""

    id: str
    at: datetime
    agency: str | None
    procedure: str | None
    by: Literal["self", "officer", "system"]
    act: str
    documents: int


class LookupsPage(BaseModel):
    """As with dossiers."""

    items: list[LookupBehind]
    next: str | None
