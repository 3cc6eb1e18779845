"""The operator's tool: parked messages are listed, explained, replayed or discarded, and every act is on record."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from kombu.connection import Connection
from pymongo.database import Database

from chassis import keys, store, topology
from chassis.auth import Authenticator
from chassis.clock import system_clock
from chassis.errors import NotFound, Unavailable
from chassis.parked import ParkedMessages, explain
from chassis.parked_api import parked_routes
from chassis.publish import Message, Publisher
from chassis.web import Health, Router, application
from tests.chassis.toy import NAME, WHEN, Hands, outgoing_event
from tests.support.servers import Broker
from tests.support.waiting import until

MongoDB = Database[store.Document]


@pytest.fixture
def parked(amqp: Broker, database: MongoDB, clock: Hands) -> ParkedMessages:
    with Connection(amqp.url) as connection:
        topology.declare(connection.channel(), NAME, ["toy.#"])
    return ParkedMessages(amqp.url, NAME, database, clock)


@pytest.fixture
def park(amqp: Broker) -> Iterator[Callable[..., str]]:
    """Parks a message as a consumer does; gives the id that the operator sees."""
    publisher = Publisher(amqp.url)

    def park(body: str = outgoing_event().body, **headers: object) -> str:
        said = {"x-attempt": 5, "x-reason": "ValueError in hear", "x-parked-at": "2026-03-02T00:00:00+00:00", **headers}
        assert publisher.publish([Message(NAME, "parked", body, "message-1", said)]) == [True]
        return hashlib.sha256(body.encode()).hexdigest()[:24]

    yield park
    publisher.close()


def test_the_oldest_is_the_first_at_every_look(parked: ParkedMessages, park: Callable[..., str]) -> None:
    days = ("04", "02", "03", "05")
    ids = {day: park(f"body {day}", **{"x-parked-at": f"2026-03-{day}T00:00:00+00:00"}) for day in days}
    for _ in range(3):
        assert [found.id for found in parked.list()] == [ids[day] for day in sorted(days)]


def test_a_parked_message_is_explained_and_its_body_is_not_shown(
    parked: ParkedMessages, park: Callable[..., str]
) -> None:
    assert parked.list() == []
    id = park()
    [found] = parked.list()
    assert (found.id, found.type, found.event, found.subject) == (id, "toy.thing.made.v1", "toy.thing:t1:1", "t1")
    assert (found.reason, found.attempts, found.parked_at) == ("ValueError in hear", 5, "2026-03-02T00:00:00+00:00")
    assert found.size == len(outgoing_event().body.encode())
    assert "Đức" not in str(found)


def test_to_look_takes_nothing_away_however_often(
    parked: ParkedMessages, park: Callable[..., str], amqp: Broker
) -> None:
    ids = [park(outgoing_event(n).body) for n in range(1, 4)]
    for _ in range(25):
        assert [found.id for found in parked.list()] == ids
    assert [found.id for found in parked.list(2)] == ids[:2]
    until(lambda: amqp.queue_depth("toy.parked") == 3)


def test_a_replayed_message_is_in_the_input_queue_as_it_first_came(
    parked: ParkedMessages, park: Callable[..., str], amqp: Broker, database: MongoDB
) -> None:
    park(outgoing_event(1).body)
    id = park(outgoing_event(2).body, traceless="kept")
    park(outgoing_event(3).body)
    assert parked.replay(id, "operator").id == id
    with Connection(amqp.url) as connection:
        message = connection.channel().basic_get("toy.events", no_ack=True)
        assert message is not None
        assert message.body == outgoing_event(2).body
        assert message.properties["message_id"] == "message-1"
        assert message.properties["delivery_mode"] == 2
        assert message.properties["content_type"] == "application/cloudevents+json"
        assert {key for key in message.headers if not key.startswith("x-delivery")} == {"traceless"}
    assert [found.event for found in until(parked.list)] == ["toy.thing:t1:1", "toy.thing:t1:3"]
    [act] = database["parked_acts"].find()
    assert {key: act[key] for key in ("act", "by", "message", "event", "reason")} == {
        "act": "replay", "by": "operator", "message": id, "event": "toy.thing:t1:2", "reason": "ValueError in hear",
    }  # fmt: skip
    assert act["at"] == WHEN


def test_a_discarded_message_is_gone_and_the_act_is_not(
    parked: ParkedMessages, park: Callable[..., str], amqp: Broker, database: MongoDB
) -> None:
    first, second = park(outgoing_event(1).body), park(outgoing_event(2).body)
    assert parked.discard(second, "operator").id == second
    assert [found.id for found in parked.list()] == [first]
    assert amqp.queue_depth("toy.events") == 0
    assert [(act["act"], act["by"], act["message"]) for act in database["parked_acts"].find()] == [
        ("discard", "operator", second)
    ]


def test_an_unknown_id_is_not_found_and_nothing_is_on_record(
    parked: ParkedMessages, park: Callable[..., str], database: MongoDB
) -> None:
    park()
    for act in (parked.replay, parked.discard):
        with pytest.raises(NotFound):
            act("0" * 24, "operator")
    assert len(parked.list()) == 1
    assert database["parked_acts"].count_documents({}) == 0


def test_all_are_replayed_once_even_if_they_come_back_at_once(
    parked: ParkedMessages, park: Callable[..., str], amqp: Broker, database: MongoDB
) -> None:
    ids = [park(outgoing_event(n).body) for n in range(1, 6)]
    replayed = []
    for found in parked.replay_all("operator"):
        replayed.append(found.id)
        # As one does that is invalid still: the consumer parks it again.
        park(outgoing_event(len(replayed)).body)
    assert replayed == ids
    assert [found.id for found in parked.list()] == ids
    assert amqp.queue_depth("toy.events") == 5
    assert database["parked_acts"].count_documents({"act": "replay", "by": "operator"}) == 5


def test_an_act_that_cannot_be_recorded_is_not_done(
    parked: ParkedMessages, park: Callable[..., str], amqp: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = park()

    class Away:
        def insert_one(self, _: object) -> None:
            raise store.UNAVAILABLE[0]("away")

    monkeypatch.setattr(parked, "_acts", Away())
    for act in (parked.replay, parked.discard):
        with pytest.raises(store.UNAVAILABLE):
            act(id, "operator")
    assert [found.id for found in parked.list()] == [id]
    assert amqp.queue_depth("toy.events") == 0


def test_a_broker_that_is_away_is_unavailable(database: MongoDB, amqp: Broker) -> None:
    with pytest.raises(Unavailable):
        ParkedMessages("amqp://guest:guest@127.0.0.1:1/none", NAME, database, system_clock).list()
    with pytest.raises(Unavailable):  # no worker has ever run, so there is no queue
        ParkedMessages(amqp.url, "never", database, system_clock).list()


@pytest.mark.parametrize("body", [b"", b"\xff", b"5", b"null", b'{"type": 5}', b'{"id": {"a": 1}}', b"[" * 100_000])
def test_whatever_was_parked_is_explained(body: bytes) -> None:
    found = explain({}, body)
    assert (found.reason, found.attempts, found.size) == ("unknown", 0, len(body))
    assert all(value is None or isinstance(value, str) for value in (found.type, found.event, found.subject))


def test_a_message_that_killed_its_consumers_is_explained() -> None:
    assert "20 times" in explain({"x-death": [{"reason": "delivery_limit"}]}, b"{}").reason


# -- over HTTP ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(parked: ParkedMessages, tmp_path: Path) -> FlaskClient:
    keys.make_key_pair(tmp_path)
    router = Router(NAME, {"parked.manage": "Parked messages", "other": "Something else"})
    parked_routes(router, lambda: parked)
    app = application(
        router, Authenticator(str(tmp_path / "jwks.json"), None, issuer="motcua", audience="motcua"), system_clock,
        Health(lambda: (True, {}), {"version": "1"}), max_body_bytes=1000, unavailable=store.UNAVAILABLE,
    )  # fmt: skip
    client = app.test_client()
    token = keys.mint_token(tmp_path / "jwt_private.jwk", subject="op-1", name="", scopes=["parked.manage"])
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_operators_do_it_over_http_and_are_named(
    client: FlaskClient, park: Callable[..., str], database: MongoDB
) -> None:
    first, second = park(outgoing_event(1).body), park(outgoing_event(2).body)
    answer = client.get("/api/toy/v1/parked")
    assert (answer.status_code, answer.json["next"]) == (200, None)  # type: ignore[index]
    assert [item["id"] for item in json.loads(answer.data)["items"]] == [first, second]
    assert client.post(f"/api/toy/v1/parked/{first}/replay").status_code == 200
    assert client.post(f"/api/toy/v1/parked/{second}/discard").status_code == 200
    assert client.post(f"/api/toy/v1/parked/{second}/discard").status_code == 404
    assert {(act["act"], act["by"]) for act in database["parked_acts"].find()} == {
        ("replay", "op-1"), ("discard", "op-1"),
    }  # fmt: skip


def test_nobody_else_does(client: FlaskClient, tmp_path: Path) -> None:
    token = keys.mint_token(tmp_path / "jwt_private.jwk", subject="op-1", name="", scopes=["other"])
    for method, path in (("GET", ""), ("POST", "/x/replay"), ("POST", "/x/discard")):
        answer = client.open(f"/api/toy/v1/parked{path}", method=method, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403
