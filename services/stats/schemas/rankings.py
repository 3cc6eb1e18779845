"""What is asked about rankings, and answered."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from stats import texts
from stats.domain.catalogue import Level
from stats.queries.indicators import Rank, Ranking
from stats.queries.periods import Period
from stats.schemas.indicators import (
    Behind,
    Decimals,
    PeriodAnswer,
    PeriodQuery,
    ShareAnswer,
    behind,
    compared,
    percent,
    period_of,
)


class RankingsQuery(PeriodQuery):
    """`agency`: those below it, and itself. `subtree`: each with what is below it."""

    indicator: Annotated[str, Field(description="an indicator's code", max_length=60)]
    level: Annotated[Level | None, Field(description="only agencies of this level")] = None
    decimals: Decimals = 2


class RankItem(BaseModel):
    """`rank` from 1, alike for the same exact value; null without a denominator."""

    agency: str
    agency_name: str
    level: Level | None
    rank: int | None
    numerator: int | None
    denominator: int | None
    value: float | None
    target: float | None
    met: bool | None
    before: ShareAnswer
    change: float | None
    behind: Behind


class Rankings(BaseModel):
    """`items`: the best first. `without`: agencies that have nothing to have a part of."""

    indicator: str
    name: str
    name_en: str
    better: Literal["more", "less"] | None
    period: PeriodAnswer
    items: list[RankItem]
    without: list[RankItem]


def rankings(found: Ranking, decimals: int) -> dict[str, Any]:
    text = texts.INDICATORS[found.indicator.code]
    items = [_rank(each, found.period, decimals) for each in found.ranks]
    return {
        "indicator": found.indicator.code,
        "name": text.name.vi,
        "name_en": text.name.en,
        "better": found.indicator.better,
        "period": period_of(found.period),
        "items": [item for item in items if item["rank"] is not None],
        "without": [item for item in items if item["rank"] is None],
    }


def _rank(rank: Rank, period: Period, decimals: int) -> dict[str, Any]:
    found = rank.measured.reading
    return {
        "agency": rank.agency.id,
        "agency_name": rank.agency.name,
        "level": rank.agency.level,
        "rank": rank.rank,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "value": percent(found.share, decimals),
        **compared(rank.measured, period, decimals),
        "behind": behind(found, rank.measured.links),
    }
