"""Fixtures that every folder of tests may use. Servers start when the first test asks, once for the whole run."""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo import MongoClient

from chassis import confined
from native.servers import Mongod, RabbitMQ
from tests.support.databases import close_connections, empty, indexes_asked_for_once, keep_connections
from tests.support.effort import THOROUGH, WHOLE
from tests.support.servers import Broker, SharedServers, ask, make_mongod, make_rabbitmq, scratch_folder

# A container's image often has it set. The tests start some hundred Python processes, and each would compile what it
# imports anew, for three seconds; pytest would rewrite every test file in each of its workers.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# An honest file may take here what none may take in a service: the machine may do much else.
confined.SECONDS = confined.WAIT_SECONDS = 240.0

TESTS = Path(__file__).parent
LONG = frozenset(
    {
        "chassis/test_consume.py",
        "chassis/test_outages.py",
        "chassis/test_service.py",
        "intake/test_files.py",
        "native/test_servers.py",
        "notify/test_sms.py",
        "notify/test_worker.py",
        "sample/test_course.py",
        "sample/test_reorganisation.py",
        "workflow/test_results.py",
        "workflow/test_signing.py",
    }
)
"""Files of a quarter of a minute and more."""

SERVERS = pytest.StashKey[SharedServers]()
ADDRESS = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist, the process that controls the others owns the servers.
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        config.stash[SERVERS] = SharedServers()
        config.stash[ADDRESS] = config.stash[SERVERS].address
    else:
        config.stash[ADDRESS] = worker["servers"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = node.config.stash[ADDRESS]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long comes first, whole systems before all: they mostly wait, and one process would be left alone
    with them at the end. See `effort` for what is left out."""
    items.sort(
        key=lambda item: (item.path.parent.name != "system", item.path.relative_to(TESTS).as_posix() not in LONG)
    )
    above = [name for name, runs in (("thorough", THOROUGH), ("whole", WHOLE)) if not runs]
    if above:
        left_out = [item for item in items if any(item.get_closest_marker(name) for name in above)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


# First, because another plugin's may raise (a warning at the very end), and the servers would be left running.
@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVERS in config.stash:
        config.stash[SERVERS].close()


@pytest.fixture(scope="session", autouse=True)
def _plain_log() -> None:
    """One line an event; structlog's own default draws an exception over a hundred lines, for a tenth of a second."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"])])


@pytest.fixture(scope="session")
def mongo_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A replica set of one that takes writes, without authentication. It is shared: use `database_prefix`."""
    url: str = ask(pytestconfig.stash[ADDRESS], "mongod")["url"]
    keep_connections(url)
    yield url
    close_connections()


@pytest.fixture(scope="session")
def mongo(mongo_url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_url, tz_aware=True) as client:
        yield client


@pytest.fixture
def database_prefix(mongo: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """What the names of this test's databases begin with; they are dropped after it."""
    prefix = f"t{secrets.token_hex(6)}_"
    yield prefix
    for name in mongo.list_database_names():
        if name.startswith(prefix):
            mongo.drop_database(name)


@pytest.fixture(scope="session")
def kept_prefix(mongo: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """What the names of databases begin with that this test process makes once and uses again, see
    `emptied_prefix`."""
    prefix = f"k{secrets.token_hex(6)}_"
    with indexes_asked_for_once(prefix):
        yield prefix
    for name in mongo.list_database_names():
        if name.startswith(prefix):
            mongo.drop_database(name)


@pytest.fixture
def emptied_prefix(mongo: MongoClient[dict[str, Any]], kept_prefix: str) -> str:
    """As `database_prefix`, for databases whose collections and indexes take longer to make than a test does: they
    are there from an earlier test, and empty."""
    for name in mongo.list_database_names():
        if name.startswith(kept_prefix):
            empty(mongo, name)
    return kept_prefix


@pytest.fixture
def amqp(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """This test's own virtual host on the shared broker. Do not stop that broker: take `own_rabbitmq`."""
    address = ask(pytestconfig.stash[ADDRESS], "rabbitmq")
    with Broker(address["amqp"], address["management"], address["password"]) as broker:
        yield broker


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder for servers of a test's own, removed after the test."""
    folder = scratch_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_mongod(server_folder: Path) -> Iterator[Mongod]:
    """A mongod that this test may stop, kill and start again."""
    mongod = make_mongod(server_folder)
    try:
        mongod.start()
        mongod.initiate()
        yield mongod
    finally:
        mongod.kill()


@pytest.fixture
def own_rabbitmq(server_folder: Path) -> Iterator[RabbitMQ]:
    """A broker that this test may stop, kill and start again. It takes 5 s to start."""
    rabbitmq = make_rabbitmq(server_folder)
    try:
        rabbitmq.start()
        yield rabbitmq
    finally:
        rabbitmq.kill()


@pytest.fixture
def own_amqp(own_rabbitmq: RabbitMQ) -> Iterator[Broker]:
    """A virtual host on `own_rabbitmq`."""
    with Broker(own_rabbitmq.amqp_port, own_rabbitmq.management_url, own_rabbitmq.password) as broker:
        yield broker
