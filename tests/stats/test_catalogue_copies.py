"""Stats' copies of what catalog publishes: learned once, and learned again from the archive."""

from datetime import date
from pathlib import Path
from typing import Any

from chassis.consume import Received
from chassis.envelope import read, read_data
from chassis.worktime import Calendar
from stats.cold import Export
from stats.inbound import READINGS
from stats.store import StatsStore
from stats.usecases.archives import Archiving
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from tests.stats.making import at, messages
from tests.stats.offering import agency, calendar, essential, fee, procedure, targets, withdrawal
from tests.support.samples import sample
from tests.support.services import Clock

DAY = at("2024-08-20 10:00")
MADE = [
    agency("H56.14", "Sở Tư pháp", "H56", level="province", inherited_levels=["commune"], valid_to="2030-01-01"),
    procedure("1.001193", "full", fees=[fee(valid_from="2024-07-01"), fee(0)], essential=["project06"]),
    withdrawal("1.001193", 2, "2026-01-01"),
    targets("H56.14", 2024, {"online_share": 82.5}, {"demand_online": 7}),
    essential("qd422", "01", "waiting"),
    calendar(2024, [("2024-01-01", "off"), ("2024-01-06", "working")]),
]
COPIES = ("agencies", "procedures", "targets", "essentials", "calendars")


def rows(stats: StatsStore) -> dict[str, list[Any]]:
    return {name: list(stats.database[name].find().sort("_id")) for name in COPIES}


def test_what_catalog_tells_is_kept_as_it_is_needed(stats: StatsStore) -> None:
    Taking(stats, lambda: DAY).take(messages(MADE))
    [department] = stats.agencies.all().values()
    assert (department.level, department.inherited_levels, department.valid_to) == (
        "province", ("commune",), date(2030, 1, 1)
    )  # fmt: skip
    first, second = stats.catalogue.procedures(None)
    assert (first.code, first.number, first.field, first.service_level) == ("1.001193", 1, "HOTICH", "full")
    assert [(each.valid_from, each.valid_to) for each in first.payable] == [(date(2024, 7, 1), None)]
    assert (second.number, second.withdrawn, second.valid_from) == (2, True, date(2026, 1, 1))
    [assigned] = stats.catalogue.targets([2024], ["H56.14"], None)
    assert (assigned.percents, assigned.demands) == ({"online_share": 82.5}, {"demand_online": 7})
    assert stats.catalogue.targets([2024], ["H56.15"], None) == stats.catalogue.targets([2023], None, None) == []
    [service] = stats.catalogue.essentials(None)
    assert (service.list, service.id, service.state, service.waiting_for) == ("qd422", "01", "waiting", "Bộ Tài chính")
    assert stats.catalogue.calendar() == Calendar(
        [(date(2024, 1, 1), "off"), (date(2024, 1, 6), "working")], [2024]
    )  # fmt: skip


def test_who_pays_nothing_online_cannot_pay_online(stats: StatsStore) -> None:
    Taking(stats, lambda: DAY).take(messages([procedure("1.001193", fees=[fee(50_000, online_amount=0)])]))
    [found] = stats.catalogue.procedures(None)
    assert found.payable == ()


def test_what_was_published_before_demands_were_is_read(stats: StatsStore) -> None:
    Taking(stats, lambda: DAY).take(messages([targets("H56", 2024, {"online_share": 80})]))
    assert stats.catalogue.targets([2024], None, None)[0].demands == {}


def test_it_is_known_since_the_day_on_which_it_first_came(stats: StatsStore) -> None:
    for day in ("2024-08-20 23:59", "2024-08-25 00:01"):
        Taking(stats, Clock(at(day))).take(messages(MADE))
    histories = ("procedures", "targets", "essentials")
    assert {row["known"] for name in histories for row in rows(stats)[name]} == {"2024-08-20"}
    assert stats.catalogue.procedures(date(2024, 8, 19)) == []
    assert len(stats.catalogue.procedures(date(2024, 8, 20))) == 2


def test_a_rebuild_learns_again_what_the_archive_holds(stats: StatsStore) -> None:
    Taking(stats, lambda: DAY).take(messages(MADE))
    learned = rows(stats)
    for name in COPIES:
        stats.database[name].delete_many({})
    Rebuilding(stats, Clock(at("2024-09-09 09:00"))).rebuild()
    assert rows(stats) == learned


def test_an_export_is_learned_too(stats: StatsStore, tmp_path: Path) -> None:
    clock = Clock(at("2024-09-09 09:00"))
    Taking(stats, lambda: DAY).take(messages(MADE))
    learned, export = rows(stats), Export(tmp_path)
    Archiving(stats, clock).export(date(2024, 9, 1), export, lambda _: None)
    for name in (*COPIES, "events"):
        stats.database[name].delete_many({})
    Rebuilding(stats, clock).rebuild_from(export)
    assert rows(stats) == learned


def test_the_contract_s_samples_are_learned(stats: StatsStore) -> None:
    kinds = [kind for kind in READINGS if kind.startswith("catalog.")]
    assert len(kinds) == 6
    events = [read(sample(kind)) for kind in kinds]
    Taking(stats, lambda: DAY).take([Received(each, read_data(READINGS[each.type], each.data)) for each in events])
    assert {name: len(found) for name, found in rows(stats).items()} == {
        "agencies": 1, "procedures": 2, "targets": 1, "essentials": 1, "calendars": 1
    }  # fmt: skip
