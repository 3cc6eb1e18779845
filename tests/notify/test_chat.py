"""The chat platform over real HTTP: tokens that are good once, what its answers mean, and accounts that are linked."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from chassis import store
from chassis.settings import SettingsError
from notify.channels.chat import EARLY, template_data
from notify.channels.wiring import chat_outlet, live
from notify.courier import Courier
from notify.domain.messages import Message
from notify.outlets import Away
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.templates import Templates
from tests.doubles.chat import APP_ID, APP_SECRET, EVENT_SECRET, ChatPlatform
from tests.notify.sms_parts import PUBLIC, STOP, attempts, message, settings
from tests.notify.web import Web, make_web
from tests.support.services import Clock, local

SEALING = "A" * 43
USER = "2572458349"
PARAMS = {
    "name": "Hoa",
    "procedure_name": "P",
    "agency_name": "A",
    "due_at": local("2026-11-27 17:00"),
    "received_at": local("2026-11-20 08:30"),
}


@pytest.fixture
def platform(clock: Clock) -> Iterator[ChatPlatform]:
    with ChatPlatform(clock) as platform:
        yield platform


def configured(platform: ChatPlatform, **more: Any) -> NotifySettings:
    given = {
        "chat_url": platform.url, "chat_auth_url": platform.url, "chat_app_id": APP_ID, "chat_secret": APP_SECRET,
        "chat_event_secret": EVENT_SECRET, "chat_refresh_token": "first", "sealing_key": SEALING, **more,
    }  # fmt: skip
    return settings(**given)


def courier(notify_store: NotifyStore, clock: Clock, given: NotifySettings) -> Courier[Message]:
    outlet = chat_outlet(given, notify_store, Templates(PUBLIC), clock)
    return Courier(notify_store.messages.rows("chat"), outlet, clock, holder="w1", batch=50)


def add(notify_store: NotifyStore, clock: Clock, n: int = 1, **given: Any) -> Message:
    made = message(clock, n, "chat", **{"to": USER, "params": PARAMS, **given})
    notify_store.messages.add([(made, ())])
    return made


def after(notify_store: NotifyStore, row: Message) -> Message:
    loaded = notify_store.messages.aggregates.load(row.id)
    assert loaded is not None
    return loaded.state


# -- messages ----------------------------------------------------------------------------------------------------------


def test_a_message_goes_to_the_account(notify_store: NotifyStore, clock: Clock, platform: ChatPlatform) -> None:
    row = add(notify_store, clock)
    sending = courier(notify_store, clock, configured(platform))
    sending.once(STOP)
    sending.once(STOP)
    ((path, body),) = platform.said
    assert path == "/v3.0/oa/message/cs"
    assert (body["recipient"], body["tracking_id"]) == ({"user_id": USER}, row.id)
    assert "H56.30-261120-0001" in body["message"]["text"]
    assert "tiếp nhận" in body["message"]["text"]
    found = after(notify_store, row)
    assert (found.state, found.receipt, found.template_version) == ("sent", "m-1", 0)


def test_registered_words_are_filled_by_the_platform(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform
) -> None:
    row = add(notify_store, clock, params={**PARAMS, "left_out": None, "lists": ()})
    courier(notify_store, clock, configured(platform, chat_templates='{"received": "t-77"}')).once(STOP)
    ((path, body),) = platform.said
    assert (path, body["template_id"]) == ("/v3.0/oa/message/template", "t-77")
    assert body["template_data"] == {
        "name": "Hoa", "procedure_name": "P", "agency_name": "A", "due_at": "27/11/2026 17:00",
        "received_at": "20/11/2026 08:30",
        "code": row.code, "lookup": f"{PUBLIC}/tra-cuu?ma={row.code}",
    }  # fmt: skip
    assert "message" not in body
    assert template_data(message(clock, code=None), "x")["code"] == "d1"


@pytest.mark.parametrize(
    ("code", "outcome", "state"),
    [
        (-213, "refused", "failed"),
        (-230, "refused", "failed"),
        (-211, "deferred", "queued"),
        (-9, "deferred", "queued"),
    ],
)
def test_codes_in_an_answer_with_200(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform, code: int, outcome: str, state: str
) -> None:
    platform.codes["gone"] = code
    row, other = add(notify_store, clock, 1, to="gone"), add(notify_store, clock, 2)
    courier(notify_store, clock, configured(platform)).once(STOP)
    found = after(notify_store, row)
    assert (found.state, attempts(found)) == (state, [(outcome, f"error {code}", None)])
    assert after(notify_store, other).state == "sent"


def test_an_account_that_is_not_in_order_is_no_messages_fault(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform
) -> None:
    platform.codes[USER] = -224
    row = add(notify_store, clock)
    with pytest.raises(Away, match="code_-224"):
        courier(notify_store, clock, configured(platform)).once(STOP)
    assert after(notify_store, row).attempts == ()


@pytest.mark.parametrize(("fault", "detail"), [("500", "status_500"), ("not_json", "answer_not_understood")])
def test_what_nobody_knows_is_said_to_be_so(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform, fault: str, detail: str
) -> None:
    sending = courier(notify_store, clock, configured(platform))
    add(notify_store, clock, 1)
    sending.once(STOP)
    platform.fault = fault
    row = add(notify_store, clock, 2)
    sending.once(STOP)
    assert attempts(after(notify_store, row)) == [("interrupted", detail, None)]


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_once_for_all_before_it_expires(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform
) -> None:
    given = configured(platform)
    workers = [courier(notify_store, clock, given) for _ in range(2)]
    for n in range(1, 5):
        add(notify_store, clock, n)
        workers[n % 2].once(STOP)
    assert (platform.renewals, len(platform.said)) == (1, 4)
    clock.move(seconds=90_000 - EARLY.total_seconds() + 1)
    for n in range(5, 9):
        add(notify_store, clock, n)
        workers[n % 2].once(STOP)
    assert (platform.renewals, len(platform.said)) == (2, 8)


def test_a_token_that_the_platform_takes_no_more_is_renewed_and_the_message_sent(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform
) -> None:
    sending = courier(notify_store, clock, configured(platform))
    add(notify_store, clock, 1)
    sending.once(STOP)
    platform.access = "revoked"
    row = add(notify_store, clock, 2)
    sending.once(STOP)
    assert (after(notify_store, row).state, platform.renewals) == ("sent", 2)
    assert len(after(notify_store, row).attempts) == 1


def test_what_is_kept_of_tokens_is_sealed(
    notify_store: NotifyStore, database: Database[store.Document], clock: Clock, platform: ChatPlatform
) -> None:
    add(notify_store, clock)
    courier(notify_store, clock, configured(platform)).once(STOP)
    kept = repr(list(database["tokens"].find({})))
    assert platform.access is not None
    assert platform.access not in kept
    assert platform.refresh not in kept
    other = configured(platform, sealing_key="B" * 43)
    add(notify_store, clock, 2)
    with pytest.raises(Away, match="token_cannot_be_opened"):
        courier(notify_store, clock, other).once(STOP)


def test_while_one_renews_the_others_wait(notify_store: NotifyStore, clock: Clock, platform: ChatPlatform) -> None:
    notify_store.tokens.begin_anew("chat", "seed", b"x", None)
    notify_store.tokens.begin_anew("chat", "another", b"y", None)
    first = notify_store.tokens.load("chat")
    assert first is not None
    assert (first.version, first.seed) == (1, "seed"), "another process was faster"
    later = clock()
    assert notify_store.tokens.begin_renewal("chat", 1, clock(), later)
    assert not notify_store.tokens.begin_renewal("chat", 1, clock(), later)
    clock.move(seconds=1)
    assert notify_store.tokens.begin_renewal("chat", 1, clock(), clock()), "who died over it holds up nobody"
    notify_store.tokens.renewed("chat", 1, b"a", b"b", clock())
    assert not notify_store.tokens.begin_renewal("chat", 1, clock(), clock())


def test_a_chain_of_tokens_that_broke_begins_anew_with_an_operators(
    notify_store: NotifyStore, clock: Clock, platform: ChatPlatform
) -> None:
    platform.refresh = "unknown to us"
    row = add(notify_store, clock)
    sending = courier(notify_store, clock, configured(platform))
    for _ in range(2):
        with pytest.raises(Away, match="token_refused_-14014"):
            sending.once(STOP)
    assert after(notify_store, row).attempts == ()
    platform.refresh = "by hand"
    courier(notify_store, clock, configured(platform, chat_refresh_token="by hand")).once(STOP)
    assert after(notify_store, row).state == "sent"


def test_the_platform_is_away(notify_store: NotifyStore, clock: Clock, platform: ChatPlatform) -> None:
    row = add(notify_store, clock)
    with pytest.raises(Away, match="token_connection_failed"):
        courier(notify_store, clock, configured(platform, chat_auth_url="http://127.0.0.1:9")).once(STOP)
    with suppress(Away):
        courier(notify_store, clock, configured(platform, chat_url="http://127.0.0.1:9")).once(STOP)
    assert (after(notify_store, row).state, after(notify_store, row).attempts) == ("queued", ())


# -- linking -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chat_web(database: Database[store.Document], clock: Clock, tmp_path: Path) -> Web:
    return make_web(database, clock, tmp_path, chat_app_id=APP_ID, chat_event_secret=EVENT_SECRET)


@pytest.fixture
def hoa(chat_web: Web) -> FlaskClient:
    return chat_web.client("hoa", "preferences.choose")


def code(hoa: FlaskClient, key: str = "link-1") -> str:
    answer = hoa.post("/api/notify/v1/preferences/chat-links", headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    found: str = answer.get_json()["code"]
    return found


def is_linked(notify_store: NotifyStore) -> str | None:
    return notify_store.people.of_persons(["hoa"])["hoa"].chat


def test_who_writes_the_code_is_linked(
    chat_web: Web, hoa: FlaskClient, platform: ChatPlatform, notify_store: NotifyStore
) -> None:
    public = chat_web.app.test_client()
    given = code(hoa)
    for text in ("xin chào", "ABCDEFGHIJ", f"{given}X", given[:9]):
        assert platform.tells(public, USER, text).get_json() == {"result": "heard"}
    assert is_linked(notify_store) is None
    first = platform.tells(public, USER, f"Mã của tôi: {given.lower()}.")
    again = platform.tells(public, "somebody else", given)
    assert first.data == again.data
    assert is_linked(notify_store) == USER


def test_a_code_that_is_too_old_links_nobody(
    chat_web: Web, hoa: FlaskClient, platform: ChatPlatform, notify_store: NotifyStore, clock: Clock
) -> None:
    given = code(hoa)
    clock.move(minutes=31)
    assert platform.tells(chat_web.app.test_client(), USER, given).status_code == 200
    assert is_linked(notify_store) is None


def test_nobody_else_speaks_for_the_platform(
    chat_web: Web, hoa: FlaskClient, platform: ChatPlatform, notify_store: NotifyStore, web: Web
) -> None:
    public, given = chat_web.app.test_client(), code(hoa)
    old = str(int((platform.now().timestamp() - 400) * 1000))
    for more, why in (
        ({"secret": "x"}, "signature_wrong"),
        ({"timestamp": old}, "timestamp_outside_window"),
        ({"timestamp": None}, "signature_wrong"),
        ({"timestamp": {}}, "signature_wrong"),
    ):
        answer = platform.tells(public, USER, given, **more)
        assert (answer.status_code, answer.get_json()["code"]) == (401, why), more
    for body in (b"", b"{", b"[]", b"\xff"):
        assert public.post("/api/notify/v1/chat/events", data=body, content_type="application/json").status_code == 401
    assert platform.tells(public, USER, given, app_id="another").status_code == 200
    assert platform.tells(public, USER, given, event_name="follow").status_code == 200
    assert platform.tells(public, USER, given, sender={"id": ["x"]}).status_code == 422
    assert platform.tells(web.app.test_client(), USER, given).status_code == 401, "where there is no platform"
    assert is_linked(notify_store) is None


# -- settings ----------------------------------------------------------------------------------------------------------


def test_without_an_address_there_is_no_chat(platform: ChatPlatform) -> None:
    assert live(settings()) == set()
    assert live(configured(platform)) == {"chat"}
    empty = {"chat_url": "", "chat_secret": "", "chat_templates": "", "chat_refresh_token": ""}
    assert live(settings(**empty)) == set()


@pytest.mark.parametrize(
    "missing", ["chat_auth_url", "chat_app_id", "chat_secret", "chat_refresh_token", "sealing_key"]
)
def test_a_platform_needs_all_of_it(platform: ChatPlatform, missing: str) -> None:
    with pytest.raises(SettingsError, match=missing.upper()):
        configured(platform, **{missing: ""})
