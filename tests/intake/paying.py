"""Intake with accounts to pay into and a payment provider that signs, and what tests of fees say to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from chassis.signed import signature
from intake.main import INTAKE
from native.access import Persona
from tests.intake.making import body
from tests.support import catalogue
from tests.support.catalogue import ELSEWHERE, HERE
from tests.support.databases import empty
from tests.support.services import Clock, Running, Tokens, database_url, running

PROVIDER, SECRET, NEXT_SECRET = "napas", "a-secret-of-the-provider's-own", "the-secret-that-comes-after-it"
ACCOUNTS = {
    HERE: {"bin": "970415", "account": "113366668888", "name": "Bộ phận một cửa"},
    "*": {"bin": "970436", "account": "0011002233445", "name": "Kho bạc Nhà nước Thanh Hóa"},
}
ACCOUNTANT = Persona("Kế toán", ("payments.reconcile", "dossiers.read", "dossiers.read_all"))
"""The province's."""
OFFICE_ACCOUNTANT = Persona("Kế toán đơn vị", ("payments.reconcile", "dossiers.read"), HERE)
OTHER_ACCOUNTANT = Persona("Kế toán nơi khác", ("payments.reconcile", "dossiers.read"), ELSEWHERE)
SETTINGS = {
    "vietqr_accounts": json.dumps(ACCOUNTS),
    "payment_providers": json.dumps({PROVIDER: {"secrets": [SECRET, NEXT_SECRET]}, "other": {"secrets": ["o" * 24]}}),
}
FEE = 150_000
"""What the sample's procedure costs."""


@pytest.fixture
def paying(
    mongo: MongoClient[dict[str, Any]], mongo_url: str, databases: str, tokens: Tokens, clock: Clock
) -> Iterator[Running]:
    empty(mongo, f"{databases}intake")
    with running(
        INTAKE,
        database_url(mongo_url, f"{databases}intake"),
        tokens,
        clock,
        **SETTINGS,
    ) as service:
        service.hear(catalogue.province())
        yield service


@contextmanager
def another_process(of: Running) -> Iterator[Running]:
    """Another process of the same service on the same database."""
    with running(INTAKE, of.url, of.tokens, of.clock, **SETTINGS) as other:
        yield other


def filed(intake: Running, who: str | Persona = "citizen", **changes: Any) -> dict[str, Any]:
    answer = intake.post("dossiers", who, body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def received(intake: Running) -> dict[str, Any]:
    """A dossier of the counter."""
    return filed(intake, "counter_officer", channel="counter")


def owed(intake: Running, id: str, who: str | Persona = "counter_officer") -> dict[str, Any]:
    """The dossier's account."""
    answer = intake.get(f"dossiers/{id}/fee", who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def message(order: str, amount: int = FEE, transaction: str = "FT1", **more: Any) -> dict[str, Any]:
    return {
        "transaction": transaction,
        "order": order,
        "amount": amount,
        "paid_at": "2026-03-04T01:59:00Z",
        **more,
    }


def tell(
    intake: Running,
    content: Any,
    *,
    provider: str = PROVIDER,
    secret: str = SECRET,
    after: float = 0,
    headers: dict[str, str] | None = None,
) -> TestResponse:
    """A provider's message; `after`: seconds that its clock differs from ours."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    stamp = str(int(intake.clock.now.timestamp() + after))
    signed = {"Payment-Timestamp": stamp, "Payment-Signature": signature(secret, stamp, data)}
    return intake.request("POST", f"payments/callbacks/{provider}", data=data, headers={**signed, **(headers or {})})


def unmatched(intake: Running, who: Persona = ACCOUNTANT, state: str = "unmatched") -> list[dict[str, Any]]:
    answer = intake.get(f"payments?state={state}", who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found
