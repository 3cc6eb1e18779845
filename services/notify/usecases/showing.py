"""Rows for partner systems, opened for operators."""

from typing import Any

from chassis import logs
from chassis.web import Call
from notify.domain.repairs import SealedRow
from notify.sealing import Secrets, Unsealable

log = logs.get()
Opened = dict[str, Any] | None
"""None where the key that it was sealed with is gone."""


def opened(secrets: Secrets, row: SealedRow, call: Call) -> tuple[Opened, list[Opened]]:
    """The record and the exchanges as they were sent. That they were shown, and to whom, is noted."""
    log.info("partner_row_shown", row=row.id, to=call.principal.subject)
    return _opened(secrets, row.id, row.sealed), [_opened(secrets, row.id, each.sealed) for each in row.exchanges]


def _opened(secrets: Secrets, id: str, sealed: bytes) -> Opened:
    try:
        return secrets.open_record(id, sealed)
    except Unsealable as error:
        log.warning("partner_row_unsealable", row=id, reason=str(error))
        return None
