"""Fixtures: intake and workflow in the test's process on a real MongoDB, told of the small province of `catalogue`.

The databases and their indexes are made once for each test process; each test finds them empty but for the catalogue.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from intake.main import INTAKE
from tests.support import catalogue
from tests.support.databases import empty
from tests.support.services import Clock, Running, Tokens, database_url, running
from workflow.main import WORKFLOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def databases(mongo: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """What the names of this test process's databases begin with."""
    prefix = f"t{secrets.token_hex(6)}_"
    yield prefix
    for name in ("intake", "workflow", "still"):
        mongo.drop_database(prefix + name)


@pytest.fixture
def intake(
    mongo: MongoClient[dict[str, Any]], mongo_url: str, databases: str, tokens: Tokens, clock: Clock
) -> Iterator[Running]:
    empty(mongo, f"{databases}intake")
    with running(INTAKE, database_url(mongo_url, f"{databases}intake"), tokens, clock) as service:
        service.hear(catalogue.province())
        yield service


@pytest.fixture(scope="session")
def still(mongo_url: str, databases: str, tokens: Tokens) -> Iterator[Running]:
    """Intake for tests in which nothing is written, so that it need not be made anew. It has no dossier."""
    with running(INTAKE, database_url(mongo_url, f"{databases}still"), tokens, Clock()) as service:
        service.hear(catalogue.province())
        yield service


@pytest.fixture
def workflow(
    mongo: MongoClient[dict[str, Any]], mongo_url: str, databases: str, tokens: Tokens, clock: Clock
) -> Iterator[Running]:
    empty(mongo, f"{databases}workflow")
    with running(WORKFLOW, database_url(mongo_url, f"{databases}workflow"), tokens, clock) as service:
        service.hear(catalogue.province())
        yield service
