"""The routes about webhooks: for offices' software and officers their own agency's, for operators all of them."""

from datetime import datetime

from chassis.acts import Render
from chassis.errors import Forbidden, NotFound, WrongState
from chassis.paging import PageQuery, cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from notify.sealing import Sealing
from notify.usecases.access import HOOKS
from notify.webhooks import schemas
from notify.webhooks.domain import (
    HookRow,
    Replay,
    TooManyWebhooks,
    Webhook,
    WebhookInvalid,
    WebhookNotFound,
    WebhooksNotConfigured,
)
from notify.webhooks.usecases import Hooks, Wish

PATH = "/webhooks"


def add_routes(router: Router, use: Hooks, sealing: Sealing | None) -> None:
    _hooks(router, use)
    _acts(router, use)
    _deliveries(router, use, sealing)


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    keys = keys_of(cursor, datetime, str)
    return (keys[0], keys[1]) if keys else None


def _hooks(router: Router, use: Hooks) -> None:
    @router.get(PATH, scope=HOOKS, answers={200: schemas.HookPage})
    def list_webhooks(call: Call, query: PageQuery) -> Answer:
        """The webhooks that the caller may see, newest first: the own agency's, all for operators."""
        found = use.page(call.principal, _after(query.cursor), query.limit + 1)
        shown, following = page(found, query.limit, lambda last: cursor_of(last.state.created_at, last.id))
        items = [schemas.HookView.of(each.state, each.version, call.now) for each in shown]
        return Answer(schemas.HookPage(items=items, next=following))

    @router.post(
        PATH, scope=HOOKS, needs="key", answers={201: schemas.HookWithSecret},
        raises=[WebhookInvalid, Forbidden, TooManyWebhooks, WebhooksNotConfigured],
    )  # fmt: skip
    def create_webhook(call: Call, body: schemas.HookBody) -> Answer:
        """Has an address told of events of an agency's dossiers, by Standard Webhooks (standardwebhooks.com).

        What is posted is the event as a CloudEvent in JSON, without personal data; `webhook-id` is the same however
        often it comes, and `webhook-signature` is to be checked. 2xx within the time takes it; 410 disables the
        webhook; anything else is tried again for three days. It counts within a few seconds.
        """

        def render(hook: Webhook, version: int, secret: str | None) -> Answer:
            return Answer(schemas.HookWithSecret.told(hook, version, call.now, secret), 201, version)

        return use.create(call, Wish(**dict(body)), render)

    @router.get(f"{PATH}/<id>", scope=HOOKS, answers={200: schemas.HookView}, raises=[WebhookNotFound])
    def show_webhook(call: Call, id: str) -> Answer:
        """A webhook; its secrets are never shown."""
        loaded = use.hook(call.principal, id)
        return Answer(schemas.HookView.of(loaded.state, loaded.version, call.now), 200, loaded.version)

    @router.put(
        f"{PATH}/<id>", scope=HOOKS, needs="key_or_match", answers={200: schemas.HookView},
        raises=[WebhookNotFound, WebhookInvalid],
    )  # fmt: skip
    def change_webhook(call: Call, id: str, body: schemas.HookChange) -> Answer:
        """Changes where it goes, of what it is told, and what it is called. What waits goes to the new address."""
        return use.change(
            call, id, body.url, body.types, body.description,
            lambda hook, version: _shown(call, hook, version),
        )  # fmt: skip


def _acts(router: Router, use: Hooks) -> None:
    answers, raises = {200: schemas.HookView}, [WebhookNotFound]

    @router.post(
        f"{PATH}/<id>/secret-rotation", scope=HOOKS, needs="key_or_match", answers={200: schemas.HookWithSecret},
        raises=[WebhookNotFound, WebhooksNotConfigured],
    )  # fmt: skip
    def rotate_webhook_secret(call: Call, id: str, body: schemas.RotationBody) -> Answer:
        """Gives it a new secret. The old one signs beside it for 24 hours: two signatures in one header."""

        def render(hook: Webhook, version: int, secret: str | None) -> Answer:
            return Answer(schemas.HookWithSecret.told(hook, version, call.now, secret), 200, version)

        return use.rotate(call, id, body.secret, render)

    @router.post(f"{PATH}/<id>/disable", scope=HOOKS, needs="key_or_match", answers=answers, raises=raises)
    def disable_webhook(call: Call, id: str) -> Answer:
        """Sends nothing to it until it is enabled; what waits, waits."""
        return use.disable(call, id, lambda hook, version: _shown(call, hook, version))

    @router.post(f"{PATH}/<id>/enable", scope=HOOKS, needs="key_or_match", answers=answers, raises=raises)
    def enable_webhook(call: Call, id: str) -> Answer:
        """Goes on with what waits. What happened while it was disabled comes by a replay from then."""
        return use.enable(call, id, lambda hook, version: _shown(call, hook, version))

    @router.post(f"{PATH}/<id>/removal", scope=HOOKS, needs="key_or_match", answers=answers, raises=raises)
    def remove_webhook(call: Call, id: str) -> Answer:
        """Takes it away for ever, with what waits for it and its secrets."""
        return use.remove(call, id, lambda hook, version: _shown(call, hook, version))


def _deliveries(router: Router, use: Hooks, sealing: Sealing | None) -> None:
    def of_row(status: int) -> Render[HookRow]:
        return lambda row, version: Answer(schemas.DeliveryView.of(row, version, sealing), status, version)

    def of_replay(status: int) -> Render[Replay]:
        return lambda replay, version: Answer(schemas.ReplayView.of(replay), status, version)

    @router.get(f"{PATH}/<id>/deliveries", scope=HOOKS, answers={200: schemas.DeliveryPage}, raises=[WebhookNotFound])
    def list_webhook_deliveries(call: Call, id: str, query: schemas.DeliveriesQuery) -> Answer:
        """What was and is to be sent to it, newest first, with each attempt and what the receiver answered last."""
        found = use.deliveries(call.principal, id, query.state, _after(query.cursor), query.limit + 1)
        shown, following = page(found, query.limit, lambda last: cursor_of(last.state.created_at, last.id))
        items = [schemas.DeliveryView.of(each.state, each.version, sealing) for each in shown]
        return Answer(schemas.DeliveryPage(items=items, next=following))

    @router.post(
        f"{PATH}/<id>/deliveries/<delivery>/retry", scope=HOOKS, needs="key_or_match",
        answers={200: schemas.DeliveryView}, raises=[NotFound, WrongState],
    )  # fmt: skip
    def retry_webhook_delivery(call: Call, id: str, delivery: str) -> Answer:
        """Has one sent now, whatever became of it, under the same `webhook-id`."""
        return use.retry(call, id, delivery, of_row(200))

    @router.post(
        f"{PATH}/<id>/test",
        scope=HOOKS,
        needs="key",
        answers={201: schemas.DeliveryView},
        raises=[NotFound, WrongState],
    )
    def test_webhook(call: Call, id: str) -> Answer:
        """Sends a ping, an event that says nothing; look at the deliveries for what became of it."""
        return use.ping(call, id, of_row(201))

    @router.post(
        f"{PATH}/<id>/replay", scope=HOOKS, needs="key", answers={201: schemas.ReplayView},
        raises=[NotFound, WrongState, WebhookInvalid],
    )  # fmt: skip
    def replay_webhook(call: Call, id: str, body: schemas.ReplayBody) -> Answer:
        """Has sent again what came in a time, also what it was not told while it was disabled, or of types that it
        takes since; each under its own `webhook-id`. Events are kept for 30 days, unless it is set otherwise."""
        return use.replay(call, id, body.since, body.until, body.types, of_replay(201))

    @router.get(f"{PATH}/<id>/replays/<replay>", scope=HOOKS, answers={200: schemas.ReplayView}, raises=[NotFound])
    def show_webhook_replay(call: Call, id: str, replay: str) -> Answer:
        """How far a replay is."""
        loaded = use.replayed(call.principal, id, replay)
        return of_replay(200)(loaded.state, loaded.version)


def _shown(call: Call, hook: Webhook, version: int) -> Answer:
    return Answer(schemas.HookView.of(hook, version, call.now), 200, version)
