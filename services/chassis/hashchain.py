"""An append-only list whose entries each hold the hash of the one before, so that a change anywhere is seen.

The hash is SHA-256 over the previous hash and the entry's canonical JSON: sorted keys, no spaces, UTF-8, times in
RFC 3339.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from json import dumps
from typing import Any


def link(previous: str | None, content: Mapping[str, Any]) -> str:
    """The hash of an entry with this content behind the entry with the hash `previous` (None: it is the first)."""
    canonical = dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(f"{previous or ''}\n{canonical}".encode()).hexdigest()


def first_broken(entries: Iterable[tuple[Mapping[str, Any], str]]) -> int | None:
    """The index of the first (content, hash) that does not follow from those before it; None when the chain holds."""
    previous: str | None = None
    for index, (content, kept) in enumerate(entries):
        if link(previous, content) != kept:
            return index
        previous = kept
    return None


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    raise TypeError(f"{type(value).__name__} has no place in a chained entry")
