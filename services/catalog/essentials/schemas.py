"""Request bodies, query parameters and answers about essential services."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import Field

from catalog.essentials.domain import EssentialService, Extent, State
from catalog.essentials.store import Tally
from chassis.paging import Page, PageQuery
from chassis.web import Body

Word = Annotated[str, Field(max_length=200)]


class EssentialBody(Body):
    """A service on a list of essential services, and how far the province has deployed it."""

    name: str
    sector: str | None = Field(default=None, description="whose service it is, for example Công an, Tư pháp")
    state: State = Field(
        description="deployed in the province; waiting for a ministry; national: a ministry's own, not the province's"
    )
    extent: Extent | None = Field(default=None, description="of a deployed one: one-part or whole-process")
    procedures: tuple[Word, ...] = Field(default=(), description="as which procedures of the catalogue it is served")
    served_by: str | None = Field(default=None, description="the system that serves it, if the catalogue does not")
    waiting_for: str | None = Field(default=None, description="the ministry that it waits for")
    decision: str | None = Field(default=None, description="what puts it on the list, or deploys it")
    since: date | None = Field(default=None, description="deployed on this day")

    def service(self, list: str, id: str) -> EssentialService:
        return EssentialService(list=list, id=id, **{name: getattr(self, name) for name in EssentialBody.model_fields})


class EssentialAnswer(EssentialBody):
    """A service on a list. `version` counts its changes."""

    list: str
    id: str
    version: int

    @classmethod
    def of(cls, service: EssentialService, version: int) -> "EssentialAnswer":
        fields = {name: getattr(service, name) for name in EssentialBody.model_fields}
        return cls.model_construct(**fields, list=service.list, id=service.id, version=version)


class EssentialsQuery(PageQuery):
    """Which services."""

    list: Word | None = Field(default=None, description="for example project06, qd422")
    state: State | None = None


class EssentialList(Page[EssentialAnswer]):
    """Services by list and identifier."""


class ListCounts(Body):
    """`provincial`: the province's to deploy, that is, deployed or waiting. `partial` and `full`: of the deployed."""

    list: str
    total: int
    provincial: int
    deployed: int
    waiting: int
    national: int
    partial: int
    full: int


class EssentialSummary(Body):
    """How far the essential services are deployed, list by list and in all."""

    lists: tuple[ListCounts, ...]
    total: int
    provincial: int
    deployed: int
    waiting: int
    national: int

    @classmethod
    def of(cls, tallies: Iterable[Tally]) -> "EssentialSummary":
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for tally in tallies:
            counts[tally.list][tally.state] += tally.count
            if tally.extent is not None:
                counts[tally.list][tally.extent] += tally.count
        lists = tuple(
            ListCounts(
                list=name,
                total=of["deployed"] + of["waiting"] + of["national"],
                provincial=of["deployed"] + of["waiting"],
                **{word: of[word] for word in ("deployed", "waiting", "national", "partial", "full")},
            )
            for name, of in sorted(counts.items())
        )
        sums = {
            word: sum(getattr(each, word) for each in lists)
            for word in ("total", "provincial", "deployed", "waiting", "national")
        }
        return cls(lists=lists, **sums)
