"""No fee is lost and none counts twice, whatever is told, repeated, reversed, placed or imported, in whatever order.

The machine keeps its own account of all the money that was ever told of; after each act, every đồng is in exactly one
place: in a dossier (where it counts, or was reversed), or among the strays (unmatched, or given back).
"""

import json
import secrets
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.intake.paying import ACCOUNTANT, FEE, PROVIDER, filed, message, owed, received, tell
from tests.support.services import Clock, Running

AMOUNTS = st.sampled_from([FEE, FEE, FEE, 20_000, 1])
TRANSACTIONS = st.integers(1, 6).map(lambda n: f"FT{n}")


class Money(RuleBasedStateMachine):
    def __init__(self, paying: Running, clock: Clock, done: Counter[str]) -> None:
        super().__init__()
        self.paying, self.clock, self.done = paying, clock, done
        for name in ("dossiers", "payments", "counters", "reconciliations"):
            paying.database[name].delete_many({})
        self.dossiers: list[str] = []
        self.orders: list[str] = []
        self.told: set[tuple[str, int]] = set()
        """Each (transaction, amount) that anybody told of, however often."""
        self.counter = 0

    @initialize()
    def begin(self) -> None:
        self.orders = ["?"]
        for dossier in (received(self.paying), filed(self.paying)):
            self.dossiers.append(dossier["id"])
            self.note_orders(dossier["id"])

    def note_orders(self, id: str) -> None:
        account = owed(self.paying, id)
        self.orders = sorted({*self.orders, *(bill["purpose"] for bill in account["bills"])})

    # -- what anybody may do, at any time

    @rule(data=st.data(), transaction=TRANSACTIONS, amount=AMOUNTS, times=st.integers(1, 2))
    def call_back(self, data: st.DataObject, transaction: str, amount: int, times: int) -> None:
        sent = message(data.draw(st.sampled_from(self.orders)), amount, transaction)
        answers = [tell(self.paying, sent) for _ in range(times)]
        assert {(answer.status_code, answer.data) for answer in answers} == {(200, answers[0].data)}
        self.told.add((transaction, amount))

    @rule(data=st.data(), rows=st.lists(st.tuples(TRANSACTIONS, AMOUNTS), max_size=4), dry=st.booleans())
    def import_file(self, data: st.DataObject, rows: list[tuple[str, int]], dry: bool) -> None:
        order = st.sampled_from(self.orders)
        lines = [f"{transaction},{data.draw(order)},{amount},2026-03-04" for transaction, amount in rows]
        for _ in range(2):
            answer = self.paying.request(
                "POST",
                f"payments/reconciliations?provider={PROVIDER}&from=2026-03-01&to=2026-03-31&dry_run={dry}",
                ACCOUNTANT,
                data="\n".join(["transaction,reference,amount,paid_at", *lines]).encode(),
                headers={"Content-Type": "text/csv"},
                key=secrets.token_hex(8),
            )
            assert answer.status_code in (200, 201), answer.text
        if not dry:
            self.told |= set(rows)
            assert set(answer.get_json()["counts"]) <= {"known"}, "the second time, all of it is known"

    @rule(data=st.data(), amount=AMOUNTS)
    def take_at_the_counter(self, data: st.DataObject, amount: int) -> None:
        id, key = data.draw(st.sampled_from(self.dossiers)), secrets.token_hex(8)
        due = {bill["amount"] for bill in owed(self.paying, id)["bills"] if bill["due"]}
        sent = {"amount": amount, "method": "cash"}
        first, again = (self.paying.post(f"dossiers/{id}/payments", "counter_officer", sent, key=key) for _ in "ab")
        assert first.status_code == again.status_code
        if first.status_code == 201:
            assert first.data == again.data
            self.counter += amount
        assert (first.status_code == 201) == (amount in due), first.text

    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.dossiers))
        payments = owed(self.paying, id)["payments"]
        if payments:
            payment = data.draw(st.sampled_from(payments))
            where = f"dossiers/{id}/payments/{payment['id']}/reversal"
            answer = self.paying.post(where, ACCOUNTANT, {"reason": "Nhầm"})
            assert answer.status_code == (200 if payment["reversal"] is None else 409)

    @rule(data=st.data(), refund=st.booleans())
    def place_or_refund(self, data: st.DataObject, refund: bool) -> None:
        strays = self.paying.rows("payments")
        if not strays:
            return
        stray = data.draw(st.sampled_from(strays))
        if refund:
            answer = self.paying.post(f"payments/{stray['_id']}/refund", ACCOUNTANT, {"reason": "Trả lại"})
            assert answer.status_code == (200 if stray["state"] == "unmatched" else 409)
            return
        sent = {"dossier": data.draw(st.sampled_from(self.dossiers))}
        answer = self.paying.post(f"payments/{stray['_id']}/assignment", ACCOUNTANT, sent)
        assert answer.status_code in ({201, 409, 422} if stray["state"] == "unmatched" else {409})
        self.done["placed"] += answer.status_code == 201

    @rule(data=st.data())
    def ask_for_more(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.dossiers))
        if len(owed(self.paying, id)["bills"]) < 4:
            lines = [{"code": "PTD", "name": "Phí thẩm định", "amount": 20_000}]
            sent = {"lines": lines, "reason": "Thẩm định"}
            answer = self.paying.post(f"dossiers/{id}/fee-request", "counter_officer", sent)
            assert answer.status_code in (200, 409)
            self.note_orders(id)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.dossiers))
        bill = data.draw(st.sampled_from(owed(self.paying, id)["bills"]))
        where = f"dossiers/{id}/bills/{bill['number']}/cancellation"
        assert self.paying.post(where, "counter_officer", {"reason": "Nhầm"}).status_code in (200, 409)

    @rule()
    def withdraw(self) -> None:
        self.paying.post(f"dossiers/{self.dossiers[1]}/withdrawal", "citizen", {"reason": "Thôi"})

    # -- what must hold

    @invariant()
    def every_dong_is_in_one_place(self) -> None:
        paid = [payment for each in self.paying.rows("dossiers") for payment in each["payments"]]
        strays = [stray for stray in self.paying.rows("payments") if stray["state"] != "assigned"]
        placed = Counter((payment["transaction"], payment["amount"]) for payment in paid if payment["provider"])
        placed += Counter((stray["transaction"], stray["amount"]) for stray in strays)
        assert placed == Counter(self.told), "told of, and in no place; or in two"
        assert sum(payment["amount"] for payment in paid if payment["provider"] is None) == self.counter
        self.done |= Counter({stray["why"]: 1 for stray in strays})

    @invariant()
    def a_bill_is_paid_once(self) -> None:
        numbers: list[str] = []
        for dossier in self.paying.rows("dossiers"):
            amounts = {bill["number"]: sum(line["amount"] for line in bill["lines"]) for bill in dossier["bills"]}
            counting = [payment for payment in dossier["payments"] if payment["reversal"] is None]
            assert len({payment["bill"] for payment in counting}) == len(counting)
            assert all(payment["amount"] == amounts[payment["bill"]] for payment in counting)
            numbers += [payment["receipt"] for payment in dossier["payments"]]
        assert len(set(numbers)) == len(numbers)

    @invariant()
    def the_account_and_the_events_say_what_is_stored(self) -> None:
        said: Counter[str] = Counter()
        for event in map(json.loads, self.paying.told()):
            if event["type"] in ("intake.fee.paid.v1", "intake.fee.reversed.v1"):
                sign = 1 if event["type"] == "intake.fee.paid.v1" else -1
                said[event["subject"]] += sign * event["data"]["amount"]
        for id in self.dossiers:
            account = owed(self.paying, id)
            status = self.paying.get(f"dossiers/{id}", "counter_officer").get_json()["status"]
            assert account["paid"] == said[id]
            due = sum(bill["amount"] for bill in account["bills"] if bill["due"])
            assert account["due"] == due
            later = any(bill["due"] for bill in account["bills"] if bill["number"] > 1)
            assert (status == "fee_asked") == later
            assert due == 0 or status not in ("withdrawn", "refused", "stopped")


@pytest.mark.thorough
def test_no_fee_is_lost_and_none_counts_twice(paying: Running, clock: Clock) -> None:
    done: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Money(paying, clock, done),  # type: ignore[arg-type]
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert done.keys() >= {"already_paid", "amount_differs", "unknown_order", "contradicts", "placed"}, done
