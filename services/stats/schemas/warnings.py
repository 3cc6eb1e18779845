"""What is asked about early warnings, and answered."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from chassis.paging import DEFAULT_LIMIT, Limit
from chassis.web import Body
from stats import texts
from stats.domain.indicators import rounded
from stats.domain.pace import Severity
from stats.queries.warnings import Outlook, Warned
from stats.schemas.indicators import Behind, behind, percent


class WarningsQuery(Body):
    agency: Annotated[str | None, Field(description="only its targets; default: every agency's", max_length=100)] = None
    all: Annotated[bool, Field(description="those too that will be met")] = False
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=500)] = None


class WarningItem(BaseModel):
    """`projected`: where the year ends at this pace, and `missed_by`: what it lacks to the target, in percent;
    `missed_dossiers`: as dossiers, where the target is a number of them. `needed`: what has to come on the days that
    are left: of the dossiers still to come the percentage, or where the target is a number, so many a working day.
    `severity` null: the target is met at this pace."""

    agency: str
    agency_name: str | None
    indicator: str
    name: str
    name_en: str
    numerator: int | None
    denominator: int | None
    value: float | None
    target: float
    projected: float
    missed_by: float
    missed_dossiers: int | None
    needed: float | None
    severity: Severity | None
    text: str
    text_en: str
    behind: Behind


class Warnings(BaseModel):
    """`working_days`: that are over, of those of the year. `legal_basis`: of the thresholds, `?` when there is none."""

    year: int
    working_days: dict[Literal["passed", "total"], int]
    method: str
    method_en: str
    legal_basis: str
    items: list[WarningItem]
    next: str | None


def outlook(found: Outlook, items: Sequence[Warned], following: str | None) -> dict[str, Any]:
    passed, total = found.passed, found.total
    words = {
        "passed": passed,
        "left": total - passed,
        "start": found.period.start,
        "last": found.last_day,
    }
    return {
        "year": found.year,
        "working_days": {"passed": passed, "total": total},
        "method": texts.FORECAST_METHOD.vi.format(**words),
        "method_en": texts.FORECAST_METHOD.en.format(**words),
        "legal_basis": found.thresholds.legal_basis,
        "items": [warned(each) for each in items],
        "next": following,
    }


def warned(item: Warned) -> dict[str, Any]:
    """A warning, with its sentence."""
    found, forecast = item.reading, item.forecast
    text = texts.INDICATORS[found.indicator.code]
    sentence = texts.missed(item.target, forecast, found.indicator.better or "more")
    return {
        "agency": item.agency,
        "agency_name": item.agency_name,
        "indicator": found.indicator.code,
        "name": text.name.vi,
        "name_en": text.name.en,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "value": percent(found.share, 2),
        "target": item.target,
        "projected": rounded(forecast.projected, 2),
        "missed_by": rounded(forecast.missed_by, 2),
        "missed_dossiers": forecast.missed_dossiers,
        "needed": item.needed,
        "severity": forecast.severity,
        "text": sentence.vi,
        "text_en": sentence.en,
        "behind": behind(found, item.links),
    }
