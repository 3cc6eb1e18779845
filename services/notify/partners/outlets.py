"""EMC and the public post as outlets: a row a request, and an answer for each.

Neither description says more than which fields are sent, so the answers are read as HTTP means them (`?`): 2xx with a
JSON object is taken, unless its `error_code` is another than 0; 409 is there already, 404 is not there; 400 and 422 are
refused for ever; 401 and 403 hold up everything until an operator has put the token right; anything else leaves open
whether it was taken.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from chassis.clock import Clock
from notify.domain.repairs import Exchange
from notify.outlets import Accepted, Answer, Away, Deferred, Refused, Uncertain
from notify.partners.client import Connection, Partner, Reply
from notify.partners.domain.known import record_value
from notify.partners.domain.rows import PartnerRow
from notify.partners.store import PartnerStore
from notify.sealing import Secrets, Unsealable
from notify.store.exchanges import Exchanges

AFTERWARDS = timedelta(hours=1)
"""After three days of growing waits a partner is tried every hour, for ever."""
BROKEN_AFTER = 2
"""So many rows in a row without an answer that can be read, and it is the partner that is broken."""
TRACKING_PATH = "/orders/tracking"
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_FOUND)
_LONG_NUMBER = re.compile(r"\d{9,}")


class PartnerLine:
    """To one partner, for one thread."""

    def __init__(self, outlet: "PartnerOutlet", connection: Connection) -> None:
        self._outlet = outlet
        self._connection = connection
        self._failures = 0

    def send(self, rows: Sequence[PartnerRow]) -> list[Answer]:
        return [self._send(row) for row in rows]

    def _send(self, row: PartnerRow) -> Answer:
        if self._failures >= BROKEN_AFTER:
            raise Away("no_usable_answers")
        try:
            record = self._outlet.secrets.open_record(row.id, row.sealed)
        except Unsealable as error:
            return Deferred(f"unsealable: {error}", ours=True)
        if (known := self._outlet.unasked(row, record)) is not None:
            return known
        try:
            reply = self._connection.post(self._outlet.paths.get(row.act, ""), record, row.id)
        except Away as away:
            self._keep(row, record, {"nothing": away.reason})
            raise
        self._keep(row, record, {"status": reply.status, "body": dict(reply.body) if reply.readable else None})
        answer = self._read(row, record, reply)
        self._failures = self._failures + 1 if isinstance(answer, Uncertain) else 0
        return answer

    def _read(self, row: PartnerRow, record: Mapping[str, Any], reply: Reply) -> Answer:
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Deferred("too_many_requests")
        if (accepted := self._outlet.taken(row, reply)) is not None:
            return accepted
        if reply.status in _REFUSED or (reply.readable and HTTPStatus(200) <= reply.status < HTTPStatus(300)):
            return Refused(_words(reply, record))
        return Uncertain(f"status_{reply.status}" if reply.readable or reply.status != HTTPStatus.OK else "not_json")

    def _keep(self, row: PartnerRow, record: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        sealed = self._outlet.secrets.record(row.id, {"request": record, "answer": answer})
        self._outlet.exchanges.add(row.id, Exchange(at=self._outlet.clock(), service=row.act, sealed=sealed))


class PartnerOutlet:
    """What EMC and the post have in common."""

    name: str
    lot = 1
    paths: Mapping[str, str] = {}
    """By act, below the partner's address; of an act that is not here its address is the whole one."""

    def __init__(self, partner: Partner, secrets: Secrets, exchanges: Exchanges, clock: Clock) -> None:
        self.secrets = secrets
        self.exchanges = exchanges
        self.clock = clock
        self._partner = partner

    @contextmanager
    def open(self) -> Iterator[PartnerLine]:
        with self._partner.line() as connection:
            yield PartnerLine(self, connection)

    def news(self, _row: PartnerRow, _at: datetime) -> Sequence[Any]:
        """Nobody but operators asks what became of a row."""
        return ()

    def unasked(self, _row: PartnerRow, _record: Mapping[str, Any]) -> Answer | None:
        """What is known without asking the partner."""
        return None

    def taken(self, _row: PartnerRow, reply: Reply) -> Accepted | None:
        """Accepted where the answer says so."""
        if reply.status == HTTPStatus.CONFLICT:
            return Accepted("it was there")
        fine = HTTPStatus(200) <= reply.status < HTTPStatus(300) and reply.readable
        return Accepted("taken") if fine and reply.body.get("error_code", 0) in (0, "0") else None


class EmcOutlet(PartnerOutlet):
    name = "emc"


class PostOutlet(PartnerOutlet):
    """`tracked_every`: how long after it was asked something the post is asked where it is."""

    name = "post"
    paths: Mapping[str, str] = {"order": "/orders", "cancel": "/orders/cancel"}

    def __init__(
        self, partner: Partner, secrets: Secrets, store: PartnerStore, clock: Clock, tracked_every: timedelta
    ) -> None:
        super().__init__(partner, secrets, store.exchanges, clock)
        self._store = store
        self._tracked_every = tracked_every

    def unasked(self, row: PartnerRow, record: Mapping[str, Any]) -> Answer | None:
        if row.act != "order":
            return None
        if (before := self._store.cancel_before(row)) is not None and before.state != "sent":
            # The post may be on its way with the same result; nobody is to be sent twice, or to pay twice.
            return Refused("the order before it could not be cancelled")
        if self._store.is_cancelled(row) and not row.attempts:
            return Accepted("cancelled before it was sent", noted={"skipped": "cancelled before it was sent"})
        missing = [name for name in ("Name", "Address") if not record_value(record, f"Receiver.{name}")]
        return Refused(f"no Receiver.{missing[0]}") if missing else None

    def taken(self, row: PartnerRow, reply: Reply) -> Accepted | None:
        if row.act == "cancel" and reply.status == HTTPStatus.NOT_FOUND:
            return Accepted("there was nothing to cancel")
        accepted = super().taken(row, reply)
        if accepted is None or row.act != "order":
            return accepted
        tracking = reply.body.get("TrackingNumber")
        known = tracking[:60] if isinstance(tracking, str) and tracking.strip() else row.tracking
        noted = {"look_at": self.clock() + self._tracked_every, "tracking": known}
        return Accepted(accepted.detail, receipt=known, noted=noted)


def _words(reply: Reply, record: Mapping[str, Any]) -> str:
    """Why it was refused, without what the partner quotes of the person; the whole answer is kept sealed."""
    text = reply.words
    people = [value for who in ("Sender", "Receiver") for value in dict(record.get(who) or {}).values()]
    for value in sorted(filter(None, map(str, people)), key=len, reverse=True):
        text = text.replace(value, "…")
    said = {"status": reply.status, "message": _LONG_NUMBER.sub("…", text)[:150]}
    return json.dumps(said, ensure_ascii=False)
