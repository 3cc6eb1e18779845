"""What can be done with webhooks, and what becomes of an event that they take."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic_core import to_json

from chassis import acts, logs
from chassis.auth import Principal
from chassis.cache import Cached
from chassis.clock import Clock, id_from
from chassis.consume import Done, Duplicate, Later, Outcome, Received
from chassis.envelope import Envelope
from chassis.errors import FieldError, Forbidden, NotFound
from chassis.store import Change, Loaded, New
from chassis.web import Answer, Call
from notify.domain.messages import Message
from notify.domain.telling import Channel, Language, Office, Param
from notify.sealing import Sealing
from notify.store import NotifyStore
from notify.usecases.access import HOOKS_ALL, HOOKS_PROVINCE
from notify.webhooks import domain, signatures
from notify.webhooks.addresses import Guard
from notify.webhooks.domain import (
    MOST_OF_AN_AGENCY,
    PING,
    DeliveryNotFound,
    Disabled,
    HookRow,
    Logged,
    Replay,
    ReplayNotFound,
    TooManyWebhooks,
    Webhook,
    WebhookInvalid,
    WebhookNotActive,
    WebhookNotFound,
    WebhooksNotConfigured,
)
from notify.webhooks.outlet import seal_secret
from notify.webhooks.store import WebhookStore

log = logs.get()
T = TypeVar("T")
HOOKS_SECONDS = 3.0
"""How long an event may go by the webhooks as they were."""
REPLAYED_AT_ONCE = 200
NOTICES_AT_ONCE = 50
TEMPLATE, EVENT_TYPE = "webhook_disabled", "notify.webhook.disabled"
_AGENCY = re.compile(r"[A-Z0-9][A-Z0-9.]{0,59}")


def sees(principal: Principal, hook: Webhook) -> bool:
    """Officers and offices' software see their own agency's, whoever is told of the whole province their own, operators
    all of them. What was removed nobody sees."""
    if hook.state == "removed":
        return False
    if principal.may(HOOKS_ALL):
        return True
    if hook.agency is None:
        return principal.may(HOOKS_PROVINCE) and hook.owner == principal.subject
    return hook.agency == principal.agency


@dataclass(frozen=True, slots=True)
class Wish:
    """A webhook as somebody wants it. `agency` None: the caller's own; `province`: of all agencies' dossiers."""

    url: str
    types: tuple[str, ...]
    description: str
    agency: str | None = None
    province: bool = False
    secret: str | None = None


class Hooks:
    """`sealing`: None where there are no webhooks. `keep`: how long a row is kept."""

    def __init__(self, store: WebhookStore, guard: Guard, sealing: Sealing | None, *, keep: timedelta) -> None:
        self._store = store
        self._guard = guard
        self._sealing = sealing
        self._keep = keep

    # -- webhooks ------------------------------------------------------------------------------------------------------

    def create(self, call: Call, wish: Wish, render: Callable[[Webhook, int, str | None], Answer]) -> Answer:
        """`render` is given the secret when we made it. Raises WebhookInvalid, Forbidden, TooManyWebhooks."""
        sealing = self._configured()
        agency = _agency(call.principal, wish)
        id = call.id_for_new("webhook")
        known = self._store.hooks.load(id)
        if known is None:
            # A repetition gets its answer, whatever its address and the agency's others have become since.
            self._guard.check(wish.url)
            if self._store.count(agency, MOST_OF_AN_AGENCY) >= MOST_OF_AN_AGENCY:
                raise TooManyWebhooks(f"{MOST_OF_AN_AGENCY} at most")
        secret = wish.secret or signatures.new_secret()
        hook = Webhook(
            id=id,
            owner=call.principal.subject,
            person=call.principal.kind == "person",
            agency=agency,
            url=wish.url,
            types=tuple(dict.fromkeys(wish.types)),
            description=wish.description,
            state="active",
            secrets=(domain.Secret(sealed=seal_secret(sealing, id, secret)),),
            created_at=call.now,
            changed_at=call.now,
            enabled_at=call.now,
        )
        shown = None if wish.secret else secret
        sealed = _Sealed(sealing, id)
        answer = acts.create(
            self._store.hooks, id, hook, (), call, lambda state, version: sealed.close(render(state, version, shown))
        )
        return sealed.open(answer)

    def change(
        self, call: Call, id: str, url: str, types: tuple[str, ...], description: str, render: acts.Render[Webhook]
    ) -> Answer:
        """Raises WebhookNotFound, WebhookInvalid."""
        if url != self.hook(call.principal, id).state.url:
            self._guard.check(url)
        wanted = tuple(dict.fromkeys(types))
        answer = self._change(
            call, id, lambda hook: domain.changed(hook, url=url, types=wanted, description=description, at=call.now),
            render,
        )  # fmt: skip
        self._store.note_success(id)
        return answer

    def rotate(
        self, call: Call, id: str, secret: str | None, render: Callable[[Webhook, int, str | None], Answer]
    ) -> Answer:
        """`render` is given the new secret when we made it."""
        sealing = self._configured()
        sealed, made = _Sealed(sealing, id), secret or signatures.new_secret()
        answer = self._change(
            call,
            id,
            lambda hook: domain.rotated(hook, seal_secret(sealing, id, made), call.now),
            lambda state, version: sealed.close(render(state, version, None if secret else made)),
        )
        return sealed.open(answer)

    def disable(self, call: Call, id: str, render: acts.Render[Webhook]) -> Answer:
        by = call.principal.subject
        return self._change(call, id, lambda hook: domain.disabled(hook, "asked", call.now, by), render)

    def enable(self, call: Call, id: str, render: acts.Render[Webhook]) -> Answer:
        answer = self._change(call, id, lambda hook: domain.enabled(hook, call.now), render)
        # It is asked at once whether it is well, and not after the pause that it was given.
        self._store.note_success(id)
        return answer

    def remove(self, call: Call, id: str, render: acts.Render[Webhook]) -> Answer:
        return self._change(call, id, lambda hook: domain.removed(hook, call.now), render)

    def hook(self, principal: Principal, id: str) -> Loaded[Webhook]:
        """Raises WebhookNotFound."""
        loaded = self._store.hooks.load(id)
        if loaded is None or not sees(principal, loaded.state):
            raise WebhookNotFound(f"no webhook {id} for you")
        return loaded

    def page(self, principal: Principal, after: tuple[datetime, str] | None, limit: int) -> Sequence[Loaded[Webhook]]:
        if principal.may(HOOKS_ALL):
            return self._store.page({}, after, limit)
        if principal.agency is not None:
            return self._store.page({"agency": principal.agency}, after, limit)
        if principal.may(HOOKS_PROVINCE):
            return self._store.page({"owner": principal.subject, "agency": None}, after, limit)
        return []

    def _change(
        self, call: Call, id: str, decide: Callable[[Webhook], Webhook], render: acts.Render[Webhook]
    ) -> Answer:
        def decided(hook: Webhook) -> tuple[Webhook, Sequence[Any]]:
            if hook.state == "removed":
                raise WebhookNotFound(f"no webhook {id} for you")
            return decide(hook), ()

        # Whoever removed it and asks again gets the first answer.
        def there(hook: Webhook) -> bool:
            return sees(call.principal, replace(hook, state="active"))

        return _change(self._store.hooks, id, call, there, decided, render, WebhookNotFound)

    def _configured(self) -> Sealing:
        if self._sealing is None:
            raise WebhooksNotConfigured("there is no key that secrets are sealed with")
        return self._sealing

    # -- deliveries ----------------------------------------------------------------------------------------------------

    def deliveries(
        self, principal: Principal, id: str, state: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Loaded[HookRow]]:
        """The newest first. Raises WebhookNotFound."""
        self.hook(principal, id)
        return self._store.rows_page(id, state, after, limit)

    def ping(self, call: Call, id: str, render: acts.Render[HookRow]) -> Answer:
        """Queues an event that says nothing. Raises WebhookNotFound, WebhookNotActive."""
        hook = self._active(call.principal, id)
        ping = call.id_for_new("webhook ping")
        body = {
            "specversion": "1.0", "id": f"notify.webhook:{ping}:1", "source": "/motcua/notify", "type": PING,
            "subject": id, "time": call.now, "datacontenttype": "application/json", "sequence": 1, "data": {},
        }  # fmt: skip
        row = _row(hook, ping, f"notify.webhook:{ping}:1", PING, id, to_json(body).decode(), call.now, self._keep)
        return acts.create(self._store.rows, ping, row, (), call, render)

    def retry(self, call: Call, id: str, delivery: str, render: acts.Render[HookRow]) -> Answer:
        """Raises WebhookNotFound, DeliveryNotFound, WebhookNotActive, DeliveryBeingSent."""
        self._active(call.principal, id)

        def decide(row: HookRow) -> tuple[HookRow, Sequence[Any]]:
            return domain.again(row, call.now, call.principal.subject), ()

        return _change(
            self._store.rows, delivery, call, lambda row: row.webhook == id, decide, render, DeliveryNotFound
        )

    def replay(
        self, call: Call, id: str, since: datetime, until: datetime | None, types: tuple[str, ...],
        render: acts.Render[Replay],
    ) -> Answer:  # fmt: skip
        """Raises WebhookNotFound, WebhookNotActive, WebhookInvalid."""
        hook = self._active(call.principal, id)
        until = call.now if until is None else min(until, call.now)
        if since >= until:
            wrong = FieldError("/from", "order", "must be before `to`, and in the past")
            raise WebhookInvalid("nothing came in this time", errors=[wrong])
        made = Replay(
            id=call.id_for_new("webhook replay"),
            webhook=id,
            since=since,
            until=until,
            types=tuple(dict.fromkeys(types or hook.types)),
            by=call.principal.subject,
            requested_at=call.now,
            state="waiting",
        )
        return acts.create(self._store.replays, made.id, made, (), call, render)

    def replayed(self, principal: Principal, id: str, replay: str) -> Loaded[Replay]:
        """Raises WebhookNotFound, ReplayNotFound."""
        self.hook(principal, id)
        loaded = self._store.replays.load(replay)
        if loaded is None or loaded.state.webhook != id:
            raise ReplayNotFound(f"no replay {replay} of this webhook")
        return loaded

    def _active(self, principal: Principal, id: str) -> Webhook:
        hook = self.hook(principal, id).state
        if hook.state != "active":
            raise WebhookNotActive("enable it first")
        return hook


class Hearing:
    """Makes rows of what the webhooks are to be told. `agency_of`: by dossiers, the agencies that received them, of
    those that are known. `seconds`: how old the webhooks may be that it goes by."""

    def __init__(
        self,
        store: WebhookStore,
        agency_of: Callable[[Sequence[str]], Mapping[str, str]],
        clock: Clock,
        *,
        keep: timedelta,
        seconds: float = HOOKS_SECONDS,
    ) -> None:
        self._store = store
        self._agency_of = agency_of
        self._clock = clock
        self._keep = keep
        self._hooks: Cached[Sequence[Webhook]] = Cached(lambda _: store.all_hooks(), seconds)

    def hear(self, batch: Sequence[Received]) -> list[Outcome]:
        """Logs the events that webhooks may take, and queues a row for each that does. An event of which it is not
        known whose dossier it is waits, when somebody may be told of it only if it is theirs."""
        hooks = self._hooks()
        heard = [item.event for item in batch if item.event.type in _TYPES] if hooks else []
        if not heard:
            return [Done()] * len(batch)
        now, agencies = self._clock(), self._agencies(heard)
        active = [hook for hook in hooks if hook.state == "active"]
        later = {
            event.id
            for event in heard
            if not agencies[event.subject] and any(hook.agency and hook.takes(event.type) for hook in hooks)
        }
        told = [event for event in heard if event.id not in later]
        logged = [self._logged(event, agencies[event.subject], now) for event in told]
        rows = [
            _row(hook, row_id(hook.id, event.id), event.id, event.type, event.subject, event.body, now, self._keep,
                 event.trace)
            for event in logged
            for hook in active
            if hook.takes(event.type) and hook.may_know(event.agencies)
        ]  # fmt: skip
        # Rows first: when the worker dies between the two, the batch comes again.
        added = self._store.rows.add([New(row.id, row, (), now, row.trace) for row in rows])
        fresh = {row.event for row, refused in zip(rows, added, strict=True) if refused is None}
        fresh |= {event.id for event, new in zip(logged, self._store.log(logged), strict=True) if new}
        outcomes: list[Outcome] = []
        ids = {event.id for event in told}
        for item in batch:
            if item.event.id in later:
                outcomes.append(Later("agency_of_dossier_unknown"))
            else:
                outcomes.append(Duplicate() if item.event.id in ids - fresh else Done())
        return outcomes

    def _agencies(self, events: Sequence[Envelope]) -> dict[str, set[str]]:
        named: dict[str, set[str]] = {}
        for event in events:
            named.setdefault(event.subject, set()).update(domain.agencies_in(event.data))
        known = self._store.learn(named)
        unknown = [dossier for dossier, agencies in known.items() if not agencies]
        received = self._agency_of(unknown) if unknown else {}
        return {dossier: agencies or {received[dossier]} - {""} if dossier in received else agencies
                for dossier, agencies in known.items()}  # fmt: skip

    def _logged(self, event: Envelope, agencies: set[str], now: datetime) -> Logged:
        body: dict[str, Any] = {
            "specversion": event.specversion, "id": event.id, "source": event.source, "type": event.type,
            "subject": event.subject, "time": event.time, "datacontenttype": "application/json",
            "sequence": event.sequence, "data": domain.without_personal(event.data),
        }  # fmt: skip
        if event.traceparent is not None:
            body["traceparent"] = event.traceparent
        return Logged(
            id=event.id,
            at=now,
            type=event.type,
            subject=event.subject,
            agencies=tuple(sorted(agencies)),
            trace=event.traceparent,
            body=to_json(body).decode(),
            expires_at=now + self._keep,
        )


class Replaying:
    """Does what replays want, in the worker."""

    def __init__(self, store: WebhookStore, clock: Clock, *, keep: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep

    def go_on(self) -> bool:
        """Queues some of what the oldest replay wants; True when there is more to do. Whoever goes on after a worker
        that died queues nothing twice."""
        act = self._store.waiting_replay()
        if act is None:
            return False
        now, wanted = self._clock(), act.state
        loaded = self._store.hooks.load(wanted.webhook)
        hook = None if loaded is None or loaded.state.state == "removed" else loaded.state
        types = [each for each in domain.matching(wanted.types) if hook is not None and hook.takes(each)]
        found = self._store.logged(wanted, hook.agency, types, REPLAYED_AT_ONCE) if hook is not None else []
        queued = self._queue(hook, found, wanted, now) if hook is not None else 0
        state = replace(wanted, queued=wanted.queued + queued)
        if found:
            state = replace(state, last_at=found[-1].at, last_event=found[-1].id)
        if len(found) < REPLAYED_AT_ONCE:
            state = replace(state, state="done")
        self._store.replays.save([Change(act, state, (), now)])
        return True

    def _queue(self, hook: Webhook, events: Sequence[Logged], replay: Replay, now: datetime) -> int:
        ids = {row_id(hook.id, event.id): event for event in events}
        known = self._store.rows.load_many(ids)
        new: list[HookRow] = []
        changes: list[Change[HookRow]] = []
        for n, (id, event) in enumerate(ids.items()):
            # A little apart, so that they go in the order in which they came.
            due = now + timedelta(milliseconds=n)
            if id not in known:
                row = _row(hook, id, event.id, event.type, event.subject, event.body, due, self._keep, event.trace)
                new.append(replace(row, replay=replay.id))
            elif known[id].state.state in ("sent", "failed") and known[id].state.replay != replay.id:
                changes.append(Change(known[id], domain.again(known[id].state, due, replay.by, replay.id), (), now))
        added = self._store.rows.add([New(row.id, row, (), now, row.trace) for row in new])
        return added.count(None) + sum(self._store.rows.save(changes))


class Notices:
    """Tells the owners of webhooks that were disabled: in the portal, and by e-mail to the agency."""

    def __init__(self, store: WebhookStore, messages: NotifyStore, clock: Clock, language: Language) -> None:
        self._store = store
        self._messages = messages
        self._clock = clock
        self._language = language

    def once(self) -> bool:
        """True when there may be more. Told twice is told once: the messages' ids are the same."""
        untold, now = self._store.untold(NOTICES_AT_ONCE), self._clock()
        for hook in (each.state for each in untold):
            office = self._messages.contacts.offices([hook.agency]).get(hook.agency) if hook.agency else None
            made = [] if hook.disabled is None else self._told(hook, hook.disabled, office, now)
            self._messages.messages.add([(message, ()) for message in made])
            self._store.change(hook.id, domain.told, now)
        return len(untold) == NOTICES_AT_ONCE

    def _told(self, hook: Webhook, disabled: Disabled, office: Office | None, now: datetime) -> list[Message]:
        reached: list[tuple[Channel, str, str | None]] = []
        if hook.person:
            reached.append(("portal", hook.owner, hook.owner))
        if office is not None and office.email:
            reached.append(("email", office.email, None))
        name = office.name if office is not None else ""
        params: dict[str, Param] = {
            "name": name,
            "procedure_name": "",
            "agency_name": name,
            "description": hook.description,
            "webhook": hook.id,
            "reason": disabled.reason,
            "disabled_at": disabled.at,
        }
        about = id_from("webhook disabled", hook.id, disabled.at.isoformat())
        return [self._message(hook, about, channel, to, person, params, now) for channel, to, person in reached]

    def _message(
        self, hook: Webhook, about: str, channel: Channel, to: str, person: str | None, params: Mapping[str, Param],
        now: datetime,
    ) -> Message:  # fmt: skip
        in_portal = channel == "portal"
        return Message(
            id=id_from("message", about, channel),
            event_type=EVENT_TYPE,
            dossier="",
            code=None,
            agency=hook.agency or "",
            channel=channel,
            to=to,
            person=person,
            language=self._language,
            template=TEMPLATE,
            params=params,
            state="delivered" if in_portal else "queued",
            attempts=(),
            next_at=None if in_portal else now,
            lease=None,
            created_at=now,
            trace=None,
            urgent=True,
        )


class _Sealed:
    """An answer that holds a secret is kept sealed, for whoever repeats the request."""

    def __init__(self, sealing: Sealing, webhook: str) -> None:
        self._sealing = sealing
        self._context = f"webhook created or changed {webhook}"

    def close(self, answer: Answer) -> Answer:
        text = answer.text()
        body = text.encode() if isinstance(text, str) else text
        return replace(answer, body=self._sealing.seal(body, self._context).hex())

    def open(self, answer: Answer) -> Answer:
        return replace(answer, body=self._sealing.open(bytes.fromhex(str(answer.body)), self._context))


def row_id(webhook: str, event: str) -> str:
    """The same for the same event, however often it comes: what the receiver knows it by."""
    return id_from("webhook row", webhook, event)


def _row(
    hook: Webhook, id: str, event: str, event_type: str, subject: str, body: str, now: datetime, keep: timedelta,
    trace: str | None = None,
) -> HookRow:  # fmt: skip
    return HookRow(
        id=id, state="queued", attempts=(), next_at=now, lease=None, created_at=now, trace=trace, webhook=hook.id,
        event=event, event_type=event_type, subject=subject, body=body, expires_at=now + keep,
    )  # fmt: skip


def _agency(principal: Principal, wish: Wish) -> str | None:
    """Of whose dossiers it is to be told. Raises Forbidden, WebhookInvalid."""
    if wish.province:
        principal.require(HOOKS_PROVINCE)
        if wish.agency is not None:
            wrong = FieldError("/agency", "province", "must be left out where it is the whole province")
            raise WebhookInvalid("an agency, or all of them", errors=[wrong])
        return None
    agency = wish.agency or principal.agency
    if agency is None or not _AGENCY.fullmatch(agency):
        wrong = FieldError("/agency", "agency", "must be an agency's code, H56.30")
        raise WebhookInvalid("of whose dossiers it is told", errors=[wrong])
    if agency != principal.agency and not principal.may(HOOKS_ALL):
        raise Forbidden(f"the scope {HOOKS_ALL} is needed for another agency than one's own")
    return agency


def _change(
    aggregates: Any, id: str, call: Call, sees: Callable[[T], bool],
    decide: Callable[[T], tuple[T, Sequence[Any]]], render: acts.Render[T], missing: type[NotFound],
) -> Answer:  # fmt: skip
    """As `acts.change`; what is not there has the code of its own kind."""
    try:
        return acts.change(aggregates, id, call, sees=sees, decide=decide, render=render)
    except NotFound as error:
        raise missing(error.detail) from None


_TYPES = frozenset(domain.TYPES)
