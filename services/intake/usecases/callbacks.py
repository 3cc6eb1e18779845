"""Whether a payment provider's message is the provider's own, and of now."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chassis.errors import Unauthenticated

WINDOW = timedelta(minutes=5)
"""How far a message's time may lie from ours. A message that is played back within it is a repetition, and harmless."""


class SignatureWrong(Unauthenticated):
    """Also for a provider that nobody knows: whoever guesses learns nothing."""

    code = "signature_wrong"
    title = "Chữ ký của thông báo thanh toán không đúng"


class OutsideWindow(Unauthenticated):
    code = "timestamp_outside_window"
    title = "Thông báo thanh toán đã quá thời hạn"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body as it is sent, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Signatures:
    """The providers' secrets: of each one, or two while it changes them."""

    def __init__(self, secrets: Mapping[str, Sequence[str]]) -> None:
        self._secrets = secrets

    def check(self, provider: str, timestamp: str | None, given: str | None, body: bytes, now: datetime) -> None:
        """`timestamp`: seconds since 1970, `given`: the signature. Raises SignatureWrong, OutsideWindow."""
        stamp, sent = timestamp or "", (given or "").strip().lower()
        known = False
        # Each secret is tried, so that the time taken tells nothing; an unknown provider's message is compared too.
        for secret in self._secrets.get(provider, ("",)):
            right = hmac.compare_digest(signature(secret, stamp, body).encode(), sent.encode())
            known |= right and secret != ""
        if not known or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise SignatureWrong("the message is not signed by a provider that is known here")
        if abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
            raise OutsideWindow(f"the timestamp must be within {WINDOW.total_seconds():.0f} s of now")
