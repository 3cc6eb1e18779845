"""Who is told of which events at which address, and the rows that do it. Plain Python."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from chassis import errors
from notify.domain.deliveries import Attempt, Delivery

TYPES: tuple[str, ...] = (
    "intake.dossier.filed.v1",
    "intake.dossier.received.v1",
    "intake.dossier.refused.v1",
    "intake.dossier.supplement_requested.v1",
    "intake.dossier.supplemented.v1",
    "intake.dossier.withdrawn.v1",
    "intake.dossier.handed_over.v1",
    "intake.dossier.rated.v1",
    "intake.fee.asked.v1",
    "intake.fee.paid.v1",
    "intake.fee.reversed.v1",
    "intake.fee.cancelled.v1",
    "workflow.dossier.started.v1",
    "workflow.dossier.transferred.v1",
    "workflow.dossier.rescheduled.v1",
    "workflow.dossier.finished.v1",
    "workflow.dossier.paused.v1",
    "workflow.dossier.resumed.v1",
    "workflow.dossier.extended.v1",
    "workflow.dossier.stopped.v1",
    "workflow.supplement.requested.v1",
    "workflow.fee.requested.v1",
    "workflow.task.assigned.v1",
    "workflow.task.completed.v1",
    "workflow.task.returned.v1",
    "workflow.task.overdue.v1",
    "workflow.deadline.approaching.v1",
    "workflow.deadline.missed.v1",
    "workflow.result.issued.v1",
    "workflow.result.recalled.v1",
    "workflow.result.replaced.v1",
)
"""What webhooks may be told. Each has a dossier's id as its subject."""
_PARTS = [event_type.split(".") for event_type in TYPES]
WILDCARDS = tuple(dict.fromkeys(f"{'.'.join(parts[:n])}.*" for n in (1, 2) for parts in _PARTS))
"""`intake.*`, `intake.dossier.*`: every type that begins so, also one that is added later."""
PING = "notify.webhook.ping.v1"
BOTH_SIGN = timedelta(hours=24)
"""How long an old secret signs beside the new one."""
MOST_SECRETS = 3
MOST_OF_AN_AGENCY = 20
_AGENCY_FIELDS = ("agency", "from_agency", "to_agency")

State = Literal["active", "disabled", "removed"]
Why = Literal["asked", "gone", "failing"]


class WebhookNotFound(errors.NotFound):
    """There is none with this id, or none that the caller may see."""

    code, title = "webhook_not_found", "Không tìm thấy webhook"


class DeliveryNotFound(errors.NotFound):
    """The webhook has none with this id, or has it no more."""

    code, title = "webhook_delivery_not_found", "Không tìm thấy lần gửi webhook"


class ReplayNotFound(errors.NotFound):
    """The webhook has none with this id."""

    code, title = "webhook_replay_not_found", "Không tìm thấy lệnh phát lại"


class WebhookInvalid(errors.Invalid):
    """Its address, its agency or its period cannot be."""

    code, title = "webhook_invalid", "Webhook không hợp lệ"


class WebhookNotActive(errors.WrongState):
    """Nothing is sent to a webhook that is disabled."""

    code, title = "webhook_not_active", "Webhook đang bị tắt"


class TooManyWebhooks(errors.WrongState):
    """An agency, or the province, has MOST_OF_AN_AGENCY at most."""

    code, title = "too_many_webhooks", "Cơ quan đã có quá nhiều webhook"


class WebhooksNotConfigured(errors.WrongState):
    """Without a key that secrets are sealed with, there are no webhooks."""

    code, title = "webhooks_not_configured", "Hệ thống chưa được cấu hình để gửi webhook"


class DeliveryBeingSent(errors.WrongState):
    """It is on its way."""

    code, title = "webhook_delivery_being_sent", "Lần gửi này đang được thực hiện"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`sealed`: see `notify.sealing`. It signs until then, None: for ever."""

    sealed: bytes
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """`reason`: somebody asked, the receiver said 410, or nothing arrived for days. `told`: its owner knows."""

    at: datetime
    reason: Why
    by: str | None
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`owner`: the subject that made it; `person`: which is one, and no system. `agency`: of whose dossiers it is told,
    None: of all the province's. `enabled_at`: since when what fails counts."""

    id: str
    owner: str
    person: bool
    agency: str | None
    url: str
    types: tuple[str, ...]
    description: str
    state: State
    secrets: tuple[Secret, ...]
    created_at: datetime
    changed_at: datetime
    enabled_at: datetime
    disabled: Disabled | None = None

    def takes(self, event_type: str) -> bool:
        return any(fits(wanted, event_type) for wanted in self.types)

    def may_know(self, agencies: Collection[str]) -> bool:
        """Whether a dossier of these agencies is one of whose it is told."""
        return self.agency is None or self.agency in agencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the receiver answered last: `status` None when it did not. `sealed`: the beginning of its body."""

    at: datetime
    status: int | None
    milliseconds: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRow(Delivery):
    """An event on its way to a webhook. `body`: what is sent, as it is signed. `replay`: by which it was last queued
    again. `expires_at`: when it is forgotten."""

    webhook: str
    event: str
    event_type: str
    subject: str
    body: str
    expires_at: datetime
    replay: str | None = None
    said: Said | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An event that webhooks may be told again, `agencies`: whose dossier it was when it came, `at`."""

    id: str
    at: datetime
    type: str
    subject: str
    agencies: tuple[str, ...]
    trace: str | None
    body: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came in [`since`, `until`) is sent again, of these types of the webhook's. `last_at`, `last_event`: how far
    it is; `queued`: how many rows it queued so far."""

    id: str
    webhook: str
    since: datetime
    until: datetime
    types: tuple[str, ...]
    by: str
    requested_at: datetime
    state: Literal["waiting", "done"]
    queued: int = 0
    last_at: datetime | None = None
    last_event: str | None = None


def fits(wanted: str, event_type: str) -> bool:
    """`intake.dossier.*` is fitted by whatever begins with `intake.dossier.`."""
    return event_type.startswith(wanted[:-1]) if wanted.endswith(".*") else event_type == wanted


def matching(types: Sequence[str]) -> list[str]:
    """The event types that fit any of these."""
    return [event_type for event_type in TYPES if any(fits(wanted, event_type) for wanted in types)]


def agencies_in(data: Mapping[str, Any]) -> frozenset[str]:
    """The agencies that an event of TYPES names as the dossier's."""
    dimensions = data.get("dimensions")
    named = [data.get(field) for field in _AGENCY_FIELDS]
    if isinstance(dimensions, Mapping):
        named.append(dimensions.get("agency"))
    return frozenset(agency for agency in named if isinstance(agency, str) and agency)


def without_personal(value: Any) -> Any:
    """The same without any field named `personal`."""
    if isinstance(value, Mapping):
        return {name: without_personal(each) for name, each in value.items() if name != "personal"}
    return [without_personal(each) for each in value] if isinstance(value, list) else value


def changed(hook: Webhook, *, url: str, types: tuple[str, ...], description: str, at: datetime) -> Webhook:
    return replace(hook, url=url, types=types, description=description, changed_at=at)


def rotated(hook: Webhook, sealed: bytes, at: datetime) -> Webhook:
    """With a new secret; those before it sign for a day more."""
    old = [replace(each, until=min(each.until or at + BOTH_SIGN, at + BOTH_SIGN)) for each in signing(hook, at)]
    return replace(hook, secrets=(Secret(sealed=sealed), *old)[:MOST_SECRETS], changed_at=at)


def signing(hook: Webhook, at: datetime) -> tuple[Secret, ...]:
    """The secrets that sign at this time, the newest first."""
    return tuple(each for each in hook.secrets if each.until is None or each.until > at)


def disabled(hook: Webhook, reason: Why, at: datetime, by: str | None = None) -> Webhook:
    """Its rows wait. Disabled twice is once."""
    if hook.state != "active":
        return hook
    return replace(hook, state="disabled", disabled=Disabled(at=at, reason=reason, by=by, told=by is not None))


def told(hook: Webhook) -> Webhook:
    """Its owner knows that it is disabled."""
    return hook if hook.disabled is None else replace(hook, disabled=replace(hook.disabled, told=True))


def enabled(hook: Webhook, at: datetime) -> Webhook:
    """Its rows go on. Enabled twice is once."""
    return hook if hook.state == "active" else replace(hook, state="active", disabled=None, enabled_at=at)


def removed(hook: Webhook, at: datetime) -> Webhook:
    """Nothing is sent any more, and its secrets are gone."""
    return replace(hook, state="removed", secrets=(), changed_at=at)


def again(row: HookRow, at: datetime, by: str, replay: str | None = None) -> HookRow:
    """To be sent now, whatever became of it before, under the same id. Its attempts are counted anew."""
    if row.state == "sending":
        raise DeliveryBeingSent("wait until it is known what becomes of it")
    asked = Attempt(at=at, outcome="requested", detail=by)
    return replace(
        row, state="queued", attempts=(*row.attempts, asked), next_at=at, lease=None, over_at=None, receipt=None,
        replay=replay or row.replay,
    )  # fmt: skip
