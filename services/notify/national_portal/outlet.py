"""The portal as an outlet: rows go out by kind, in lots of ten, and each row gets an answer of its own.

A lot may be refused as a whole for one of its rows; then its halves are tried, until the one stands alone. What nobody
knows the end of (a timeout, an answer that cannot be read) is tried again alone, so that a row over which the portal
breaks holds up no other twice, and only after a look at what the portal holds.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from chassis.clock import Clock
from notify.domain.deliveries import in_doubt
from notify.domain.repairs import Exchange
from notify.national_portal.client import Portal, PortalAway, Said, of_each
from notify.national_portal.domain.records import PERSONAL, Record
from notify.national_portal.domain.rows import SERVICES, Kind, PortalRow
from notify.outlets import Accepted, Answer, Away, Deferred, Postponed, Refused, Uncertain
from notify.sealing import Secrets, Unsealable
from notify.store.exchanges import Exchanges

LOT = 10
"""As many elements as `CapNhatTienDoHoSoMC` takes at once."""
TAKEN_AT_ONCE = 300
BUDGET_SECONDS = 10.0
"""One call of `send` begins nothing more after this: what was answered is noted soon, and it ends within a lease."""
BROKEN_AFTER = 2
"""So many rows alone in a row without an answer that can be read, and it is the portal that is broken."""
_ORDER: dict[Kind, int] = {"dossier": 0, "status": 1, "progress": 2, "rating": 3}
_LOOKED_UP = ("progress", "status")
_LONG_NUMBER = re.compile(r"\d{9,}")
HISTORY = {"progress": "DanhSachTienDo", "status": "DanhSachTrangThai"}
"""Where `TraCuuHoSo` gives what it was told of a dossier's way (?)."""


class PortalOutlet:
    name = "national_portal"

    def __init__(
        self,
        portal: Portal,
        secrets: Secrets,
        exchanges: Exchanges,
        clock: Clock,
        *,
        lot: int = LOT,
        at_once: int = TAKEN_AT_ONCE,
    ) -> None:
        self.lot = at_once
        self._portal = portal
        self._secrets = secrets
        self._exchanges = exchanges
        self._clock = clock
        self._lot = lot

    @contextmanager
    def open(self) -> Iterator["PortalLine"]:
        self._portal.login()
        line = PortalLine(self._portal, self._secrets, self._exchanges, self._clock, self._lot)
        yield line
        # What was answered is noted by now. A session from before says nothing about whether anybody is there.
        if line.broken is not None:
            raise Away(line.broken.reason)

    def news(self, _row: PortalRow, _at: datetime) -> Sequence[Any]:
        """Nobody but operators asks what became of a row."""
        return ()


class PortalLine:
    """For one thread. `broken`: why nothing more is sent over it, None while it can be used."""

    def __init__(self, portal: Portal, secrets: Secrets, exchanges: Exchanges, clock: Clock, lot: int) -> None:
        self._portal = portal
        self._secrets = secrets
        self._exchanges = exchanges
        self._clock = clock
        self._lot = lot
        self.broken: PortalAway | None = None
        self._failures = 0
        self._until = 0.0

    def send(self, rows: Sequence[PortalRow]) -> list[Answer]:
        if self.broken is not None:
            raise Away(self.broken.reason)
        self._until = time.monotonic() + BUDGET_SECONDS
        answers: dict[str, Answer] = {}
        lots: dict[tuple[Any, ...], list[tuple[PortalRow, Record]]] = {}
        for row in sorted(rows, key=lambda row: (_ORDER[row.kind], row.adding)):
            try:
                record = self._secrets.open_record(row.id, row.sealed)
            except Unsealable as error:
                answers[row.id] = Deferred(f"unsealable: {error}", ours=True)
                continue
            doubtful = in_doubt(row) is not None
            lots.setdefault((row.kind, row.adding, row.id if doubtful else ""), []).append((row, record))
        for mine in lots.values():
            for start in range(0, len(mine), self._lot):
                self._send_lot(mine[start : start + self._lot], answers)
        return [answers[row.id] for row in rows]

    def _send_lot(self, lot: list[tuple[PortalRow, Record]], answers: dict[str, Answer]) -> None:
        if self.broken is not None or time.monotonic() > self._until:
            now = self._clock()
            answers.update({row.id: Postponed(row.next_at or now) for row, _ in lot})
            return
        row, record = lot[0]
        try:
            if len(lot) == 1 and row.kind in _LOOKED_UP and in_doubt(row) is not None and self._is_there(row, record):
                answers[row.id] = Accepted("it was there")
                return
            said = self._tell(row.kind, [record for _, record in lot], adding=row.adding)
        except PortalAway as away:
            self._note_away(lot, away, answers)
            return
        self._failures = 0
        self._judge(lot, said, answers)

    def _judge(self, lot: list[tuple[PortalRow, Record]], said: Said, answers: dict[str, Answer]) -> None:
        named = of_each(said)
        known = lot if said.ok else [(row, record) for row, record in lot if record["MaHoSo"] in named]
        if not known and len(lot) > 1:
            # Somebody in it is at fault.
            middle = len(lot) // 2
            self._send_lot(lot[:middle], answers)
            self._send_lot(lot[middle:], answers)
            return
        for row, record in known or lot:
            of_it = named.get(record["MaHoSo"], said)
            self._keep(row, record, {"error_code": of_it.code, "message": of_it.message})
            if of_it.ok:
                answers[row.id] = Accepted(of_it.message[:200] or "0")
            elif row.kind == "dossier" and row.adding and of_it.exists:
                answers[row.id] = self._otherwise(row, record, adding=False)
            elif row.kind == "dossier" and not row.adding and of_it.unknown:
                answers[row.id] = self._otherwise(row, record, adding=True)
            elif row.kind in ("rating", "progress") and of_it.exists:
                answers[row.id] = Accepted("it was there")
            else:
                answers[row.id] = Refused(_words(of_it, record))
        if known and len(known) < len(lot):
            # Nothing was said of these.
            self._send_lot([each for each in lot if each not in known], answers)

    def _otherwise(self, row: PortalRow, record: Record, *, adding: bool) -> Answer:
        """What is there is updated, what is not there is added, whatever we thought."""
        try:
            said = self._tell("dossier", [record], adding=adding)
        except PortalAway as away:
            answers: dict[str, Answer] = {}
            self._note_away([(row, record)], away, answers)
            return answers[row.id]
        of_it = of_each(said).get(record["MaHoSo"], said)
        self._keep(row, record, {"error_code": of_it.code, "message": of_it.message})
        return Accepted(of_it.message[:200] or "0") if of_it.ok else Refused(_words(of_it, record))

    def _note_away(self, lot: list[tuple[PortalRow, Record]], away: PortalAway, answers: dict[str, Answer]) -> None:
        for row, record in lot:
            self._keep(row, record, {"nothing": away.reason})
        if away.stage == "connection":
            now = self._clock()
            answers.update({row.id: Postponed(row.next_at or now) for row, _ in lot})
            self.broken = away
            return
        answers.update({row.id: Uncertain(away.reason) for row, _ in lot})
        self._failures += 1
        # One that answers, though not what it should, may do so over one row; one that is silent costs a timeout each
        # time.
        if not away.answered or self._failures >= BROKEN_AFTER:
            self.broken = away

    def _tell(self, kind: Kind, records: list[Record], *, adding: bool) -> Said:
        more = {"isUpdating": "False" if adding else "True"} if kind == "dossier" else {}
        return self._portal.call(SERVICES[kind], **more, data=records)

    def _is_there(self, row: PortalRow, record: Record) -> bool:
        said = self._portal.call("TraCuuHoSo", mahoso=record["MaHoSo"])
        history = said.result.get(HISTORY[row.kind]) if said.ok and isinstance(said.result, dict) else None
        return isinstance(history, list) and record in history

    def _keep(self, row: PortalRow, record: Record, answer: dict[str, str]) -> None:
        sealed = self._secrets.record(row.id, {"request": record, "answer": answer})
        self._exchanges.add(row.id, Exchange(at=self._clock(), service=SERVICES[row.kind], sealed=sealed))


def _words(said: Said, record: Record) -> str:
    """Why it was refused, without what the portal quotes of the person; the whole answer is kept sealed."""
    text = said.message
    values = [str(record.get(name) or "") for name in PERSONAL if isinstance(record.get(name), str)]
    values += [str(each.get("SoDinhDanh", "")) for each in record.get("DinhDanhCHS", [])]
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, "…")
    return json.dumps({"error_code": said.code, "message": _LONG_NUMBER.sub("…", text)[:150]}, ensure_ascii=False)


AFTERWARDS = timedelta(hours=1)
"""After three days of growing waits the portal is tried every hour, for ever."""
