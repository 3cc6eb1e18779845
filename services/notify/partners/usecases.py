"""What becomes of intake's and workflow's news: rows for EMC and the post; what the post tells; and what operators do
with rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis import acts, logs
from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Outcome, Received
from chassis.envelope import Unreadable
from chassis.errors import Unavailable
from chassis.store import Change, Loaded, New
from chassis.web import Answer, Call
from notify.domain import repairs
from notify.domain.deliveries import NotRetriable
from notify.domain.repairs import RowNotFound
from notify.national_portal.domain.life import Fact
from notify.national_portal.inbound import fact_of, is_of_a_dossier
from notify.outlets import Away
from notify.partners.client import Connection, Partner, Reply
from notify.partners.domain import emc, post, rows
from notify.partners.domain.known import HEARD, Act, Known, Order, apply
from notify.partners.domain.post import Place, Step
from notify.partners.domain.rows import PartnerRow, Said
from notify.partners.outlets import TRACKING_PATH
from notify.partners.store import PartnerStore
from notify.sealing import Secrets
from notify.usecases.showing import Opened, opened

log = logs.get()
RACES = 20
LOOKED_AT = 50
ORDER_RANK, CANCEL_RANK = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who we are to the post. `places`: where it collects a result, by agency; `*`: of those that have none of their
    own."""

    code: str
    places: Mapping[str, Place]

    def place(self, agency: str, name: str = "") -> Place:
        """`name`: the agency's, for one that has no place."""
        found = self.places.get(agency) or self.places.get("*")
        return found or Place(name=name or agency, address="", phone="")


class Following:
    """Follows the dossiers. `site`: what EMC knows us by, None when it is told nothing; `customer`: who we are to the
    post, None when it is asked nothing."""

    def __init__(
        self, store: PartnerStore, secrets: Secrets, clock: Clock, *, site: str | None, customer: Customer | None
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._site = site
        self._customer = customer

    def hear(self, batch: Sequence[Received]) -> list[Outcome]:
        """Keeps what the events say and lays out the rows that follow from it. What neither partner has an interest in
        is Done."""
        outcomes: list[Outcome] = [Done()] * len(batch)
        heard: dict[str, list[tuple[int, Fact]]] = {}
        for n, item in enumerate(batch):
            event = item.event
            if not is_of_a_dossier(event) or not (event.type in HEARD or event.type in emc.STATUSES):
                continue
            try:
                fact = fact_of(event, lambda personal, id=event.subject: self._secrets.person(id, personal))  # type: ignore[misc]
            except Unreadable as error:
                outcomes[n] = Invalid(f"unreadable for the partners: {error}")
            else:
                heard.setdefault(event.subject, []).append((n, fact))
        changed = self._change_all({id: [fact for _, fact in facts] for id, facts in heard.items()})
        for id, facts in heard.items():
            for n, _ in facts:
                outcomes[n] = Done() if id in changed else Duplicate()
        return outcomes

    def _change_all(self, heard: Mapping[str, Sequence[Fact]]) -> set[str]:
        """The dossiers of which something is new. Acts are laid out before what is known is written, and orders after
        it: so a crash in between loses neither, and a repetition makes neither twice."""
        changed: set[str] = set()
        left = dict(heard)
        for _ in range(RACES):
            if not left:
                return changed
            now = self._clock()
            loaded = self._store.dossiers.load_many(left)
            changes: list[Change[Known]] = []
            added: list[New[Known]] = []
            states: dict[str, Known] = {}
            told: list[PartnerRow] = []
            for id, facts in left.items():
                before = loaded.get(id)
                known = Known(id=id) if before is None else before.state
                after, acts_told = self._followed(known, facts, now)
                states[id] = after
                told += [self._row(after, said, now) for said in acts_told]
                if before is None:
                    added.append(New(id, after, (), now))
                elif after != known:
                    changes.append(Change(before, after, (), now))
            self._store.lay_out(told)
            written = {new.id: field is None for new, field in zip(added, self._store.dossiers.add(added), strict=True)}
            saved = self._store.dossiers.save(changes)
            written |= {change.before.id: done for change, done in zip(changes, saved, strict=True)}
            changed |= {id for id, done in written.items() if done}
            mine = [known for id, known in states.items() if written.get(id, True)]
            self._store.lay_out([row for known in mine for row in self._orders(known, now)])
            left = {id: facts for id, facts in left.items() if not written.get(id, True)}
        raise Unavailable("too many changes of the same dossiers at once", retry_after=1)

    def _followed(self, known: Known, facts: Sequence[Fact], now: datetime) -> tuple[Known, list[Said]]:
        """What is known then, and what EMC is to hear."""
        early = list(known.early)
        for fact in facts:
            known = apply(known, fact)
            if self._site is not None and fact.type in emc.STATUSES:
                act = Act(source=fact.source, sequence=fact.sequence, type=fact.type, at=fact.at, trace=fact.trace)
                early += [] if act in early else [act]
        if self._customer is not None:
            known = post.planned(known, now)
        if known.code is None:
            return replace(known, early=tuple(early)), []
        said = [self._said(known, act) for act in early] if emc.told(known) else []
        return replace(known, early=()), said

    def _said(self, known: Known, act: Act) -> Said:
        return Said(
            partner="emc", key=f"{known.id}.{act.name}", act=act.type, at=act.at, rank=act.rank,
            record=emc.post(known, act.type, self._site or ""), trace=act.trace,
        )  # fmt: skip

    def _orders(self, known: Known, now: datetime) -> Iterable[PartnerRow]:
        """The rows of the dossier's orders and of their cancellations."""
        customer = self._customer
        if customer is None or not known.orders:
            return
        person = self._secrets.open_person(known.id, known.personal)
        for order in known.orders:
            number = post.number_of(known.code or "", order.n)
            record = post.order_record(
                customer.code, known, order, customer.place(known.agency, known.agency_name), _receiver(person)
            )
            yield self._row(known, _asked(known, order, number, record), now)
            if order.cancelled_at is not None:
                cancel = post.cancel_record(customer.code, number)
                yield self._row(known, _cancelled(known, order, number, cancel), now)

    def _row(self, known: Known, said: Said, now: datetime) -> PartnerRow:
        sealed = self._secrets.record(said.id, said.record)
        return rows.row(said, known.id, known.code or "", known.agency, sealed, now)


def _receiver(person: Mapping[str, Any]) -> Place:
    return Place(name=person.get("name") or "", address=person.get("address") or "", phone=person.get("phone") or "")


def _asked(known: Known, order: Order, number: str, record: Mapping[str, Any]) -> Said:
    return Said(
        partner="post", key=f"{known.id}.{order.n}.order", act="order", at=order.asked_at,
        rank=order.n * 10 + ORDER_RANK, record=record, number=number,
    )  # fmt: skip


def _cancelled(known: Known, order: Order, number: str, record: Mapping[str, Any]) -> Said:
    return Said(
        partner="post", key=f"{known.id}.{order.n}.cancel", act="cancel", at=order.cancelled_at or order.asked_at,
        rank=order.n * 10 + CANCEL_RANK, record=record, number=number,
    )  # fmt: skip


class Tracking:
    """Where the post's consignments are: it says so itself, and is asked. `partner`: None where it is only listened
    to."""

    def __init__(
        self, store: PartnerStore, partner: Partner | None, customer: str, clock: Clock, every: timedelta
    ) -> None:
        self._store = store
        self._partner = partner
        self._customer = customer
        self._clock = clock
        self._every = every

    def hear(self, number: str, word: str, at: datetime, tracking: str | None) -> bool:
        """What the post tells of an order; False for one that nobody made here. Twice is once."""
        for _ in range(RACES):
            loaded = self._store.order(number)
            if loaded is None:
                return False
            now = self._clock()
            if self._noted(loaded, [post.step(word, at, now)], tracking, loaded.state.look_at, now):
                return True
        raise Unavailable("too many changes of the same order at once", retry_after=1)

    def ask(self) -> bool:
        """Asks the post of the orders whose time has come; True when there may be more. Raises Away."""
        due = self._store.to_look_at(self._clock(), LOOKED_AT)
        if not due or self._partner is None:
            return False
        with self._partner.line() as connection:
            for loaded in due:
                self._ask(connection, loaded)
        return len(due) == LOOKED_AT

    def _ask(self, connection: Connection, loaded: Loaded[PartnerRow]) -> None:
        row = loaded.state
        body = {"CustomerCode": self._customer, "OrderNumber": row.number}
        reply = connection.post(TRACKING_PATH, body, row.id)
        now = self._clock()
        if reply.status >= 500 or reply.status == 429:
            raise Away(f"status_{reply.status}")
        told = _steps(reply, now)
        if told is None:
            log.warning("post_tracking_unusable", row=row.id, status=reply.status)
        # Where somebody else was faster, it is asked again.
        self._noted(loaded, told or [], _tracking(reply), now + self._every, now)

    def _noted(
        self, loaded: Loaded[PartnerRow], told: Sequence[Step], tracking: str | None, look_at: datetime | None,
        now: datetime,
    ) -> bool:  # fmt: skip
        row = replace(loaded.state, look_at=look_at, tracking=loaded.state.tracking or tracking)
        after, events = rows.note_steps(row, told, now)
        if after == loaded.state:
            return True
        if events:
            log.info("post_tells", row=row.id, news=[type(event).__name__ for event in events])
        return self._store.rows.save([Change(loaded, after, events, now, row.trace)])[0]


def _steps(reply: Reply, now: datetime) -> list[Step] | None:
    """`{Items: [{Status, Time}]}`; None where the answer is none of the kind. What of it cannot be read is left out."""
    items = reply.body.get("Items")
    if not isinstance(items, list):
        return None
    found: list[Step] = []
    for each in items[: post.KEPT_STEPS]:
        word, text = (each.get("Status"), each.get("Time")) if isinstance(each, dict) else (None, None)
        if isinstance(word, str) and isinstance(text, str) and (at := _instant(text)) is not None:
            found.append(post.step(word[:40], at, now))
    return found


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except OverflowError:
        return None


def _tracking(reply: Reply) -> str | None:
    known = reply.body.get("TrackingNumber")
    return known[:60] if isinstance(known, str) and known.strip() else None


class Repairs:
    """What operators do with rows. What they did and why is kept in the row, with who did it."""

    def __init__(self, store: PartnerStore, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets

    def retry(self, call: Call, partner: str, id: str, render: acts.Render[PartnerRow]) -> Answer:
        def decide(row: PartnerRow) -> PartnerRow:
            self._require_wanted(row)
            return repairs.retry(row, call.now, call.principal.subject)

        return self._change(call, partner, id, decide, render)

    def skip(self, call: Call, partner: str, id: str, reason: str, render: acts.Render[PartnerRow]) -> Answer:
        return self._change(
            call, partner, id, lambda row: repairs.skip(row, reason, call.now, call.principal.subject), render
        )

    def correct(
        self, call: Call, partner: str, id: str, fields: Mapping[str, str], reason: str, render: acts.Render[PartnerRow]
    ) -> Answer:
        def decide(row: PartnerRow) -> PartnerRow:
            self._require_wanted(row)
            record = rows.corrected(row.partner, self._secrets.open_record(row.id, row.sealed), fields)
            sealed = self._secrets.record(row.id, record)
            return repairs.correct(row, fields, reason, sealed, call.now, call.principal.subject)

        return self._change(call, partner, id, decide, render)

    def _require_wanted(self, row: PartnerRow) -> None:
        if row.act == "order" and self._store.is_cancelled(row):
            raise NotRetriable("the order is not wanted any more")

    def _change(
        self, call: Call, partner: str, id: str, decide: Callable[[PartnerRow], PartnerRow],
        render: acts.Render[PartnerRow],
    ) -> Answer:  # fmt: skip
        answer = acts.change(
            self._store.rows, id, call,
            sees=lambda row: row.partner == partner, decide=lambda row: (decide(row), ()), render=render,
        )  # fmt: skip
        log.info("partner_row_repaired", row=id, by=call.principal.subject)
        return answer


class Showing:
    """Rows for operators."""

    def __init__(self, store: PartnerStore, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets

    def row(self, partner: str, id: str) -> Loaded[PartnerRow]:
        loaded = self._store.rows.load(id)
        if loaded is None or loaded.state.partner != partner:
            raise RowNotFound(f"no row {id}")
        return loaded

    def opened(self, call: Call, row: PartnerRow) -> tuple[Opened, list[Opened]]:
        return opened(self._secrets, row, call)
