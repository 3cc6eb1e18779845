"""The hours in which people are left alone, and the hour of their digest: local times of day, in Asia/Ho_Chi_Minh."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from chassis.worktime import ZONE

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """From a minute of the day until another one, which may be the next day's; `until` itself is not quiet any more."""

    since: int
    until: int

    def ends(self, at: datetime) -> datetime:
        """When people may be disturbed, `at` the earliest; `at` itself when it is not quiet then."""
        local = at.astimezone(ZONE)
        exact = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        since, until = timedelta(minutes=self.since), timedelta(minutes=self.until)
        quiet = since <= exact < until if since <= until else exact >= since or exact < until
        return next_at(at, self.until) if quiet else at


def next_at(at: datetime, minute: int) -> datetime:
    """The first instant after `at` with this minute of the day. The zone has no daylight saving time."""
    local = at.astimezone(ZONE)
    today = datetime.combine(local.date(), time(*divmod(minute, 60)), ZONE)
    return (today if today > local else today + timedelta(days=1)).astimezone(UTC)


def minute_of(text: str) -> int:
    """`21:00` → 1260; ValueError for anything else."""
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and text.isascii() and (hours + minutes).isdigit()):
        raise ValueError("must be a time of day, 21:00")
    minute = int(hours) * 60 + int(minutes)
    if minute >= MINUTES_A_DAY or int(minutes) >= 60:
        raise ValueError("must be a time of day, 21:00")
    return minute


def read_quiet(text: str) -> Quiet:
    """`21:00-07:00`; ValueError for anything else, and for a time without length."""
    since, _, until = text.partition("-")
    quiet = Quiet(since=minute_of(since), until=minute_of(until))
    if quiet.since == quiet.until:
        raise ValueError("must not begin when it ends")
    return quiet


def text_of(minute: int) -> str:
    """1260 → `21:00`."""
    return "{:02}:{:02}".format(*divmod(minute, 60))
