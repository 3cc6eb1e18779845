"""The cold export: what it holds, what it vouches for, and that nothing leaves the archive that it does not hold."""

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chassis.service import Context
from stats.cold import Export, ExportInvalid
from stats.main import STATS
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.usecases.archives import Archiving, NotOver
from stats.usecases.events import Taking
from stats.usecases.rebuilds import SAYING, ArchiveIncomplete, Rebuilding
from tests.stats.making import PERSON, at, cells_of, many, messages, naive_cells
from tests.stats.test_sums import plain
from tests.support.services import Clock

LIVES = many(24, at("2024-06-10 08:00"), 60, ("H56.14", "H56.15"), ("1.001193", "1.012784"))


@pytest.fixture
def archive(stats: StatsStore, clock: Clock) -> StatsStore:
    """Each event became known when it happened."""
    taking = Taking(stats, clock)
    items = sorted(messages(made for life in LIVES for made in life.events()), key=lambda item: item.event.time)
    days: dict[date, list[Any]] = {}
    for item in items:
        days.setdefault(item.event.time.date(), []).append(item)
    for part in days.values():
        clock.now = part[-1].event.time
        taking.take(part)
    clock.now = at("2024-11-20 10:00")
    return stats


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


def exported(folder: Path) -> list[dict[str, Any]]:
    names = sorted(path.name for path in folder.glob("*.gz"))
    return [json.loads(line) for name in names for line in gzip.open(folder / name)]


def test_an_export_holds_every_event_of_its_days_once_and_vouches_for_it(
    archive: StatsStore, clock: Clock, folder: Path
) -> None:
    exporting = Archiving(archive, clock)
    count = exporting.export(date(2024, 7, 15), Export(folder), lambda _: None)
    kept = list(archive.archive.events.find({"known": {"$lte": "2024-07-15"}}))
    events = exported(folder)
    assert count == len(events) == len(kept) > 100
    assert {event["id"] for event in events} == {row["_id"] for row in kept}
    assert [event["known"] for event in events] == sorted(event["known"] for event in events)
    assert not [text for text in PERSON.values() if text in json.dumps(events, ensure_ascii=False)]
    names = ("id", "source", "type", "subject", "sequence", "data", "known")
    [first] = [row for row in kept if row["_id"] == events[0]["id"]]
    assert {name: events[0][name] for name in names} == {name: ({"id": first["_id"]} | first)[name] for name in names}
    assert (events[0]["specversion"], events[0]["time"]) == ("1.0", first["time"].isoformat())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [(file["since"], file["before"]) for file in manifest["files"]] == [
        ("2024-06-10", "2024-07-01"),
        ("2024-07-01", "2024-07-16"),
    ]
    for file in manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert file["events"] == len(gzip.decompress(content).splitlines())


def test_an_export_goes_on_where_it_ended(archive: StatsStore, clock: Clock, folder: Path, tmp_path: Path) -> None:
    exporting = Archiving(archive, clock)
    parts = [date(2024, 6, 20), date(2024, 7, 31), date(2024, 7, 31), date(2024, 11, 19)]
    counts = [exporting.export(until, Export(folder), lambda _: None) for until in parts]
    assert counts[2] == 0
    assert sum(counts) == len(exported(folder)) == archive.archive.events.count_documents({})
    exporting.export(parts[-1], Export(tmp_path / "whole"), lambda _: None)
    assert exported(tmp_path / "whole") == exported(folder)


def test_a_day_that_is_not_over_is_not_exported(archive: StatsStore, clock: Clock, folder: Path) -> None:
    with pytest.raises(NotOver):
        Archiving(archive, clock).export(date(2024, 11, 20), Export(folder), lambda _: None)
    assert not folder.exists()


def test_pruning_takes_only_what_is_exported_and_leaves_the_counts(
    archive: StatsStore, clock: Clock, folder: Path
) -> None:
    archiving, export = Archiving(archive, clock), Export(folder)
    archiving.export(date(2024, 8, 31), export, lambda _: None)
    everything = archive.archive.events.count_documents({})
    done = archiving.prune(date(2024, 7, 10), export, lambda _: None)
    assert done.left == 0
    assert done.removed == sum(event["known"] < "2024-07-10" for event in exported(folder)) > 50
    assert archive.archive.events.count_documents({}) == everything - done.removed
    assert min(event["known"] for event in exported(folder)) < "2024-07-10" <= str(archive.archive.first_day())
    assert cells_of(archive.current()) == naive_cells(LIVES)
    assert archiving.prune(date(2024, 7, 10), export, lambda _: None).removed == 0
    # The export goes on, and is the only one that can.
    archiving.export(date(2024, 9, 15), export, lambda _: None)
    with pytest.raises(ExportInvalid, match="earlier export"):
        archiving.export(date(2024, 9, 15), Export(folder / "other"), lambda _: None)


def test_what_the_export_does_not_hold_stays(archive: StatsStore, clock: Clock, folder: Path) -> None:
    archiving, export = Archiving(archive, clock), Export(folder)
    archiving.export(date(2024, 8, 31), export, lambda _: None)
    archive.archive.events.update_one({"known": "2024-07-01"}, {"$set": {"known": "2024-06-30"}})
    event = archive.archive.events.find_one({"known": "2024-06-30"})
    assert event is not None
    archive.archive.events.insert_one({**event, "_id": "unknown to the export"})
    assert archiving.prune(date(2024, 7, 10), export, lambda _: None).left == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [Path.unlink, _cut, _changed])
def test_an_export_that_is_not_what_it_was_is_refused(
    archive: StatsStore, clock: Clock, folder: Path, harm: Callable[[Path], object]
) -> None:
    archiving, export = Archiving(archive, clock), Export(folder)
    archiving.export(date(2024, 8, 31), export, lambda _: None)
    everything = archive.archive.events.count_documents({})
    harm(max(folder.glob("*.gz")))
    with pytest.raises(ExportInvalid, match="events-2024-08"):
        archiving.prune(date(2024, 6, 15), export, lambda _: None)
    assert archive.archive.events.count_documents({}) == everything
    assert archive.archive.pruned_before() is None
    with pytest.raises(ExportInvalid):
        Rebuilding(archive, clock).rebuild_from(export)
    assert archive.generation() == 0


def test_pruning_is_refused_beyond_the_export_and_before_it(archive: StatsStore, clock: Clock, folder: Path) -> None:
    archiving, export = Archiving(archive, clock), Export(folder)
    with pytest.raises(ExportInvalid, match="does not reach"):
        archiving.prune(date(2024, 7, 1), export, lambda _: None)
    archiving.export(date(2024, 6, 30), export, lambda _: None)
    with pytest.raises(ExportInvalid, match="does not reach"):
        archiving.prune(date(2024, 7, 2), export, lambda _: None)
    archive.archive.events.update_one({"known": "2024-06-10"}, {"$set": {"known": "2024-06-09"}})
    with pytest.raises(ExportInvalid, match="before the export's first day"):
        archiving.prune(date(2024, 6, 20), export, lambda _: None)
    assert archive.archive.pruned_before() is None


@pytest.mark.parametrize("wrong", ["{", '{"format": 2, "files": []}', '{"files": [{}]}'])
def test_a_manifest_that_is_none_is_refused(archive: StatsStore, clock: Clock, folder: Path, wrong: str) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text(wrong)
    with pytest.raises(ExportInvalid):
        Archiving(archive, clock).export(date(2024, 8, 31), Export(folder), lambda _: None)


def test_a_rebuild_from_the_export_gives_the_same(archive: StatsStore, clock: Clock, folder: Path) -> None:
    archiving, export, rebuilding = Archiving(archive, clock), Export(folder), Rebuilding(archive, clock)
    archiving.export(date(2024, 8, 31), export, lambda _: None)
    archiving.prune(date(2024, 7, 10), export, lambda _: None)
    with pytest.raises(ArchiveIncomplete, match="2024-07-10"):
        rebuilding.rebuild()
    start, end, day = date(2024, 6, 1), date(2024, 12, 1), date(2024, 7, 3)
    known = plain(archive.current().flows(start, end, ("agency", "day"), as_of=day))
    events = rebuilding.rebuild_from(export)
    assert (events.differences, archive.generation()) == ((), 1)
    assert cells_of(archive.current()) == naive_cells(LIVES)
    assert plain(archive.current().flows(start, end, ("agency", "day"), as_of=day)) == known
    # An archive that is lost altogether.
    archive.archive.events.delete_many({})
    assert rebuilding.rebuild_from(export).generation == 2
    counted = {key: row for key, row in cells_of(archive.current()).items() if key[-1] < "2024-08-20"}
    assert counted
    archiving = Archiving(archive, clock)
    archive.archive.note_pruned("2024-09-05")
    with pytest.raises(ArchiveIncomplete):
        rebuilding.rebuild_from(export)


# -- as commands -------------------------------------------------------------------------------------------------------


def test_the_commands_tell_by_their_status(
    archive: StatsStore,
    folder: Path,
    make_context: Callable[[str], Context[StatsSettings]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = make_context("http://127.0.0.1:9")

    def run(name: str, *arguments: str) -> tuple[int, Any, str]:
        status = STATS.commands[name][1](context, STATS.assemble(context), list(arguments))
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    status, answer, told = run("export", "--until", "2024-08", "--to", str(folder))
    assert status == 0
    assert [file["before"] for file in answer["files"]] == ["2024-07-01", "2024-08-01", "2024-09-01"]
    assert told.count("events\n") == 3
    assert run("export", "--until", "2024-11", "--to", str(folder))[::2] == (1, "2024-11-30 is not over yet\n")
    assert run("prune", "--before", "2024-09-02", "--exported", str(folder))[0] == 1
    status, answer, _ = run("prune", "--before", "2024-07-01", "--exported", str(folder))
    assert (status, answer["left"]) == (0, 0)
    assert run("rebuild")[0] == 1
    status, answer, _ = run("rebuild", "--from", str(folder))
    assert (status, answer["generation"], answer["differing"]) == (0, 1, 0)
    assert cells_of(archive.current()) == naive_cells(LIVES)
    for wrong in (("export",), ("prune", "--before", "soon"), ("rebuild", "--processes", "0")):
        with pytest.raises(SystemExit) as caught:
            run(*wrong)
        assert caught.value.code == 2


@pytest.mark.thorough
def test_several_processes_rebuild_the_same(
    archive: StatsStore, make_context: Callable[[str], Context[StatsSettings]], capsys: pytest.CaptureFixture[str]
) -> None:
    context = make_context("http://127.0.0.1:9")
    known = plain(archive.current().flows(date(2024, 1, 1), date(2025, 1, 1), (), as_of=date(2024, 7, 3)))
    assert STATS.commands["rebuild"][1](context, STATS.assemble(context), ["--processes", "2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["generation"], answer["differing"]) == (1, 0)
    assert answer["events"] == archive.archive.events.count_documents({"type": {"$in": sorted(SAYING)}})
    assert cells_of(archive.current()) == naive_cells(LIVES)
    assert plain(archive.current().flows(date(2024, 1, 1), date(2025, 1, 1), (), as_of=date(2024, 7, 3))) == known


def test_the_archive_is_cut_into_parts_of_about_the_same_size(archive: StatsStore) -> None:
    cuts = ["", *archive.archive.cut(4), "~"]
    assert len(cuts) == 5
    sizes = [
        archive.archive.events.count_documents({"subject": {"$gte": first, "$lt": end}})
        for first, end in pairwise(cuts)
    ]
    assert sum(sizes) == archive.archive.events.count_documents({})
    assert min(sizes) * 3 > max(sizes)
