"""A double of EMC: it takes one post for each act, with exactly its fields, and each key once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.doubles.partner import PartnerDouble, Wrong

TOKEN, SITE = "the-cua-emc", "thanhhoa"
ALLOWED = {
    "status": {0, 1, 2, 3, 4},
    "formsReception": {1, 2},
    "formsPayments": {0, 1, 2},
    "level": {3, 4},
    "isFromDVCQG": {0, 1},
    "isDVCBC": {0, 1},
}
TEXTS = ("codeProfile", "siteId", "codeTTHC", "nameTTHC")


class Emc(PartnerDouble):
    """`acts`: what it holds, by key, in the order in which it came. `refused`: codeTTHC to the words."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(TOKEN, clock)
        self.acts: dict[str, dict[str, Any]] = {}

    def take(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        if path:
            raise Wrong(f"nothing is at {path}")
        if body.keys() != {*TEXTS, *ALLOWED}:
            raise Wrong(f"fields: {sorted(body)}")
        if any(not isinstance(body[name], str) or not body[name] for name in TEXTS) or body["siteId"] != SITE:
            raise Wrong(f"texts: {body}")
        for name, allowed in ALLOWED.items():
            if type(body[name]) is not int or body[name] not in allowed:
                raise Wrong(f"{name}: {body[name]!r}")
        if (why := self.refused.get(body["codeTTHC"])) is not None:
            return 422, {"error_code": 2, "message": why}
        if key in self.acts:
            if self.acts[key] != body:
                raise Wrong(f"another act under the key {key}")
            return 409, {"error_code": 3, "message": "đã tồn tại"}
        self.acts[key] = body
        return 200, {"error_code": 0}

    def statuses(self, code: str) -> list[int]:
        """Of a dossier, one after the other."""
        return [act["status"] for act in self.acts.values() if act["codeProfile"] == code]
