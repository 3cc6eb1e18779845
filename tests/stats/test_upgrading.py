"""A store that the version before transactions wrote: the worker brings it into this version's form as it starts."""

from stats.store import StatsStore
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from tests.stats.making import at, cells_of, many, messages, naive_cells
from tests.support.services import Clock

LIVES = many(12, at("2024-06-10 08:00"), 60, ("H56.14", "H56.15"), ("1.001193", "1.012784"))


def as_it_was(stats: StatsStore) -> None:
    """Its archive told no days, its log neither days nor changes, and its projection was of other collections."""
    stats.archive.events.update_many({}, {"$unset": {"known": ""}})
    named = ("known", "generation", "agencies", "since", "deltas")
    stats.log.rows.update_many({}, {"$unset": dict.fromkeys(named, "")})
    current = stats.current()
    for name in stats.database.list_collection_names():
        if name.endswith(f"_{current.generation}"):
            stats.database[name].delete_many({})
    current.facts.insert_one({"_id": "H56.14-x", "said": {}, "cell": "H56.14|"})


def test_nothing_is_lost_and_it_is_done_once(stats: StatsStore, taking: Taking, clock: Clock) -> None:
    items = messages(made for life in LIVES for made in life.events())
    taking.take(items[: len(items) // 2])
    as_it_was(stats)
    rebuilding = Rebuilding(stats, clock)
    rebuilding.if_due()
    generation = stats.generation()
    assert generation > 0
    taking.take(items[len(items) // 2 :])
    assert cells_of(stats.current()) == naive_cells(LIVES)
    rebuilding.if_due()
    assert stats.generation() == generation


def test_whoever_dies_on_the_way_begins_again(stats: StatsStore, taking: Taking, clock: Clock) -> None:
    taking.take(messages(made for life in LIVES for made in life.events()))
    as_it_was(stats)
    assert stats.upgrading.begin(stats.generation())
    Rebuilding(stats, clock).if_due()
    assert cells_of(stats.current()) == naive_cells(LIVES)
    assert not stats.upgrading.begin(stats.generation())


def test_a_store_of_this_version_is_left_alone(stats: StatsStore, taking: Taking, clock: Clock) -> None:
    Rebuilding(stats, clock).if_due()
    taking.take(messages(made for life in LIVES for made in life.events()))
    Rebuilding(stats, clock).if_due()
    assert stats.generation() == 0
