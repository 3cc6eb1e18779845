"""A payment provider: takes orders over HTTP, and tells of each payment over HTTP, signed; it errs as it is told to.

`POST /orders` {order, amount, callback} → 201 {transaction}. `POST /orders/<transaction>/payment` {faults} → 202: the
payer pays, and the provider calls back. When it is told to, it sends what it held back (`release`), and again what was
not answered with 200 (`send_again`).
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Self

import requests

from tests.doubles.serving import Answering, Listening

Fault = Literal["twice", "late", "out_of_order", "wrong_amount", "wrong_signature"]
"""`late`: only when it is told to. `out_of_order`: after the next payment's. The others speak for themselves."""


@dataclass(frozen=True)
class Order:
    transaction: str
    order: str
    amount: int
    callback: str


@dataclass(frozen=True)
class Message:
    to: str
    body: dict[str, Any]
    forged: bool = False


@dataclass
class Told:
    """A message that was sent, and what was answered."""

    message: Message
    status: int
    answer: Any


@dataclass
class PaymentProvider:
    """Use it as a context: `url` is where it listens. `now`: its clock."""

    name: str
    secret: str
    now: Callable[[], datetime]
    orders: dict[str, Order] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    behind_next: list[Message] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        self._server = Listening(_handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def take(self, order: str, amount: int, callback: str) -> Order:
        transaction = f"FT{self.now():%y%m%d}{len(self.orders) + 1:06d}"
        self.orders[transaction] = Order(transaction, order, amount, callback)
        return self.orders[transaction]

    def pay(self, transaction: str, faults: list[Fault]) -> None:
        order = self.orders[transaction]
        body = {
            "transaction": order.transaction,
            "order": order.order,
            "amount": order.amount + (1 if "wrong_amount" in faults else 0),
            "paid_at": self.now().isoformat(),
            "currency": "VND",
        }
        message = Message(order.callback, body, forged="wrong_signature" in faults)
        if "late" in faults:
            self.held.append(message)
            return
        if "out_of_order" in faults:
            self.behind_next.append(message)
            return
        waiting, self.behind_next = self.behind_next, []
        for each in [message, *([message] if "twice" in faults else []), *waiting]:
            self.send(each)

    def release(self) -> None:
        """Sends what was held back."""
        held, self.held = [*self.held, *self.behind_next], []
        self.behind_next = []
        for message in held:
            self.send(message)

    def send_again(self) -> None:
        """Sends what was not answered with 200, rightly signed this time."""
        for told in [told for told in self.told if told.status != 200]:
            self.send(replace(told.message, forged=False))

    def send(self, message: Message) -> Told:
        data = json.dumps(message.body).encode()
        stamp = str(int(self.now().timestamp()))
        signed = hmac.new(self.secret.encode(), stamp.encode() + b"." + data, hashlib.sha256).hexdigest()
        answer = requests.post(
            message.to,
            data=data,
            headers={
                "Content-Type": "application/json",
                "Payment-Timestamp": stamp,
                "Payment-Signature": signed[::-1] if message.forged else signed,
            },
            timeout=60,
        )
        told = Told(message, answer.status_code, answer.json())
        self.told.append(told)
        return told


def _handler(provider: PaymentProvider) -> type[Answering]:
    class Handler(Answering):
        def on_post(self) -> None:
            asked = json.loads(self.sent() or b"{}")
            _, _, rest = self.path.partition("/orders")
            if not rest:
                order = provider.take(asked["order"], asked["amount"], asked["callback"])
                self.say(201, {"transaction": order.transaction})
                return
            transaction = rest.strip("/").partition("/")[0]
            if transaction not in provider.orders:
                self.say(404, {})
                return
            provider.pay(transaction, asked.get("faults", []))
            self.say(202, {})

    return Handler
