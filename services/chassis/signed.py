"""Whether a message that somebody outside sends of their own accord is theirs, and of now.

Providers of payments and of SMS and the public post sign alike; whoever signs otherwise gives `check` what is right.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from chassis.errors import Unauthenticated

WINDOW = timedelta(minutes=5)
"""How far a message's time may lie from ours. One that is played back within it is a repetition, and harmless."""


class SignatureWrong(Unauthenticated):
    """Also for a provider that nobody knows: whoever guesses learns nothing."""

    code, title = "signature_wrong", "Chữ ký của bản tin không đúng"


class OutsideWindow(Unauthenticated):
    code, title = "timestamp_outside_window", "Bản tin đã quá thời hạn"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body as it is sent, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


def check(right: Sequence[str], given: str | None) -> None:
    """Raises SignatureWrong unless it is one of the right ones; each is compared, so that the time tells nothing."""
    sent = (given or "").strip().lower().encode()
    known = False
    for each in right:
        known |= hmac.compare_digest(each.encode(), sent)
    if not known:
        raise SignatureWrong("the message is not signed by anybody who is known here")


def check_time(timestamp: str, now: datetime) -> None:
    """`timestamp`: seconds since 1970. Raises SignatureWrong for none, OutsideWindow."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureWrong("the message says no time")
    if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        raise OutsideWindow(f"the timestamp must be within {WINDOW.total_seconds():.0f} s of now")


class Signatures:
    """The providers' secrets: of each one, or two while it changes them."""

    def __init__(self, secrets: Mapping[str, Sequence[str]]) -> None:
        self._secrets = secrets

    def check(self, provider: str, timestamp: str | None, given: str | None, body: bytes, now: datetime) -> None:
        """`timestamp`: seconds since 1970, `given`: the signature. Raises SignatureWrong, OutsideWindow."""
        stamp, secrets = timestamp or "", self._secrets.get(provider, ())
        # Made for an unknown provider too, and then compared with nothing: the time tells nobody who is known here.
        right = [signature(secret, stamp, body) for secret in secrets or ("",)]
        check(right if secrets else (), given)
        check_time(stamp, now)
