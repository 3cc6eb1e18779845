"""Request bodies, query parameters and answers about targets."""

from typing import Annotated

from pydantic import Field

from catalog.domain import YEARS
from catalog.targets.domain import MAX_DEMAND, MAX_INDICATORS, Targets
from chassis.paging import Page, PageQuery
from chassis.web import Body

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Demand = Annotated[int, Field(ge=1, le=MAX_DEMAND)]


class TargetsBody(Body):
    """What an agency is assigned for a year. `indicators`: percent by indicator, for example {"online_share": 80}.
    `demands`: how many dossiers are to come in the year, for example {"demand_level_3": 252680}."""

    decision: Annotated[str, Field(max_length=500)]
    indicators: Annotated[dict[str, Percent], Field(max_length=MAX_INDICATORS)]
    demands: dict[str, Demand] = Field(default_factory=dict, max_length=MAX_INDICATORS)

    def targets(self, agency: str, year: int) -> Targets:
        return Targets(
            agency=agency, year=year, decision=self.decision, indicators=self.indicators, demands=self.demands
        )


class TargetsAnswer(TargetsBody):
    """What an agency is assigned for a year. `version` counts the changes."""

    agency: str
    year: int
    version: int

    @classmethod
    def of(cls, targets: Targets, version: int) -> "TargetsAnswer":
        return cls.model_construct(
            decision=targets.decision,
            indicators=dict(targets.indicators),
            demands=dict(targets.demands),
            agency=targets.agency,
            year=targets.year,
            version=version,
        )


class TargetsQuery(PageQuery):
    year: int = Field(ge=YEARS[0], le=YEARS[-1])


class TargetsList(Page[TargetsAnswer]):
    """A year's targets by agency."""
