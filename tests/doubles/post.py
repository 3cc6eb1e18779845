"""A double of the public post: it takes orders, cancels them, and says where a consignment is, also signed."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.doubles.partner import PartnerDouble, Wrong

TOKEN, CUSTOMER, SECRET = "the-cua-buu-dien", "THANHHOA", "bi-mat-cua-buu-dien-dai-hon"
PLACE = {"Name", "Address", "Phone"}


@dataclass
class Consignment:
    """`steps`: {Status, Time} each."""

    order: dict[str, Any]
    tracking: str
    cancelled: bool = False
    collected: bool = False
    steps: list[dict[str, str]] = field(default_factory=list)


class Post(PartnerDouble):
    """`held`: by OrderNumber."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(TOKEN, clock)
        self.held: dict[str, Consignment] = {}

    def take(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        if body.get("CustomerCode") != CUSTOMER or not key.startswith("post."):
            raise Wrong(f"CustomerCode: {body.get('CustomerCode')}")
        if path == "/orders":
            return self._order(body)
        if body.keys() != {"CustomerCode", "OrderNumber"}:
            raise Wrong(f"fields: {sorted(body)}")
        held = self.held.get(body["OrderNumber"])
        if held is None:
            return 404, {"message": "không tìm thấy"}
        if path == "/orders/tracking":
            return 200, {"TrackingNumber": held.tracking, "Items": held.steps}
        if path != "/orders/cancel":
            raise Wrong(f"nothing is at {path}")
        if held.collected:
            return 422, {"message": "đã thu gom"}
        held.cancelled = True
        return 200, {"error_code": 0}

    def _order(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body.keys() != {"CustomerCode", "OrderNumber", "CODAmount", "Sender", "Receiver"}:
            raise Wrong(f"fields: {sorted(body)}")
        if type(body["CODAmount"]) is not int or body["CODAmount"] < 0:
            raise Wrong(f"CODAmount: {body['CODAmount']!r}")
        for who in ("Sender", "Receiver"):
            if body[who].keys() != PLACE or not body[who]["Name"]:
                raise Wrong(f"{who}: {sorted(body[who])}")
        for name, why in self.refused.items():
            if name in body["Receiver"]["Address"]:
                return 422, {"message": f"{why}: {body['Receiver']['Address']}"}
        number = body["OrderNumber"]
        if number in self.held:
            if self.held[number].order != body:
                raise Wrong(f"another order under the number {number}")
            return 409, {"message": "đã tồn tại", "TrackingNumber": self.held[number].tracking}
        self.held[number] = Consignment(body, f"EB{len(self.held) + 1:09}VN")
        return 200, {"error_code": 0, "TrackingNumber": self.held[number].tracking}

    def moves(self, number: str, status: str, at: datetime) -> bytes:
        """What becomes of a consignment; the body of the message that tells of it."""
        held = self.held[number]
        held.steps.append({"Status": status, "Time": at.isoformat()})
        held.collected = True
        told = {"OrderNumber": number, "Status": status, "Time": at.isoformat(), "TrackingNumber": held.tracking}
        return json.dumps(told).encode()


def signed(body: bytes, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """The headers of a message with this body, sent at this time."""
    stamp = f"{at.timestamp():.0f}"
    made = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Post-Timestamp": stamp, "Post-Signature": made}
