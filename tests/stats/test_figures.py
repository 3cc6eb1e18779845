"""The published figures of Thanh Hóa and Thái Nguyên, 2018 to 2024: each population is filed and processed as events,
and each figure is read from the API.

Where a population is large it is smaller here by a whole factor, or by what keeps the published percentage; the full
size runs with THOROUGH=1.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from stats.domain.indicators import cut, rounded
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import Life, at, message
from tests.stats.offering import agency, essential, lookup, procedure, targets
from tests.support.services import Clock, Running

_PUBLISHED = (Path(__file__).parent / "data" / "figures.json").read_text(encoding="utf-8")
FIGURES = {row["id"]: row for row in json.loads(_PUBLISHED)["figures"]}
BATCH = 1000
COVERED: dict[str, str] = {}
ONLINE_LEVELS = "3,4,partial,full"
Test = Callable[..., None]


def figures(*ids: str) -> Callable[[Test], Test]:
    """The rows whose figures the test reads."""

    def mark(test: Test) -> Test:
        for id in ids:
            assert id in FIGURES
            assert id not in COVERED
            COVERED[id] = test.__name__
        return test

    return mark


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2025-01-02 10:00"))


class Province:
    """Takes events and answers questions."""

    def __init__(self, served: Running, taking: Taking) -> None:
        self._served = served
        self._taking = taking

    def take(self, *made: Iterable[dict[str, Any]]) -> None:
        events = (message(each) for several in made for each in several)
        while batch := list(islice(events, BATCH)):
            self._taking.take(batch)

    def get(self, path: str) -> dict[str, Any]:
        answer = self._served.get(path, "leader")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def indicators(self, query: str) -> dict[str, dict[str, Any]]:
        return {item["code"]: item for item in self.get(f"indicators?{query}")["items"]}

    def names(self, query: str) -> list[str]:
        found, cursor = [], ""
        while True:
            page = self.get(f"{query}&limit=200{cursor}")
            found += [item["name"] for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


@pytest.fixture
def province(served: Running, stats: StatsStore, clock: Clock) -> Province:
    return Province(served, Taking(stats, clock))


def sides(item: dict[str, Any]) -> tuple[int, int]:
    return item["numerator"], item["denominator"]


def is_published(item: dict[str, Any], percent: float) -> bool:
    """The percentage rounds to the published one, or is cut to it."""
    decimals = len(str(percent).partition(".")[2].rstrip("0"))
    exact = Fraction(item["numerator"], item["denominator"])
    return percent in (rounded(exact, decimals), cut(exact, decimals))


_DROPPED = ("workflow.task.", "workflow.dossier.started.")


def processed(lives: Iterable[Life]) -> Iterator[dict[str, Any]]:
    """Filed, received and finished, without the steps in between."""
    return (made for life in lives for made in life.events() if not made["type"].startswith(_DROPPED))


def dossiers(
    prefix: str, number: int, first: datetime, days: int, *, finished: bool = True, late: int = 0, **more: Any
) -> Iterator[Life]:
    """So many online, spread evenly over the days, each finished on the next day; `late` of them after the due day.
    `more`: other values, or what gives one for the n-th."""
    for n in range(number):
        received_at = first + timedelta(minutes=n * days * 1440 // number)
        due_at = received_at + timedelta(days=3)
        end = (due_at if n < late else received_at) + timedelta(days=1)
        life = Life(
            id=f"{prefix}-{n}", filed_at=received_at, received_at=received_at, due_at=due_at,
            finished_at=end if finished else None,
        )  # fmt: skip
        yield replace(life, **{name: value(n) if callable(value) else value for name, value in more.items()})


AUTUMN_2019 = "from=2019-09-01&to=2019-12-12"
SEPTEMBER_2019 = at("2019-09-02 08:00")


@figures("hoang-hoa-2019-online", "hoang-hoa-2019-services")
def test_hoang_hoa_2019(province: Province) -> None:
    offered = [procedure(f"2.{n:06}", 3, agencies=["H56.31"]) for n in range(196)]
    others = [procedure(f"1.{n:06}", 2, agencies=["H56.31"]) for n in range(80)]
    district: dict[str, Any] = {"agency": "H56.31", "service_level": 3, "procedure": lambda n: f"2.{n % 196:06}"}
    province.take(
        [agency("H56.31", "Huyện Hoằng Hóa", "H56")],
        offered,
        others,
        processed(dossiers("online", 75, SEPTEMBER_2019, 90, **district)),
        processed(dossiers("counter", 408 - 75, SEPTEMBER_2019, 90, channel="counter", **district)),
    )
    found = province.indicators(f"{AUTUMN_2019}&agency=H56.31&decimals=0")
    assert sides(found["online_share"]) == (75, 408)
    assert found["online_share"]["value"] == 18
    assert found["in_time_share"]["denominator"] == 408
    assert found["procedures_share_level_3"]["numerator"] == 196
    assert len(province.names(f"offered?kind=procedure&agency=H56.31&levels=3&{AUTUMN_2019}")) == 196


@figures("so-cong-thuong-2019-procedures", "so-cong-thuong-2019-dossiers")
def test_so_cong_thuong_2019(province: Province) -> None:
    levels = [3] * 20 + [4] * 18 + [2] * (141 - 38)
    offered = [procedure(f"2.{n:06}", level, agencies=["H56.12"]) for n, level in enumerate(levels)]
    department: dict[str, Any] = {"agency": "H56.12", "procedure": lambda n: f"2.{20 + n % 18:06}"}
    province.take(
        [agency("H56.12", "Sở Công Thương", "H56", level="province")],
        offered,
        processed(dossiers("l4", 700, SEPTEMBER_2019, 90, service_level=4, **department)),
        processed(dossiers("l3", 300, SEPTEMBER_2019, 90, service_level=3, agency="H56.12", procedure="2.000001")),
    )
    found = province.indicators(f"{AUTUMN_2019}&agency=H56.12")
    assert sides(found["procedures_online_share"]) == (38, 141)
    assert sides(found["online_mix_level_4"]) == (700, 1000)
    assert found["online_mix_level_4"]["value"] == 70
    assert found["online_share"]["numerator"] == found["in_time_share"]["numerator"] == 1000


@figures("thanh-hoa-2019-eligible", "thanh-hoa-2019-level3", "thanh-hoa-2019-level4")
def test_thanh_hoa_2019(province: Province) -> None:
    """800 services at levels 3 and 4. Of them 134 and 28 are `registered`, which nobody defined; read here as: somebody
    registered a dossier for them."""
    offered = [procedure(f"3.{n:06}", 3) for n in range(623)] + [procedure(f"4.{n:06}", 4) for n in range(177)]
    province.take(
        [agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False), agency("H56.31", "Huyện Hoằng Hóa", "H56")],
        offered,
        processed(dossiers("l3", 134, SEPTEMBER_2019, 90, service_level=3, procedure=lambda n: f"3.{n:06}")),
        processed(dossiers("l4", 28, SEPTEMBER_2019, 90, service_level=4, procedure=lambda n: f"4.{n:06}")),
    )
    found = province.indicators(f"{AUTUMN_2019}&decimals=1")
    assert found["procedures_online_share"]["numerator"] == 800
    assert sides(found["procedures_used_share_level_3"]) == (134, 623)
    assert found["procedures_used_share_level_3"]["value"] == 21.5
    assert sides(found["procedures_used_share_level_4"]) == (28, 177)
    assert found["procedures_used_share_level_4"]["value"] == 15.8


def demanded(province: Province, level_3: tuple[int, int], level_4: tuple[int, int]) -> None:
    """(received online, demanded) at each level, in the days from 16 September 2019 to 10 March 2020."""
    first = at("2019-09-16 00:00")
    of_2019 = {"demand_level_3": level_3[1], "demand_level_4": level_4[1]}
    province.take(
        [agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False)],
        [targets("H56", 2019, {"demand_level_4": 40}, of_2019)],
        processed(dossiers("l3", level_3[0], first, 177, finished=False, service_level=3)),
        processed(dossiers("l4", level_4[0], first, 177, finished=False, service_level=4)),
        processed(dossiers("paper", 50, first, 177, finished=False, service_level=3, channel="counter")),
    )
    found = province.indicators("from=2019-09-16&to=2020-03-11")
    assert sides(found["demand_level_3"]) == level_3
    assert found["demand_level_3"]["value"] == 6.53
    assert sides(found["demand_level_4"]) == level_4
    assert found["demand_level_4"]["value"] == 42.03


@figures("thanh-hoa-2020-level3", "thanh-hoa-2020-level4")
def test_thanh_hoa_2020_demand(province: Province) -> None:
    """A hundredth of the 16,500 of about 252,680; and 29 of 69 for the 2,879 of about 6,850."""
    demanded(province, (165, 2527), (29, 69))


@pytest.mark.thorough
def test_thanh_hoa_2020_demand_in_full(province: Province) -> None:
    demanded(province, (16_500, 252_680), (2_879, 6_850))


def thai_nguyen(province: Province, online: int, all_of_them: int) -> None:
    """Half of the localities receive nothing at level 4; the dossiers online are of 152 of the 260 services."""
    localities = [f"H19.{n:02}" for n in range(30, 48)]
    names = {id: f"Huyện {id}" for id in localities}
    services = [procedure(f"3.{n:06}", 3 + n % 2) for n in range(260)]
    of_old = [procedure(f"1.{n:06}", 1 + n % 2) for n in range(1500)]
    begin = at("2018-01-03 08:00")
    province.take(
        [agency("H19", "Tỉnh Thái Nguyên", level="province", one_stop=False)],
        [agency(id, name, "H19") for id, name in names.items()],
        services,
        of_old,
        processed(
            dossiers(
                "online", online, begin, 360, finished=False, procedure=lambda n: f"3.{n % 152:06}",
                service_level=lambda n: 3 + n % 152 % 2,
                agency=lambda n: localities[n % 9 if n % 152 % 2 else 9 + n % 9],
            )
        ),
        processed(
            dossiers(
                "counter", all_of_them - online, begin, 360, finished=False, channel="counter",
                agency=lambda n: localities[n % 18], procedure=lambda n: f"1.{n % 1500:06}", service_level=2,
            )
        ),
    )  # fmt: skip
    year = "from=2018-01-01&to=2019-01-01"
    found = province.indicators(f"{year}&decimals=1")
    assert sides(found["online_share"]) == (online, all_of_them)
    assert (found["online_share"]["cut"], found["online_share"]["value"]) == (10.3, 10.4)
    assert sides(found["procedures_online_used_share"]) == (152, 260)
    assert len(province.names(f"offered?kind=procedure&{year}&levels={ONLINE_LEVELS}&channel=online&used=true")) == 152
    assert sum(found[f"procedures_share_level_{level}"]["numerator"] for level in (1, 2)) == 1500
    without = province.names(f"inactive?kind=agency&{year}&levels=4&channel=online")
    assert without == [names[id] for id in localities[9:]]


@figures("thai-nguyen-2018-online", "thai-nguyen-2018-active", "thai-nguyen-2018-catalogue")
def test_thai_nguyen_2018(province: Province) -> None:
    """155 of 1,492 for the 3,500 of 33,680: 10.39 %, which was published cut."""
    thai_nguyen(province, 155, 1_492)


@pytest.mark.thorough
def test_thai_nguyen_2018_in_full(province: Province) -> None:
    thai_nguyen(province, 3_500, 33_680)


@figures("trieu-son-2024-partial", "trieu-son-2024-full", "trieu-son-2024-commune", "trieu-son-2024-digitised")
def test_trieu_son_2024(province: Province) -> None:
    """The district's 452 of 453 and 776 of 776; its communes at 98.9 % and 99 %, from 85 % to 100 % digitised."""
    communes = [f"H56.30.{n:02}" for n in range(1, 11)]
    begin = at("2024-01-02 08:00")
    district: dict[str, Any] = {"agency": "H56.30", "digitised": True}
    below: dict[str, Any] = {
        "agency": lambda n: communes[n % 10],
        # Of 20 dossiers of the first commune 3 are not, of the last one all are.
        "digitised": lambda n: n // 10 >= 3 - 3 * (n % 10) // 9,
    }
    province.take(
        [agency("H56.30", "Huyện Triệu Sơn", "H56")],
        [agency(id, f"Xã {id}", "H56.30", level="commune") for id in communes],
        processed(dossiers("p", 452, begin, 178, service_level="partial", **district)),
        processed(dossiers("pc", 1, begin, 178, service_level="partial", channel="counter", **district)),
        processed(dossiers("f", 776, begin, 178, service_level="full", **district)),
        processed(dossiers("cp", 90, begin, 178, service_level="partial", agency=communes[4], digitised=True)),
        processed(
            dossiers("cpc", 1, begin, 178, service_level="partial", channel="post", agency=communes[4], digitised=True)
        ),
        processed(dossiers("cf", 198, begin, 178, service_level="full", **below)),
        processed(
            dossiers(
                "cfc",
                2,
                begin,
                178,
                service_level="full",
                channel="counter",
                agency=lambda n: communes[8 + n],
                digitised=True,
            )
        ),
    )
    half = "from=2024-01-01&to=2024-07-01"
    found = province.indicators(f"{half}&agency=H56.30")
    assert sides(found["online_share_partial"]) == (452, 453)
    assert found["online_share_partial"]["value"] == 99.78
    assert sides(found["online_share_full"]) == (776, 776)
    assert (found["online_share_full"]["value"], found["digitised_share"]["value"]) == (100, 100)
    everything = province.indicators(f"{half}&agency=H56.30&subtree=true")
    assert everything["online_share_partial"]["denominator"] == 453 + 91
    of_communes = [province.get(f"rankings?indicator={code}&{half}&level=commune")["items"] for code in (
        "online_share_partial", "online_share_full", "digitised_share"
    )]  # fmt: skip
    sums = [{side: sum(item[side] for item in items) for side in ("numerator", "denominator")} for items in of_communes]
    assert is_published(sums[0], 98.9)
    assert is_published(sums[1], 99)
    digitised = [item["value"] for item in of_communes[2]]
    assert (digitised[0], digitised[-1]) == (100, 85)
    assert len(digitised) == 10


@figures(
    "thanh-hoa-2024-services",
    "thanh-hoa-2024-partial",
    "thanh-hoa-2024-full",
    "thanh-hoa-2024-essential",
    "thanh-hoa-2024-sites",
)
def test_thanh_hoa_2024_services(province: Province) -> None:
    """1,714 services; 53 essential ones, of which 28 are of QĐ 422 and of these 9 the province's; 501 sites."""
    states = {"project06": ["deployed"] * 25, "qd422": ["deployed"] * 3 + ["waiting"] * 6 + ["national"] * 19}
    province.take(
        [procedure(f"1.{n:06}", "partial" if n < 724 else "full") for n in range(1714)],
        [essential(name, f"{n:02}", state) for name, of in states.items() for n, state in enumerate(of)],
        [agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False)],
        [agency(f"H56.{n // 100:02}.{n % 100:02}", f"Xã {n}", "H56", level="commune") for n in range(501)],
    )
    found = province.indicators("from=2024-08-01&to=2024-09-01&decimals=1")
    assert sides(found["procedures_online_share"]) == (1714, 1714)
    assert found["procedures_online_share"]["value"] == 100
    assert sides(found["procedures_share_partial"]) == (724, 1714)
    assert found["procedures_share_partial"]["value"] == 42.2
    assert sides(found["procedures_share_full"]) == (990, 1714)
    assert found["procedures_share_full"]["value"] == 57.8
    assert found["essential_services"]["numerator"] == 53
    assert sides(found["essential_deployed_share_project06"]) == (25, 25)
    assert sides(found["essential_deployed_share_qd422"]) == (3, 9)
    assert sides(found["essential_waiting_share_qd422"]) == (6, 9)
    assert found["sites"]["numerator"] >= 500


UNTIL_AUGUST = "from=2024-01-01&to=2024-08-21"
SIZE, ONLINE, FULL, DIGITISED, REUSED, IN_TIME = 1819, 1493, 617, 1661, 917, 1810
"""The smallest number of dossiers that has all five published percentages, and what they are of it."""


@figures(
    "thanh-hoa-2024-online",
    "thanh-hoa-2024-full-dossiers",
    "thanh-hoa-2024-on-time",
    "thanh-hoa-2024-digitised",
    "thanh-hoa-2024-reused",
    "thanh-hoa-2024-queries",
)
def test_thanh_hoa_2024_dossiers(province: Province) -> None:
    """1,819 for the 551,058 dossiers, and a thousandth of the 941,645 look-ups."""
    begin = at("2024-01-02 08:00")
    year: dict[str, Any] = {
        "agency": lambda n: f"H56.{30 + n % 26}",
        "channel": lambda n: "online" if n < ONLINE else ("counter", "post")[n % 2],
        "service_level": lambda n: "full" if n < FULL else "partial",
        "digitised": lambda n: n < DIGITISED,
        "reuses": lambda n: (True,) if n < REUSED else (),
    }
    days = timedelta(days=200) // timedelta(days=1)
    province.take(
        processed(dossiers("d", SIZE, begin, days, late=SIZE - IN_TIME, **year)),
        (lookup(n, begin + timedelta(hours=n % 5000)) for n in range(941)),
    )
    found = province.indicators(UNTIL_AUGUST)
    assert sides(found["online_share"]) == (ONLINE, SIZE)
    assert found["online_share"]["value"] == FIGURES["thanh-hoa-2024-online"]["percent"] == 82.08
    assert is_published(found["received_share_full"], 33.9)
    assert found["in_time_share"]["value"] == 99.51
    assert found["digitised_share"]["value"] == 91.31
    assert found["reused_share"]["value"] == 50.41
    assert found["document_lookups"]["numerator"] == 941


@pytest.mark.whole
@pytest.mark.timeout(1800)
def test_thanh_hoa_2024_online_in_full(province: Province) -> None:
    """Each as one event: what was filed online and what was not, all received."""
    begin = at("2024-01-02 08:00")
    lives = dossiers(
        "d", 551_058, begin, 225, finished=False, channel=lambda n: "online" if n < 452_308 else "counter",
        agency=lambda n: f"H56.{30 + n % 26}",
    )  # fmt: skip
    province.take(made for life in lives for made in life.events() if made["type"] == "intake.dossier.received.v1")
    found = province.indicators(UNTIL_AUGUST)
    assert sides(found["online_share"]) == (452_308, 551_058)
    assert found["online_share"]["value"] == 82.08


@pytest.mark.whole
@pytest.mark.timeout(1800)
def test_thanh_hoa_2024_lookups_in_full(province: Province) -> None:
    begin = at("2024-01-02 08:00")
    province.take(lookup(n, begin + timedelta(minutes=n % 300_000)) for n in range(941_645))
    assert province.indicators(UNTIL_AUGUST)["document_lookups"]["numerator"] == 941_645


def test_every_published_figure_is_read() -> None:
    assert COVERED.keys() == FIGURES.keys()
    assert len(FIGURES) == 27
