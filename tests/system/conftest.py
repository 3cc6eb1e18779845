"""The whole system, as real processes, on servers of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from native.ports import free_port
from native.servers import Mongod, RabbitMQ
from tests.support.servers import Broker, make_mongod, make_rabbitmq, scratch_folder
from tests.support.system import System, running


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = scratch_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def mongod(folder: Path) -> Iterator[Mongod]:
    with make_mongod(folder) as mongod:
        mongod.initiate()
        yield mongod


@pytest.fixture(scope="module")
def rabbitmq(folder: Path) -> Iterator[RabbitMQ]:
    rabbitmq = make_rabbitmq(folder)
    try:
        rabbitmq.start()
        yield rabbitmq
    finally:
        rabbitmq.kill()


@pytest.fixture(scope="module")
def smtp_port() -> Iterator[int]:
    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


@pytest.fixture(scope="module")
def system(folder: Path, mongod: Mongod, rabbitmq: RabbitMQ, smtp_port: int) -> Iterator[System]:
    with (
        Broker(rabbitmq.amqp_port, rabbitmq.management_url, rabbitmq.password) as broker,
        running(System(folder, mongod.url, "motcua_", broker, smtp_port)) as system,
    ):
        yield system
