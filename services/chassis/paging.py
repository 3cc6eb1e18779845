"""Keyset cursors: an opaque word that holds the sort keys of the last item of a page."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from json import dumps, loads
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import FieldError, Invalid

T = TypeVar("T")
Limit = Annotated[int, Field(ge=1, le=200)]
DEFAULT_LIMIT = 50


class PageQuery(BaseModel):
    """The base of a list's query parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=500)] | None = None


class Page(BaseModel, Generic[T]):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[T]
    next: str | None


def cursor_of(*keys: str | int | datetime) -> str:
    """The cursor behind an item with these sort keys."""
    plain = [{"t": key.isoformat()} if isinstance(key, datetime) else key for key in keys]
    return base64.urlsafe_b64encode(dumps(plain).encode()).decode().rstrip("=")


def keys_of(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The sort keys in a cursor that `cursor_of` made, None for the first page; Invalid for anything else."""
    if cursor is None:
        return None
    try:
        decoded = loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        plain = decoded if isinstance(decoded, list) else []
        keys = [datetime.fromisoformat(key["t"]) if isinstance(key, dict) else key for key in plain]
    except (ValueError, KeyError, TypeError, binascii.Error):
        keys = []
    if len(keys) != len(kinds) or not all(
        type(key) is kind and _storable(key) for key, kind in zip(keys, kinds, strict=True)
    ):
        raise Invalid(
            "the cursor is not one that this list gave", errors=[FieldError("/cursor", "cursor", "unknown cursor")]
        )
    return keys


def _storable(key: Any) -> bool:
    """Whether the store can compare with it: callers may send a cursor that they made themselves."""
    try:
        if isinstance(key, str):
            key.encode()
        elif isinstance(key, datetime):
            return key.tzinfo is not None and key.astimezone(UTC).year > 1
    except (UnicodeEncodeError, OverflowError):
        return False
    return not isinstance(key, int) or -(2**63) <= key < 2**63


def page(found: Sequence[T], limit: int, cursor: Any) -> tuple[Sequence[T], str | None]:
    """Cuts `found` (asked for with limit + 1) to the page, and gives the next cursor, made by `cursor(last item)`."""
    if len(found) <= limit:
        return found, None
    return found[:limit], cursor(found[limit - 1])
