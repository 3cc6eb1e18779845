"""notify over HTTP: who sees which message, and what an operator may do."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database

from chassis import keys, service, store
from chassis.consume import Subscription
from chassis.store import Change
from notify import consumer
from notify.domain import deliveries
from notify.domain.messages import Message
from notify.main import NOTIFY
from notify.routing import RULES
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.store.messages import Wanted
from notify.usecases.telling import Telling
from tests.notify.events import EMAIL, FILED, PERSON, RECEIVED, event
from tests.support.services import Clock, hear

PREFIX = "/api/notify/v1/messages"
READ, MANAGE = "messages.read", "messages.manage"
Client = Callable[..., FlaskClient]


@pytest.fixture
def app(notify_store: NotifyStore, database: Database[store.Document], clock: Clock, tmp_path: Path) -> Flask:
    keys.make_key_pair(tmp_path)
    settings = NotifySettings(
        mongo_url="mongodb://nowhere.invalid/none",
        amqp_url="amqp://nowhere.invalid/none",
        jwks=str(tmp_path / "jwks.json"),
        smtp_url="smtp://nowhere.invalid",
        mail_from="mot-cua@thanhhoa.example",
        public_url="https://motcua.thanhhoa.example",
    )
    context = service.Context(settings, database, store.Carrier(clock), clock)
    return service.app_of(NOTIFY, NOTIFY.assemble(context), context)


@pytest.fixture
def client(app: Flask, tmp_path: Path) -> Client:
    def of(subject: str, *scopes: str) -> FlaskClient:
        token = keys.mint_token(tmp_path / "jwt_private.jwk", subject=subject, name="", scopes=scopes)
        made = app.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return made

    return of


@pytest.fixture
def table(notify_store: NotifyStore, clock: Clock) -> list[Subscription]:
    return consumer.table(Telling(notify_store, clock, lambda: RULES, language="vi", max_age=timedelta(days=7)))


@pytest.fixture
def operator(client: Client) -> FlaskClient:
    return client("operator-1", READ, MANAGE)


@pytest.fixture
def hoa(client: Client) -> FlaskClient:
    return client(PERSON, READ)


def listed(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(PREFIX, query_string=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_people_see_their_own_with_what_it_says(table: list[Subscription], clock: Clock, hoa: FlaskClient) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock(), code="H56.01-261120-0001")])
    hear(table, [event(RECEIVED, "d2", 2, clock(), personal={"person": "person-tu", "email": "tu@x.vn"})])
    items = listed(hoa)
    assert {(item["dossier"], item["channel"], item["to"]) for item in items} == {
        ("d1", "email", EMAIL),
        ("d1", "portal", PERSON),
    }
    (portal,) = listed(hoa, channel="portal")
    assert portal["subject"] == "Hồ sơ H56.01-261120-0001 đã được tiếp nhận"
    assert "20/11/2026 08:30" in portal["text"]
    assert portal["state"] == "delivered"
    shown = hoa.get(f"{PREFIX}/{portal['id']}")
    assert shown.get_json() == {**portal, "receipt": None, "history": []}
    assert shown.headers["ETag"] == '"1"'


def test_nobody_sees_anothers(table: list[Subscription], clock: Clock, client: Client, operator: FlaskClient) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock())])
    stranger = client("person-tu", READ)
    assert listed(stranger) == []
    for item in listed(operator):
        answer = stranger.get(f"{PREFIX}/{item['id']}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "message_not_found")
        assert stranger.post(f"{PREFIX}/{item['id']}/read").status_code == 404


def test_somebody_without_an_account_is_nobodys_subject(
    table: list[Subscription], clock: Clock, client: Client
) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock(), personal={"person": None})])
    assert listed(client("None", READ)) == []


def test_operators_see_all_without_addresses_and_words(
    table: list[Subscription], clock: Clock, operator: FlaskClient
) -> None:
    hear(table, [event(RECEIVED, "d1", 2, clock()), event(FILED, "d2", 1, clock())])
    answer = operator.get(PREFIX)
    assert len(answer.get_json()["items"]) == 4
    for secret in (EMAIL, PERSON, "Nguyễn"):
        assert secret not in answer.text
    assert {item["to"] for item in answer.get_json()["items"]} == {"h***@example.vn", "p***"}
    (email,) = listed(operator, dossier="d1", channel="email", state="queued")
    assert (email["subject"], email["text"], email["attempts"]) == (None, None, 0)
    assert operator.get(f"{PREFIX}/{email['id']}").get_json()["to"] == EMAIL


def test_scopes(client: Client) -> None:
    nobody = client("x")
    assert nobody.get(PREFIX).status_code == 403
    assert nobody.get(f"{PREFIX}/m1").status_code == 403
    assert nobody.post(f"{PREFIX}/m1/read").status_code == 403
    assert client("x", READ).post(f"{PREFIX}/m1/retry", headers={"Idempotency-Key": "k"}).status_code == 403


def test_filters_and_pages(table: list[Subscription], clock: Clock, operator: FlaskClient) -> None:
    for n in range(7):
        hear(table, [event(FILED, f"d{n}", 1, clock())])
        clock.move(seconds=n % 2)
    assert {item["dossier"] for item in listed(operator, dossier="d3")} == {"d3"}
    assert {item["channel"] for item in listed(operator, state="delivered")} == {"portal"}
    assert listed(operator, state="failed") == []
    everything = listed(operator)
    assert len(everything) == 14
    assert [item["created_at"] for item in everything] == sorted((i["created_at"] for i in everything), reverse=True)
    pages: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = operator.get(PREFIX, query_string={"limit": 3, **({"cursor": cursor} if cursor else {})}).get_json()
        assert len(page["items"]) <= 3
        pages += page["items"]
        cursor = page["next"]
    assert pages == everything


@pytest.mark.parametrize("query", [{"state": "lost"}, {"channel": "pigeon"}, {"cursor": "x"}, {"limit": 0}, {"q": "x"}])
def test_a_wrong_query_is_named(operator: FlaskClient, query: dict[str, Any]) -> None:
    answer = operator.get(PREFIX, query_string=query)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == f"/{next(iter(query))}"


# -- sending again -----------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(table: list[Subscription], notify_store: NotifyStore, clock: Clock) -> str:
    """The id of an e-mail that was refused."""
    hear(table, [event(RECEIVED, "d1", 2, clock())])
    (loaded,) = notify_store.messages.rows("email").due(clock(), 10)
    taken = deliveries.take(loaded.state, "worker-1", clock() + timedelta(minutes=5))
    state = deliveries.refused(taken, clock(), "550 5.1.1 unknown")
    set_state(notify_store, state)
    return loaded.id


def set_state(notify_store: NotifyStore, state: Message) -> None:
    loaded = notify_store.messages.aggregates.load(state.id)
    assert loaded is not None
    assert notify_store.messages.aggregates.save([Change(loaded, state, (), state.created_at)]) == [True]


def retry(client: FlaskClient, id: str, **headers: str) -> Any:
    return client.post(
        f"{PREFIX}/{id}/retry", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_a_failed_message_is_sent_again(notify_store: NotifyStore, operator: FlaskClient, failed: str) -> None:
    answer = retry(operator, failed, Idempotency_Key="k1")
    assert answer.status_code == 200
    assert answer.get_json()["state"] == "queued"
    assert EMAIL not in answer.text
    history = operator.get(f"{PREFIX}/{failed}").get_json()["history"]
    assert [(attempt["outcome"], attempt["detail"]) for attempt in history] == [
        ("refused", "550 5.1.1 unknown"),
        ("requested", "operator-1"),
    ]
    loaded = notify_store.messages.aggregates.load(failed)
    assert loaded is not None
    assert loaded.state.next_at is not None


def test_a_repeated_request_gets_the_first_answer(
    notify_store: NotifyStore, operator: FlaskClient, failed: str
) -> None:
    first = retry(operator, failed, Idempotency_Key="k1")
    loaded = notify_store.messages.aggregates.load(failed)
    assert loaded is not None
    set_state(notify_store, deliveries.take(loaded.state, "worker-1", loaded.state.created_at))
    again = retry(operator, failed, Idempotency_Key="k1")
    assert (again.status_code, again.data, again.headers["ETag"]) == (200, first.data, first.headers["ETag"])
    other = retry(operator, failed, Idempotency_Key="k2")
    assert (other.status_code, other.get_json()["code"]) == (409, "message_not_retriable")


def test_a_retry_needs_a_key_or_the_version(operator: FlaskClient, failed: str) -> None:
    assert retry(operator, failed).status_code == 428
    assert retry(operator, failed, If_Match='"1"').status_code == 412
    etag = operator.get(f"{PREFIX}/{failed}").headers["ETag"]
    assert retry(operator, failed, If_Match=etag).status_code == 200


def test_what_was_delivered_is_not_sent_again(table: list[Subscription], clock: Clock, operator: FlaskClient) -> None:
    hear(table, [event(FILED, "d1", 1, clock())])
    (portal,) = listed(operator, channel="portal")
    assert retry(operator, portal["id"], Idempotency_Key="k1").status_code == 409
    assert retry(operator, "unheard-of", Idempotency_Key="k1").status_code == 404


def test_reading_is_noted_once(
    table: list[Subscription], clock: Clock, hoa: FlaskClient, operator: FlaskClient
) -> None:
    hear(table, [event(FILED, "d1", 1, clock())])
    (portal,) = listed(hoa, channel="portal")
    first = hoa.post(f"{PREFIX}/{portal['id']}/read").get_json()["read_at"]
    assert first is not None
    assert hoa.post(f"{PREFIX}/{portal['id']}/read").get_json()["read_at"] == first
    assert operator.post(f"{PREFIX}/{portal['id']}/read").status_code == 404
    (email,) = listed(hoa, channel="email")
    assert hoa.post(f"{PREFIX}/{email['id']}/read").get_json()["code"] == "message_not_in_portal"


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(person=PERSON),
        Wanted(dossier="d0"),
        Wanted(state="queued", dossier="d0"),
        Wanted(state="failed"),
        Wanted(channel="chat"),
    ],
)
def test_a_list_looks_at_little_more_than_it_shows(
    table: list[Subscription], notify_store: NotifyStore, clock: Clock, wanted: Wanted
) -> None:
    hear(table, [event(FILED, "d0", 1, clock())])
    others = {"person": "person-tu"}
    hear(table, [event(FILED, f"d{n}", 1, clock(), personal=others) for n in range(1, 200)])
    newest = [("created_at", -1), ("_id", -1)]
    found = notify_store.messages.aggregates.collection.find(wanted.condition()).sort(newest).limit(51)
    assert found.explain()["executionStats"]["totalDocsExamined"] <= 2
