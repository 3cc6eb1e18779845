"""Catalog on a real MongoDB: its store, and its HTTP application with real tokens. It is 3 June 2024."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo.database import Database

from catalog.main import CATALOG, assemble
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore
from chassis import keys, store
from chassis.service import Context, app_of
from tests.catalog.callers import NOW, Api
from tests.support.databases import connected, disconnect, indexed_once


@pytest.fixture
def database_url(mongo_url: str, emptied_prefix: str) -> str:
    return mongo_url.replace("/?", f"/{emptied_prefix}catalog?")


@pytest.fixture
def database(database_url: str) -> Iterator[Database[store.Document]]:
    database = connected(database_url)
    yield database
    disconnect(database)


@pytest.fixture
def catalog_store(database: Database[store.Document]) -> CatalogStore:
    catalog_store = CatalogStore(database, store.Carrier(lambda: NOW))
    catalog_store.ensure_indexes()
    return catalog_store


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    keys.make_key_pair(folder)
    return folder


@pytest.fixture
def make_settings(database_url: str, key_folder: Path) -> Callable[[str], CatalogSettings]:
    def make(amqp_url: str) -> CatalogSettings:
        jwks = str(key_folder / "jwks.json")
        return CatalogSettings(mongo_url=database_url, amqp_url=amqp_url, jwks=jwks, subscribers=("catalog",))

    return make


@pytest.fixture
def mint(key_folder: Path) -> Callable[..., str]:
    def mint(*scopes: str) -> str:
        return keys.mint_token(key_folder / "jwt_private.jwk", subject="editor", name="Đỗ Thị Thu", scopes=scopes)

    return mint


@pytest.fixture
def api(
    database: Database[store.Document], make_settings: Callable[[str], CatalogSettings], mint: Callable[..., str]
) -> Api:
    settings = make_settings("amqp://nobody:x@127.0.0.1:1/nowhere")
    context = Context(settings, database, store.Carrier(lambda: NOW), lambda: NOW)
    return Api(
        app_of(CATALOG, indexed_once(assemble(context), settings.mongo_url), context).test_client(),
        mint("catalog.edit"),
    )
