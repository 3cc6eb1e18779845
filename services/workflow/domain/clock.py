"""The deadline clock: budget, calendar, and the ledger of pauses and extensions. Plain Python."""

from datetime import datetime

from chassis import worktime
from workflow.domain.parts import Budget
from workflow.domain.processes import Process, ended_at


def due(
    clock_at: datetime, budget: Budget | None, hours: tuple[tuple[str, str], ...], calendar: worktime.Calendar
) -> datetime | None:
    """When the budget runs out, counted from `clock_at`; None without a budget."""
    return None if budget is None else worktime.due(clock_at, budget.allowed(), calendar, worktime.Hours.parse(hours))


def used(process: Process, now: datetime, calendar: worktime.Calendar) -> int:
    """Working minutes that have passed since the clock started, until now or the end."""
    hours = worktime.Hours.parse(process.hours)
    return worktime.between(process.clock_at, ended_at(process) or now, calendar, hours)
