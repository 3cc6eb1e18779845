"""Bodies and answers about webhooks."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from chassis.paging import PageQuery
from chassis.web import Body
from notify.domain.deliveries import AttemptOutcome, Failure, State, kind_of_failure
from notify.schemas.fields import Instant
from notify.sealing import Sealing, Unsealable
from notify.webhooks import signatures
from notify.webhooks.domain import TYPES, WILDCARDS, HookRow, Replay, Webhook, Why, signing
from notify.webhooks.outlet import answer_context

SHOWN = 1000
"""Characters of a receiver's answer."""


def _subscribable(event_type: str) -> str:
    if event_type not in _SUBSCRIBABLE:
        raise ValueError("is not a type that webhooks are told of")
    return event_type


def _some(types: tuple[str, ...]) -> tuple[str, ...]:
    if not types:
        raise ValueError("must name at least one")
    return types


def _secret(secret: str) -> str:
    signatures.key_of(secret)
    return secret


_SUBSCRIBABLE = (*WILDCARDS, *TYPES)
EventType = Annotated[str, AfterValidator(_subscribable), Field(json_schema_extra={"enum": list(_SUBSCRIBABLE)})]
Types = Annotated[
    tuple[EventType, ...],
    Field(max_length=len(_SUBSCRIBABLE), json_schema_extra={"minItems": 1}),
    # After the types themselves, so that a wrong one is not also said to be missing.
    AfterValidator(_some),
]
Url = Annotated[str, Field(min_length=9, max_length=500)]
Description = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
GivenSecret = Annotated[str, AfterValidator(_secret), Field(max_length=100, pattern="^whsec_[A-Za-z0-9+/]+={0,2}$")]


class HookBody(Body):
    """`types`: event types, or all that begin so (`intake.dossier.*`). `secret`: `whsec_` and base64 of 24 to 64 bytes;
    when it is left out we make one. `agency`: of whose dossiers it is told, the caller's own when it is left out;
    `province`: of all of them."""

    url: Url
    types: Types
    description: Description
    secret: GivenSecret | None = None
    agency: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    province: bool = False


class HookChange(Body):
    """All that can be changed; the agency cannot."""

    url: Url
    types: Types
    description: Description


class RotationBody(Body):
    """`secret`: as when it was made; when it is left out we make one."""

    secret: GivenSecret | None = None


class ReplayBody(Body):
    """What came in [`from`, `to`), of these types of the webhook's. Without `to`: until now; without types: of all."""

    since: Instant = Field(alias="from")
    until: Instant | None = Field(default=None, alias="to")
    types: tuple[EventType, ...] = Field(default=(), max_length=len(_SUBSCRIBABLE))


class DisabledView(BaseModel):
    """`reason`: "asked" by somebody; "gone", the receiver answered 410; "failing", nothing arrived for days."""

    at: datetime
    reason: Why


class HookView(BaseModel):
    """`agency` null: of the whole province's dossiers. `signatures`: how many secrets sign now."""

    id: str
    version: int
    owner: str
    agency: str | None
    url: str
    types: tuple[str, ...]
    description: str
    state: Literal["active", "disabled", "removed"]
    disabled: DisabledView | None
    signatures: int
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, hook: Webhook, version: int, now: datetime) -> "HookView":
        return cls(**_fields(hook, version, now))


class HookWithSecret(HookView):
    """`secret`: when we made it, and only now."""

    secret: str | None

    @classmethod
    def told(cls, hook: Webhook, version: int, now: datetime, secret: str | None) -> "HookWithSecret":
        return cls(**_fields(hook, version, now), secret=secret)


class HookPage(BaseModel):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[HookView]
    next: str | None


class DeliveriesQuery(PageQuery):
    """`state`: only those in it."""

    state: Literal["queued", "sending", "sent", "failed"] | None = None


class HookAttempt(BaseModel):
    """`detail`: `status_…`, or why there was no answer; for "requested", who asked."""

    at: datetime
    outcome: AttemptOutcome
    failure: Failure | None
    detail: str


class DeliveryView(BaseModel):
    """`id` is the `webhook-id`. `event`, `type`, `subject`: of the event. `status`, `response` (its beginning) and
    `milliseconds`: of the receiver's last answer."""

    id: str
    version: int
    event: str
    type: str
    subject: str
    state: State
    attempts: list[HookAttempt]
    status: int | None
    response: str | None
    milliseconds: int | None
    next_at: datetime | None
    over_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: HookRow, version: int, sealing: Sealing | None) -> "DeliveryView":
        said = row.said
        return cls(
            id=row.id,
            version=version,
            event=row.event,
            type=row.event_type,
            subject=row.subject,
            state=row.state,
            attempts=[
                HookAttempt(at=each.at, outcome=each.outcome, failure=kind_of_failure(each.outcome), detail=each.detail)
                for each in row.attempts
            ],
            status=None if said is None else said.status,
            response=_response(row, sealing),
            milliseconds=None if said is None else said.milliseconds,
            next_at=row.next_at,
            over_at=row.over_at,
            created_at=row.created_at,
        )


class DeliveryPage(BaseModel):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[DeliveryView]
    next: str | None


class ReplayView(BaseModel):
    """`queued`: how many deliveries were queued so far."""

    id: str
    webhook: str
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    types: tuple[str, ...]
    requested_at: datetime
    state: Literal["waiting", "done"]
    queued: int

    @classmethod
    def of(cls, replay: Replay) -> "ReplayView":
        return cls(**{name: getattr(replay, name) for name in cls.model_fields})


def _fields(hook: Webhook, version: int, now: datetime) -> dict[str, object]:
    same = ("id", "owner", "agency", "url", "types", "description", "state", "created_at", "changed_at")
    disabled = hook.disabled
    return {
        **{name: getattr(hook, name) for name in same},
        "version": version,
        "disabled": None if disabled is None else DisabledView(at=disabled.at, reason=disabled.reason),
        "signatures": len(signing(hook, now)),
    }


def _response(row: HookRow, sealing: Sealing | None) -> str | None:
    if row.said is None or sealing is None:
        return None
    try:
        text = sealing.open(row.said.sealed, answer_context(row.id)).decode("utf-8", errors="replace")
    except Unsealable:
        return None
    return "".join(c for c in text if c.isprintable() or c in "\n\t")[:SHOWN]
