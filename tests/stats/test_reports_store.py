"""Reports in the store: which indexes serve them, and two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from chassis import store
from chassis.store import New
from stats.domain.reports import PUBLIC, File, Report
from stats.main import STATS
from stats.store import StatsStore
from stats.store.reports import PIECE, Reports
from stats.usecases.events import Taking
from tests.stats.making import at, messages
from tests.stats.offering import agency
from tests.support.plans import watched
from tests.support.services import Clock, Running, everything

NOW = datetime(2024, 9, 3, 3, 0, tzinfo=UTC)
FILE = File(key="k", sha256="0" * 64, length=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2024-09-03 10:00"))


@pytest.fixture
def reports(new_store: Callable[[], StatsStore]) -> Reports:
    made = Reports(new_store().database, store.Carrier(lambda: NOW))
    made.ensure_indexes()
    return made


def report(id: str, **more: Any) -> Report:
    wanted: dict[str, Any] = {
        "form": "monthly", "agency": "H56", "agency_name": "Tỉnh Thanh Hóa", "month": "2024-08", "asked_at": NOW,
        "free_at": NOW, "expires_at": NOW + timedelta(days=7), **more,
    }  # fmt: skip
    return Report(id=id, **wanted)


def ready(id: str, **more: Any) -> Report:
    files = dict.fromkeys(("xlsx", "csv", "pdf", "json"), FILE)
    return report(id, state="ready", free_at=None, content=FILE, files=files, known_until=NOW, **more)


def add(reports: Reports, *items: Report) -> None:
    reports.reports.add([New(each.id, each, (), NOW) for each in items])


def test_what_is_written_is_read(reports: Reports) -> None:
    wanted = ready("r1", as_of=NOW.date())
    add(reports, wanted)
    assert reports.load("r1") == wanted


def test_every_question_has_an_index(reports: Reports, mongo: MongoClient[Any]) -> None:
    add(reports, *(report(f"r{n}", month=f"2024-{n % 9 + 1:02}") for n in range(60)))
    rows = reports.reports.collection
    database = rows.database
    with watched(mongo, database.name) as seen:
        reports.waiting(10)
        reports.take(NOW, NOW)
        reports.newest("monthly", "H56", "2024-08")
        reports.before("monthly", "H56", "2024-08")
        list(reports.of_chain("monthly", "H56"))
        reports.published(PUBLIC, {}, None, 10)
        reports.published(PUBLIC, {"month": "2024-08"}, (NOW, "r"), 10)
        reports.untold()
        reports.sweep(NOW)
        reports.files.remove("r1")
        list(reports.files.read(FILE))
    ran = seen.of("reports", "report_files.files", "report_files.chunks")
    assert len(ran) >= 10
    for each in ran:
        assert (each.plan != "COLLSCAN", each.sorted_in_memory) == (True, False), each


def test_two_makers_never_have_the_same_report(reports: Reports) -> None:
    add(reports, *(report(f"r{n}") for n in range(12)))
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _: reports.take(NOW, NOW + timedelta(seconds=60)), range(16)))
    ids = [each.id for each in taken if each is not None]
    assert len(ids) == len(set(ids)) == 12


def test_a_file_is_read_as_it_was_kept(reports: Reports, tmp_path: Any) -> None:
    data = bytes(range(256)) * 1024 * 11 + b"\nend"
    path = tmp_path / "file"
    path.write_bytes(data)
    kept = reports.keep(report("r1", tries=1), "xlsx", path, NOW)
    assert kept.length == len(data) > 10 * PIECE
    assert b"".join(reports.files.read(kept)) == data
    assert list(reports.files.lines(kept)) == data.split(b"\n")
    reports.keep(report("r1", tries=2), "xlsx", path, NOW)
    reports.keep(report("r10", tries=1), "xlsx", path, NOW)
    reports.files.remove("r1", before=2)
    assert list(reports.files.read(kept)) == []
    reports.files.remove("r1")
    left = reports.files.read(File(key="r10/0001/xlsx", sha256="", length=0))
    assert b"".join(left) == data


def test_of_two_that_publish_at_once_one_follows_the_other(
    served: Running, taking: Taking, reports: Reports
) -> None:  # fmt: skip
    """Of the same agency and form, each of a month of its own: none is lost, and no number is given twice."""
    taking.take(messages([agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False)]))
    months = [f"2024-{n:02}" for n in range(1, 9)]
    add(reports, *(ready(f"m-{month}", month=month) for month in months))
    leader = everything(STATS)
    served.tokens.of(leader)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda month: served.post(f"reports/m-{month}/publication", leader), months))
    assert [answer.status_code for answer in answers] == [201] * 8
    chain = list(reports.of_chain("monthly", "H56"))
    found = [each.publication for each in chain if each.publication is not None]
    assert [each.number for each in found] == list(range(1, 9))
    assert [each.previous for each in found] == [None, *(each.hash for each in found[:-1])]
    assert reports.chains() == [("monthly", "H56")]
    twice = [served.post("reports/m-2024-01/publication", leader).status_code for _ in range(2)]
    assert twice == [409, 409]


def test_what_is_being_removed_is_not_published(reports: Reports, served: Running, taking: Taking) -> None:
    taking.take(messages([agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False)]))
    add(reports, ready("r1", expires_at=NOW))
    reports.reports.collection.update_one({"_id": "r1"}, {"$set": {"state": "gone"}})
    assert served.post("reports/r1/publication", everything(STATS)).status_code == 404
    assert reports.sweep(NOW)
    assert reports.reports.collection.count_documents({}) == 0
