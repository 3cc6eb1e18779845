"""What a dossier gathers in its life: who handed it in for whom and by what way, supplements, what workflow says of its
clock, withdrawal, hand-over, rating. Plain Python."""

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
    reason says what else is wrong. `until`: the last day that the agency waits for it. `told`: the sequence of
    workflow's event that asked, after the reception, for the agency `agency`; 0: the one-stop unit asked, before it."""

    asked_at: datetime
    components: tuple[str, ...]
    reason: str
    until: date | None
    given_at: datetime | None = None
    told: int = 0
    agency: str | None = None


PauseKind = Literal["supplement", "fee", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """What workflow said last of its clock, in its event with this `sequence`: since `at` it stands still and waits for
    what `kind` says; None: it goes on. It has one pause at a time, so what came before is over."""

    sequence: int
    kind: PauseKind | None
    at: datetime
    reason: str | None = None
    basis: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueChange:
    """The due date became another one, as workflow said in its event with this `sequence`: the working calendar
    changed, a pause was left out, the clock began anew after a supplement, or the time was extended; with an apology
    (form 04) or without."""

    sequence: int
    why: Literal["calendar", "pause", "restart", "extension"]
    at: datetime
    previous_due_at: datetime | None
    due_at: datetime | None
    reason: str | None = None
    basis: str | None = None
    apology: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenResult:
    """A result document of workflow's, whose file has this `sha256`; since `ended_at` it is not in force: it was
    recalled, or another one is in its place."""

    id: str
    sha256: str
    issued_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Work on the dossier ended without a decision (form 05)."""

    at: datetime
    reason: str
    basis: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step of the process that the applicant may see as done. `told`: the sequence of workflow's news of it."""

    task: str
    name: str
    agency: str
    at: datetime
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReturned:
    """A step that is not done any more, for what workflow said of it before its news with the sequence `told`."""

    task: str
    told: int
