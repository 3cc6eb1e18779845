"""An operator's act: many messages that failed are sent again, once what they failed on is mended. A worker does it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chassis import errors
from notify.domain.telling import Channel

MOST = 10_000
"""So many messages one act sends again; for more an operator acts again, when these are out."""
LONGEST = timedelta(days=31)


class RetriesNotFound(errors.NotFound):
    """There is none with this id."""

    code, title = "retries_not_found", "Không tìm thấy lệnh gửi lại"


class PeriodInvalid(errors.Invalid):
    """`from` must be before `to`, with a month at most between them, and the past: what fails later is not meant."""

    code, title = "period_invalid", "Khoảng thời gian không hợp lệ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """The messages of a channel that failed from `since` until `until`, this excluded. `sent_again`: how many so far,
    short of those after which a worker died; `left_over`: there may be more than MOST."""

    id: str
    channel: Channel
    since: datetime
    until: datetime
    reason: str
    by: str
    requested_at: datetime
    state: Literal["waiting", "done"]
    sent_again: int
    left_over: bool


def request(
    id: str, channel: Channel, since: datetime, until: datetime, reason: str, *, by: str, at: datetime
) -> Retries:
    """Raises PeriodInvalid."""
    if since >= until:
        raise PeriodInvalid("nothing failed before it failed", errors=[_wrong("/to", "order", "must be after from")])
    if until - since > LONGEST:
        raise PeriodInvalid("too long", errors=[_wrong("/to", "too_long", f"{LONGEST.days} days after from at most")])
    if until > at:
        raise PeriodInvalid("what fails later is not meant", errors=[_wrong("/to", "future", "must not be later")])
    return Retries(
        id=id, channel=channel, since=since, until=until, reason=reason, by=by, requested_at=at,
        state="waiting", sent_again=0, left_over=False,
    )  # fmt: skip


def went_on(retries: Retries, sent: int, *, more: bool) -> Retries:
    """So many more were sent again; `more`: there may be further ones."""
    total = retries.sent_again + sent
    if not more:
        return replace(retries, sent_again=total, state="done")
    if total >= MOST:
        return replace(retries, sent_again=total, state="done", left_over=True)
    return replace(retries, sent_again=total)


def _wrong(pointer: str, code: str, message: str) -> errors.FieldError:
    return errors.FieldError(pointer, code, message)
