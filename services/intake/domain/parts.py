"""What a dossier gathers in its life: who handed it in for whom and by what way, supplements, withdrawal, hand-over,
rating. Plain Python."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBehalf:
    """Who handed the dossier in for the applicant. `authorisation`: by which paper, for example its number and day."""

    name: str
    identity: str | None = None
    authorisation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostItem:
    """A consignment of the public post: the post's own numbers of its order and for following it."""

    order: str
    tracking: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeNumber:
    """What an office's own software calls the dossier, once in its agency. `content` is the hash of what was handed in
    under it, so that the same thing sent again is known from another thing under the same number."""

    number: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplement:
    """Asked for (form 02), and given or not yet. `components`: the codes of what is to be handed in; none when the
    reason says what else is wrong. `until`: the last day that the one-stop unit waits for it."""

    asked_at: datetime
    components: tuple[str, ...]
    reason: str
    until: date | None
    given_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """`signature`: the file with the receiver's signature; `signed_on_paper`: the one-stop unit keeps it on paper."""

    at: datetime
    to: str
    method: Literal["collect", "post", "electronic"]
    signature: str | None = None
    signed_on_paper: bool = False
    post: PostItem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """From 1, very dissatisfied, to 5, very satisfied."""

    at: datetime
    score: int
    comment: str | None
