"""The names on RabbitMQ, and that a service with no more than its own rights can declare and ask what it must."""

import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from amqp.exceptions import AccessRefused
from kombu.connection import Connection

from chassis import provision, topology
from tests.support.servers import Broker
from tests.support.waiting import until


@pytest.fixture
def users(amqp: Broker) -> Iterator[Callable[[str], str]]:
    """Makes users with exactly the rights that `provision` gives a service; they are gone after the test."""
    made: list[str] = []

    class Api(provision.Management):
        def __init__(self) -> None:
            self.rights: dict[str, str] = {}

        def get(self, _path: str) -> None:
            return None

        def put(self, path: str, body: object) -> None:
            kind, _, service = path.partition("/")
            service = service.rpartition("/")[2]
            if kind == "users":
                amqp.management.put("users", names[service], password="x", tags="")
            else:
                assert isinstance(body, dict)
                amqp.management.put(kind, amqp.vhost, names[service], **body)

    names: dict[str, str] = {}

    def make(service: str) -> str:
        names[service] = f"{service}-{secrets.token_hex(4)}"
        made.append(names[service])
        provision._rabbitmq_user(Api(), "any", service, "x", lambda _: None)
        return re.sub(r"//.*?@", f"//{names[service]}:x@", amqp.url)

    yield make
    for name in made:
        amqp.management.delete("users", name)


def test_the_rights_of_a_service_are_enough(users: Callable[[str], str], amqp: Broker) -> None:
    with Connection(users("intake")) as connection:
        for _ in range(2):
            topology.declare(connection.channel(), "intake", ["catalog.procedure.published.v1", "workflow.#"])
    assert amqp.queues() == [
        "intake.events", "intake.parked", "intake.retry.1h", "intake.retry.30s", "intake.retry.5m", "intake.retry.5s",
    ]  # fmt: skip
    bindings = amqp.management.get("bindings", amqp.vhost)
    assert {(b["source"], b["routing_key"], b["destination"]) for b in bindings if b["source"]} == {
        ("motcua.events", "catalog.procedure.published", "intake.events"),
        ("motcua.events", "workflow.#", "intake.events"),
        ("intake", "events", "intake.events"), ("intake", "parked", "intake.parked"),
        ("intake", "retry.5s", "intake.retry.5s"), ("intake", "retry.30s", "intake.retry.30s"),
        ("intake", "retry.5m", "intake.retry.5m"), ("intake", "retry.1h", "intake.retry.1h"),
    }  # fmt: skip


def test_a_service_sees_whether_anothers_queues_are_there(users: Callable[[str], str]) -> None:
    url = users("catalog")

    def missing(*services: str) -> str | None:
        with Connection(url) as connection:
            return topology.missing_subscriber(connection.channel(), services)

    assert missing() is None
    assert missing("stats") == "stats"
    with Connection(users("stats")) as connection:
        topology.declare(connection.channel(), "stats", ["catalog.#"])
    assert missing("stats") is None
    assert missing("stats", "notify") == "notify"


def test_a_service_has_the_right_that_rabbitmq_4_3_wants_for_an_answer(users: Callable[[str], str]) -> None:
    """The server that tests run on answers everybody. A newer one answers whoever may configure, write to or read the
    queue, and the least of these is to write, that is, to bind it."""
    url = users("catalog")
    with Connection(users("stats")) as connection:
        topology.declare(connection.channel(), "stats", ["catalog.#"])
    with Connection(url) as connection:
        connection.channel().queue_bind("stats.parked", topology.EVENTS, "nothing.like.it")


def test_the_rights_give_no_more(users: Callable[[str], str]) -> None:
    url = users("catalog")
    with Connection(users("stats")) as connection:
        topology.declare(connection.channel(), "stats", ["catalog.#"])
    for queue in ("stats.parked", "stats.events"):
        for act in ("basic_get", "queue_purge", "queue_delete", "basic_consume"):
            with Connection(url) as connection, pytest.raises(AccessRefused):
                getattr(connection.channel(), act)(queue)
    with Connection(url) as connection, pytest.raises(AccessRefused):
        connection.channel().queue_bind("stats.events", topology.EVENTS, "catalog.#")


def test_every_queue_is_a_quorum_queue_that_loses_nothing(amqp: Broker) -> None:
    with Connection(amqp.url) as connection:
        topology.declare(connection.channel(), "toy", ["toy.#"], single_active=True)
    back = {"x-queue-type": "quorum", "x-dead-letter-exchange": "toy", "x-dead-letter-strategy": "at-least-once"}
    back |= {"x-overflow": "reject-publish"}
    arguments = {q["name"]: q["arguments"] for q in amqp.management.get("queues", amqp.vhost)}
    assert arguments.pop("toy.events") == {
        **back, "x-dead-letter-routing-key": "parked", "x-single-active-consumer": True,
    }  # fmt: skip
    assert arguments.pop("toy.parked") == {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}
    assert arguments == {
        f"toy.retry.{step}": {**back, "x-dead-letter-routing-key": "events"} for step in topology.RETRY_STEPS
    }


def test_the_deployments_policies_fit_these_names(amqp: Broker) -> None:
    for name, (pattern, definition) in provision.POLICIES.items():
        amqp.set_policy(name, pattern, definition)
    with Connection(amqp.url) as connection:
        topology.declare(connection.channel(), "toy", ["toy.#"])

    wanted = {
        "toy.events": {"delivery-limit": 20}, "toy.parked": {}, "toy.retry.5s": {"message-ttl": 5_000},
        "toy.retry.30s": {"message-ttl": 30_000}, "toy.retry.5m": {"message-ttl": 300_000},
        "toy.retry.1h": {"message-ttl": 3_600_000},
    }  # fmt: skip

    def in_force() -> bool:
        found = {q["name"]: q.get("effective_policy_definition") for q in amqp.management.get("queues", amqp.vhost)}
        # A queue is listed a moment before its policy is.
        return found == wanted

    until(in_force)
