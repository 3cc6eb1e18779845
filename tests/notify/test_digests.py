"""What may wait is gathered in one e-mail: nothing is lost, and nothing is told twice, whenever a worker dies."""

import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.store import Change, New
from notify import consumer
from notify.domain import digests
from notify.domain.preferences import Preferences
from notify.routing import RULES
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases.digests import Digests
from notify.usecases.telling import Manner, Telling
from tests.notify.events import EMAIL, EXTENDED, FILED, FINISHED, PERSON, RECEIVED, RESUMED, TYPES, event
from tests.notify.mail_server import Mailbox
from tests.notify.web import Web
from tests.support.services import Clock, hear

GO = threading.Event()
templates = Templates("https://motcua.thanhhoa.example/")


class Killed(BaseException):
    """Where the worker died."""


def wish(notify_store: NotifyStore, person: str = PERSON, **wanted: Any) -> None:
    """The person's choice, in the place of the one before."""
    state = Preferences(id=person, **wanted)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    loaded = notify_store.people.preferences.load(person)
    if loaded is None:
        notify_store.people.preferences.add([New(person, state, (), at)])
    else:
        notify_store.people.preferences.save([Change(loaded, state, (), at)])


def emails(notify_store: NotifyStore, **wanted: Any) -> list[dict[str, Any]]:
    return list(notify_store.messages.aggregates.collection.find({"channel": "email", **wanted}, sort=[("_id", 1)]))


@pytest.fixture
def digest_loop(notify_store: NotifyStore, clock: Clock) -> Digests:
    return Digests(notify_store, templates, clock)


def test_a_days_messages_come_in_one_email(
    web: Web, notify_store: NotifyStore, clock: Clock, digest_loop: Digests, make_sender: Any, mailbox: Mailbox
) -> None:
    wish(notify_store, digest_hour=17)
    code = "H56.01-261120-0001"
    hear(web.table, [event(RECEIVED, "d1", 2, clock(), code=code)])
    hear(web.table, [event(FILED, "d2", 1, clock()), event(FINISHED, "d1", 7, clock(), code=code)])
    hear(web.table, [event(FILED, "d3", 1, clock(), personal={"person": "person-tu", "email": "tu@x.vn"})])
    gathered = emails(notify_store, state="gathered")
    assert {(row["dossier"], row["template"], row["to"]) for row in gathered} == {
        ("d1", "received", EMAIL),
        ("d2", "filed", EMAIL),
    }
    assert {row["next_at"] for row in gathered} == {clock() + timedelta(hours=8, minutes=30)}
    make_sender().once(GO)
    assert [(to, mail["Subject"]) for to, mail in sorted(mailbox.taken, key=lambda each: each[0])] == [
        (EMAIL, f"Hồ sơ {code} đã có kết quả"),
        ("tu@x.vn", "Đã nhận hồ sơ nộp trực tuyến"),
    ]
    digest_loop.once()
    assert emails(notify_store, template="digest") == []
    clock.now += timedelta(hours=8, minutes=30)
    digest_loop.once()
    digest_loop.once()
    make_sender().once(GO)
    make_sender().once(GO)
    assert len(mailbox.taken) == 3
    to, mail = mailbox.taken[-1]
    assert (to, mail["Subject"]) == (EMAIL, "Thông báo trong ngày về hồ sơ của Quý vị (2)")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "Kính gửi: Nguyễn Thị Hoa" in text
        assert f"Hồ sơ {code} đã được tiếp nhận" in text
        assert f"https://motcua.thanhhoa.example/tra-cuu?ma={code}" in text
        assert "https://motcua.thanhhoa.example/tra-cuu?ma=d2" in text
    assert [row["next_at"] for row in emails(notify_store, state="gathered")] == [None, None]
    (digest,) = emails(notify_store, template="digest")
    assert (digest["state"], digest["dossier"], digest["outbox"]) == ("sent", "", [])
    # What comes after that is the next day's.
    hear(web.table, [event(FILED, "d4", 1, clock())])
    (late,) = emails(notify_store, dossier="d4")
    assert (late["state"], late["next_at"]) == ("gathered", clock() + timedelta(days=1))


def test_each_message_names_its_digest_and_the_person_sees_it(
    web: Web, notify_store: NotifyStore, clock: Clock, digest_loop: Digests
) -> None:
    wish(notify_store, digest_hour=17, language="en")
    hear(web.table, [event(FILED, "d1", 1, clock())])
    (row,) = emails(notify_store)
    clock.now += timedelta(days=1)
    digest_loop.once()
    (digest,) = emails(notify_store, template="digest")
    assert (digest["_id"], digest["language"], digest["person"]) == (row["digest"], "en", PERSON)
    mine = web.client(PERSON, "messages.read", "messages.manage")
    items = {item["id"]: item for item in mine.get("/api/notify/v1/messages").get_json()["items"]}
    assert items[row["_id"]]["state"] == "gathered"
    assert items[digest["_id"]]["subject"] == "What happened to your dossiers today (1)"
    assert mine.post(f"/api/notify/v1/messages/{row['_id']}/retry", headers={"Idempotency-Key": "k"}).status_code == 409


@pytest.mark.parametrize("point", ["before", "after"])
def test_killed_between_the_digest_and_its_messages(
    web: Web,
    notify_store: NotifyStore,
    clock: Clock,
    digest_loop: Digests,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    wish(notify_store, digest_hour=17)
    hear(web.table, [event(FILED, f"d{n}", 1, clock()) for n in range(3)])
    clock.now += timedelta(hours=9)
    aggregates = notify_store.messages.aggregates

    def dies(*_: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        if point == "before":
            patched.setattr(aggregates, "add", dies)
        else:
            patched.setattr(aggregates, "save", dies)
        with pytest.raises(Killed):
            digest_loop.once()
    assert len(emails(notify_store, template="digest")) == (point == "after")
    # One more that is meant for the same digest, from a consumer that was slower.
    late = dict(emails(notify_store, dossier="d0")[0])
    aggregates.collection.insert_one({**late, "_id": "late", "dossier": "d9"})
    digest_loop.once()
    (digest,) = emails(notify_store, template="digest")
    held = {entry["id"] for entry in digest["params"]["entries"]}
    told = {row["_id"] for row in emails(notify_store, dossier={"$ne": ""})}
    alone = {row["_id"] for row in emails(notify_store, state="queued", dossier={"$ne": ""})}
    assert held | alone == told
    assert not held & alone
    assert alone == ({"late"} if point == "after" else set())
    assert digest_loop.once() is False


def test_two_workers_make_the_same_digest(
    web: Web, notify_store: NotifyStore, clock: Clock, digest_loop: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(notify_store, digest_hour=17)
    hear(web.table, [event(FILED, f"d{n}", 1, clock()) for n in range(3)])
    clock.now += timedelta(hours=9)
    messages = notify_store.messages
    found = messages.gathered_in(str(emails(notify_store)[0]["digest"]), 10)
    digest_loop.once()
    # The other one had read them before that.
    monkeypatch.setattr(messages, "gathered_until", lambda *_: found)
    monkeypatch.setattr(messages, "gathered_in", lambda *_: found)
    digest_loop.once()
    assert len(emails(notify_store, template="digest")) == 1
    assert [row["state"] for row in emails(notify_store, dossier={"$ne": ""})] == ["gathered"] * 3
    assert {row["next_at"] for row in emails(notify_store, dossier={"$ne": ""})} == {None}


def test_more_than_a_digest_holds_goes_by_itself(
    web: Web, notify_store: NotifyStore, clock: Clock, digest_loop: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MOST", 2)
    wish(notify_store, digest_hour=17)
    hear(web.table, [event(FILED, f"d{n}", 1, clock()) for n in range(5)])
    clock.now += timedelta(hours=9)
    digest_loop.once()
    (digest,) = emails(notify_store, template="digest")
    assert len(digest["params"]["entries"]) == 2
    assert len(emails(notify_store, state="queued", template="filed")) == 3


def test_the_store_finds_what_is_due_by_an_index(web: Web, notify_store: NotifyStore, clock: Clock) -> None:
    wish(notify_store, digest_hour=17)
    hear(web.table, [event(FILED, f"d{n}", 1, clock()) for n in range(30)])
    assert notify_store.messages.gathered_until(clock(), 10) == []
    assert len(notify_store.messages.gathered_until(clock() + timedelta(days=1), 10)) == 10
    indexes = notify_store.messages.aggregates.collection.index_information()
    assert {"gathered_due", "gathered_in"} <= indexes.keys()


# -- at most once per event, person and channel ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(2, 30))])
def test_at_most_once_whatever_people_choose_meanwhile(
    notify_store: NotifyStore, clock: Clock, digest_loop: Digests, seed: int
) -> None:
    """Events come again and again while their person changes address, channels and digest, and digests are made."""
    chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    telling = Telling(
        notify_store,
        clock,
        lambda: RULES,
        language="vi",
        max_age=timedelta(days=30),
        manner=Manner(address_ids=lambda address: [address]),
    )
    table = consumer.table(telling)
    bodies = [event(kind, f"d{n}", 10 + TYPES.index(kind), clock()) for n in range(3) for kind in TYPES]
    hear(table, [event(RECEIVED, f"d{n}", 2, clock()) for n in range(3)])
    before = {row["_id"] for row in notify_store.messages.aggregates.collection.find()}
    for _ in range(40):
        act = chance.random()
        if act < 0.3:
            off = {"result": ("email",), "progress": ("portal",)} if chance.random() < 0.5 else {}
            wish(
                notify_store,
                off=off,
                digest_hour=chance.choice([None, 8, 9]),
                email=chance.choice([None, "a@x.vn", "b@x.vn"]),
                phone=chance.choice([None, "+84912345678"]),
            )
        elif act < 0.4:
            clock.now += timedelta(minutes=20)
            digest_loop.once()
        else:
            hear(table, chance.choices(bodies, k=7))
    hear(table, bodies)
    clock.now += timedelta(days=2)
    digest_loop.once()
    rows = list(notify_store.messages.aggregates.collection.find({"dossier": {"$ne": ""}}))
    counted: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row["_id"] not in before:
            key = (row["event_type"], row["dossier"], row["channel"])
            counted[key] = counted.get(key, 0) + 1
    assert set(counted.values()) == {1}
    obliged = {rule.event_type for rule in RULES if rule.obligatory}
    assert {(kind, f"d{n}") for kind in obliged for n in range(3)} <= {key[:2] for key in counted}
    # Each e-mail goes by itself or in one digest, and no other way.
    held = [entry["id"] for row in emails(notify_store, template="digest") for entry in row["params"]["entries"]]
    assert len(set(held)) == len(held)
    assert {row["_id"] for row in rows if row["state"] == "gathered"} == set(held)
    assert {row["next_at"] for row in rows if row["state"] == "gathered"} <= {None}


def test_a_digest_that_fails_is_sent_again_by_an_operator(
    web: Web, notify_store: NotifyStore, clock: Clock, digest_loop: Digests, make_sender: Any, mailbox: Mailbox
) -> None:
    wish(notify_store, digest_hour=17)
    hear(
        web.table,
        [event(EXTENDED, "d1", 5, clock()), event(RECEIVED, "d1", 2, clock()), event(RESUMED, "d1", 6, clock())],
    )
    hear(web.table, [event(EXTENDED, "d1", 5, clock()), event(RESUMED, "d1", 6, clock())])
    clock.now += timedelta(hours=9)
    digest_loop.once()
    mailbox.answers = {EMAIL: ["550 5.1.1 unknown"]}
    make_sender().once(GO)
    (digest,) = emails(notify_store, template="digest")
    assert (digest["state"], digest["outbox"]) == ("failed", [])
    mailbox.answers = {}
    operator = web.client("operator-1", "messages.read", "messages.manage")
    answer = operator.post(f"/api/notify/v1/messages/{digest['_id']}/retry", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    make_sender().once(GO)
    assert [mail["Subject"] for _, mail in mailbox.taken] == ["Thông báo trong ngày về hồ sơ của Quý vị (3)"]
