"""What becomes of intake's and workflow's news: rows for the portal; and what operators do with rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chassis import acts, logs, metrics
from chassis.cache import Cached
from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Outcome, Received
from chassis.envelope import Envelope, Unreadable
from chassis.errors import Unavailable
from chassis.store import UNAVAILABLE, Change, Loaded, New
from chassis.web import Answer, Call
from notify.domain import repairs
from notify.national_portal.domain import merging, rows
from notify.national_portal.domain.life import Fact
from notify.national_portal.domain.merging import Step, Waits
from notify.national_portal.domain.records import Names
from notify.national_portal.domain.rows import PortalRow, Said, Tracked, Untold
from notify.national_portal.inbound import fact_of, is_of_a_dossier
from notify.national_portal.store import NationalPortalStore
from notify.sealing import Secrets
from notify.usecases.showing import Opened, opened

log = logs.get()
RACES = 20
NAMES_SECONDS = 30
LOOKED_AT = 300
LOOKED_LATER = timedelta(minutes=30)


class Following:
    """Follows the dossiers' lives and makes the portal's rows of them."""

    def __init__(
        self,
        store: NationalPortalStore,
        secrets: Secrets,
        clock: Clock,
        waits: Waits,
        *,
        names_seconds: float = NAMES_SECONDS,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._waits = waits
        self._names: Cached[Names] = Cached(lambda _: store.names(), names_seconds)

    def hear(self, batch: Sequence[Received]) -> list[Outcome]:
        """Keeps what the events say, and makes rows of what can be told. An event that is not of a dossier that the
        portal is told of is Done."""
        outcomes: list[Outcome | None] = [None] * len(batch)
        heard: dict[str, list[tuple[int, Fact]]] = {}
        for n, item in enumerate(batch):
            if not is_of_a_dossier(item.event):
                outcomes[n] = Done()
                continue
            try:
                heard.setdefault(item.event.subject, []).append((n, self._fact(item.event)))
            except Unreadable as error:
                outcomes[n] = Invalid(f"unreadable for the national portal: {error}")
        fresh = self._change_all({id: [fact for _, fact in facts] for id, facts in heard.items()})
        for id, facts in heard.items():
            for (n, _), new in zip(facts, fresh[id], strict=True):
                outcomes[n] = Done() if new else Duplicate()
        return [outcome or Done() for outcome in outcomes]

    def look(self) -> bool:
        """Tells what has waited for a predecessor long enough, and finishes what a killed worker began; True when there
        may be more."""
        now = self._clock()
        left = self._store.left_in_making(now, LOOKED_AT)
        self._store.lay_out(left, now)
        due = self._store.to_look_at(now, LOOKED_AT)
        try:
            self._change_all({id: [] for id in due})
        except UNAVAILABLE:
            raise
        except Exception:
            self._look_at_each(due, now)
        return len(due) == LOOKED_AT or len(left) >= LOOKED_AT

    def _look_at_each(self, due: Sequence[str], now: datetime) -> None:
        """One of them cannot be followed, as when a key is gone: it comes later, and the others now."""
        for id in due:
            try:
                self._change_all({id: []})
            except UNAVAILABLE:
                raise
            except Exception as error:
                log.error("portal_cannot_follow", dossier=id, reason=type(error).__name__)
                self._store.look_later(id, now + LOOKED_LATER)

    def wake_stuck(self) -> None:
        """See `NationalPortalStore.wake_stuck`."""
        if woken := self._store.wake_stuck(self._clock()):
            log.warning("portal_rows_were_stuck", count=woken)

    def tell_present(self, dossier: str, event: str) -> bool:
        """Makes a row of the dossier as it is now, behind those that wait; False where there is nothing to tell of."""
        for _ in range(RACES):
            loaded = self._store.dossiers.load(dossier)
            if loaded is None or loaded.state.merged.number is None:
                return False
            now, merged = self._clock(), loaded.state.merged
            person = self._secrets.open_person(dossier, merged.life.personal)
            said = rows.present(merged.number or "", merged.life, person, self._names(), now, event)
            state = self._with_rows(loaded.state, [said], now)
            if self._store.dossiers.save([Change(loaded, state, (), now)])[0]:
                self._store.lay_out([(dossier, row) for row in state.making], now)
                return True
        raise Unavailable("too many changes of the same dossier at once", retry_after=1)

    def _fact(self, event: Envelope) -> Fact:
        return fact_of(event, lambda personal: self._secrets.person(event.subject, personal))

    def _change_all(self, heard: Mapping[str, Sequence[Fact]]) -> dict[str, list[bool]]:
        """Each dossier with its new facts, in one write for all; for each fact whether it was new."""
        fresh: dict[str, list[bool]] = {}
        left = dict(heard)
        for _ in range(RACES):
            if not left:
                break
            now, made = self._clock(), list[tuple[str, PortalRow]]()
            loaded = self._store.dossiers.load_many(left)
            changes: list[Change[Tracked]] = []
            added: list[New[Tracked]] = []
            for id, facts in left.items():
                before = loaded.get(id)
                state = Tracked(id=id) if before is None else before.state
                after, fresh[id] = self._followed(state, facts, now)
                if before is None:
                    added.append(New(id, after, (), now))
                elif after != state:
                    changes.append(Change(before, after, (), now))
                made += [(id, row) for row in after.making]
            written = {new.id: field is None for new, field in zip(added, self._store.dossiers.add(added), strict=True)}
            saved = self._store.dossiers.save(changes)
            written |= {change.before.id: done for change, done in zip(changes, saved, strict=True)}
            self._store.lay_out([(id, row) for id, row in made if written.get(id, True)], now)
            left = {id: facts for id, facts in left.items() if not written.get(id, True)}
        if left:
            raise Unavailable("too many changes of the same dossiers at once", retry_after=1)
        return fresh

    def _followed(self, tracked: Tracked, facts: Sequence[Fact], now: datetime) -> tuple[Tracked, list[bool]]:
        merged, fresh = merging.hear(tracked.merged, facts, now)
        missed = len(merged.missed)
        merged, steps = merging.release(tracked.id, merged, now, self._waits)
        if len(merged.missed) > missed:
            metrics.PORTAL_GAPS.inc(len(merged.missed) - missed)
            log.error("portal_goes_on_without", dossier=tracked.id, missed=merged.missed)
        if merged.number is None and merged.look_at is None and tracked.merged.look_at is not None:
            metrics.PORTAL_GAPS.inc()
            log.error("portal_knows_no_beginning", dossier=tracked.id, waiting=len(merged.waiting))
        state = replace(tracked, merged=merged)
        first = tracked.rows == 0
        said: list[Said] = []
        untold: list[Untold] = []
        for step in steps:
            found = self._said(tracked.id, merged.number or "", step, first=first)
            first = first and not found
            said += found
            if step.late and not found:
                untold.append(Untold(event=rows.name_of(step.fact), at=now, reason="its successors were told already"))
        if untold:
            state = replace(state, untold=(*state.untold, *untold))
        return self._with_rows(state, said, now), fresh

    def _said(self, dossier: str, number: str, step: Step, *, first: bool) -> list[Said]:
        before = self._secrets.open_person(dossier, step.before.personal)
        after = before
        if step.after.personal is not step.before.personal:
            after = self._secrets.open_person(dossier, step.after.personal)
        return rows.said_of(number, step, first=first, before=before, after=after, names=self._names())

    def _with_rows(self, tracked: Tracked, said: Sequence[Said], now: datetime) -> Tracked:
        made = []
        for n, each in enumerate(said, tracked.rows + 1):
            sealed = self._secrets.record(rows.row_id(tracked.id, n), each.record)
            made.append(rows.row(tracked, each, n, sealed, now))
        return replace(tracked, rows=tracked.rows + len(made), making=(*tracked.making, *made)) if made else tracked


class Catalogue:
    """Keeps what catalog says of procedures."""

    def __init__(self, store: NationalPortalStore) -> None:
        self._store = store

    def know(self, batch: Sequence[Received]) -> list[Outcome]:
        items: list[tuple[str, int, Mapping[str, Any]]] = []
        for item in batch:
            data, sequence = item.data, item.event.sequence
            if hasattr(data, "procedure"):
                said = data.procedure
                names = {"name": said.name, "field": said.field.code, "field_name": said.field.name}
                items.append((said.code, sequence, {**names, "withdrawn": False}))
            else:
                items.append((data.code, sequence, {"withdrawn": True}))
        return [Done() if new else Duplicate() for new in self._store.put_procedures(items)]


class Repairs:
    """What operators do with rows. What they did and why is kept in the row, with who did it."""

    def __init__(self, store: NationalPortalStore, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets

    def retry(self, call: Call, id: str, render: acts.Render[PortalRow]) -> Answer:
        return self._change(call, id, lambda row: rows.retry(row, call.now, call.principal.subject), render)

    def skip(self, call: Call, id: str, reason: str, render: acts.Render[PortalRow]) -> Answer:
        answer = self._change(call, id, lambda row: repairs.skip(row, reason, call.now, call.principal.subject), render)
        over = self._store.rows.load(id)
        # When this does not come to pass, the worker finds it; see `wake_stuck`.
        if over is not None and rows.is_over(over.state):
            self._store.queue.wake([over.state], call.now)
        return answer

    def correct(
        self, call: Call, id: str, fields: Mapping[str, str], reason: str, render: acts.Render[PortalRow]
    ) -> Answer:
        def decide(row: PortalRow) -> PortalRow:
            record = self._secrets.open_record(row.id, row.sealed)
            rows.check_correction(record, fields)
            sealed = self._secrets.record(row.id, {**record, **fields})
            return repairs.correct(row, fields, reason, sealed, call.now, call.principal.subject)

        return self._change(call, id, decide, render)

    def _change(
        self, call: Call, id: str, decide: Callable[[PortalRow], PortalRow], render: acts.Render[PortalRow]
    ) -> Answer:
        answer = acts.change(
            self._store.rows, id, call, sees=lambda _: True, decide=lambda row: (decide(row), ()), render=render
        )
        log.info("portal_row_repaired", row=id, by=call.principal.subject)
        return answer


class Showing:
    """Rows for operators."""

    def __init__(self, store: NationalPortalStore, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets

    def row(self, id: str) -> Loaded[PortalRow]:
        loaded = self._store.rows.load(id)
        if loaded is None:
            raise repairs.RowNotFound(f"no row {id}")
        return loaded

    def opened(self, call: Call, row: PortalRow) -> tuple[Opened, list[Opened]]:
        return opened(self._secrets, row, call)
