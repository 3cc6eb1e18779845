"""What can be done about fees: taking money, hearing of it, placing what settled no bill, asking for more.

The dossier is the truth: a payment counts when it is in one, and an index lets each transaction into one dossier only.
A stray is a piece of work about money, never the money itself.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice

from chassis import acts, worktime
from chassis import store as chassis_store
from chassis.auth import Principal
from chassis.clock import id_from
from chassis.errors import FieldError, Invalid, KeyReused, NotFound, Problem, Unavailable
from chassis.web import Answer, Call
from intake.domain import payments, reconciliation
from intake.domain.dossiers import By, Dossier, Turn
from intake.domain.fees import Line, Method, Payment, order_in
from intake.domain.payments import Arrived, PaymentPlaced, Stray
from intake.domain.reconciliation import Missing, Reconciliation, Result, RowResult
from intake.domain.vietqr import Account, payee_of
from intake.store import IntakeStore
from intake.usecases.access import ANY_AGENCY, acts_for, by
from intake.usecases.drawing import DRAWS, with_free_number

BATCH = 500
LONGEST_PERIOD = timedelta(days=92)

Render = Callable[[Dossier, int], Answer]
RenderPayment = Callable[[Dossier, Payment, int], Answer]
Sees = Callable[[Dossier], bool]


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of money that somebody told of."""

    result: Result
    payment: str
    dossier: str | None = None


def payment_id(provider: str, transaction: str) -> str:
    return id_from("payment", provider, transaction)


def of_all_agencies(principal: Principal) -> bool:
    """Whether an accountant is the whole province's."""
    return principal.agency is None or principal.may(ANY_AGENCY)


class PaymentUseCases:
    def __init__(self, store: IntakeStore, accounts: Mapping[str, Account]) -> None:
        self._store = store
        self._accounts = accounts

    # -- at the counter ------------------------------------------------------------------------------------------------

    def take(
        self, call: Call, dossier_id: str, amount: int, method: Method, receipt_book: str | None, bill: int | None,
        render: RenderPayment,
    ) -> Answer:  # fmt: skip
        """An officer of the receiving agency takes the money for a bill. Raises NotFound, DossierClosed, NothingDue,
        Invalid."""
        id = call.id_for_new("payment")

        def decide(dossier: Dossier, draw: Callable[[str], str]) -> Turn:
            if call.occurred_at < dossier.filed_at:
                raise Invalid("paid before the dossier was filed", code="before_filing")
            wanted = payments.payable(dossier, amount, bill)
            receipt = draw(dossier.dimensions.agency)
            return payments.pay(
                dossier, payments.counter_payment(id, wanted, method, receipt, receipt_book, by(call)), by(call)
            )

        return self._with_receipt(
            call,
            lambda draw: self._change(call, dossier_id, lambda dossier: decide(dossier, draw), _rendering(render, id)),
        )

    def reverse(self, call: Call, dossier_id: str, id: str, reason: str, render: RenderPayment) -> Answer:
        """The payment counts no more. Raises NotFound, AlreadyReversed."""
        return self._change(
            call,
            dossier_id,
            lambda dossier: payments.reverse(dossier, id, reason, by(call)),
            _rendering(render, id),
            whole_province=True,
        )

    def ask(self, call: Call, dossier_id: str, lines: Sequence[Line], reason: str, render: Render) -> Answer:
        """An officer asks for a fee that was not known at filing. Raises NotFound, FeeNotAskable."""

        def decide(dossier: Dossier) -> Turn:
            payee = payee_of(self._accounts, dossier.dimensions.agency)
            return payments.ask(dossier, lines, reason, payee, by(call))

        return self._change(call, dossier_id, decide, render)

    def cancel(self, call: Call, dossier_id: str, number: int, reason: str, render: Render) -> Answer:
        """A bill is not to be paid. Raises NotFound, BillSettled, Invalid."""
        return self._change(
            call, dossier_id, lambda dossier: payments.cancel(dossier, number, reason, by(call)), render
        )

    # -- hearing of money ----------------------------------------------------------------------------------------------

    def hear(
        self,
        arrived: Sequence[Arrived],
        now: datetime,
        *,
        by: str,
        trace: str | None = None,
        sees: Sees | None = None,
        agency: str | None = None,
        dry_run: bool = False,
    ) -> list[Heard]:
        """Records money, each transaction once however often and by whomever it is told, with one write for all the
        dossiers and one for all the strays.

        `sees`: of which dossiers the teller may speak, None: of all. What names none of them is kept as a stray only
        when the teller may speak of all: an office's list must not keep others from their money.
        """
        heard: dict[int, Heard] = {}
        begun: set[str] = set()
        for attempt in range(DRAWS):
            waiting = {n: each for n, each in enumerate(arrived) if n not in heard}
            if not waiting:
                return [heard[n] for n in range(len(arrived))]
            attempted = _Round(self._store, waiting, now, by, trace, sees, agency, begun)
            heard |= attempted.judge(None if dry_run else 2**attempt)
            if not dry_run:
                attempted.write(heard)
        raise Unavailable("too many changes of the same dossiers at once", retry_after=1)

    # -- reconciliation ------------------------------------------------------------------------------------------------

    def reconcile(
        self,
        call: Call,
        provider: str,
        file: bytes,
        first: date | None,
        last: date | None,
        render: Callable[[Reconciliation, int], Answer],
        *,
        dry_run: bool,
    ) -> Answer:
        """Holds a bank's file against what is recorded, and records what is new in it. However often a file is
        imported, nothing is there twice. Raises Invalid, KeyReused."""
        id = call.id_for_new("reconciliation")
        known = self._store.payments.reconciliations.load(id)
        answered = acts.first_answer(known, call)
        if known is not None and answered is not None:
            days = known.state.first, known.state.last
            if known.state.provider != provider or days != (first or days[0], last or days[1]):
                raise KeyReused("this Idempotency-Key was sent with another provider or period")
            return answered
        done = self._reconciled(call, id, provider, file, first, last, dry_run=dry_run)
        if dry_run:
            return render(done, 0)
        return acts.create(self._store.payments.reconciliations, id, done, (), call, render)

    def _reconciled(
        self, call: Call, id: str, provider: str, file: bytes, first: date | None, last: date | None, *, dry_run: bool
    ) -> Reconciliation:
        try:
            text = file.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(
                "the file cannot be read", errors=[FieldError("/file", "encoding", "the file is not UTF-8")]
            ) from None
        rows, results = reconciliation.read(text)
        days = [worktime.local_day(row.paid_at) for row in rows]
        first, last = _period(first or min(days, default=None), last or max(days, default=None))
        principal = call.principal
        province = of_all_agencies(principal)
        arrived = iter(
            (row.line, Arrived(
                id=payment_id(provider, row.transaction), provider=provider, transaction=row.transaction,
                order=order_in(row.text), text=row.text, amount=row.amount, paid_at=row.paid_at,
            ))
            for row in rows
        )  # fmt: skip
        while batch := list(islice(arrived, BATCH)):
            heard = self.hear(
                [each for _, each in batch],
                call.now,
                by=principal.subject,
                trace=call.trace,
                sees=None if province else lambda dossier: acts_for(principal, dossier.handled_by),
                agency=principal.agency,
                dry_run=dry_run,
            )
            results += [
                RowResult(
                    line=line, result=told.result, transaction=each.transaction, amount=each.amount,
                    payment=told.payment, dossier=told.dossier,
                )
                for (line, each), told in zip(batch, heard, strict=True)
            ]  # fmt: skip
        listed = {row.transaction for row in results}
        begin = datetime.combine(first, time(), worktime.ZONE).astimezone(UTC)
        end = datetime.combine(last + timedelta(days=1), time(), worktime.ZONE).astimezone(UTC)
        return Reconciliation(
            id=id,
            provider=provider,
            agency=None if province else principal.agency,
            first=first,
            last=last,
            at=call.now,
            by=principal.subject,
            sha256=hashlib.sha256(file).hexdigest(),
            rows=tuple(sorted(results, key=lambda row: row.line)),
            missing=tuple(self._missing(principal, provider, begin, end, listed)),
        )

    def _missing(
        self, principal: Principal, provider: str, begin: datetime, end: datetime, listed: set[str | None]
    ) -> list[Missing]:
        """What is recorded and not listed, by time; what was reversed here may be missing there."""
        everything = of_all_agencies(principal)
        found = [
            Missing(
                payment=payment.id, transaction=payment.transaction or "", dossier=dossier.id, amount=payment.amount,
                paid_at=payment.paid_at,
            )
            for dossier, payment in self._store.payments.of_provider(provider, begin, end)
            if payment.transaction not in listed and payment.reversal is None
            if everything or acts_for(principal, dossier.handled_by)
        ]  # fmt: skip
        found += [
            Missing(
                payment=stray.id, transaction=stray.transaction, dossier=stray.dossier, amount=stray.amount,
                paid_at=stray.paid_at,
            )
            for stray in self._store.payments.strays_of_provider(provider, begin, end)
            if stray.transaction not in listed and stray.state == "unmatched"
            if everything or stray.agency == principal.agency
        ]  # fmt: skip
        return sorted(found, key=lambda missing: (missing.paid_at, missing.payment))

    # -- strays --------------------------------------------------------------------------------------------------------

    def place(self, call: Call, id: str, dossier_id: str, bill: int | None, render: RenderPayment) -> Answer:
        """An officer finds the dossier that a stray is for; it must settle one of its bills.

        Three writes, of which the second counts: the stray is held, the dossier takes it, the stray is done with. What
        died in between is done by whoever asks again. Raises NotFound, NotUnmatched, PaymentPlaced, and as `take`.
        """
        first = acts.first_answer(self._store.dossiers.load(dossier_id), call)
        self._hold(call, id, dossier_id, again=first is not None)
        if first is None:
            try:
                first = self._into_dossier(call, id, dossier_id, bill, render)
            except Problem:
                self._revise(id, lambda stray: payments.end_placing(stray, dossier_id))
                self._note_placed([id], call.principal.subject, call.now)
                raise
        self._note_placed([id], call.principal.subject, call.now)
        return first

    def refund(self, call: Call, id: str, reason: str, render: Callable[[Stray, int], Answer]) -> Answer:
        """A stray was given back to whoever sent it. Raises NotFound, NotUnmatched, PaymentPlaced."""

        def decide(stray: Stray) -> tuple[Stray, tuple[()]]:
            refunded = payments.refund(stray, reason, by(call))
            self._require_unplaced(id)
            return refunded, ()

        return acts.change(
            self._store.payments.strays,
            id,
            call,
            sees=lambda stray: sees_stray(call.principal, stray),
            decide=decide,
            render=render,
        )

    def _into_dossier(self, call: Call, id: str, dossier_id: str, bill: int | None, render: RenderPayment) -> Answer:
        loaded = self._store.payments.strays.load(id)
        if loaded is None:
            raise NotFound(f"no payment {id} for you")
        arrived = payments.arrived_of(loaded.state)

        def decide(dossier: Dossier, draw: Callable[[str], str]) -> Turn:
            self._require_unplaced(id)
            wanted = payments.payable(dossier, arrived.amount, bill)
            payment = payments.online_payment(arrived, wanted, draw(dossier.dimensions.agency), by(call))
            return payments.pay(dossier, payment, by(call))

        return self._with_receipt(
            call,
            lambda draw: self._change(
                call, dossier_id, lambda dossier: decide(dossier, draw), _rendering(render, id), whole_province=True
            ),
        )

    def _require_unplaced(self, id: str) -> None:
        if id in self._store.payments.having([id]):
            raise PaymentPlaced("the payment counts in a dossier already")

    def _hold(self, call: Call, id: str, dossier_id: str, *, again: bool) -> None:
        def begin(stray: Stray) -> Stray:
            if not sees_stray(call.principal, stray):
                raise NotFound(f"no payment {id} for you")
            return stray if again else payments.begin_placing(stray, dossier_id, by(call))

        self._revise(id, begin)

    def _revise(self, id: str, change: Callable[[Stray], Stray]) -> None:
        strays = self._store.payments.strays
        for _ in range(acts.RACES):
            loaded = strays.load(id)
            if loaded is None:
                raise NotFound(f"no payment {id} for you")
            state = change(loaded.state)
            if state is loaded.state:
                return
            if strays.save([chassis_store.Change(loaded, state, (), loaded.state.arrived_at)])[0]:
                return
        raise Unavailable("too many changes of the same payment at once", retry_after=1)

    def _note_placed(self, ids: Sequence[str], who: str, now: datetime) -> None:
        note_placed(self._store, ids, who, now)

    # -- all of them ---------------------------------------------------------------------------------------------------

    def _change(
        self, call: Call, id: str, decide: Callable[[Dossier], Turn], render: Render, *, whole_province: bool = False
    ) -> Answer:
        """`whole_province`: accountants of no agency act on every dossier."""

        def mine(dossier: Dossier) -> bool:
            everything = whole_province and of_all_agencies(call.principal)
            day = worktime.local_day(call.occurred_at)
            agency = self._store.catalogue.successions().acting(dossier.dimensions.agency, day)
            return everything or acts_for(call.principal, agency)

        return acts.change(self._store.dossiers, id, call, sees=mine, decide=decide, render=render)

    def _with_receipt(self, call: Call, act: Callable[[Callable[[str], str]], Answer]) -> Answer:
        """An act with what draws a receipt's number for an agency; an act that is tried again keeps its number."""
        year = worktime.local_day(call.now).year

        def attempt(numbers: int) -> Answer:
            return act(cache(lambda agency: self._store.payments.draw_receipt(agency, year, numbers)))

        return with_free_number(attempt)


def sees_stray(principal: Principal, stray: Stray) -> bool:
    """Accountants of an agency see what names its dossiers, the province's see everything."""
    return of_all_agencies(principal) or stray.agency == principal.agency


def note_placed(store: IntakeStore, ids: Sequence[str], who: str, now: datetime) -> None:
    """Strays whose money is in a dossier are done with. What wrote a stray or a payment asks after it: of two who heard
    of the same money at once, one of them sees what the other wrote."""
    strays = [each for each in store.payments.strays.load_many(ids).values() if each.state.state == "unmatched"]
    held = store.payments.having([each.id for each in strays]) if strays else {}
    store.payments.strays.save(
        [
            chassis_store.Change(each, payments.placed(each.state, held[each.id][0].id, who, now), (), now)
            for each in strays
            if each.id in held
        ]
    )


class _Round:
    """One attempt at recording money: judged against what is stored now, then written."""

    def __init__(
        self,
        store: IntakeStore,
        waiting: Mapping[int, Arrived],
        now: datetime,
        who: str,
        trace: str | None,
        sees: Sees | None,
        agency: str | None,
        begun: set[str],
    ) -> None:
        self._store, self._waiting, self._now, self._who, self._trace = store, waiting, now, who, trace
        self._sees, self._agency, self._begun = sees, agency, begun
        ids = [each.id for each in waiting.values()]
        self._named = store.payments.by_order({each.order for each in waiting.values() if each.order is not None})
        self._amounts = {id: stray.state.amount for id, stray in store.payments.strays.load_many(ids).items()}
        self._held = store.payments.having(ids)
        self._amounts |= {id: payment.amount for id, (_, payment) in self._held.items()}
        self._states: dict[str, Turn] = {}
        self._paying: dict[int, str] = {}
        self._strays: dict[int, Stray] = {}
        self._dossier_of: dict[int, str] = {}

    def judge(self, numbers: int | None) -> dict[int, Heard]:
        """What each is. `numbers`: how many receipts' numbers one uses up; None: nothing will be written."""
        return {n: self._judged(n, each, numbers) for n, each in self._waiting.items()}

    def _judged(self, n: int, each: Arrived, numbers: int | None) -> Heard:
        known = self._amounts.get(each.id)
        if known == each.amount:
            # What an earlier attempt of this call wrote before another write of it failed is its own.
            dossier = self._held[each.id][0].id if each.id in self._held else None
            shown = dossier if self._sees is None or (dossier and self._sees(self._held[each.id][0])) else None
            return Heard("matched" if dossier and each.id in self._begun else "known", each.id, shown)
        loaded = self._named.get(each.order or "")
        if loaded is not None and self._sees is not None and not self._sees(loaded.state):
            loaded = None
        dossier_state = None if loaded is None else self._states.get(loaded.id, (loaded.state, ()))[0]
        if known is not None:
            again = id_from("payment", "contradiction", each.id, str(each.amount))
            return self._astray(n, each, again, "contradicts", dossier_state)
        self._amounts[each.id] = each.amount
        verdict = payments.judge(dossier_state, each.order, each.amount)
        if dossier_state is None or isinstance(verdict, str):
            why = verdict if isinstance(verdict, str) else "unknown_order"
            return self._astray(n, each, each.id, why, dossier_state)
        at = min(each.paid_at, self._now)
        acting = By(self._who, at, self._now)
        receipt = ""
        if numbers is not None:
            year = worktime.local_day(self._now).year
            receipt = self._store.payments.draw_receipt(dossier_state.dimensions.agency, year, numbers)
        payment = payments.online_payment(each, verdict, receipt, acting)
        state, events = payments.pay(dossier_state, payment, acting)
        before = self._states.get(dossier_state.id, (dossier_state, ()))[1]
        self._states[dossier_state.id] = state, [*before, *events]
        self._paying[n] = self._dossier_of[n] = dossier_state.id
        return Heard("matched", each.id, dossier_state.id)

    def _astray(self, n: int, each: Arrived, id: str, why: payments.Why, dossier: Dossier | None) -> Heard:
        if dossier is not None:
            self._dossier_of[n] = dossier.id
        if dossier is not None or self._sees is None:
            self._strays[n] = payments.stray_of(each, id, why, dossier, self._agency, self._now)
        return Heard(why, id, None if dossier is None else dossier.id)

    def write(self, heard: dict[int, Heard]) -> None:
        """Writes what was judged, and takes back the judgement on what could not be written, or rests on that."""
        loaded = {each.id: each for each in self._named.values()}
        changes = [
            chassis_store.Change(loaded[id], state, events, self._now, self._trace)
            for id, (state, events) in self._states.items()
        ]
        self._begun.update(self._waiting[n].id for n in self._paying)
        try:
            written = self._store.dossiers.save(changes)
        except chassis_store.FieldTaken:
            # A receipt's number, or the same transaction in another dossier; which of the others are written is seen
            # when they are looked at again.
            written = [False] * len(changes)
        lost = {change.before.id for change, done in zip(changes, written, strict=True) if not done}
        for n in [n for n, dossier in self._dossier_of.items() if dossier in lost]:
            heard.pop(n)
            self._strays.pop(n, None)
        strays = list(self._strays.items())
        refused = self._store.payments.strays.add(
            [chassis_store.New(stray.id, stray, (), self._now, self._trace) for _, stray in strays]
        )
        for (n, stray), field in zip(strays, refused, strict=True):
            if field is not None:
                heard[n] = Heard("known", stray.id, stray.dossier)
        wrote = [self._waiting[n].id for n in self._paying if n in heard] + [stray.id for _, stray in strays]
        if wrote:
            note_placed(self._store, wrote, self._who, self._now)


def _rendering(render: RenderPayment, id: str) -> Render:
    return lambda dossier, version: render(dossier, payments.payment_of(dossier, id), version)


def _period(first: date | None, last: date | None) -> tuple[date, date]:
    if first is None or last is None:
        raise Invalid(
            "the period is not known", errors=[FieldError("/from", "missing", "an empty file does not say its days")]
        )
    if not timedelta(0) <= last - first <= LONGEST_PERIOD:
        wrong = FieldError("/to", "period", f"from the first day on, {LONGEST_PERIOD.days} days at most")
        raise Invalid("the period is too long, or ends before it begins", errors=[wrong])
    return first, last
