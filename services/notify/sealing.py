"""Personal data at rest: what notify keeps of it, and of requests and answers to partners, is sealed (AES-256-GCM, NIST
SP 800-38D), so that a copy of the store alone tells nothing about anybody.

A sealed text begins with a version and the id of its key. To rotate: put a new key into the first line of the secret
file, keep the old ones below it for as long as what they sealed is kept, and start the service anew.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_ID, _NONCE, _TAG = 8, 12, 16
_HEAD = len(_VERSION) + _ID + _NONCE


class Unsealable(Exception):  # noqa: N818 (what it is)
    """Not sealed by any of our keys, for this context, or changed since. The text holds nothing of what was sealed."""


class Sealing:
    """`keys`: of 32 bytes each; the first seals, all of them open."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"needs keys of {KEY_BYTES} bytes")
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}
        self._first = _id_of(keys[0])

    @classmethod
    def read(cls, text: str) -> "Sealing":
        """From a secret file: a key a line, 32 bytes in base64 (URL-safe or not). ValueError for anything else."""
        return cls([_decoded(line) for line in text.split()])

    def seal(self, data: bytes, context: str) -> bytes:
        """`context` says what it belongs to; it must be the same when it is opened, so that nothing sealed can be put
        in another's place."""
        nonce = os.urandom(_NONCE)
        head = _VERSION + self._first + nonce
        return head + self._ciphers[self._first].encrypt(nonce, data, _bound(head, context))

    def open(self, sealed: bytes, context: str) -> bytes:
        """What `seal` was given, or Unsealable."""
        head, content = sealed[:_HEAD], sealed[_HEAD:]
        if len(content) < _TAG or head[:1] != _VERSION:
            raise Unsealable("not sealed here")
        cipher = self._ciphers.get(head[1 : 1 + _ID])
        if cipher is None:
            raise Unsealable("sealed with a key that is not there")
        try:
            return cipher.decrypt(head[-_NONCE:], content, _bound(head, context))
        except InvalidTag:
            raise Unsealable("changed, or sealed for something else") from None


class Secrets:
    """What is kept sealed of dossiers and of the rows for partner systems, each in its own place."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    @classmethod
    def read(cls, text: str | None) -> "Secrets":
        """`text`: as for Sealing. Without it nothing is sealed, since there is no partner; what is there from before
        cannot be opened."""
        return cls(Sealing([os.urandom(KEY_BYTES)]) if text is None else Sealing.read(text))

    def person(self, dossier: str, data: Mapping[str, Any]) -> bytes:
        return self._seal(data, f"portal person {dossier}")

    def open_person(self, dossier: str, sealed: bytes | None) -> dict[str, Any]:
        return {} if sealed is None else self._open(sealed, f"portal person {dossier}")

    def record(self, row: str, data: Mapping[str, Any]) -> bytes:
        return self._seal(data, f"portal row {row}")

    def open_record(self, row: str, sealed: bytes) -> dict[str, Any]:
        return self._open(sealed, f"portal row {row}")

    def _seal(self, data: Mapping[str, Any], context: str) -> bytes:
        return self._sealing.seal(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), context)

    def _open(self, sealed: bytes, context: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._sealing.open(sealed, context))
        return found


def _id_of(key: bytes) -> bytes:
    return sha256(b"motcua sealing key" + key).digest()[:_ID]


def _bound(head: bytes, context: str) -> bytes:
    return head[: 1 + _ID] + context.encode()


def _decoded(line: str) -> bytes:
    try:
        return base64.b64decode(line.replace("-", "+").replace("_", "/") + "=" * (-len(line) % 4), validate=True)
    except binascii.Error:
        raise ValueError("a sealing key is not base64") from None
