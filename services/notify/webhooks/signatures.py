"""Signatures by Standard Webhooks: `webhook-signature: v1,<base64 of HMAC-SHA256 of id.timestamp.body>`, several of
them separated by a space. A secret is `whsec_` and base64 of 24 to 64 bytes."""

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64


class SecretUnusable(ValueError):  # noqa: N818 (what it is)
    """Not of the form, too short, or too long. The text holds nothing of it."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def key_of(secret: str) -> bytes:
    """The secret's bytes, or SecretUnusable."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise SecretUnusable(f"is not {PREFIX} and base64 of {SHORTEST} to {LONGEST} bytes")
    return key


def headers(keys: Sequence[bytes], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a request with this body carries; a signature by each key."""
    signed = f"{id}.{timestamp}.".encode() + body
    signatures = [f"v1,{base64.b64encode(hmac.digest(key, signed, sha256)).decode()}" for key in keys]
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
