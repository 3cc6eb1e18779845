"""Reports over HTTP: asked for, made, fetched, published, and what changed since."""

import csv
import io
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from structlog.testing import capture_logs

from chassis import store
from chassis.hashchain import first_broken, link
from native.access import Persona
from stats.domain.feed import Said
from stats.domain.reports import FORMATS
from stats.main import STATS
from stats.producing import LEASE, TRIES, ReportMaker
from stats.rendering.__main__ import main
from stats.store import StatsStore
from stats.store.reports import Reports
from stats.usecases.events import Taking
from stats.usecases.feed import Feeding
from stats.usecases.reports import KEPT, PublishedReports, Reporting
from tests.stats.making import Life, at, messages
from tests.stats.offering import agency, procedure, targets
from tests.support.services import Clock, Running, everything, pointers, problem

ALL = everything(STATS)
TRIEU_SON = Persona("Cán bộ Triệu Sơn", ("reports.read", "stats.read", "stats.dossiers"), "H56.30")
AUGUST = at("2024-08-10 08:00")
CATALOGUE = [
    agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False),
    agency("H56.14", "=Sở Tư pháp", "H56", level="province"),
    agency("H56.30", "Huyện Triệu Sơn", "H56"),
    agency("H56.30.01", "Xã An Nông", "H56.30", level="commune"),
    agency("H56.31", "Huyện Hoằng Hóa", "H56"),
    procedure("1.001193", "full"),
    procedure("2.000815", 2),
    targets("H56", 2024, {"online_share": 80}),
]


def life(n: int, **more: Any) -> Life:
    due = AUGUST + timedelta(days=5)
    return replace(Life(id=f"d{n}", filed_at=AUGUST, received_at=AUGUST, due_at=due), **more)


LIVES = [
    life(0, agency="H56.14", finished_at=AUGUST),
    life(1, agency="H56.14", channel="counter", finished_at=AUGUST + timedelta(days=9)),
    life(2, agency="H56.14", filed_at=at("2024-07-03 08:00"), received_at=at("2024-07-03 08:00")),
    life(3, agency="H56.30", channel="post", withdrawn_at=AUGUST + timedelta(days=1)),
    life(4, agency="H56.30.01", field="DATDAI"),
    life(5, agency="H56.30.01", stopped_at=AUGUST + timedelta(days=1)),
]


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2024-09-03 10:00"))


@pytest.fixture
def taking(stats: StatsStore, clock: Clock) -> Taking:
    made = Taking(stats, clock)
    made.take(messages([*CATALOGUE, *(said for each in LIVES for said in each.events())]))
    return made


@pytest.fixture
def kept(served: Running, taking: Taking) -> Reports:
    return Reports(served.database, store.Carrier(served.clock))


def draw(format: str, content: Any, path: Any, alive: Any) -> None:
    """In the test's own process, and without the PDF, which takes a second."""
    alive()
    with content.open("rb") as source, path.open("wb") as out:
        if format == "pdf":
            out.write(b"%PDF-1.7 not printed here")
        else:
            main(format, source, out)


@pytest.fixture
def maker(served: Running, stats: StatsStore, kept: Reports) -> ReportMaker:
    return ReportMaker(stats, kept, served.clock, draw)


def ask(served: Running, form: str, who: Persona = ALL, **more: Any) -> dict[str, Any]:
    answer = served.post("reports", who, {"form": form, "month": "2024-08", **more})
    assert answer.status_code == 202, answer.get_json()
    body: dict[str, Any] = answer.get_json()
    return body


def publish(served: Running, maker: ReportMaker, form: str = "situation-by-agency", **more: Any) -> dict[str, Any]:
    asked = ask(served, form, **more)
    assert maker.once()
    answer = served.post(f"reports/{asked['id']}/publication", ALL)
    assert answer.status_code == 201, answer.get_json()
    body: dict[str, Any] = answer.get_json()
    return body


def fetch(served: Running, path: str, who: Persona | None = ALL) -> dict[str, Any]:
    answer = served.get(path, who)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.get_json()
    return body


def counts(served: Running, by: str = "", agency: str = "H56") -> list[dict[str, Any]]:
    query = f"from=2024-08-01&to=2024-09-01&by={by}&agency={agency}&subtree=true"
    found: list[dict[str, Any]] = fetch(served, f"counts?{query}")["items"]
    return found


def situation(row: dict[str, Any]) -> dict[str, int]:
    """What a row of the situation says, from a row of counts."""
    received, finished, still = row["received"], row["finished"], row["open"]
    return {
        "taken": row["carried_over"] + received["total"],
        "received.online": received["online"],
        "received.counter_post": received["counter"] + received["post"],
        "carried_over": row["carried_over"],
        **{f"finished.{name}": finished[name] for name in ("total", "early", "on_time", "late")},
        **{f"open.{name}": still[name] for name in ("total", "within", "overdue")},
        "supplement": row["supplement"],
        "stopped": row["stopped"],
        "taken_back": row["withdrawn"] - row["withdrawn_waiting"],
    }


def test_a_report_is_asked_for_made_and_fetched(served: Running, maker: ReportMaker) -> None:
    asked = ask(served, "situation-by-agency")
    assert (asked["state"], asked["progress"], asked["files"], asked["agency"]) == ("waiting", 0, None, "H56")
    problem(served.get(asked["url"], ALL), 409, "report_not_ready")
    assert maker.once()
    assert not maker.once()
    made = fetch(served, f"reports/{asked['id']}")
    assert (made["state"], made["progress"], list(made["files"])) == ("ready", 100, list(FORMATS))
    for format, file in made["files"].items():
        answer = served.get(file["url"], ALL)
        assert answer.status_code == 200
        assert len(answer.data) == file["length"] == int(answer.headers["Content-Length"])
        assert f'filename="situation-by-agency-H56-2024-08.{format}"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(("form", "by"), [("situation-by-agency", "agency"), ("situation-by-field", "field")])
@pytest.mark.parametrize("whose", ["H56", "H56.30"])
def test_the_situation_says_the_numbers_of_the_api(
    served: Running, maker: ReportMaker, form: str, by: str, whose: str
) -> None:
    asked = ask(served, form, agency=whose)
    maker.once()
    [table] = fetch(served, asked["files"]["json"] if asked["files"] else f"reports/{asked['id']}/files/json")["tables"]
    wanted = {row[by]: situation(row) for row in counts(served, by, whose)}
    names = ("agency", "agency_name", "field")
    said = {row[by]: {name: row[name] for name in row if name not in names} for row in table["rows"]}
    assert said == {key: row for key, row in wanted.items() if any(row.values())}
    [whole] = counts(served, "", whose)
    assert table["total"] == situation(whole)
    total = table["total"]
    assert total["taken"] == total["finished.total"] + total["open.total"] + total["stopped"] + total["taken_back"] > 0


def test_every_format_says_the_numbers_of_the_api(
    served: Running, stats: StatsStore, kept: Reports, tmp_path: Path
) -> None:
    """Made as a worker makes them, and opened by readers that have nothing to do with who wrote them."""
    asked = ask(served, "situation-by-agency")
    assert ReportMaker(stats, kept, served.clock).once()
    data = {format: served.get(f"reports/{asked['id']}/files/{format}", ALL).data for format in FORMATS}
    wanted = {row["agency"]: situation(row) for row in counts(served, "agency")}
    wanted["Tổng cộng"] = situation(counts(served)[0])
    sheet = openpyxl.load_workbook(io.BytesIO(data["xlsx"])).worksheets[0]
    in_sheet = {row[0]: list(row[2:]) for row in sheet.iter_rows(min_row=6, values_only=True)}
    lines = csv.reader(io.StringIO(data["csv"].decode("utf-8-sig"), newline=""))
    in_csv = {row[0]: row[2:] for row in lines if row}
    path = tmp_path / "report.pdf"
    path.write_bytes(data["pdf"])
    printed = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True).stdout.decode()
    assert len(wanted) == 4
    for agency_id, numbers in wanted.items():
        values = list(numbers.values())
        assert in_sheet[agency_id] == values
        assert in_csv[agency_id] == [str(value) for value in values]
        [line] = [line for line in printed.splitlines() if line.strip().startswith(f"{agency_id} ")]
        assert line.split()[-len(values) :] == [str(value) for value in values]
    names = [row[1] for row in sheet.iter_rows(min_row=6, values_only=True)]
    assert "=Sở Tư pháp" in names
    assert "'=Sở Tư pháp" in data["csv"].decode()
    assert "=Sở Tư pháp" in printed


def test_the_register_lists_what_was_received(served: Running, maker: ReportMaker) -> None:
    asked = ask(served, "register", agency="H56.30")
    maker.once()
    summary, register = fetch(served, f"reports/{asked['id']}/files/json")["tables"]
    query = "measure=received&from=2024-08-01&to=2024-09-01&agency=H56.30&subtree=true"
    behind = fetch(served, f"dossiers?{query}")["items"]
    assert [row["code"] for row in register["rows"]] == [each["code"] for each in behind]
    assert [row["due_on"] for row in register["rows"]] == [each["due_on"] for each in behind]
    [received] = [row for row in summary["rows"] if row["number"] == "received.total"]
    assert received["month"] == len(behind) == 3
    assert "muoihai" not in str(register).lower()


def test_the_month_s_report_says_what_the_indicators_say(served: Running, maker: ReportMaker) -> None:
    asked = ask(served, "monthly")
    maker.once()
    tables = {each["id"]: each for each in fetch(served, f"reports/{asked['id']}/files/json")["tables"]}
    month = fetch(served, "indicators?from=2024-08-01&to=2024-09-01")["items"]
    year = fetch(served, "indicators?from=2024-01-01&to=2024-09-01")["items"]
    in_month, in_year = ({each["code"]: each for each in items} for items in (month, year))
    rows = tables["indicators"]["rows"]
    assert len(rows) > 5
    for row in rows:
        this, since = in_month[row["indicator"]], in_year[row["indicator"]]
        assert (row["numerator"], row["denominator"]) == (this["numerator"], this["denominator"])
        assert (row["value"], row["before"], row["change"]) == (this["value"], this["before"]["value"], this["change"])
        assert (row["year"], row["target"]) == (since["value"], since["target"])
        assert row["achievement"] == since["achievement"]
    [online] = [row for row in rows if row["indicator"] == "online_share"]
    assert (online["target"], online["met"]) == (80, "missed")
    ranked = fetch(served, "rankings?indicator=online_share&from=2024-08-01&to=2024-09-01")["items"]
    said = [(row["rank"], row["agency"], row["value"]) for row in tables["ranking_online_share"]["rows"]]
    assert said == [(each["rank"], each["agency"], each["value"]) for each in ranked]
    assert said
    idle = fetch(served, "inactive?kind=agency&from=2024-08-01&to=2024-09-01")["items"]
    assert (
        [row["agency"] for row in tables["agencies_without"]["rows"]] == [each["code"] for each in idle] == ["H56.31"]
    )
    assert [row["procedure"] for row in tables["procedures_without"]["rows"]] == ["2.000815"]
    warned = fetch(served, "warnings")["items"]
    assert [row["warning"] for row in tables["warnings"]["rows"]] == ["H56/online_share"]
    assert len(warned) == 1
    [received] = [row for row in tables["summary"]["rows"] if row["number"] == "received.total"]
    assert (received["month"], received["before"], received["change"], received["year"]) == (5, 1, 4, 6)


def test_the_same_request_twice_is_one_report(served: Running, kept: Reports) -> None:
    body = {"form": "monthly", "month": "2024-08"}
    first, second = (served.post("reports", ALL, body, key="k1") for _ in range(2))
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert kept.waiting(10) == 1
    problem(served.post("reports", ALL, {**body, "form": "register"}, key="k1"), 422, "idempotency_key_reused")
    problem(served.request("POST", "reports", ALL, body), 428)


def test_a_get_has_it_made_and_then_answers_it(served: Running, maker: ReportMaker, kept: Reports) -> None:
    path = "reports/situation-by-agency.json?agency=H56&month=2024-08"
    first, second = served.get(path, ALL), served.get(path, ALL)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.headers["Retry-After"]
    assert first.get_json()["id"] == second.get_json()["id"]
    assert kept.waiting(10) == 1
    maker.once()
    answer = served.get(path, ALL)
    assert answer.status_code == 200
    assert answer.headers["Motcua-Report-State"] == "provisional"
    assert served.get(path.replace("json", "csv"), ALL).data.startswith(b"\xef\xbb\xbf")
    served.clock.move(minutes=6)
    assert served.get(path, ALL).status_code == 202, "it is made anew"


def test_a_published_report_stays_while_the_numbers_go_on(
    served: Running, maker: ReportMaker, taking: Taking, kept: Reports
) -> None:
    said = publish(served, maker)
    path = "reports/situation-by-agency.json?agency=H56&month=2024-08"
    before = served.get(path, ALL)
    assert before.headers["Motcua-Report"] == said["id"]
    late = life(9, agency="H56.14", finished_at=AUGUST)
    served.clock.move(hours=1)
    taking.take(messages(late.events()))
    assert served.get(path, ALL).data == before.data
    changed = fetch(served, f"reports/{said['id']}/changes")
    assert changed["said_until"] < changed["now_until"]
    found = {(each["row"], each["column"]): (each["said"], each["now"]) for each in changed["items"]}
    assert found[("H56.14", "received.online")] == (1, 2)
    assert found[("", "finished.early")] == (1, 2)
    assert set(found) == {
        (row, column)
        for row in ("", "H56.14")
        for column in ("taken", "received.online", "finished.total", "finished.early")
    }
    second = publish(served, maker)
    assert second["publication"]["revision"] == 2
    assert fetch(served, f"reports/{said['id']}")["publication"] == said["publication"]
    assert served.get(path, ALL).headers["Motcua-Report"] == second["id"]
    assert fetch(served, f"reports/{second['id']}/changes")["items"] == []
    assert served.get(f"publications/{said['id']}.json").data == before.data, "the first is still there"


def test_changes_are_read_page_by_page(served: Running, maker: ReportMaker, taking: Taking) -> None:
    said = publish(served, maker)
    taking.take(messages(life(9, agency="H56.14", finished_at=AUGUST).events()))
    whole = fetch(served, f"reports/{said['id']}/changes")["items"]
    found: list[Any] = []
    following = ""
    while following is not None:
        page = fetch(served, f"reports/{said['id']}/changes?limit=3&cursor={following}")
        found += page["items"]
        following = page["next"]
    assert found == whole
    assert len(whole) > 6


def test_publications_follow_from_each_other(served: Running, maker: ReportMaker, stats: StatsStore) -> None:
    for month in ("2024-07", "2024-08"):
        served.clock.move(minutes=1)
        publish(served, maker, month=month)
    publish(served, maker, agency="H56.30")
    items = fetch(served, "publications?agency=H56", None)["items"]
    assert [each["month"] for each in items] == ["2024-08", "2024-07"]
    newest, first = items
    assert newest["publication"]["previous"] == first["publication"]["hash"]
    assert (first["publication"]["previous"], newest["publication"]["number"]) == (None, 2)
    assert fetch(served, f"publications/{first['id']}", None) == first
    assert first_broken((each["manifest"], each["publication"]["hash"]) for each in reversed(items)) is None
    changed = {**newest["manifest"], "month": "2024-06"}
    assert link(first["publication"]["hash"], changed) != newest["publication"]["hash"]
    assert len(fetch(served, "publications?limit=1", None)["items"]) == 1


def test_whatever_is_changed_of_a_publication_is_found(
    served: Running, maker: ReportMaker, stats: StatsStore, kept: Reports
) -> None:
    said, other = publish(served, maker), publish(served, maker, agency="H56.30")
    reporting = Reporting(stats, kept)
    assert list(reporting.verify()) == []
    rows, chunks = served.database["reports"], served.database["report_files.chunks"]
    key = rows.find_one({"_id": said["id"]})["files"]["xlsx"]["key"]  # type: ignore[index]
    chunk = chunks.find_one({"files_id": key})
    assert chunk is not None
    chunks.update_one({"_id": chunk["_id"]}, {"$set": {"data": bytes(chunk["data"])[:-1] + b"!"}})
    rows.update_one({"_id": other["id"]}, {"$set": {"month": "2024-07"}})
    found = list(reporting.verify())
    assert len(found) == 2
    assert "xlsx" in found[0]
    assert "manifest" in found[1]


def test_only_what_is_over_and_newer_is_published(served: Running, maker: ReportMaker) -> None:
    early = ask(served, "situation-by-agency", month="2024-09")
    problem(served.post(f"reports/{early['id']}/publication", ALL), 409, "report_not_ready")
    old, said = ask(served, "situation-by-agency"), ask(served, "situation-by-agency")
    while maker.once():
        pass
    problem(served.post(f"reports/{early['id']}/publication", ALL), 409, "month_not_over")
    first = served.post(f"reports/{said['id']}/publication", ALL, key="p")
    assert served.post(f"reports/{said['id']}/publication", ALL, key="p").data == first.data
    problem(served.post(f"reports/{said['id']}/publication", ALL), 409, "report_published")
    problem(served.post(f"reports/{old['id']}/publication", ALL), 409, "report_outdated")
    problem(served.post(f"reports/{old['id']}/publication", TRIEU_SON), 403)


def test_a_report_of_what_was_known_then(served: Running, maker: ReportMaker, taking: Taking) -> None:
    served.clock.move(days=2)
    taking.take(messages(life(9, agency="H56.14").events()))
    asked = ask(served, "situation-by-agency", as_of="2024-09-03")
    maker.once()
    [table] = fetch(served, f"reports/{asked['id']}/files/json")["tables"]
    assert table["total"]["taken"] == 6
    assert fetch(served, f"reports/{asked['id']}")["known_until"] == "2024-09-03T17:00:00Z"
    answer = served.post("reports", ALL, {"form": "register", "month": "2024-08", "as_of": "2024-09-03"})
    assert pointers(answer) == [("/as_of", "not_as_of")]


def test_everybody_gets_the_reports_of_their_own_agency(served: Running, maker: ReportMaker) -> None:
    assert ask(served, "register", TRIEU_SON)["agency"] == "H56.30"
    assert ask(served, "register", TRIEU_SON, agency="H56.30.01")["agency"] == "H56.30.01"
    others = ask(served, "register", agency="H56.14")
    maker.once()
    for body in ({"agency": "H56"}, {"agency": "H56.14"}, {"agency": "nowhere"}):
        problem(served.post("reports", TRIEU_SON, {"form": "register", "month": "2024-08", **body}), 404)
    for path in ("", "/files/json", "/changes"):
        problem(served.get(f"reports/{others['id']}{path}", TRIEU_SON), 404, "not_found")
    problem(served.get("reports/register.csv?agency=H56.14&month=2024-08", TRIEU_SON), 404)


def test_registers_are_not_for_everybody(served: Running, maker: ReportMaker) -> None:
    said = publish(served, maker, "register")
    assert fetch(served, "publications", None)["items"] == []
    problem(served.get(f"publications/{said['id']}"), 404)
    problem(served.get(f"publications/{said['id']}.csv"), 404)
    waits = ask(served, "monthly")
    problem(served.get(f"publications/{waits['id']}"), 404)


@pytest.mark.parametrize(
    "path",
    [
        "reports/nothing.csv?month=2024-08",
        "reports/register.docx?month=2024-08",
        "reports/none",
        "reports/none/files/csv",
        "publications/none.csv",
    ],
)
def test_what_is_not_there_is_not_found(served: Running, kept: Reports, path: str) -> None:
    problem(served.get(path, ALL), 404, "not_found")


@pytest.mark.parametrize("month", ["2024-13", "2024", "", "2024-08-01", "0000-01", "２０２４-08"])
def test_a_month_is_a_month(served: Running, kept: Reports, month: str) -> None:
    assert served.get(f"reports/register.csv?month={month}", ALL).status_code == 422
    assert served.post("reports", ALL, {"form": "register", "month": month}).status_code == 422


def test_a_month_to_come_has_no_report(served: Running, kept: Reports) -> None:
    answer = served.post("reports", ALL, {"form": "register", "month": "2024-10"})
    assert pointers(answer) == [("/month", "month_in_future")]


def test_a_maker_that_died_leaves_its_report_to_another(
    served: Running, maker: ReportMaker, stats: StatsStore, kept: Reports
) -> None:
    asked = ask(served, "situation-by-agency")

    class Killed(BaseException):
        pass

    def die(format: str, content: Any, path: Any, alive: Any) -> None:
        if format == "pdf":
            raise Killed
        draw(format, content, path, alive)

    with pytest.raises(Killed):
        ReportMaker(stats, kept, served.clock, die).once()
    assert not maker.once(), "it is the other's for a while"
    half = fetch(served, f"reports/{asked['id']}")
    assert (half["state"], half["files"]) == ("waiting", None)
    assert 0 < half["progress"] < 100
    served.clock.now += LEASE
    assert maker.once()
    assert fetch(served, f"reports/{asked['id']}")["state"] == "ready"
    files = served.database["report_files.files"]
    assert files.count_documents({}) == 5, "what the dead one made is gone"


def test_a_stalled_maker_changes_nothing_of_what_another_made(
    served: Running, maker: ReportMaker, stats: StatsStore, kept: Reports
) -> None:
    asked = ask(served, "situation-by-agency")
    made: list[Any] = []

    def stall(format: str, content: Any, path: Any, alive: Any) -> None:
        if not made:
            served.clock.now += LEASE
            assert maker.once()
            made.append(fetch(served, f"reports/{asked['id']}"))
        draw(format, content, path, alive)

    ReportMaker(stats, kept, served.clock, stall).once()
    assert made
    assert fetch(served, f"reports/{asked['id']}") == made[0]
    for file in made[0]["files"].values():
        assert len(served.get(file["url"], ALL).data) == file["length"]


def test_what_cannot_be_made_fails_after_some_tries(served: Running, stats: StatsStore, kept: Reports) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("no such luck")

    path = "reports/situation-by-agency.json?agency=H56&month=2024-08"
    asked = served.get(path, ALL).get_json()
    maker = ReportMaker(stats, kept, served.clock, broken)
    with capture_logs() as logs:
        for _ in range(TRIES):
            assert maker.once()
    assert [each["event"] for each in logs] == ["report_failed"] * TRIES
    assert not maker.once()
    assert fetch(served, f"reports/{asked['id']}")["state"] == "failed"
    problem(served.get(path, ALL), 503, "report_failed")
    problem(served.get(asked["url"], ALL), 503, "report_failed")
    served.clock.move(minutes=11)
    assert served.get(path, ALL).status_code == 202


def test_reports_that_nobody_published_go_with_their_files(served: Running, maker: ReportMaker) -> None:
    said = publish(served, maker)
    gone = ask(served, "situation-by-field")
    maker.once()
    assert not maker.sweep()
    served.clock.now += KEPT
    assert maker.sweep()
    assert not maker.sweep()
    problem(served.get(f"reports/{gone['id']}", ALL), 404)
    assert served.get(f"publications/{said['id']}.xlsx").status_code == 200
    keys = {row["files_id"].partition("/")[0] for row in served.rows("report_files.chunks")}
    assert keys == {said["id"]}


def test_the_feed_tells_of_a_publication_once(
    served: Running, maker: ReportMaker, stats: StatsStore, kept: Reports
) -> None:
    said = publish(served, maker)
    source = PublishedReports(stats, kept, "https://motcua.example/")
    [statement] = source(None, served.clock())  # type: ignore[arg-type]
    event: Any = statement.event(Said())
    assert event.url == f"https://motcua.example/api/stats/v1/publications/{said['id']}.json"
    assert event.sha256 == said["files"]["json"]["sha256"]
    for _ in range(2):
        Feeding(stats, [], served.clock, [source]).round()
    entries = list(stats.feed.entries.find({"type": "stats.report.published.v1"}))
    assert len(entries) == 1
    assert kept.untold() == []
    assert served.post(f"reports/{said['id']}/publication", ALL).status_code == 409


def test_the_page_shows_what_is_published(served: Running, maker: ReportMaker) -> None:
    assert "Chưa có báo cáo nào" in served.get("/bao-cao").get_data(as_text=True)
    said = publish(served, maker, "monthly", agency="H56.14")
    publish(served, maker, "register")
    answer = served.get("/bao-cao?thang=2024-08")
    html = answer.get_data(as_text=True)
    assert "=Sở Tư pháp" in html
    assert said["publication"]["hash"] in html
    assert "Sổ theo dõi" not in html
    assert f'href="/api/stats/v1/publications/{said["id"]}.pdf"' in html
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Chưa có báo cáo nào" in served.get("/bao-cao?thang=2024-07").get_data(as_text=True)
    for query in ("thang=%00", "thang=2024-99", "sau=x", "sau=WyIxIl0", "thang[]=1"):
        assert served.get(f"/bao-cao?{query}").status_code == 200
