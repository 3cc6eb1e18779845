"""What is asked about counts, and answered."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from chassis.web import Body
from stats.domain.facts import Channel, ServiceLevel
from stats.queries.counts import BY, Wanted


class CountsQuery(Body):
    agency: Annotated[
        str | None, Field(description="an agency's id; without it the whole province", max_length=100)
    ] = None
    subtree: Annotated[bool, Field(description="with the agencies below it")] = False
    start: Annotated[date | None, Field(alias="from", description="the first day; default: 1 January")] = None
    end: Annotated[
        date | None, Field(alias="to", description="the day after the last; default: the end of the year")
    ] = None
    by: Annotated[str, Field(description=f"which rows, comma separated: {', '.join(BY)}")] = ""

    @field_validator("by")
    @classmethod
    def _known(cls, text: str) -> str:
        names = [name for name in text.split(",") if name]
        if len(set(names)) < len(names) or not set(names) <= set(BY):
            raise ValueError(f"give each of {', '.join(BY)} at most once")
        return text

    @field_validator("start", "end")
    @classmethod
    def _plausible(cls, day: date | None) -> date | None:
        if day is not None and not 1990 <= day.year <= 2200:
            raise ValueError("a year from 1990 to 2200")
        return day

    def wanted(self) -> Wanted:
        by = tuple(name for name in self.by.split(",") if name)
        return Wanted(agency=self.agency, subtree=self.subtree, start=self.start, end=self.end, by=by)


class ReceivedCounts(BaseModel):
    online: int
    counter: int
    post: int
    total: int


class FinishedCounts(BaseModel):
    early: int
    on_time: int
    late: int
    total: int


class OpenCounts(BaseModel):
    """At the end of the period, or now if it has not ended. `overdue`: after the due day."""

    within: int
    overdue: int
    total: int


class CountsItem(BaseModel):
    """The fields of `by` are present when they were asked for, `agency_name` with `agency`. `withdrawn_waiting`: those
    of `withdrawn` that had not been received. Of the open ones, `supplement` wait for a supplement, and for `paused`
    the clock stands still for another reason: a fee, or a cause that the law names. `stopped`: ended in the period
    without a decision. `supplement_requests`: after the reception. The national portal's "paused" (its statuses 6 and
    8) are those that wait for a fee, and the stopped ones."""

    agency: str | None = None
    agency_name: str | None = None
    field: str | None = None
    procedure: str | None = None
    channel: Channel | None = None
    service_level: ServiceLevel | None = None
    month: str | None = None
    received: ReceivedCounts
    carried_over: int
    finished: FinishedCounts
    open: OpenCounts
    waiting: int
    supplement: int
    paused: int
    stopped: int
    supplement_requests: int
    withdrawn: int
    withdrawn_waiting: int
    refused: int
    handed_over: int
    digitised: int
    reused: int
    paid_online: int
    document_lookups: int


class Counts(BaseModel):
    items: list[CountsItem]
    next: None = None
    as_of: datetime
