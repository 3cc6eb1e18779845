"""What is asked about the index of Quyết định 766/QĐ-TTg, and answered."""

from datetime import date
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from stats import texts
from stats.domain.index766 import Score, Scored, points
from stats.domain.indicators import rounded
from stats.queries.indicators import Asked
from stats.queries.links import Links
from stats.queries.periods import Period
from stats.schemas.indicators import Behind, PeriodAnswer, PeriodQuery, period_of


class Index766Query(PeriodQuery):
    pass


class CriterionItem(BaseModel):
    """`value` in percent, or of 2.2 the mean in days. `points` of at most `maximum`; null when it has no source, or
    nothing to have a part of, or is not scored. `provisional`: with the reasons in words."""

    code: str
    group: str
    name: str
    name_en: str
    numerator: int | None
    denominator: int | None
    value: float | None
    threshold: float | None
    points: float | None
    maximum: float
    provisional: bool
    reasons: list[str]
    reasons_en: list[str]
    behind: Behind


class GroupItem(BaseModel):
    """`points` of the criteria that could be scored, of `attainable`; `maximum`: as decided."""

    code: str
    name: str
    name_en: str
    points: float
    attainable: float
    maximum: int


class Index766(BaseModel):
    """`total` of `attainable`: what the criteria that could be scored make at most; `maximum`: 100."""

    agency: str | None
    subtree: bool
    period: PeriodAnswer
    legal_basis: str
    valid_from: date
    total: float
    attainable: float
    maximum: int
    provisional: bool
    groups: list[GroupItem]
    items: list[CriterionItem]


def index(period: Period, found: Score, links: Links, asked: Asked) -> dict[str, Any]:
    edition = found.edition
    items = [_criterion(found, each, links) for each in found.criteria]
    return {
        "agency": asked.agency,
        "subtree": asked.subtree,
        "period": period_of(period),
        "legal_basis": edition.legal_basis,
        "valid_from": edition.valid_from,
        "total": points(found.total),
        "attainable": points(found.attainable),
        "maximum": found.maximum,
        "provisional": any(item["provisional"] for item in items),
        "groups": [_group(found, name, maximum) for name, maximum in edition.groups],
        "items": items,
    }


def _group(found: Score, name: str, maximum: int) -> dict[str, Any]:
    scored = [each for each in found.criteria if each.criterion.group == name and each.points is not None]
    return {
        "code": name,
        "name": texts.GROUPS[name].vi,
        "name_en": texts.GROUPS[name].en,
        "points": points(sum((each.points or Fraction(0) for each in scored), Fraction(0))),
        "attainable": points(sum((each.maximum for each in scored), Fraction(0))),
        "maximum": maximum,
    }


def _criterion(found: Score, scored: Scored, links: Links) -> dict[str, Any]:
    criterion = scored.criterion
    reasons = [texts.REASONS[reason] for reason in found.edition.reasons(criterion)]
    share = scored.share
    value = None if share is None else rounded(share / 100 if criterion.mean else share, 2)
    return {
        "code": criterion.code,
        "group": criterion.group,
        "name": texts.CRITERIA[criterion.code].vi,
        "name_en": texts.CRITERIA[criterion.code].en,
        "numerator": scored.numerator,
        "denominator": scored.denominator,
        "value": value,
        "threshold": None if criterion.threshold is None else rounded(criterion.threshold, 2),
        "points": None if scored.points is None else points(scored.points),
        "maximum": points(scored.maximum),
        "provisional": bool(reasons),
        "reasons": [reason.vi for reason in reasons],
        "reasons_en": [reason.en for reason in reasons],
        "behind": {
            "numerator": [] if criterion.numerator is None else links.behind(criterion.numerator),
            "denominator": [] if criterion.denominator is None else links.behind(criterion.denominator),
            "counts": links.counts(),
        },
    }
