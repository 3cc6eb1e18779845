"""What is asked about indicators, and answered."""

from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from chassis.web import Body
from stats import texts
from stats.domain.indicators import INDICATORS, Reading, cut, rounded
from stats.queries.indicators import Answered, Asked, Measured
from stats.queries.links import Links
from stats.queries.periods import Period
from stats.schemas.filters import KnownDays

Decimals = Annotated[int, Field(ge=0, le=4, description="of percentages")]


class PeriodQuery(KnownDays, Body):
    """Of whom, and of which days."""

    agency: Annotated[
        str | None, Field(description="an agency's id; without it the whole province", max_length=100)
    ] = None
    subtree: Annotated[bool, Field(description="with the agencies below it")] = False

    def asked(self) -> Asked:
        return Asked(self.agency, self.subtree, self.start, self.end, self.as_of)


class IndicatorsQuery(PeriodQuery):
    indicator: Annotated[
        str | None, Field(description="only these, comma separated", max_length=2000)
    ] = None  # fmt: skip
    decimals: Decimals = 2

    @field_validator("indicator")
    @classmethod
    def _known(cls, text: str | None) -> str | None:
        if text is not None and not set(text.split(",")) <= INDICATORS.keys():
            raise ValueError("unknown indicator")
        return text

    def codes(self) -> list[str] | None:
        return None if self.indicator is None else self.indicator.split(",")


class PeriodAnswer(BaseModel):
    """The days [from, to), as known at the end of `as_of`."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")
    as_of: date


class Behind(BaseModel):
    """Where the things are that were counted: lists whose lengths add up to the number. `counts`: the counts of the
    same agency and period."""

    numerator: list[str]
    denominator: list[str]
    counts: str


class ShareAnswer(BaseModel):
    """`value` in percent, rounded half up; null without a denominator."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")
    numerator: int | None
    denominator: int | None
    value: float | None


class IndicatorItem(BaseModel):
    """`value`: 100 × numerator / denominator, computed exactly and rounded half up to `decimals`; `cut`: cut there.
    Both null when there is nothing to have a part of, or the indicator is a number. `target` in percent, `met` whether
    the exact value reaches it (for those of which less is better: does not exceed it); `achievement`: what was reached,
    in percent of the target. `before`: as long a period right before; `change`: since then, in percentage points."""

    code: str
    name: str
    name_en: str
    method: str
    method_en: str
    numerator: int | None
    denominator: int | None
    value: float | None
    cut: float | None
    better: Literal["more", "less"] | None
    target: float | None
    met: bool | None
    achievement: float | None
    before: ShareAnswer
    change: float | None
    behind: Behind


class Indicators(BaseModel):
    agency: str | None
    subtree: bool
    period: PeriodAnswer
    items: list[IndicatorItem]
    next: None = None


def answered(found: Answered, asked: Asked, decimals: int) -> dict[str, Any]:
    return {
        "agency": asked.agency,
        "subtree": asked.subtree,
        "period": period_of(found.period),
        "items": [_indicator(each, found.period, decimals) for each in found.items],
        "next": None,
    }


def period_of(period: Period) -> dict[str, Any]:
    return {"from": period.start, "to": period.end, "as_of": period.as_of or period.today}


def _indicator(measured: Measured, period: Period, decimals: int) -> dict[str, Any]:
    found = measured.reading
    text = texts.INDICATORS[found.indicator.code]
    return {
        "code": found.indicator.code,
        "name": text.name.vi,
        "name_en": text.name.en,
        "method": text.method.vi,
        "method_en": text.method.en,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "value": percent(found.share, decimals),
        "cut": None if found.share is None else cut(found.share, decimals),
        "better": found.indicator.better,
        **compared(measured, period, decimals),
        "achievement": percent(measured.achievement, decimals),
        "behind": behind(found, measured.links),
    }


def compared(measured: Measured, period: Period, decimals: int) -> dict[str, Any]:
    now, before = measured.reading.share, measured.before.share
    change = None if now is None or before is None else now - before
    return {
        "target": measured.target,
        "met": measured.met,
        "before": {
            "from": period.before.start,
            "to": period.before.end,
            "numerator": measured.before.numerator,
            "denominator": measured.before.denominator,
            "value": percent(before, decimals),
        },
        # Of a change downwards the size is rounded, so that up and down are rounded alike.
        "change": None if change is None else _signed(change, decimals),
    }


def _signed(change: Fraction, decimals: int) -> float:
    size = rounded(abs(change), decimals)
    return -size if change < 0 and size else size


def percent(share: Fraction | None, decimals: int) -> float | None:
    return None if share is None else rounded(share, decimals)


def behind(found: Reading, links: Links) -> dict[str, Any]:
    denominator = found.indicator.denominator
    return {
        "numerator": links.behind(found.indicator.numerator),
        "denominator": [] if denominator is None else links.behind(denominator),
        "counts": links.counts(),
    }
