"""Time and identifiers come in as arguments; these are the real ones that a composition root passes in."""

import hashlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
NewId = Callable[[], str]


def system_clock() -> datetime:
    """Now, aware, in UTC, cut to milliseconds, since that is what a BSON date keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_id() -> str:
    """A fresh identifier: UUID version 7 (RFC 9562), so that later ones sort after earlier ones in an index."""
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return _uuid(value, version=7)


def id_from(*parts: str) -> str:
    """The same identifier for the same parts, for ever: UUID version 8 (RFC 9562) over SHA-256.

    A write that may be repeated takes its `_id` from the caller's key, so that the second write fails by itself.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return _uuid(int.from_bytes(digest[:16], "big"), version=8)


def _uuid(value: int, version: int) -> str:
    value = value & ~(0xF000 << 64) | version << 76
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
