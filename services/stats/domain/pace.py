"""Early warning: where a year ends if it goes on as so far. Plain Python.

The pace is linear over working days: what came on the working days that have passed comes on those that follow, on each
as much. So a number grows with the days, and a share stays what it is.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from chassis.worktime import Calendar
from stats.domain.indicators import Demand, Dossiers, Reading

Severity = Literal["watch", "warning", "alert"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From `valid_from` on. Before `first_days` working days have passed nothing is foretold. A target that is missed
    by less than `warning` (a share of the target) is to be watched, by less than `alert` it is a warning."""

    valid_from: date
    first_days: int
    warning: Fraction
    alert: Fraction
    legal_basis: str


THRESHOLDS = (
    Thresholds(
        valid_from=date.min,
        first_days=10,
        warning=Fraction(2, 100),
        alert=Fraction(10, 100),
        # ? No primary source says when to warn: a province's committee sets it in its own plan.
        legal_basis="?",
    ),
)


def thresholds_on(day: date) -> Thresholds:
    """Those that count on the day."""
    return max((each for each in THRESHOLDS if each.valid_from <= day), key=lambda each: each.valid_from)


def working_days(start: date, end: date, calendar: Calendar) -> int:
    """Of the days [start, end)."""
    return sum(calendar.is_working(start + timedelta(days=n)) for n in range((end - start).days))


@dataclass(frozen=True, slots=True)
class Forecast:
    """`passed` of `total` working days are behind. `projected`: the share at the year's end. `missed_by`: what it lacks
    to the target, 0 or more; as dossiers too, where the target is a number of them. `needed`: of the dossiers still to
    come the share that reaches the target, over 1 when it cannot be reached; for a number of dossiers, how many on
    each working day that is left (None: none is left)."""

    passed: int
    total: int
    projected: Fraction
    missed_by: Fraction
    missed_dossiers: int | None
    needed: Fraction | None
    severity: Severity | None


def foretell(reading: Reading, target: Fraction, passed: int, total: int, rules: Thresholds) -> Forecast | None:
    """None when it is too early, or nothing has come yet, or no share of the indicator grows with the days."""
    share = reading.share
    foreseen = isinstance(reading.indicator.denominator, Dossiers | Demand) and reading.indicator.better is not None
    if share is None or not foreseen or passed < rules.first_days or reading.numerator is None:
        return None
    assigned = isinstance(reading.indicator.denominator, Demand)
    projected = share * Fraction(total, passed) if assigned else share
    lacking = projected - target if reading.indicator.better == "less" else target - projected
    missed = max(Fraction(0), lacking)
    left = total - passed
    whole = Fraction(reading.denominator or 0)
    needed: Fraction | None = None
    if left and assigned:
        needed = max(Fraction(0), target * whole - reading.numerator) / left
    elif left:
        to_come = whole * Fraction(left, passed)
        needed = max(Fraction(0), target * (whole + to_come) - reading.numerator) / to_come
    return Forecast(
        passed=passed,
        total=total,
        projected=projected,
        missed_by=missed,
        missed_dossiers=-(-(missed * whole).numerator // (missed * whole).denominator) if assigned else None,
        needed=needed,
        severity=_severity(missed, target, rules),
    )


def _severity(missed: Fraction, target: Fraction, rules: Thresholds) -> Severity | None:
    if not missed:
        return None
    part = missed / target if target else Fraction(1)
    return "watch" if part < rules.warning else "warning" if part < rules.alert else "alert"
