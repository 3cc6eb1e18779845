"""What is asked about counts, and answered."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from chassis.web import Body
from stats.domain.facts import Channel, ServiceLevel
from stats.queries.counts import BY, Wanted
from stats.schemas.filters import Filters


class CountsQuery(Filters, Body):
    by: Annotated[str, Field(description=f"which rows, comma separated: {', '.join(BY)}")] = ""
    links: Annotated[bool, Field(description="with the address of the dossiers behind each number")] = False

    @field_validator("by")
    @classmethod
    def _known(cls, text: str) -> str:
        names = [name for name in text.split(",") if name]
        if len(set(names)) < len(names) or not set(names) <= set(BY):
            raise ValueError(f"give each of {', '.join(BY)} at most once")
        return text

    def wanted(self) -> Wanted:
        return self._wanted(by=tuple(name for name in self.by.split(",") if name), links=self.links)


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
    """The fields of `by` are present when they were asked for, `agency_name` with `agency`; looks into the document
    store have no channel, field or service level, and those of people into their own no agency either: null.

    Of dossiers: `withdrawn_waiting`: those of `withdrawn` that had not been received. Of the open ones, `supplement`
    wait for a supplement, and for `paused` the clock stands still for another reason: a fee, or a cause that the law
    names. `stopped`: ended in the period without a decision. The national portal's "paused" (its statuses 6 and 8) are
    those that wait for a fee, and the stopped ones. `digitised`, `reused`: of the received. `electronic_results`: of
    the finished, and `digitised_results` of these, those whose paper was scanned too. `second_supplements`: asked for
    the second time. `paid`: by the day of the first payment that stands; `paid_online`: all of it online. `satisfied`:
    of the rated, 4 or 5.

    Of acts: `supplement_requests`, after the reception; `extensions`, and `apologies` of these, with form 04;
    `document_lookups`, looks into the document store.

    `links`, when they were asked for: where the dossiers are that each number counts, by its place in the row
    ("received.online").
    """

    agency: str | None = None
    agency_name: str | None = None
    field: str | None = None
    procedure: str | None = None
    channel: Channel | None = None
    service_level: ServiceLevel | None = None
    month: str | None = None
    day: str | None = None
    received: ReceivedCounts
    carried_over: int
    finished: FinishedCounts
    open: OpenCounts
    waiting: int
    supplement: int
    paused: int
    stopped: int
    supplement_requests: int
    second_supplements: int
    extensions: int
    apologies: int
    withdrawn: int
    withdrawn_waiting: int
    refused: int
    handed_over: int
    digitised: int
    reused: int
    paid: int
    paid_online: int
    electronic_results: int
    digitised_results: int
    rated: int
    satisfied: int
    document_lookups: int
    links: dict[str, str] | None = None


class Counts(BaseModel):
    """`as_of`: until when what was known is counted."""

    items: list[CountsItem]
    next: None = None
    as_of: datetime
