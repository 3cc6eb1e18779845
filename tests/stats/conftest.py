"""stats on a real mongod, in a database of the test's own."""

import threading
from collections.abc import Callable, Iterator

import pytest

from chassis import service, store
from chassis.clock import system_clock
from chassis.service import Context
from stats.main import STATS
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.intake_server import IntakeServer
from tests.stats.making import at
from tests.support.databases import indexed_once
from tests.support.services import Clock, Running, Tokens


@pytest.fixture
def stats_url(mongo_url: str, emptied_prefix: str) -> str:
    return mongo_url.replace("/?", f"/{emptied_prefix}stats?")


@pytest.fixture
def new_store(stats_url: str) -> Iterator[Callable[[], StatsStore]]:
    """Another process's store, with connections of its own, on the same database."""
    opened: list[StatsStore] = []

    def new() -> StatsStore:
        made = StatsStore(store.connect(stats_url))
        opened.append(made)
        made.ensure_indexes()
        return made

    yield new
    for made in opened:
        made.database.client.close()


@pytest.fixture
def stats(new_store: Callable[[], StatsStore]) -> StatsStore:
    return new_store()


@pytest.fixture
def taking(stats: StatsStore) -> Taking:
    return Taking(stats, system_clock)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2024-11-20 10:00"))


@pytest.fixture
def make_context(stats_url: str, tokens: Tokens, clock: Clock) -> Iterator[Callable[[str], Context[StatsSettings]]]:
    """stats' context with intake at this URL; `amqp_url` leads nowhere."""
    opened: list[Context[StatsSettings]] = []

    def make(intake_url: str) -> Context[StatsSettings]:
        settings = StatsSettings(
            mongo_url=stats_url,
            amqp_url="amqp://127.0.0.1:1/none",
            jwks=tokens.jwks,
            intake_url=intake_url,
            intake_api_key="mc_the-key-of-stats",
            intake_timeout_seconds=1,
        )
        opened.append(Context(settings, store.connect(stats_url), store.Carrier(clock), clock))
        return opened[-1]

    yield make
    for context in opened:
        context.database.client.close()


@pytest.fixture
def serve(
    make_context: Callable[[str], Context[StatsSettings]], stats_url: str, tokens: Tokens, clock: Clock
) -> Callable[[str], Running]:
    """stats' web process, with intake at this URL."""

    def make(intake_url: str) -> Running:
        context = make_context(intake_url)
        parts = indexed_once(STATS.assemble(context), stats_url)
        return Running(
            service=STATS,
            url=stats_url,
            app=service.app_of(STATS, parts, context),
            parts=parts,
            database=context.database,
            clock=clock,
            tokens=tokens,
        )

    return make


@pytest.fixture
def served(serve: Callable[[str], Running]) -> Running:
    """stats' web process; intake is nowhere."""
    return serve("http://127.0.0.1:9")


@pytest.fixture
def intake_server() -> Iterator[IntakeServer]:
    """Intake over HTTP, without dossiers."""
    server = IntakeServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.silence.set()
    server.shutdown()
    thread.join()
    server.server_close()
