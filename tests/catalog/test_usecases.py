"""Publishing, withdrawing and changing, on a real MongoDB."""

import json
import threading
from datetime import date
from typing import Any

import pytest

from catalog import domain
from catalog.queries import Queries
from catalog.store import CatalogStore
from catalog.usecases import PublishedMeanwhile, UseCases
from chassis.errors import Invalid, KeyReused, Stale
from chassis.web import Answer
from tests.catalog.callers import call
from tests.catalog.making import agency, calendar, procedure


@pytest.fixture
def use(catalog_store: CatalogStore) -> UseCases:
    return UseCases(catalog_store)


def told(catalog_store: CatalogStore, kind: str) -> list[tuple[str, int, str]]:
    """(type, sequence, id) of every event in the outboxes of a collection."""
    documents = getattr(catalog_store, kind).collection.find({}, {"outbox": 1})
    bodies = [json.loads(entry["body"]) for document in documents for entry in document["outbox"]]
    return sorted((each["type"], each["sequence"], each["id"]) for each in bodies)


def test_publishing_again_leaves_the_first_version_as_it_was(use: UseCases, catalog_store: CatalogStore) -> None:
    code = procedure().code
    assert use.publish(call("a"), procedure()).status == 201
    before = catalog_store.procedures.collection.find_one({"_id": f"{code}/1"})
    second = use.publish(call(match=1), procedure(name="Tên mới", valid_from=date(2024, 1, 1)))
    assert (second.status, second.version) == (200, 2)
    assert catalog_store.procedures.collection.find_one({"_id": f"{code}/1"}) == before


def test_each_version_and_withdrawal_is_one_event_of_the_procedure(use: UseCases, catalog_store: CatalogStore) -> None:
    use.publish(call("a"), procedure())
    use.publish(call("b"), procedure(valid_from=date(2024, 1, 1)))
    use.withdraw(call("c"), procedure().code, date(2024, 5, 1), "QĐ 12")
    assert told(catalog_store, "procedures") == [
        ("catalog.procedure.published.v1", 1, "catalog.procedure:1.012784:1"),
        ("catalog.procedure.published.v1", 2, "catalog.procedure:1.012784:2"),
        ("catalog.procedure.withdrawn.v1", 3, "catalog.procedure:1.012784:3"),
    ]


def test_a_repeated_key_gets_its_first_answer_even_after_others_published(use: UseCases) -> None:
    first = use.publish(call("a"), procedure())
    use.publish(call("b"), procedure(valid_from=date(2024, 1, 1)))
    again = use.publish(call("a"), procedure())
    assert (again.text(), again.status, again.version) == (first.text(), 201, 1)
    with pytest.raises(KeyReused):
        use.publish(call("a", body="another"), procedure())


def test_a_repeated_withdrawal_gets_its_first_answer(use: UseCases) -> None:
    use.publish(call("a"), procedure())
    first = use.withdraw(call("b"), procedure().code, date(2024, 5, 1), "QĐ 12")
    assert use.withdraw(call("b"), procedure().code, date(2024, 5, 1), "QĐ 12").text() == first.text()
    with pytest.raises(domain.AlreadyWithdrawn):
        use.withdraw(call("c"), procedure().code, date(2024, 5, 1), "QĐ 12")


def test_a_stale_match_is_refused(use: UseCases) -> None:
    with pytest.raises(Stale):
        use.publish(call(match=1), procedure())
    use.publish(call(match=0), procedure())
    use.publish(call(match=1), procedure())
    with pytest.raises(Stale):
        use.publish(call(match=1), procedure())


def test_what_does_not_exist_is_not_withdrawn(use: UseCases) -> None:
    with pytest.raises(domain.ProcedureUnknown):
        use.withdraw(call("a"), "1.000001", date(2024, 5, 1), "QĐ 12")


def test_a_procedure_of_unknown_agencies_is_refused(use: UseCases, catalog_store: CatalogStore) -> None:
    with pytest.raises(Invalid):
        use.publish(call("a"), procedure(agencies=("H56.14",)))
    use.put_agency(call("b"), agency("H56.14"))
    assert use.publish(call("c"), procedure(agencies=("H56.14",))).status == 201


def at_once(*acts: Any) -> list[Any]:
    """What each act answered or raised, all started together."""
    gate = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(n: int) -> None:
        gate.wait()
        try:
            results[n] = acts[n]()
        except Exception as error:
            results[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_many_who_publish_the_next_version_at_once_one_does(use: UseCases, catalog_store: CatalogStore) -> None:
    use.publish(call("first"), procedure())
    results = at_once(*(lambda n=n: use.publish(call(f"k{n}", match=1), procedure(name=f"Bản {n}")) for n in range(8)))
    answers = [result for result in results if isinstance(result, Answer)]
    assert len(answers) == 1
    assert all(isinstance(result, Stale) for result in results if result is not answers[0])
    assert [entry.number for entry in catalog_store.histories([procedure().code])[procedure().code]] == [1, 2]


@pytest.mark.parametrize(("match", "error"), [(None, PublishedMeanwhile), (1, Stale)])
def test_the_loser_of_a_race_is_told(
    use: UseCases,
    catalog_store: CatalogStore,
    monkeypatch: pytest.MonkeyPatch,
    match: int | None,
    error: type[Exception],
) -> None:
    """The other one publishes between this one's reading and its writing."""
    use.publish(call("first"), procedure())
    add = catalog_store.procedures.add

    def add_after_the_other(items: Any) -> Any:
        monkeypatch.setattr(catalog_store.procedures, "add", add)
        use.publish(call("other"), procedure())
        return add(items)

    monkeypatch.setattr(catalog_store.procedures, "add", add_after_the_other)
    with pytest.raises(error):
        use.publish(call("late", match=match), procedure())


def test_the_same_key_at_once_publishes_once(use: UseCases, catalog_store: CatalogStore) -> None:
    results = at_once(*(lambda: use.publish(call("same"), procedure()) for _ in range(8)))
    assert {result.text() for result in results} == {results[0].text()}
    assert len(catalog_store.histories([procedure().code])[procedure().code]) == 1


def test_an_agency_is_made_then_changed(use: UseCases, catalog_store: CatalogStore) -> None:
    made = use.put_agency(call("a"), agency())
    changed = use.put_agency(call(match=1), agency(name="Tên mới"))
    assert [(made.status, made.version), (changed.status, changed.version)] == [(201, 1), (200, 2)]
    assert told(catalog_store, "agencies") == [
        ("catalog.agency.changed.v1", 1, "catalog.agency:H56.14:1"),
        ("catalog.agency.changed.v1", 2, "catalog.agency:H56.14:2"),
    ]
    with pytest.raises(Stale):
        use.put_agency(call(match=1), agency(name="Khác"))


def test_of_many_who_change_an_agency_at_once_one_does(use: UseCases, catalog_store: CatalogStore) -> None:
    use.put_agency(call("a"), agency())
    results = at_once(*(lambda n=n: use.put_agency(call(match=1), agency(name=f"Tên {n}")) for n in range(8)))
    answers = [result for result in results if isinstance(result, Answer)]
    assert [answer.version for answer in answers] == [2]
    assert all(isinstance(result, Stale) for result in results if result is not answers[0])
    assert len(told(catalog_store, "agencies")) == 2


def test_many_who_make_an_agency_at_once_follow_each_other(use: UseCases, catalog_store: CatalogStore) -> None:
    results = at_once(*(lambda n=n: use.put_agency(call(f"k{n}"), agency(name=f"Tên {n}")) for n in range(4)))
    assert sorted(result.version for result in results) == [1, 2, 3, 4]
    assert sorted(sequence for _, sequence, _ in told(catalog_store, "agencies")) == [1, 2, 3, 4]


def test_a_late_repetition_does_not_undo_a_later_change(use: UseCases) -> None:
    first = use.put_agency(call("a"), agency(name="Cũ"))
    use.put_agency(call("b"), agency(name="Mới"))
    assert use.put_agency(call("a"), agency(name="Cũ")).text() == first.text()
    assert Queries(use.store).agency("H56.14", date(2024, 6, 3)).state.agency.name == "Mới"


def test_an_agency_that_does_not_fit_is_refused(use: UseCases) -> None:
    with pytest.raises(Invalid) as refused:
        use.put_agency(call("a"), agency(parent="H56"))
    assert [error.pointer for error in refused.value.errors] == ["/parent"]


def test_a_calendar_is_made_then_changed(use: UseCases, catalog_store: CatalogStore) -> None:
    assert use.put_calendar(call("a"), calendar(), dry_run=False).status == 201
    assert use.put_calendar(call(match=1), calendar(decision="Thông báo 13/TB"), dry_run=False).version == 2
    assert [event_id for *_, event_id in told(catalog_store, "calendars")] == [
        "catalog.calendar:2026:1",
        "catalog.calendar:2026:2",
    ]
    with pytest.raises(Invalid):
        use.put_calendar(call("b"), calendar(decision=" "), dry_run=False)
