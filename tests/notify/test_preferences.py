"""How people want to be told: with an account, and by the links in e-mails without one."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from chassis import store
from chassis.settings import SettingsError
from notify.domain.preferences import LINK_LIFETIME, LinkUnknown
from notify.domain.telling import GROUPS
from notify.opting import Opting
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases.preferences import Choosing
from tests.notify.events import EMAIL, FILED, FINISHED, PERSON, RECEIVED, RESUMED, event
from tests.notify.mail_server import Mailbox
from tests.notify.web import KEY, PREFIX, Web, make_web
from tests.support.services import Clock, hear

URL = f"{PREFIX}/preferences"
OTHER_KEY = "o" * 40
opting = Opting("https://motcua.thanhhoa.example", (KEY,))


@pytest.fixture
def hoa(web: Web) -> FlaskClient:
    return web.client(PERSON, "preferences.choose")


def put(client: FlaskClient, body: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in (headers or {"Idempotency_Key": str(body)[:150]}).items()}
    return client.put(URL, json=body, headers=named)


def rows(notify_store: NotifyStore, **wanted: Any) -> list[dict[str, Any]]:
    return list(notify_store.messages.aggregates.collection.find(wanted, sort=[("channel", 1)]))


# -- with an account ---------------------------------------------------------------------------------------------------


def test_who_never_chose_gets_everything(hoa: FlaskClient) -> None:
    answer = hoa.get(URL)
    assert answer.headers["ETag"] == '"0"'
    shown = answer.get_json()
    assert {name: value for name, value in shown.items() if name != "channels"} == {
        "language": None,
        "quiet_hours": None,
        "digest_hour": None,
        "email": None,
        "phone": None,
        "chat_linked": False,
    }
    assert set(shown["channels"]) == set(GROUPS)
    assert all(all(group[c] for c in ("email", "portal", "sms", "chat")) for group in shown["channels"].values())
    assert shown["channels"]["result"]["name"] == "Kết quả giải quyết hồ sơ"


def test_what_people_choose_is_how_they_are_told(
    web: Web, hoa: FlaskClient, notify_store: NotifyStore, clock: Clock
) -> None:
    body = {
        "language": "en",
        "channels": {"reception": {"email": False}},
        "quiet_hours": {"from": "08:00", "to": "09:30"},
        "email": "moi@example.vn",
        "phone": "0987 654 321",
    }
    answer = put(hoa, body, If_Match='"0"')
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    shown = answer.get_json()
    assert shown["phone"] == "+84987654321"
    assert (shown["channels"]["reception"]["email"], shown["channels"]["reception"]["sms"]) == (False, True)
    assert shown["quiet_hours"] == {"from": "08:00", "to": "09:30"}
    assert hoa.get(URL).get_json() == shown
    hear(
        web.table, [event(FILED, "d1", 1, clock()), event(RESUMED, "d1", 3, clock()), event(FINISHED, "d1", 4, clock())]
    )
    assert {(row["template"], row["channel"]) for row in rows(notify_store)} == {
        ("filed", "portal"),
        ("resumed", "portal"),
        ("resumed", "email"),
        ("result_ready", "portal"),
        ("result_ready", "email"),
    }
    assert {row["language"] for row in rows(notify_store)} == {"en"}
    emails = {row["template"]: row for row in rows(notify_store, channel="email")}
    assert {row["to"] for row in emails.values()} == {"moi@example.vn"}
    # It is 08:30; what is urgent does not wait for 09:30.
    assert emails["resumed"]["next_at"] == clock() + timedelta(hours=1)
    assert emails["result_ready"]["next_at"] == clock()


def test_nobody_chooses_for_others(web: Web, hoa: FlaskClient) -> None:
    put(hoa, {"language": "en"})
    officer = web.client("officer-1", "preferences.choose", "messages.manage", "messages.read")
    assert officer.get(URL).get_json()["language"] is None
    assert web.client("x", "messages.manage").get(URL).status_code == 403
    office = web.api_client("office", "preferences.choose")
    assert office.get(URL).get_json()["code"] == "forbidden"
    assert put(office, {"language": "en"}).status_code == 403


@pytest.mark.parametrize(
    ("channels", "refused"),
    [
        ({"result": {"email": False, "portal": False}}, ["result"]),
        ({"result": {"email": False, "portal": False, "sms": False, "chat": False}}, ["result"]),
        (
            {group: {"email": False, "portal": False, "sms": False, "chat": False} for group in GROUPS},
            ["deadline", "fee", "progress", "reception", "result", "supplement"],
        ),
        ({"result": {"portal": False}}, []),
        ({"result": {"email": False}}, []),
    ],
)
def test_what_the_law_wants_told_cannot_be_silenced(
    hoa: FlaskClient, channels: dict[str, Any], refused: list[str]
) -> None:
    answer = put(hoa, {"channels": channels})
    if not refused:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.get_json()["code"]) == (422, "obligatory")
    assert sorted(error["pointer"] for error in answer.get_json()["errors"]) == [f"/channels/{g}" for g in refused]
    assert hoa.get(URL).headers["ETag"] == '"0"'


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "hoa@"}, "/email"),
        ({"email": "hoa@" + "x" * 300 + ".vn"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"digest_hour": 24}, "/digest_hour"),
        ({"quiet_hours": {"from": "25:00", "to": "07:00"}}, "/quiet_hours/from"),
        ({"quiet_hours": {"from": "07:00", "to": "07:00"}}, "/quiet_hours"),
        ({"channels": {"news": {}}}, "/channels/news/[key]"),
        ({"channels": {"result": {"pigeon": False}}}, "/channels/result/pigeon"),
        ({"language": "fr"}, "/language"),
    ],
)
def test_what_is_wrong_is_named(hoa: FlaskClient, body: dict[str, Any], pointer: str) -> None:
    answer = put(hoa, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_the_same_click_twice_and_two_at_once(hoa: FlaskClient) -> None:
    first = put(hoa, {"language": "en"}, Idempotency_Key="k1")
    put(hoa, {"language": "vi"}, Idempotency_Key="k2")
    assert put(hoa, {"language": "en"}, Idempotency_Key="k1").data == first.data
    assert hoa.get(URL).get_json()["language"] == "vi"
    assert put(hoa, {"language": "en"}, If_Match='"1"').status_code == 412
    assert hoa.put(URL, json={}).status_code == 428


def test_a_chat_account_is_linked_by_a_code(
    web: Web, hoa: FlaskClient, notify_store: NotifyStore, clock: Clock
) -> None:
    choosing = Choosing(notify_store, clock, tuple, {"email", "portal", "chat"})
    made = hoa.post(f"{URL}/chat-links", headers={"Idempotency-Key": "k1"})
    assert made.status_code == 201
    assert hoa.post(f"{URL}/chat-links", headers={"Idempotency-Key": "k1"}).data == made.data
    old = made.get_json()["code"]
    code = hoa.post(f"{URL}/chat-links", headers={"Idempotency-Key": "k2"}).get_json()["code"]
    for wrong in (old, "", "AAAAAAAAAA"):
        with pytest.raises(LinkUnknown):
            choosing.link_chat(wrong, "zalo-9")
    choosing.link_chat(code, "zalo-1")
    with pytest.raises(LinkUnknown):
        choosing.link_chat(code, "zalo-2")
    assert hoa.get(URL).get_json()["chat_linked"]
    assert "zalo-1" not in hoa.get(URL).text
    assert put(hoa, {"language": "en"}).get_json()["chat_linked"]
    assert not put(hoa, {"keep_chat": False}).get_json()["chat_linked"]


def test_a_code_is_good_for_half_an_hour(hoa: FlaskClient, notify_store: NotifyStore, clock: Clock) -> None:
    code = hoa.post(f"{URL}/chat-links", headers={"Idempotency-Key": "k1"}).get_json()["code"]
    clock.now += LINK_LIFETIME + timedelta(milliseconds=1)
    with pytest.raises(LinkUnknown):
        Choosing(notify_store, clock, tuple, set()).link_chat(code, "zalo-1")


# -- without an account ------------------------------------------------------------------------------------------------

NO_ACCOUNT = {"person": None}


def page_of(web: Web, address: str = EMAIL, of: Opting = opting) -> str:
    link = of.link(address)
    assert link is not None
    return link.removeprefix("https://motcua.thanhhoa.example")


def anybody(web: Web) -> FlaskClient:
    return web.app.test_client()


def test_a_link_holds_no_address_and_bears_no_change() -> None:
    link = opting.link(" HOA@example.vn")
    assert link == opting.link(EMAIL)
    token = str(link).rpartition("=")[2]
    assert re.fullmatch(r"[0-9a-f]{72}", token)
    assert opting.read(token) == opting.ids(EMAIL)[0]
    for n in range(0, 72, 5):
        changed = token[:n] + ("0" if token[n] != "0" else "1") + token[n + 1 :]
        assert opting.read(changed) is None
    for wrong in ("", token[:-1], token + "0", "ộ" * 72, token.upper()):
        assert opting.read(wrong) is None
    assert opting.link("other@example.vn") != link
    assert Opting("https://x.example", ()).link(EMAIL) is None


def test_a_new_key_leaves_the_old_links_and_choices(
    web: Web, database: Database[store.Document], notify_store: NotifyStore, clock: Clock
) -> None:
    anybody(web).post(page_of(web), data={"List-Unsubscribe": "One-Click"})
    rotated = make_web(database, clock, web.folder, opt_out_key=f"{OTHER_KEY} {KEY}")
    hear(rotated.table, [event(FILED, "d1", 1, clock(), personal=NO_ACCOUNT)])
    assert rows(notify_store) == []
    assert anybody(rotated).get(page_of(web)).status_code == 200
    both = Opting("https://motcua.thanhhoa.example", (OTHER_KEY, KEY))
    assert "checked" not in anybody(rotated).get(page_of(web)).text
    shown = anybody(rotated).get(page_of(web, of=both))
    assert shown.status_code == 200
    assert anybody(web).get(page_of(web, of=both)).status_code == 404


def test_one_click_stops_what_one_may_do_without(
    web: Web, notify_store: NotifyStore, clock: Clock, make_sender: Any, mailbox: Mailbox
) -> None:
    hear(web.table, [event(FILED, "d1", 1, clock(), personal=NO_ACCOUNT)])
    hear(web.table, [event(RECEIVED, "d1", 2, clock(), personal=NO_ACCOUNT)])
    templates = Templates("https://motcua.thanhhoa.example", choices=opting.link)
    make_sender(templates=templates).once(threading.Event())
    mails = {mail["Subject"]: mail for _, mail in mailbox.taken}
    filed, received = mails.pop("Đã nhận hồ sơ nộp trực tuyến"), next(iter(mails.values()))
    assert filed["List-Unsubscribe"] == f"<{opting.link(EMAIL)}>"
    assert filed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert received["List-Unsubscribe"] is None, "the law wants it told"
    for mail in (filed, received):
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part is not None
            assert str(opting.link(EMAIL)) in part.get_content()
    path = filed["List-Unsubscribe"].strip("<>").removeprefix("https://motcua.thanhhoa.example")
    for _ in range(2):
        assert anybody(web).post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    hear(web.table, [event(FILED, "d2", 1, clock(), personal=NO_ACCOUNT)])
    hear(web.table, [event(RECEIVED, "d2", 2, clock(), personal=NO_ACCOUNT)])
    assert [row["template"] for row in rows(notify_store, dossier="d2")] == ["received"]
    # Whoever has an account gets it in the portal all the same.
    hear(web.table, [event(FILED, "d3", 1, clock())])
    assert [row["channel"] for row in rows(notify_store, dossier="d3")] == ["portal"]
    kept = list(notify_store.people.opt_outs.collection.find())
    assert len(kept) == 1
    assert EMAIL not in repr(kept)


def test_looking_changes_nothing_and_the_form_chooses(web: Web, notify_store: NotifyStore, clock: Clock) -> None:
    page, client = page_of(web), anybody(web)
    shown = client.get(page)
    assert shown.status_code == 200
    groups = re.findall(r'name="nhan" value="(\w+)" checked', shown.text)
    assert groups == ["reception", "fee", "progress", "deadline", "result"]
    assert "<script" not in shown.text
    assert EMAIL not in shown.text
    assert notify_store.people.opt_outs.collection.find_one() is None
    saved = client.post(page, data={"chon": "1", "nhan": ["fee", "supplement", "x"]})
    assert re.findall(r'value="(\w+)" checked', saved.text) == ["fee"]
    assert "Đã ghi lựa chọn" in saved.text
    client.post(page, data={"chon": "1", "nhan": groups})
    hear(web.table, [event(FILED, "d1", 1, clock(), personal=NO_ACCOUNT)])
    assert [row["template"] for row in rows(notify_store)] == ["filed"]


@pytest.mark.parametrize("token", ["", "x", "0" * 72, "ộ" * 72, "<script>"])
def test_a_wrong_link_says_so_and_nothing_else(web: Web, notify_store: NotifyStore, token: str) -> None:
    client = anybody(web)
    for answer in (
        client.get("/thong-bao", query_string={"ma": token}),
        client.post("/thong-bao", query_string={"ma": token}, data={"List-Unsubscribe": "One-Click"}),
    ):
        assert answer.status_code == 404
        assert "Liên kết không đúng" in answer.text
        assert "<form" not in answer.text
    assert notify_store.people.opt_outs.collection.find_one() is None


def test_a_post_that_says_nothing_changes_nothing(web: Web, notify_store: NotifyStore) -> None:
    assert anybody(web).post(page_of(web)).status_code == 400
    assert anybody(web).post(page_of(web), data={"List-Unsubscribe": "Maybe"}).status_code == 400
    assert notify_store.people.opt_outs.collection.find_one() is None


def test_without_a_key_there_are_no_links(
    database: Database[store.Document], clock: Clock, web: Web, notify_store: NotifyStore
) -> None:
    plain = make_web(database, clock, web.folder, opt_out_key=None)
    hear(plain.table, [event(FILED, "d1", 1, clock(), personal=NO_ACCOUNT)])
    assert anybody(plain).get(page_of(web)).status_code == 404
    loaded = notify_store.messages.aggregates.load(rows(notify_store)[0]["_id"])
    assert loaded is not None
    rendered = Templates("https://motcua.thanhhoa.example").render(loaded.state)
    assert rendered.unsubscribe is None
    assert "thong-bao" not in rendered.text


@pytest.mark.parametrize(
    ("name", "value"), [("OPT_OUT_KEY", "short"), ("QUIET_SMS", "21:00"), ("SMS_SEGMENTS", "0"), ("QUIET_EMAIL", "x")]
)
def test_settings_that_are_wrong_are_named(name: str, value: str) -> None:
    given = {
        "MONGO_URL": "mongodb://127.0.0.1/x",
        "AMQP_URL": "amqp://127.0.0.1/x",
        "JWKS": "j",
        "SMTP_URL": "smtp://127.0.0.1",
        "MAIL_FROM": "a@x.vn",
    }
    assert NotifySettings.read({**given, "QUIET_SMS": ""}).quiet.keys() == {"chat"}
    with pytest.raises(SettingsError, match=name) as raised:
        NotifySettings.read({**given, name: value})
    assert "short" not in str(raised.value)
