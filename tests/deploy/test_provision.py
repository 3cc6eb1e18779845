"""`provision` against a new broker and a new mongod that demands authentication; what each service may do then."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
import requests
from kombu.connection import Connection
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker, ProbableAuthenticationError
from pymongo import ASCENDING, MongoClient
from pymongo.errors import OperationFailure

from chassis import SERVICES, provision, secrets, topology
from chassis.settings import with_password
from native.ports import free_port
from native.servers import Mongod, RabbitMQ
from tests.support.servers import scratch_folder
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("provision")

Document = dict[str, Any]
ACCESS_REFUSED = 403
UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18


@dataclass
class Deployment:
    """Two servers as `provision` left them, and what it said the first time."""

    settings: provision.ProvisionSettings
    amqp_port: int
    first: list[str]

    def provision(self) -> list[str]:
        said: list[str] = []
        provision.provision(self.settings, said.append, 30)
        return said

    def mongo(self, user: str, database: str) -> MongoClient[Document]:
        port = self.settings.replica_set_members[0].split(":")[1]
        return MongoClient(
            "127.0.0.1",
            int(port),
            username=user,
            password=self.settings.secret(f"mongo_{user}"),
            authSource=database,
            directConnection=True,
        )

    def amqp_url(self, user: str) -> str:
        return with_password(f"amqp://{user}@127.0.0.1:{self.amqp_port}/motcua", self.settings.secret(f"amqp_{user}"))

    def channel(self, user: str) -> "Channel":
        return Channel(self.amqp_url(user))

    def declare(self, user: str) -> None:
        """What the service declares itself, as the service does it and with the service's rights."""
        with Connection(self.amqp_url(user)) as connection:
            topology.declare(connection.default_channel, user, ["intake.#"])
            if user == topology.FEED_OWNER:
                topology.declare_feed(connection.default_channel)

    def management(self, user: str, path: str) -> requests.Response:
        url = urlsplit(self.settings.rabbitmq_admin_url)
        password = self.settings.secret(f"amqp_{user}")
        return requests.get(f"http://127.0.0.1:{url.port}/api/{path}", auth=(user, password), timeout=60)


class Channel:
    """A channel of a connection of its own."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))

    def __enter__(self) -> BlockingChannel:
        channel = self._connection.channel()
        channel.confirm_delivery()
        return channel

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    folder = scratch_folder()
    secrets.make_secrets(folder / "secrets")
    amqp_port, management_port, mongo_port = free_port(), free_port(), free_port()
    settings = provision.ProvisionSettings.read(
        {
            "MONGO_ADMIN_URL": f"mongodb://admin@127.0.0.1:{mongo_port}/?authSource=admin&directConnection=true",
            "REPLICA_SET_MEMBERS": f"127.0.0.1:{mongo_port}",
            "RABBITMQ_ADMIN_URL": f"http://admin@127.0.0.1:{management_port}",
            "SECRETS_DIR": str(folder / "secrets"),
        }
    )
    mongod = Mongod(folder / "mongo", mongo_port, folder / "secrets" / "mongo_keyfile", oplog_mb=100)
    password = settings.secret("amqp_admin")
    rabbitmq = RabbitMQ(
        folder / "rabbitmq",
        amqp_port,
        management_port,
        free_port(),
        f"provision-{amqp_port}@localhost",
        password=password,
        settings={"rabbit.collect_statistics_interval": 500, "rabbit.quorum_tick_interval": 500},
    )
    try:
        with mongod, rabbitmq:
            deployment = Deployment(settings, amqp_port, [])
            deployment.first = deployment.provision()
            for service in SERVICES:
                deployment.declare(service)
            yield deployment
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def refused(act: Callable[[BlockingChannel], object], channel: BlockingChannel) -> None:
    with pytest.raises(ChannelClosedByBroker) as error:
        act(channel)
    assert error.value.reply_code == ACCESS_REFUSED


def test_new_servers_are_made_ready_and_a_second_time_nothing_changes(deployment: Deployment) -> None:
    assert len(deployment.first) == 32
    assert deployment.first[:2] == [
        f"mongodb: initiated the replica set rs0 of {deployment.settings.replica_set_members[0]}",
        "mongodb: made the administrator admin",
    ]
    assert deployment.provision() == []


# -- MongoDB: each service in its own database -------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_does_all_its_work_in_its_own_database(deployment: Deployment, service: str) -> None:
    with deployment.mongo(service, f"motcua_{service}") as client:
        database = client[f"motcua_{service}"]
        database.things.create_index([("at", ASCENDING)])
        with database.watch(max_await_time_ms=100) as stream:
            with client.start_session() as session, session.start_transaction():
                database.things.insert_one({"_id": 1}, session=session)
            assert stream.next()["documentKey"] == {"_id": 1}
        database.drop_collection("things")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_no_other_database(deployment: Deployment, service: str) -> None:
    acts: list[Callable[[MongoClient[Document], str], object]] = [
        lambda client, name: client[name].dossiers.find_one(),
        lambda client, name: client[name].dossiers.insert_one({}),
        lambda client, name: client[name].list_collection_names(),
        lambda client, name: client[name].command("dropDatabase"),
        lambda client, name: client[name].command("createUser", "me", pwd="x", roles=["readWrite"]),
    ]
    others = [f"motcua_{other}" for other in SERVICES if other != service]
    with deployment.mongo(service, f"motcua_{service}") as client:
        for name in (*others, "admin", "local", "config"):
            for act in acts:
                with pytest.raises(OperationFailure) as error:
                    act(client, name)
                assert error.value.code == UNAUTHORIZED
        assert {entry["name"] for entry in client.list_databases()} <= {f"motcua_{service}"}


def test_a_service_cannot_change_its_own_rights(deployment: Deployment) -> None:
    with deployment.mongo("intake", "motcua_intake") as client, pytest.raises(OperationFailure) as error:
        client["motcua_intake"].command("grantRolesToUser", "intake", roles=[{"role": "read", "db": "motcua_stats"}])
    assert error.value.code == UNAUTHORIZED


def test_nobody_gets_in_without_a_password(deployment: Deployment) -> None:
    with MongoClient[Document](
        f"mongodb://{deployment.settings.replica_set_members[0]}", directConnection=True
    ) as client:
        with pytest.raises(OperationFailure) as error:
            client["motcua_intake"].dossiers.find_one()
        assert error.value.code == UNAUTHORIZED


# -- RabbitMQ: each service under its own name -------------------------------------------------------------------------


def test_an_event_reaches_the_services_that_asked_for_it(deployment: Deployment) -> None:
    with deployment.channel("stats") as channel:
        channel.queue_purge("stats.events")
    with deployment.channel("intake") as channel:
        channel.basic_publish("motcua.events", "intake.dossier.received", b"{}", mandatory=True)
    with deployment.channel("stats") as channel:
        method, _, body = channel.basic_get("stats.events", auto_ack=True)
        assert (method.routing_key, body) == ("intake.dossier.received", b"{}")


def test_a_service_publishes_to_no_queue_of_another(deployment: Deployment) -> None:
    # Through the default exchange a message would get into any queue.
    with deployment.channel("stats") as channel:
        refused(lambda c: c.basic_publish("", "intake.events", b"{}"), channel)
    with deployment.channel("stats") as channel:
        refused(lambda c: c.basic_publish("", "stats.events", b"{}"), channel)
    with deployment.channel("stats") as channel:
        refused(lambda c: c.basic_publish("intake", "events", b"{}"), channel)


@pytest.mark.parametrize("key", ["intake.dossier.received", "statsx.y", "stats", "", "xstats.y"])
def test_a_service_publishes_no_event_under_another_name(deployment: Deployment, key: str) -> None:
    with deployment.channel("stats") as channel:
        refused(lambda c: c.basic_publish("motcua.events", key, b"{}"), channel)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_events_and_retries_under_its_own_name(deployment: Deployment, service: str) -> None:
    with deployment.channel(service) as channel:
        channel.basic_publish("motcua.events", f"{service}.thing.happened", b"{}")
        channel.basic_publish(service, "parked", b"{}", mandatory=True)


def test_a_service_neither_reads_nor_changes_what_is_anothers(deployment: Deployment) -> None:
    acts: list[Callable[[BlockingChannel], object]] = [
        lambda c: c.basic_get("intake.events"),
        lambda c: c.basic_consume("intake.parked", lambda *_: None),
        lambda c: c.queue_purge("intake.events"),
        lambda c: c.queue_delete("intake.events"),
        lambda c: c.queue_bind("intake.events", "motcua.events", "stats.#"),
        lambda c: c.queue_bind("stats.events", "intake", "events"),
        lambda c: c.queue_declare("intake.other", durable=True),
        lambda c: c.queue_declare("anything", durable=True),
        lambda c: c.exchange_declare("motcua.other"),
        lambda c: c.exchange_delete("motcua.events"),
        lambda c: c.exchange_bind("stats", "intake", "events"),
    ]
    for act in acts:
        with deployment.channel("stats") as channel:
            refused(act, channel)


def test_stats_writes_the_feed_and_monitoring_systems_read_it(deployment: Deployment) -> None:
    with deployment.channel("stats") as channel:
        channel.basic_publish("stats", "feed", b"first", mandatory=True)
    with deployment.channel("monitor") as channel:
        channel.basic_qos(prefetch_count=10)
        arguments = {"x-stream-offset": "first"}
        method, _, body = next(channel.consume("motcua.feed", arguments=arguments, inactivity_timeout=60))
        assert (method is not None, body) == (True, b"first")
        # On 3.10 the connection of who leaves a stream ends.
        with suppress(AMQPError):
            channel.cancel()


def test_a_monitoring_system_reads_the_feed_and_nothing_else(deployment: Deployment) -> None:
    acts: list[Callable[[BlockingChannel], object]] = [
        lambda c: c.basic_get("stats.events"),
        lambda c: c.basic_consume("intake.parked", lambda *_: None),
        lambda c: c.basic_publish("stats", "feed", b"{}"),
        lambda c: c.basic_publish("", "motcua.feed", b"{}"),
        lambda c: c.basic_publish("motcua.events", "stats.counts", b"{}"),
        lambda c: c.queue_purge("stats.events"),
        lambda c: c.queue_delete("motcua.feed"),
        lambda c: c.queue_declare("monitor", durable=True),
        lambda c: c.queue_bind("motcua.feed", "motcua.events", "#"),
    ]
    for act in acts:
        with deployment.channel("monitor") as channel:
            refused(act, channel)


@pytest.mark.parametrize("service", [service for service in SERVICES if service != "stats"])
def test_no_other_service_touches_the_feed(deployment: Deployment, service: str) -> None:
    acts: list[Callable[[BlockingChannel], object]] = [
        lambda c: c.queue_bind("motcua.feed", service, "events"),
        lambda c: c.queue_delete("motcua.feed"),
        lambda c: c.basic_publish("stats", "feed", b"{}"),
        lambda c: c.basic_consume("motcua.feed", lambda *_: None),
    ]
    for act in acts:
        with deployment.channel(service) as channel:
            channel.basic_qos(prefetch_count=10)
            refused(act, channel)


def test_a_service_may_see_that_anothers_queue_is_there(deployment: Deployment) -> None:
    """A relay waits with publishing until every subscriber's queue is bound."""
    with deployment.channel("intake") as channel:
        channel.queue_declare("stats.parked", passive=True)


def test_a_service_does_not_manage_the_broker(deployment: Deployment) -> None:
    assert deployment.management("stats", "overview").status_code == 401
    assert deployment.management("admin", "overview").status_code == 200


def test_waits_and_limits_are_in_force(deployment: Deployment) -> None:
    wanted = {f"retry.{step}": {"message-ttl": ms} for step, ms in topology.RETRY_MILLISECONDS.items()}
    wanted |= {"events": {"delivery-limit": 20}, "parked": {}}
    expected: dict[str, object] = {
        f"{service}.{queue}": definition for service in SERVICES for queue, definition in wanted.items()
    }
    expected["motcua.feed"] = {"max-age": "90D", "max-length-bytes": 2_000_000_000}

    def in_force() -> dict[str, object]:
        queues = deployment.management("admin", "queues/motcua").json()
        return {queue["name"]: queue.get("effective_policy_definition") or {} for queue in queues}

    # The API tells what each queue last reported, which it does now and then.
    until(lambda: in_force() == expected, every=0.2)


# -- What differs is put right -----------------------------------------------------------------------------------------


def test_an_exchanged_password_is_applied(deployment: Deployment) -> None:
    for name in ("mongo_catalog", "amqp_catalog"):
        (deployment.settings.secrets / name).write_text("exchanged")
    assert deployment.provision() == [
        "mongodb: changed the password of catalog in motcua_catalog",
        "rabbitmq: changed the password or tags of catalog",
    ]
    with deployment.mongo("catalog", "motcua_catalog") as client:
        client["motcua_catalog"].things.find_one()
    with deployment.channel("catalog"):
        pass
    # The running servers no longer take any other.
    for name in ("mongo_catalog", "amqp_catalog"):
        (deployment.settings.secrets / name).write_text("former")
    with deployment.mongo("catalog", "motcua_catalog") as client, pytest.raises(OperationFailure) as error:
        client["motcua_catalog"].things.find_one()
    assert error.value.code == AUTHENTICATION_FAILED
    with pytest.raises(ProbableAuthenticationError):
        deployment.channel("catalog")
    deployment.provision()


def test_rights_that_were_widened_are_narrowed_again(deployment: Deployment) -> None:
    settings = deployment.settings
    with deployment.mongo("admin", "admin") as client:
        wide = [{"role": "readWriteAnyDatabase", "db": "admin"}]
        client["motcua_stats"].command("updateUser", "stats", roles=wide)
    port = urlsplit(settings.rabbitmq_admin_url).port
    with provision.Management(f"http://127.0.0.1:{port}", "admin", settings.secret("amqp_admin")) as api:
        api.put("permissions/motcua/stats", {"configure": ".*", "write": ".*", "read": ".*"})
        api.put("topic-permissions/motcua/stats", {"exchange": "motcua.events", "write": ".*", "read": ".*"})
        api.put("policies/motcua/events", {"pattern": ".*", "definition": {"delivery-limit": 1}, "apply-to": "queues"})
        api.put("users/stats", {"password": settings.secret("amqp_stats"), "tags": "administrator"})
    assert deployment.provision() == [
        "mongodb: corrected the roles of stats in motcua_stats",
        "rabbitmq: set the policy events",
        "rabbitmq: changed the password or tags of stats",
        "rabbitmq: set the permissions of stats",
        "rabbitmq: set the topic permissions of stats",
    ]
    assert deployment.provision() == []


# -- What cannot be done is said in one line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "text", "said"),
    [
        ("mongo_admin", "wrong", "provision: mongodb: the secret mongo_admin is not the administrator's password\n"),
        ("amqp_admin", "wrong", "provision: rabbitmq: the secret amqp_admin is not the administrator's password\n"),
        ("amqp_notify", " \n", "provision: secret amqp_notify: is empty\n"),
        ("mongo_notify", None, "provision: secret mongo_notify: No such file or directory\n"),
    ],
)
def test_a_wrong_secret_is_named(
    deployment: Deployment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secret: str,
    text: str | None,
    said: str,
) -> None:
    copied = shutil.copytree(deployment.settings.secrets, tmp_path / "secrets")
    (copied / secret).unlink()
    if text is not None:
        (copied / secret).write_text(text)
    _environment(monkeypatch, deployment.settings, copied)
    assert provision.main([]) == 1
    assert capsys.readouterr().err == said


def test_a_replica_set_of_other_members_is_left_alone(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _environment(monkeypatch, deployment.settings, deployment.settings.secrets)
    monkeypatch.setenv("REPLICA_SET_MEMBERS", "elsewhere:27017")
    assert provision.main([]) == 1
    assert "correct REPLICA_SET_MEMBERS" in capsys.readouterr().err


def test_servers_that_do_not_answer_are_given_up_at_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.make_secrets(tmp_path)
    monkeypatch.setenv("MONGO_ADMIN_URL", f"mongodb://admin@127.0.0.1:{free_port()}/?authSource=admin")
    monkeypatch.setenv("REPLICA_SET_MEMBERS", "127.0.0.1:1")
    monkeypatch.setenv("RABBITMQ_ADMIN_URL", f"http://admin@127.0.0.1:{free_port()}")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    assert provision.main(["--deadline", "0.1"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("provision: mongodb: ")
    assert "Connection refused" in said
    assert said.count("\n") == 1
    with pytest.raises(provision.ProvisionError, match="does not answer"):
        provision.provision_rabbitmq(provision.ProvisionSettings.read(), print, 0.1)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MONGO_ADMIN_URL", None, "cannot start: MONGO_ADMIN_URL: is missing\n"),
        ("MONGO_ADMIN_URL", "mongodb://127.0.0.1", "cannot start: MONGO_ADMIN_URL: must be mongodb://USER@HOST…\n"),
        ("RABBITMQ_ADMIN_URL", "admin@rabbitmq", "cannot start: RABBITMQ_ADMIN_URL: must be http://USER@HOST…\n"),
        ("SECRETS_DIR", None, "cannot start: SECRETS_DIR: is missing\n"),
    ],
)
def test_a_setting_that_is_missing_or_malformed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str | None, said: str
) -> None:
    monkeypatch.setenv("MONGO_ADMIN_URL", "mongodb://admin@127.0.0.1:1/")
    monkeypatch.setenv("RABBITMQ_ADMIN_URL", "http://admin@127.0.0.1:1")
    monkeypatch.setenv("REPLICA_SET_MEMBERS", "127.0.0.1:1")
    monkeypatch.setenv("SECRETS_DIR", os.devnull)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert provision.main([]) == 78
    assert capsys.readouterr().err == said


def _environment(monkeypatch: pytest.MonkeyPatch, settings: provision.ProvisionSettings, secrets_dir: Path) -> None:
    monkeypatch.setenv("MONGO_ADMIN_URL", settings.mongo_admin_url)
    monkeypatch.setenv("REPLICA_SET_MEMBERS", ",".join(settings.replica_set_members))
    monkeypatch.setenv("RABBITMQ_ADMIN_URL", settings.rabbitmq_admin_url)
    monkeypatch.setenv("SECRETS_DIR", str(secrets_dir))
