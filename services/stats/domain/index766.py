"""The index of Quyết định 766/QĐ-TTg of 23 June 2022: how well people and businesses are served. Plain Python.

100 points in six groups, the groups' points as decided. A criterion with a threshold T scores maximum × min(1, R / T),
one without maximum × R, where R is its share. How a group's points are divided among its criteria stands in the guide,
of which no primary source was found (`?`): here in equal parts among those that can be scored, and every such criterion
says that it is provisional.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

from stats.domain.indicators import (
    ONLINE_LEVELS,
    Dossiers,
    Numbered,
    Offered,
    Population,
    Quantity,
    Sum,
    Used,
)

Group = Literal["transparency", "progress", "online", "payment", "digitisation", "satisfaction"]
Reason = Literal["no_source", "weight", "no_formula", "electronic_result", "payable"]
"""Why a criterion is provisional; the words are in `stats.texts`."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """`threshold`: a share. Without a numerator the system has no source for it. `scored` False: the guide leaves open
    how it becomes points; `mean`: it is a number for each dossier, not a share."""

    code: str
    group: Group
    numerator: Quantity | None = None
    denominator: Quantity | None = None
    threshold: Fraction | None = None
    reasons: tuple[Reason, ...] = ()
    scored: bool = True
    mean: bool = False

    @property
    def has_source(self) -> bool:
        return self.numerator is not None


@dataclass(frozen=True, slots=True)
class Edition:
    """The index as it counts from `valid_from` on."""

    valid_from: date
    legal_basis: str
    groups: tuple[tuple[Group, int], ...]
    criteria: tuple[Criterion, ...]

    def maximum(self, criterion: Criterion) -> Fraction:
        """The most that it can score: its part of its group's points."""
        alike = [each for each in self.criteria if each.group == criterion.group and each.scored]
        return Fraction(dict(self.groups)[criterion.group], len(alike)) if criterion.scored else Fraction(0)

    def reasons(self, criterion: Criterion) -> tuple[Reason, ...]:
        """Why it is provisional, in order; empty: it is not."""
        found: list[Reason] = list(criterion.reasons)
        if not criterion.has_source:
            found.append("no_source")
        if not criterion.scored:
            found.append("no_formula")
        elif sum(each.group == criterion.group and each.scored for each in self.criteria) > 1:
            found.append("weight")
        return tuple(found)


def _percent(percent: int) -> Fraction:
    return Fraction(percent, 100)


_RECEIVED = Dossiers(("received",))
_FINISHED = Dossiers(("finished_early", "finished_on_time", "finished_late"))

EDITIONS = (
    Edition(
        # The index counts from the decision's day; periods before it are scored by the same rules, for comparison.
        valid_from=date(2022, 6, 23),
        legal_basis="Quyết định 766/QĐ-TTg ngày 23/6/2022",
        groups=(
            ("transparency", 18), ("progress", 20), ("online", 12), ("payment", 10), ("digitisation", 22),
            ("satisfaction", 18),
        ),
        criteria=(
            Criterion("1", "transparency"),
            # A second supplement request counts as late, whether or not the dossier has ended.
            Criterion(
                "2.1", "progress",
                Sum((Numbered("finished_in_time_766"), Numbered("open_in_time_766"))),
                Sum((_FINISHED, Numbered("open"))),
            ),
            Criterion("2.2", "progress", Dossiers(("process_days",)), _FINISHED, scored=False, mean=True),
            Criterion("3.1", "online", Offered(ONLINE_LEVELS), Offered(), _percent(80)),
            Criterion("3.2", "online", Used(True, ONLINE_LEVELS, ("online",)), Used(None, ONLINE_LEVELS)),
            Criterion("3.3", "online", Dossiers(("received",), ("online",)), _RECEIVED, _percent(50),
                      ("electronic_result",)),
            Criterion("3.5", "payment", Offered(ONLINE_LEVELS, payable=True), Offered(payable=True), _percent(80),
                      ("payable",)),
            Criterion("3.6", "payment", Dossiers(("paid_online",)), Dossiers(("paid",))),
            Criterion("4.1", "digitisation", Dossiers(("electronic_results",)), _FINISHED),
            Criterion("4.2", "digitisation", Dossiers(("digitised_results",)), _FINISHED, _percent(80)),
            Criterion("4.3", "digitisation", Dossiers(("reused",)), _RECEIVED, _percent(80)),
            Criterion("4.4", "digitisation"),
            Criterion("4.5", "digitisation"),
            Criterion("5.2", "satisfaction"),
            Criterion("5.3", "satisfaction"),
            Criterion("5.4", "satisfaction", Dossiers(("satisfied",)), Dossiers(("rated",)), _percent(90)),
        ),
    ),
)  # fmt: skip


def edition_on(day: date) -> Edition:
    """The edition that counts on the day; before the first one, the first."""
    found = [each for each in EDITIONS if each.valid_from <= day]
    return max(found, key=lambda each: each.valid_from) if found else EDITIONS[0]


@dataclass(frozen=True, slots=True)
class Scored:
    """A criterion of a population. `points` None: it has no source, or nothing to have a part of."""

    criterion: Criterion
    numerator: int | None
    denominator: int | None
    maximum: Fraction
    points: Fraction | None

    @property
    def share(self) -> Fraction | None:
        if self.numerator is None or not self.denominator:
            return None
        return Fraction(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class Score:
    """`total` of `attainable`: what the criteria that could be scored make at most, of the edition's 100."""

    edition: Edition
    criteria: Sequence[Scored]

    @property
    def total(self) -> Fraction:
        return sum((each.points for each in self.criteria if each.points is not None), Fraction(0))

    @property
    def attainable(self) -> Fraction:
        return sum((each.maximum for each in self.criteria if each.points is not None), Fraction(0))

    @property
    def maximum(self) -> int:
        return sum(points for _, points in self.edition.groups)


def score(edition: Edition, population: Population) -> Score:
    """The index of the population."""
    return Score(edition, [_scored(edition, each, population) for each in edition.criteria])


def _scored(edition: Edition, criterion: Criterion, population: Population) -> Scored:
    numerator = None if criterion.numerator is None else criterion.numerator.of(population)
    denominator = None if criterion.denominator is None else criterion.denominator.of(population)
    maximum = edition.maximum(criterion)
    found = Scored(criterion, numerator, denominator, maximum, None)
    if found.share is None or not criterion.scored:
        return found
    reached = found.share if criterion.threshold is None else found.share / criterion.threshold
    return Scored(criterion, numerator, denominator, maximum, maximum * min(Fraction(1), reached))


def points(exact: Fraction) -> float:
    """As they are written: rounded half up to hundredths."""
    value = Decimal(exact.numerator) / Decimal(exact.denominator)
    return float(value.quantize(Decimal("0.01"), ROUND_HALF_UP))
