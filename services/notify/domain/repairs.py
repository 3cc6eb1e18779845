"""A row for a partner system: kept sealed, with what was asked and answered of it, and what operators do with it when
it was refused. Plain Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

from chassis import errors
from notify.domain import deliveries
from notify.domain.deliveries import Delivery

KEPT_ATTEMPTS, KEPT_EXCHANGES = 30, 3


class RowNotFound(errors.NotFound):
    code, title = "row_not_found", "Không tìm thấy bản ghi đồng bộ"


class NotRefused(errors.WrongState):
    """Only what the other side refused is corrected or left out: what waits may be taken yet."""

    code, title = "row_not_refused", "Chỉ sửa hoặc bỏ qua được bản ghi bị từ chối"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was sent of the row at `at`, and what came back for it; sealed, without the session."""

    at: datetime
    service: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What an operator did with a refused row, and why."""

    at: datetime
    by: str
    act: Literal["corrected", "skipped", "retried"]
    fields: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow(Delivery):
    """`sealed`: the record. `skipped`: why an operator left it out."""

    sealed: bytes
    exchanges: tuple[Exchange, ...] = ()
    repairs: tuple[Repair, ...] = ()
    skipped: str | None = None


R = TypeVar("R", bound=SealedRow)


def noted(row: R, exchanges: Sequence[Exchange]) -> R:
    """The row as it is kept: with the last exchanges and attempts, since it may be tried for weeks."""
    return replace(
        row,
        attempts=row.attempts[-KEPT_ATTEMPTS:],
        exchanges=(*row.exchanges, *exchanges)[-KEPT_EXCHANGES:],
    )


def retry(row: R, at: datetime, by: str) -> R:
    """An operator wants it sent now, as it is."""
    if row.skipped is not None:
        raise deliveries.NotRetriable("it is left out")
    again = deliveries.retry(row, at, by)
    return replace(again, repairs=(*row.repairs, Repair(at=at, by=by, act="retried")))


def correct(row: R, fields: Iterable[str], reason: str, sealed: bytes, at: datetime, by: str) -> R:
    """An operator corrects what was refused, and has it sent again. `fields`: the names of what was corrected;
    `sealed`: the corrected record. The state that it tells stays."""
    _must_be_refused(row)
    again = deliveries.retry(replace(row, sealed=sealed), at, by)
    repair = Repair(at=at, by=by, act="corrected", fields=tuple(sorted(fields)), reason=reason)
    return replace(again, repairs=(*row.repairs, repair))


def skip(row: R, reason: str, at: datetime, by: str) -> R:
    """An operator leaves out what was refused, and says why; what waits behind it goes on."""
    _must_be_refused(row)
    return replace(row, skipped=reason, repairs=(*row.repairs, Repair(at=at, by=by, act="skipped", reason=reason)))


def _must_be_refused(row: SealedRow) -> None:
    if row.state != "failed" or row.skipped is not None:
        raise NotRefused(f"it is {'left out' if row.skipped is not None else row.state}")
