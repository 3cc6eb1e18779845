"""Months as they follow one another."""

from datetime import date


def months_later(day: date, months: int) -> date:
    """The first day of the month so many months after the day's own."""
    month = day.year * 12 + day.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


def next_month(day: date) -> date:
    return months_later(day, 1)
