"""Indicators, rankings, what is used and what is not, early warning: over HTTP, from events."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from stats.main import STATS
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import Halt, Life, Payment, at, messages
from tests.stats.offering import agency, calendar, essential, fee, lookup, procedure, targets, withdrawal
from tests.support.services import Clock, Running, everything, pointers, problem

LEADER = "leader"
JULY, AUGUST = at("2024-07-10 08:00"), at("2024-08-10 08:00")


def life(n: int, received_at: datetime = AUGUST, **more: Any) -> Life:
    return replace(Life(id=f"d{n}", filed_at=received_at, received_at=received_at), **more)


CATALOGUE = [
    agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False),
    agency("H56.14", "Sở Tư pháp", "H56", level="province"),
    agency("H56.30", "Huyện Triệu Sơn", "H56"),
    agency("H56.30.01", "Xã An Nông", "H56.30", level="commune"),
    agency("H56.31", "Huyện Hoằng Hóa", "H56"),
    procedure("1.001193", "full", fees=[fee()]),
    procedure("1.012784", "partial", fees=[fee(0)]),
    procedure("2.000815", 2, levels=["commune"]),
    procedure("3.000001", "full", agencies=["H56.14"]),
    procedure("4.000001", "full", valid_from="2024-09-01"),
    targets("H56", 2024, {"online_share": 80, "late_share": 5, "in_time_share": 99.5}, {"demand_online": 100}),
    targets("H56.30", 2024, {"online_share": 50}),
    essential("project06", "01", "deployed"),
    essential("qd422", "01", "waiting"),
    essential("qd422", "02", "national"),
]
LIVES = [
    *(life(n, agency="H56.14", digitised=n < 2) for n in range(3)),
    life(3, agency="H56.14", channel="counter"),
    *(life(n, agency="H56.30", procedure="1.012784", service_level="partial") for n in range(4, 6)),
    *(life(n, agency="H56.30.01", channel="post", finished_at=AUGUST) for n in range(6, 8)),
    life(8, JULY, agency="H56.14", channel="counter"),
    life(9, JULY, agency="H56.14"),
]
IN_AUGUST = "from=2024-08-01&to=2024-09-01"


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2024-08-20 10:00"))


@pytest.fixture
def taking(stats: StatsStore, clock: Clock) -> Taking:
    return Taking(stats, clock)


@pytest.fixture
def told(served: Running, taking: Taking) -> Running:
    """What CATALOGUE and LIVES say."""
    taking.take(messages([*CATALOGUE, *(made for each in LIVES for made in each.events())]))
    return served


def items(served: Running, query: str) -> dict[str, dict[str, Any]]:
    answer = served.get(f"indicators?{query}", LEADER)
    assert answer.status_code == 200, answer.text
    return {item["code"]: item for item in answer.get_json()["items"]}


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Without the links, which name the day."""
    return {name: value for name, value in item.items() if name != "behind"}


def sides(items: dict[str, dict[str, Any]], code: str) -> tuple[int, int]:
    return items[code]["numerator"], items[code]["denominator"]


def test_an_indicator_says_all_that_a_leader_asks(told: Running) -> None:
    answer = told.get(f"indicators?{IN_AUGUST}&indicator=online_share", LEADER).get_json()
    assert answer["period"] == {"from": "2024-08-01", "to": "2024-09-01", "as_of": "2024-08-20"}
    [item] = answer["items"]
    assert item.pop("method").startswith("Hồ sơ nộp trực tuyến")
    assert item.pop("method_en").startswith("Dossiers filed online")
    links = item.pop("behind")
    assert item == {
        "code": "online_share",
        "name": "Tỷ lệ hồ sơ nộp trực tuyến",
        "name_en": "Share of dossiers filed online",
        "numerator": 5,
        "denominator": 8,
        "value": 62.5,
        "cut": 62.5,
        "better": "more",
        "target": 80,
        "met": False,
        "achievement": 78.13,
        "before": {"from": "2024-07-01", "to": "2024-08-01", "numerator": 1, "denominator": 2, "value": 50},
        "change": 12.5,
    }
    assert [link.partition("?")[0] for link in links["numerator"]] == ["/api/stats/v1/dossiers"]
    assert "channel=online" in links["numerator"][0]
    assert told.get(links["counts"], LEADER).get_json()["items"][0]["received"] == {
        "online": 5, "counter": 1, "post": 2, "total": 8
    }  # fmt: skip


def test_of_an_agency_with_and_without_what_is_below_it(told: Running) -> None:
    alone = items(told, f"{IN_AUGUST}&agency=H56.30")
    assert sides(alone, "online_share") == (2, 2)
    assert (alone["online_share"]["target"], alone["online_share"]["met"]) == (50, True)
    below = items(told, f"{IN_AUGUST}&agency=H56.30&subtree=true")
    assert sides(below, "online_share") == (2, 4)
    # A district offers what is of all three levels; with its communes, what is of communes too.
    assert sides(alone, "procedures_online_share") == (2, 2)
    assert sides(below, "procedures_online_share") == (2, 3)
    nobody = items(told, f"{IN_AUGUST}&agency=H56.77")
    assert (nobody["online_share"]["value"], nobody["online_share"]["met"], nobody["online_share"]["change"]) == (
        None, None, None
    )  # fmt: skip


def test_what_is_offered_is_that_of_the_last_day_that_has_come(told: Running, clock: Clock) -> None:
    found = items(told, "from=2024-01-01&to=2025-01-01")
    assert sides(found, "procedures_share_full") == (2, 4)
    clock.now = at("2024-09-01 00:30")
    found = items(told, "from=2024-01-01&to=2025-01-01")
    assert sides(found, "procedures_share_full") == (3, 5)


def test_what_of_it_is_used(told: Running) -> None:
    found = items(told, IN_AUGUST)
    # 1.001193 and 1.012784, not 3.000001.
    assert sides(found, "procedures_online_used_share") == (2, 3)
    assert sides(found, "procedures_unused_share") == (2, 4)
    assert sides(found, "agencies_unused_share") == (1, 4)
    assert found["demand_online"]["denominator"] == 100
    assert found["essential_deployed_share"]["value"] == 50
    assert found["essential_services"]["numerator"] == 3


def test_essential_services_are_the_province_s_and_no_agency_s(told: Running) -> None:
    assert not [code for code in items(told, "agency=H56.14") if code.startswith("essential")]


def test_everything_is_as_it_was_known_on_an_earlier_day(told: Running, taking: Taking, clock: Clock) -> None:
    before = items(told, f"{IN_AUGUST}&as_of=2024-08-20")
    clock.now = at("2024-08-25 09:00")
    news = [
        withdrawal("3.000001", 2, "2024-08-01"),
        targets("H56", 2024, {"online_share": 60}, sequence=2),
        essential("qd422", "01", "deployed", sequence=2),
        *(made for n in range(20, 24) for made in life(n, agency="H56.31").events()),
    ]
    taking.take(messages(news))
    now = items(told, IN_AUGUST)
    assert [now["online_share"][name] for name in ("numerator", "target", "met")] == [9, 60, True]
    assert now["procedures_share_full"]["denominator"] == 3
    assert now["essential_deployed_share"]["value"] == 100
    assert now["demand_online"]["denominator"] is None
    again = items(told, f"{IN_AUGUST}&as_of=2024-08-20")
    for code, item in again.items():
        assert plain(item) == plain(before[code])
    # Told again, as by a republish, nothing becomes known later or twice.
    clock.now = at("2024-08-27 09:00")
    taking.take(messages([*CATALOGUE, *news]))
    assert items(told, f"{IN_AUGUST}&as_of=2024-08-20")["online_share"] == again["online_share"]
    later = items(told, IN_AUGUST)
    assert {code: plain(item) for code, item in later.items()} == {code: plain(item) for code, item in now.items()}


def test_the_order_in_which_catalog_tells_does_not_matter(told: Running, taking: Taking) -> None:
    first, second = (
        targets("H56.31", 2024, {"online_share": 10}),
        targets("H56.31", 2024, {"online_share": 20}, None, 2),
    )
    taking.take(messages([second, procedure("2.000815", "full", 3), essential("qd422", "09", "deployed", 2)]))
    taking.take(messages([first, procedure("2.000815", 3, 2), essential("qd422", "09", "waiting", 1)]))
    found = items(told, f"{IN_AUGUST}&agency=H56.31")
    assert found["online_share"]["target"] == 20
    assert items(told, IN_AUGUST)["procedures_share_level_3"]["numerator"] == 0
    assert items(told, IN_AUGUST)["essential_deployed_share_qd422"]["numerator"] == 1


def test_decimals_are_as_asked_for(told: Running) -> None:
    [item] = items(told, f"{IN_AUGUST}&indicator=digitised_share&decimals=0").values()
    assert (item["numerator"], item["denominator"], item["value"], item["cut"]) == (2, 8, 25, 25)
    [item] = items(told, f"{IN_AUGUST}&agency=H56.14&indicator=digitised_share&decimals=1&subtree=true").values()
    assert (item["value"], item["before"]["value"], item["change"]) == (50, 0, 50)


def test_the_index_of_766_over_http(told: Running) -> None:
    answer = told.get(f"indicators/766?{IN_AUGUST}&agency=H56.14", LEADER)
    assert answer.status_code == 200
    body = answer.get_json()
    found = {item["code"]: item for item in body["items"]}
    assert body["legal_basis"] == "Quyết định 766/QĐ-TTg ngày 23/6/2022"
    assert (body["maximum"], body["provisional"]) == (100, True)
    assert body["total"] == pytest.approx(sum(item["points"] or 0 for item in body["items"]), abs=0.05)
    # All six received are open, none has a due date.
    assert (found["2.1"]["numerator"], found["2.1"]["denominator"], found["2.1"]["points"]) == (6, 6, 20)
    assert (found["3.3"]["value"], found["3.3"]["threshold"], found["3.3"]["points"]) == (75, 50, 4)
    assert found["4.5"]["points"] is None
    assert found["4.5"]["reasons"][0] == "hệ thống chưa có nguồn số liệu cho tiêu chí này"
    assert (found["3.5"]["numerator"], found["3.5"]["denominator"]) == (1, 1)
    groups = {group["code"]: group for group in body["groups"]}
    assert (groups["progress"]["points"], groups["progress"]["attainable"], groups["progress"]["maximum"]) == (
        20,
        20,
        20,
    )
    assert (groups["transparency"]["attainable"], groups["transparency"]["maximum"]) == (0, 18)


def test_what_falls_due_today_is_not_late_yet(told: Running, taking: Taking, clock: Clock) -> None:
    due = at("2024-08-20 17:00")
    taking.take(messages(life(30, agency="H56.31", due_at=due).events()))
    query = f"indicators/766?{IN_AUGUST}&agency=H56.31"

    def in_time() -> list[tuple[int, int]]:
        body = told.get(query, LEADER).get_json()
        return [(item["numerator"], item["denominator"]) for item in body["items"] if item["code"] == "2.1"]

    assert in_time() == [(1, 1)]
    clock.now = at("2024-08-21 00:10")
    assert in_time() == [(0, 1)]


def ranked(served: Running, query: str) -> tuple[list[tuple[str, int, float]], list[str]]:
    answer = served.get(f"rankings?{query}", LEADER)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    found = [(item["agency"], item["rank"], item["value"]) for item in body["items"]]
    return found, [item["agency"] for item in body["without"]]


def test_a_ranking_with_ties_and_those_without_a_denominator_apart(told: Running) -> None:
    found, without = ranked(told, f"indicator=online_share&{IN_AUGUST}")
    assert found == [("H56.30", 1, 100), ("H56.14", 2, 75), ("H56.30.01", 3, 0)]
    assert without == ["H56.31"]
    found, without = ranked(told, f"indicator=online_share&{IN_AUGUST}&level=district&subtree=true")
    assert (found, without) == ([("H56.30", 1, 50)], ["H56.31"])
    found, _ = ranked(told, f"indicator=procedures_unused_share&{IN_AUGUST}&agency=H56.30")
    assert found == [("H56.30", 1, 50), ("H56.30.01", 2, 66.67)]
    # Nobody has finished late: the best of a number of which less is better.
    assert ranked(told, f"indicator=late_share&{IN_AUGUST}")[0] == [("H56.30.01", 1, 0)]
    # No share, so no ranks.
    assert ranked(told, f"indicator=demand_online&{IN_AUGUST}")[0] == []


def test_a_ranking_tells_the_change_from_month_to_month(told: Running) -> None:
    [item] = [
        item
        for item in told.get(f"rankings?indicator=online_share&{IN_AUGUST}", LEADER).get_json()["items"]
        if item["agency"] == "H56.14"
    ]
    assert (item["before"]["value"], item["change"], item["agency_name"]) == (50, 25, "Sở Tư pháp")


@pytest.mark.parametrize("code", ["essential_deployed_share", "unknown"])
def test_what_agencies_cannot_be_ranked_by(served: Running, code: str) -> None:
    answer = served.get(f"rankings?indicator={code}", LEADER)
    assert problem(answer, 422)["code"] == "indicator_unknown"
    assert pointers(answer) == [("/indicator", "unknown_indicator")]


def names(served: Running, query: str) -> list[str]:
    answer = served.get(query, LEADER)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.get_json()["items"]]


def test_who_and_what_has_no_dossier_is_listed_by_name(told: Running) -> None:
    assert names(told, f"inactive?kind=agency&{IN_AUGUST}") == ["Huyện Hoằng Hóa"]
    assert names(told, f"inactive?kind=procedure&{IN_AUGUST}") == ["Thủ tục 2.000815", "Thủ tục 3.000001"]
    assert names(told, f"inactive?kind=procedure&{IN_AUGUST}&agency=H56.30") == ["Thủ tục 1.001193"]
    # Without a dossier of this level, online.
    assert names(told, f"inactive?kind=agency&{IN_AUGUST}&levels=full&channel=online") == [
        "Huyện Triệu Sơn", "Xã An Nông", "Huyện Hoằng Hóa"
    ]  # fmt: skip
    assert names(told, f"inactive?kind=procedure&{IN_AUGUST}&levels=1,2") == ["Thủ tục 2.000815"]
    assert names(told, f"offered?kind=procedure&{IN_AUGUST}&used=true") == ["Thủ tục 1.001193", "Thủ tục 1.012784"]
    assert names(told, f"offered?kind=procedure&{IN_AUGUST}&payable=true") == ["Thủ tục 1.001193"]
    assert len(names(told, f"offered?kind=procedure&{IN_AUGUST}")) == 4


def test_a_list_is_paged(told: Running) -> None:
    first = told.get(f"offered?kind=procedure&{IN_AUGUST}&limit=3", LEADER).get_json()
    assert [item["code"] for item in first["items"]] == ["1.001193", "1.012784", "2.000815"]
    rest = told.get(f"offered?kind=procedure&{IN_AUGUST}&limit=3&cursor={first['next']}", LEADER).get_json()
    assert ([item["code"] for item in rest["items"]], rest["next"]) == (["3.000001"], None)


def test_what_is_counted_of_the_catalogue_is_as_long_as_its_list(told: Running) -> None:
    """The links of numbers of procedures and agencies; those of dossiers are tested with the list of dossiers."""
    checked = 0
    for query in (IN_AUGUST, f"{IN_AUGUST}&agency=H56.30&subtree=true", f"{IN_AUGUST}&agency=H56.14"):
        for item in items(told, query).values():
            for side in ("numerator", "denominator"):
                links = [link for link in item["behind"][side] if "/stats/v1/offered" in link]
                for link in links:
                    assert len(names(told, link)) == item[side], (item["code"], side)
                checked += len(links)
    assert checked > 60


def length(served: Running, link: str) -> int:
    """Of the list behind the link, all its pages."""
    found, cursor = 0, ""
    while True:
        answer = served.get(f"{link}{cursor}", everything(STATS))
        assert answer.status_code == 200, (link, answer.text)
        body = answer.get_json()
        found += len(body["items"])
        if body["next"] is None:
            return found
        cursor = f"&limit=200&cursor={body['next']}"


def test_every_number_is_as_long_as_the_lists_behind_it(told: Running, taking: Taking) -> None:
    """Of dossiers and look-ups, of indicators and of the index."""
    hours = [AUGUST + timedelta(hours=n) for n in range(4)]
    asked_twice = tuple(Halt(kind="supplement", begin=hours[n], end=hours[n + 1]) for n in (0, 2))
    late, due = at("2024-08-12 17:00"), at("2024-08-30 17:00")
    more = [
        *life(60, agency="H56.30", halts=asked_twice, due_at=due).events(),
        *life(61, agency="H56.30", halts=asked_twice, due_at=due, finished_at=AUGUST + timedelta(days=1)).events(),
        *life(62, agency="H56.30", halts=asked_twice, due_at=late).events(),
        *life(63, agency="H56.30", due_at=late).events(),
        *(lookup(n, AUGUST, "H56.14") for n in range(3)),
        *(made for n in range(50, 53) for made in rich(n, "H56.30.01").events()),
    ]
    taking.take(messages(more))
    checked = 0
    for query in (IN_AUGUST, f"{IN_AUGUST}&agency=H56.30&subtree=true"):
        body = told.get(f"indicators/766?{query}", LEADER).get_json()
        numbers = [*items(told, query).values(), *body["items"]]
        for item in numbers:
            for side in ("numerator", "denominator"):
                links = [link for link in item["behind"][side] if "/dossiers" in link or "/lookups" in link]
                if links:
                    assert sum(length(told, link) for link in links) == item[side], (item["code"], side)
                    checked += item[side] > 0
    assert checked > 60
    # Late are those asked twice, and the one that is just late.
    [timely] = [item for item in body["items"] if item["code"] == "2.1"]
    assert (timely["numerator"], timely["denominator"]) == (7, 11)
    earlier = items(told, f"{IN_AUGUST}&as_of=2024-08-01")["online_share"]["behind"]
    assert (earlier["numerator"], earlier["denominator"]) == ([], [])


def rich(n: int, agency: str) -> Life:
    """Everything that indicators count happened to it."""
    return life(
        n, agency=agency, digitised=True, reuses=(True,), payments=(Payment(at=AUGUST),), results=("signed",),
        finished_at=AUGUST, due_at=at("2024-08-12 17:00"), rated_at=AUGUST, score=5, handed_over_at=AUGUST,
    )  # fmt: skip


def test_a_warning_says_by_how_much_and_how_it_knows(told: Running, taking: Taking, clock: Clock) -> None:
    year = [("2024-01-01", "off"), ("2024-04-18", "off"), ("2024-04-30", "off"), ("2024-05-01", "off")]
    taking.take(messages([calendar(2024, year), targets("H56", 2024, {"online_share": 80, "demand_online": 100,
                          "in_time_share": 99.5}, {"demand_online": 100}, 2)]))  # fmt: skip
    body = told.get("warnings?agency=H56", LEADER).get_json()
    # Monday to Friday are 262 in 2024, of which four are off; until the 19th of August 166 less the four.
    assert body["working_days"] == {"passed": 162, "total": 258}
    assert "162 ngày làm việc" in body["method"]
    assert "19/08/2024" in body["method"]
    assert "linear" in body["method_en"].lower()
    found = {item["indicator"]: item for item in body["items"]}
    assert found.keys() == {"online_share", "demand_online"}
    share, demand = found["online_share"], found["demand_online"]
    assert (share["numerator"], share["denominator"], share["projected"], share["missed_by"]) == (6, 10, 60, 20)
    assert share["text"] == ("Với tiến độ này, cuối năm đạt 60% so với chỉ tiêu 80%: hụt 20 điểm phần trăm.")
    # 6 in 162 days are 9.56 in 258, so 91 are missing; on each of the 96 days that are left 0.98 have to come.
    assert (demand["projected"], demand["missed_dossiers"], demand["needed"]) == (9.56, 91, 0.98)
    assert demand["severity"] == "alert"
    everything = told.get("warnings?agency=H56&all=true", LEADER).get_json()["items"]
    assert {item["indicator"]: item["severity"] for item in everything}["in_time_share"] is None


def test_warnings_are_paged_and_of_every_agency(told: Running) -> None:
    first = told.get("warnings?all=true&limit=2", LEADER).get_json()
    assert [(item["agency"], item["indicator"]) for item in first["items"]] == [
        ("H56", "in_time_share"), ("H56", "late_share")
    ]  # fmt: skip
    rest = told.get(f"warnings?all=true&limit=2&cursor={first['next']}", LEADER).get_json()
    assert [(item["agency"], item["indicator"]) for item in rest["items"]] == [
        ("H56", "online_share"), ("H56.30", "online_share")
    ]  # fmt: skip
    assert rest["next"] is None


def test_nothing_is_foretold_on_the_first_days_of_the_year(served: Running, taking: Taking, clock: Clock) -> None:
    taking.take(messages([targets("H56", 2025, {"online_share": 80})]))
    for day in ("2025-01-01 09:00", "2025-01-08 09:00"):
        clock.now = at(day)
        assert served.get("warnings", LEADER).get_json()["items"] == []


@pytest.mark.parametrize(
    "path", ["indicators", "indicators/766", "rankings?indicator=online_share", "inactive?kind=agency",
             "offered?kind=agency", "warnings"]
)  # fmt: skip
def test_only_who_may_read_statistics_does(served: Running, path: str) -> None:
    assert served.get(path).status_code == 401
    problem(served.get(path, "citizen"), 403, "forbidden")
    assert served.get(path, LEADER).status_code == 200


WRONG = [
    ("indicators?indicator=online_share,colour", "/indicator"),
    ("indicators?decimals=9", "/decimals"),
    ("indicators?from=0001-01-01", "/from"),
    ("indicators?as_of=9999-01-01", "/as_of"),
    ("indicators/766?indicator=online_share", "/indicator"),
    ("rankings", "/indicator"),
    ("rankings?indicator=online_share&level=ward", "/level"),
    ("inactive", "/kind"),
    ("inactive?kind=procedure&levels=5", "/levels"),
    ("inactive?kind=procedure&used=true", "/used"),
    ("offered?kind=procedure&channel=pigeon", "/channel"),
    ("offered?kind=procedure&limit=201", "/limit"),
    ("offered?kind=procedure&cursor=x", "/cursor"),
    ("warnings?year=2024", "/year"),
]


def test_a_wrong_parameter_is_named(served: Running) -> None:
    for path, pointer in WRONG:
        assert [where for where, _ in pointers(served.get(path, LEADER))] == [pointer], path


@pytest.mark.parametrize(
    "path", ["indicators", "indicators/766", "rankings?indicator=online_share", "inactive?kind=agency"]
)
def test_a_period_must_begin_before_it_ends(served: Running, path: str) -> None:
    separator = "&" if "?" in path else "?"
    answer = served.get(f"{path}{separator}from=2024-08-02&to=2024-08-02", LEADER)
    problem(answer, 422, "period_invalid")


def test_a_period_before_anything_was_there(told: Running) -> None:
    found = items(told, "from=1990-01-01&to=1990-02-01")
    assert (found["procedures_share_full"]["denominator"], found["online_share"]["denominator"]) == (0, 0)
    assert ranked(told, "indicator=online_share&from=1990-01-01&to=1990-02-01") == ([], [])


def test_an_index_serves_what_is_asked_of_the_targets(stats: StatsStore, told: Running) -> None:
    for wanted in ({"year": {"$in": [2024]}, "agency": {"$in": ["H56"]}}, {"year": {"$in": [2024]}}):
        found = stats.catalogue.targets_.find(wanted).sort([("year", 1), ("agency", 1), ("number", 1)])
        plan = str(found.explain()["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in plan
        assert "'SORT'" not in plan
