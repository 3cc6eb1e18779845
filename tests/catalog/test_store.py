"""Catalog's queries use their indexes: they do not read the documents that they leave out."""

from typing import Any

import pytest
from pymongo.database import Database

from catalog.imports.schemas import ImportBody
from catalog.imports.usecases import Imports
from catalog.search.domain import Typed
from catalog.store import CatalogStore, Wanted
from chassis import store
from tests.catalog.callers import call
from tests.catalog.making import agency, item, procedure


@pytest.fixture
def filled(catalog_store: CatalogStore) -> CatalogStore:
    procedures = [
        item(procedure(code=f"1.{n:06}", local_code=None, name=f"Thủ tục số {n}", agencies=())) for n in range(30)
    ]
    agencies = [item(agency(f"H56.{n:02}")) for n in range(10)]
    body = ImportBody.model_validate({"procedures": procedures, "agencies": agencies})
    Imports(catalog_store).run(call("a"), body)
    return catalog_store


def examined(database: Database[store.Document], collection: str, **command: Any) -> int:
    """Documents that the server reads for it."""
    name, value = next(iter(command.items()))
    explained = database.command("explain", {name: collection, **value}, verbosity="executionStats")
    stats = explained.get("executionStats") or explained["stages"][0]["$cursor"]["executionStats"]
    found: int = stats["totalDocsExamined"]
    return found


def commands_of(filled: CatalogStore, act: Any, database: Database[store.Document]) -> list[int]:
    """Documents examined by each reading command that the act sends."""
    sent: list[tuple[str, dict[str, Any]]] = []
    collection_type = type(filled.procedures.collection)
    find, aggregate = collection_type.find, collection_type.aggregate
    with pytest.MonkeyPatch.context() as patch:

        def watched_find(self: Any, wanted: Any, fields: Any = None, **options: Any) -> Any:
            sent.append(("find", {"filter": wanted, "projection": fields or {}}))
            return find(self, wanted, fields, **options)

        def watched_aggregate(self: Any, pipeline: Any) -> Any:
            sent.append(("aggregate", {"pipeline": pipeline, "cursor": {}}))
            return aggregate(self, pipeline)

        patch.setattr(collection_type, "find", watched_find)
        patch.setattr(collection_type, "aggregate", watched_aggregate)
        act()
    return [examined(database, "procedures", **{name: value}) for name, value in sent]


def test_a_history_is_read_from_its_index(filled: CatalogStore, database: Database[store.Document]) -> None:
    assert commands_of(filled, lambda: filled.histories(["1.000001", "1.000002"]), database) == [0]
    assert commands_of(filled, lambda: filled.matching(Wanted(), "", 50), database) == [0]


def test_words_are_looked_up_in_their_index(filled: CatalogStore, database: Database[store.Document]) -> None:
    assert commands_of(filled, lambda: filled.matching(Wanted(typed=Typed.of("17")), "", 50), database) == [1]


def test_a_field_is_looked_up_in_its_index(filled: CatalogStore, database: Database[store.Document]) -> None:
    assert commands_of(filled, lambda: filled.matching(Wanted(field="KHAC"), "", 50), database) == [0]


def test_every_version_is_kept_under_its_number(filled: CatalogStore) -> None:
    changed = procedure(code="1.000007", local_code=None, name="Khác")
    for n in range(11):
        body = ImportBody.model_validate({"procedures": [item(changed) | {"name": f"Khác {n}"}]})
        Imports(filled).run(call(f"k{n}"), body)
    assert [entry.number for entry in filled.histories(["1.000007"])["1.000007"]] == list(range(1, 13))
    assert filled.latest(["1.000007"])["1.000007"].procedure.name == "Khác 10"
