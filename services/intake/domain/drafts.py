"""Drafts: what somebody has filled in so far, to be gone on with on any device. Plain Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chassis.errors import FieldError, Invalid, NotFound, TooLarge, WrongState
from chassis.evolving import replace

KEPT = timedelta(days=30)
"""Since it was saved last: as long as a person may pause (the issue's rule; no decree sets it)."""
KEPT_DISCARDED = timedelta(days=1)
"""What was in it is gone at once; that it was discarded is remembered for the repetition of the click."""
MOST_OPEN = 20
"""A person's open drafts; more are nobody's own."""
MOST_BYTES = 200_000
"""Of what is filled in, as JSON; a dossier's files are not in it."""
_MOST_FILES = 100


class State(StrEnum):
    OPEN = "open"
    FILED = "filed"
    DISCARDED = "discarded"


class TooManyDrafts(WrongState):
    code = "too_many_drafts"
    title = "Có quá nhiều bản nháp, hãy nộp hoặc bỏ bớt trước khi tạo bản mới"


class DraftFiled(WrongState):
    code = "draft_filed"
    title = "Bản nháp đã được nộp thành hồ sơ"


class DraftTooLarge(TooLarge):
    code = "draft_too_large"
    title = "Nội dung bản nháp quá lớn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`content`: a filing's body as far as it goes. `files`: those that it names. `slot`: which of its owner's
    MOST_OPEN places it takes, None when it is not open any more. `dossier`: what it became."""

    id: str
    owner: str
    state: State
    slot: int | None
    procedure: str
    content: dict[str, Any]
    files: tuple[str, ...]
    dossier: str | None
    created_at: datetime
    saved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Findings:
    """What keeps a draft from being filed. `missing`: what is still to be filled in; `mistyped`: what is of a wrong
    type, or in a field that there is not; `unfit`: what else would be refused."""

    missing: Sequence[FieldError] = ()
    mistyped: Sequence[FieldError] = ()
    unfit: Sequence[FieldError] = ()


_MISSING = frozenset({"missing", "required", "missing_component"})
_NO_SUCH_FIELD = "extra_forbidden"


def sort_out(errors: Iterable[FieldError]) -> Findings:
    """What a filing would be told, sorted by what it means to somebody who goes on filling in."""
    missing, mistyped, unfit = [], [], []
    for error in errors:
        if error.code in _MISSING:
            missing.append(error)
        elif error.code == "type" or error.code.endswith("_type") or error.code == _NO_SUCH_FIELD:
            mistyped.append(error)
        else:
            unfit.append(error)
    return Findings(missing, mistyped, unfit)


def require_typed(found: Findings) -> None:
    """Invalid for what no further filling in makes right."""
    if found.mistyped:
        raise Invalid("some fields are of a wrong type", errors=found.mistyped)


def begin(id: str, owner: str, slot: int, content: dict[str, Any], now: datetime) -> Draft:
    return Draft(
        id=id,
        owner=owner,
        state=State.OPEN,
        slot=slot,
        procedure=content["procedure"],
        content=content,
        files=files_of(content),
        dossier=None,
        created_at=now,
        saved_at=now,
        expires_at=now + KEPT,
    )


def save(draft: Draft, content: dict[str, Any], now: datetime) -> Draft:
    """With what is filled in now, and kept as long again. Raises NotFound, DraftFiled."""
    require_open(draft)
    return replace(
        draft,
        procedure=content["procedure"],
        content=content,
        files=files_of(content),
        saved_at=now,
        expires_at=now + KEPT,
    )


def discard(draft: Draft, now: datetime) -> Draft:
    """Nothing of what was filled in is left. Raises NotFound, DraftFiled."""
    require_open(draft)
    return replace(_closed(draft), state=State.DISCARDED, expires_at=now + KEPT_DISCARDED)


def note_filed(draft: Draft, dossier: str) -> Draft:
    """It became a dossier, which holds everything; the same draft comes back when that is known."""
    if draft.state is State.FILED:
        return draft
    return replace(_closed(draft), state=State.FILED, dossier=dossier)


def require_open(draft: Draft) -> None:
    """NotFound for a discarded draft, DraftFiled for one that became a dossier."""
    if draft.state is State.DISCARDED:
        raise NotFound("the draft was discarded")
    if draft.state is State.FILED:
        raise DraftFiled(f"it became the dossier {draft.dossier}")


def files_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that a filing's body names, each once."""
    components = content.get("components")
    named = [item.get("file") for item in components if isinstance(item, dict)] if isinstance(components, list) else []
    return tuple(dict.fromkeys(file for file in named if isinstance(file, str) and file))[:_MOST_FILES]


def _closed(draft: Draft) -> Draft:
    return replace(draft, slot=None, content={}, files=())
