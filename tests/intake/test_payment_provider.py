"""A payment provider over real HTTP, which errs in every way it may: each bill is paid once, and no money is lost."""

import threading
from collections.abc import Iterator

import pytest
import requests
from werkzeug.serving import make_server

from tests.doubles.payments import Fault, PaymentProvider
from tests.intake.paying import FEE, PROVIDER, SECRET, owed, received, unmatched
from tests.support.services import Running


@pytest.fixture
def address(paying: Running) -> Iterator[str]:
    """Where intake listens."""
    server = make_server("127.0.0.1", 0, paying.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def provider(paying: Running) -> Iterator[PaymentProvider]:
    with PaymentProvider(PROVIDER, SECRET, paying.clock) as provider:
        yield provider


def order(provider: PaymentProvider, address: str, code: str, *faults: Fault) -> str:
    """Somebody orders a transfer and pays it; its transaction."""
    callback = f"{address}/api/intake/v1/payments/callbacks/{PROVIDER}"
    sent = {"order": code, "amount": FEE, "callback": callback}
    taken = requests.post(f"{provider.url}/orders", json=sent, timeout=60)
    assert taken.status_code == 201
    transaction: str = taken.json()["transaction"]
    paid = requests.post(f"{provider.url}/orders/{transaction}/payment", json={"faults": faults}, timeout=60)
    assert paid.status_code == 202
    return transaction


def test_it_pays_and_is_told_so(paying: Running, provider: PaymentProvider, address: str) -> None:
    dossier = received(paying)
    transaction = order(provider, address, dossier["code"])
    [told] = provider.told
    assert (told.status, told.answer["transaction"], told.answer["result"]) == (200, transaction, "recorded")
    assert owed(paying, dossier["id"])["due"] == 0


def test_twice_is_once(paying: Running, provider: PaymentProvider, address: str) -> None:
    dossier = received(paying)
    order(provider, address, dossier["code"], "twice")
    assert [told.status for told in provider.told] == [200, 200]
    assert provider.told[0].answer == provider.told[1].answer
    assert (len(owed(paying, dossier["id"])["payments"]), unmatched(paying)) == (1, [])


def test_late_is_not_lost(paying: Running, provider: PaymentProvider, address: str) -> None:
    dossier = received(paying)
    order(provider, address, dossier["code"], "late")
    assert owed(paying, dossier["id"])["due"] == FEE
    paying.clock.move(days=3)
    provider.release()
    [payment] = owed(paying, dossier["id"])["payments"]
    assert (payment["paid_at"], provider.told[0].status) == ("2026-03-04T02:00:00Z", 200)


def test_out_of_order_each_finds_its_own(paying: Running, provider: PaymentProvider, address: str) -> None:
    first, second = received(paying), received(paying)
    order(provider, address, first["code"], "out_of_order")
    order(provider, address, second["code"])
    assert [told.message.body["order"] for told in provider.told] == [second["code"], first["code"]]
    assert [owed(paying, each["id"])["due"] for each in (first, second)] == [0, 0]


def test_a_wrong_amount_is_kept_for_an_accountant(paying: Running, provider: PaymentProvider, address: str) -> None:
    dossier = received(paying)
    order(provider, address, dossier["code"], "wrong_amount")
    assert provider.told[0].status == 200, "it would otherwise tell it again for ever"
    assert owed(paying, dossier["id"])["paid"] == 0
    assert [(stray["why"], stray["amount"]) for stray in unmatched(paying)] == [("amount_differs", FEE + 1)]


def test_a_wrong_signature_is_refused_until_it_is_right(
    paying: Running, provider: PaymentProvider, address: str
) -> None:
    dossier = received(paying)
    order(provider, address, dossier["code"], "wrong_signature")
    assert (provider.told[0].status, provider.told[0].answer["code"]) == (401, "signature_wrong")
    assert (owed(paying, dossier["id"])["paid"], paying.rows("payments")) == (0, [])
    provider.send_again()
    assert provider.told[1].status == 200
    assert owed(paying, dossier["id"])["due"] == 0
