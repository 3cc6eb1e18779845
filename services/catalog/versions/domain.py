"""What changed between two entries of a procedure's history. Plain Python."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from catalog.domain import Version

_KEYS = ("code", "id")
"""What names an item of a list, so that it is compared with the same one, wherever that stands."""
_Kind = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`pointer`: as RFC 6901, but items that have a code or an id are named by it: `/components/TP1/copies`.

    `before` is None for what was added, `after` for what was removed; for `moved` they are the names in their order.
    """

    pointer: str
    kind: _Kind
    before: Any
    after: Any


def differences(old: Version, new: Version) -> list[Difference]:
    """By pointer, in the order of a procedure's fields; the number of the version is not one of them."""
    return list(_between("", _plain(old), _plain(new)))


def _plain(version: Version) -> dict[str, Any]:
    fields = asdict(version.procedure)
    for name in ("code", "version"):
        del fields[name]
    withdrawal = None
    if version.decision is not None:
        withdrawal = {"on": version.valid_from, "decision": version.decision}
    return {**fields, "valid_from": version.valid_from, "valid_to": version.valid_to, "withdrawal": withdrawal}


def _between(pointer: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _between_named(pointer, old, new)
        return
    had, has = _by_name(old), _by_name(new)
    if had is not None and has is not None:
        yield from _between_named(pointer, had, has)
        before, after = [name for name in had if name in has], [name for name in has if name in had]
        if before != after:
            yield Difference(pointer=pointer, kind="moved", before=before, after=after)
    elif not _same(old, new):
        kind: _Kind = "added" if old is None else "removed" if new is None else "changed"
        yield Difference(pointer=pointer, kind=kind, before=_told(old), after=_told(new))


def _between_named(pointer: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *new)):
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in new:
            yield Difference(pointer=place, kind="removed", before=_told(old[name]), after=None)
        elif name not in old:
            yield Difference(pointer=place, kind="added", before=None, after=_told(new[name]))
        else:
            yield from _between(place, old[name], new[name])


def _by_name(value: Any) -> dict[str, Any] | None:
    """A list of things that have a code or an id, each its own: by that. None for anything else."""
    if not isinstance(value, (list, tuple)):
        return None
    for key in _KEYS:
        if all(isinstance(item, Mapping) and isinstance(item.get(key), str) for item in value):
            named = {item[key]: item for item in value}
            return named if len(named) == len(value) else None
    return None


def _same(old: Any, new: Any) -> bool:
    # Python takes 1 for True and for 1.0: a level 1 that became true would be no difference, and a form may say so.
    return type(old) is type(new) and bool(old == new)


def _told(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _told(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_told(item) for item in value]
    return value
