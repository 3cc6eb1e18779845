"""The main indicators on the public page, among the metrics and in the feed."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from stats.domain.feed import Said
from stats.domain.indicators import MAIN
from stats.events import AlertRaised
from stats.queries.counts import Queries
from stats.queries.indicators import Indicators
from stats.queries.warnings import Warnings
from stats.store import StatsStore
from stats.usecases.events import Taking
from stats.usecases.feed import Touched
from stats.usecases.gauging import Gauging
from stats.usecases.signals import OF_AGENCIES, IndicatorsOfTheYear, TargetsAtRisk
from tests.stats.making import Life, Payment, at, messages
from tests.stats.offering import agency, lookup, procedure, targets
from tests.stats.test_pages import Page
from tests.support.services import Clock, Running

NOW = at("2024-08-20 10:00")
MARCH = at("2024-03-05 08:00")
TARGETS = {"online_share": 80, "in_time_share": 50, "digitised_share": 33.3}


def life(n: int, **more: Any) -> Life:
    return replace(Life(id=f"d{n}", filed_at=MARCH, received_at=MARCH, agency="H56.14"), **more)


LIVES = [
    life(1, digitised=True, finished_at=MARCH),
    life(2),
    life(3, channel="counter", due_at=at("2024-03-07 17:00")),
    life(4, received_at=None),
]


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def told(stats: StatsStore) -> StatsStore:
    catalogue = [
        agency("H56", "Tỉnh Thanh Hóa", level="province", one_stop=False),
        agency("H56.14", "Sở Tư pháp", "H56"),
        procedure("1.001193"),
        targets("H56", 2024, TARGETS),
        targets("H56.14", 2024, {"online_share": 60}),
    ]
    Taking(stats, lambda: NOW).take(messages([*catalogue, *(made for each in LIVES for made in each.events())]))
    return stats


def rows(html: str) -> dict[str, list[str]]:
    """The table of indicators: name → the other cells."""
    table = html.partition('<table aria-labelledby="chi-tieu"')[2].partition("</table>")[0]
    cells = Page(f"<table{table}</table>").cells[5:]
    return {cells[n]: cells[n + 1 : n + 5] for n in range(0, len(cells), 5)}


def test_the_page_says_which_targets_are_met(served: Running, told: StatsStore) -> None:
    html = served.get("/thong-ke").get_data(as_text=True)
    found = rows(html)
    assert len(found) == len(MAIN)
    assert found["Tỷ lệ hồ sơ nộp trực tuyến"] == ["66,67%", "80,00%", "Chưa đạt", "2 / 3"]
    assert found["Tỷ lệ giải quyết trước và đúng hạn"] == ["100,00%", "50,00%", "Đạt", "1 / 1"]
    # 33.33 % is more than 33.3 %.
    assert found["Tỷ lệ hồ sơ được số hóa"] == ["33,33%", "33,30%", "Đạt", "1 / 3"]
    assert found["Tỷ lệ hài lòng"] == ["–", "–", "–", "–"]
    assert found["Lượt tra cứu kho dữ liệu điện tử của tổ chức, cá nhân"] == ["0", "–", "–", "–"]
    # Each share is drawn beside its number, with the target as a mark.
    assert len(re.findall(r'class="bar track"', html)) == len([row for row in found.values() if "%" in row[0]])
    assert len(re.findall(r'class="mark"', html)) == 3
    assert len(re.findall(r'class="short"', html)) == 1
    assert "<dt>Tỷ lệ hồ sơ được số hóa</dt><dd>Hồ sơ có mọi thành phần giấy" in html


def test_the_targets_are_those_of_the_year_that_is_shown(served: Running, told: StatsStore) -> None:
    Taking(told, lambda: NOW).take(messages(life(9, received_at=at("2023-03-05 08:00")).events()))
    found = rows(served.get("/thong-ke?nam=2023").get_data(as_text=True))
    assert found["Tỷ lệ hồ sơ nộp trực tuyến"] == ["100,00%", "–", "–", "1 / 1"]


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_prometheus_is_told_of_the_main_indicators(told: StatsStore, clock: Clock) -> None:
    Gauging(Indicators(told), Queries(told), clock).refresh()
    assert gauge("motcua_indicator_numerator", indicator="online_share") == 2
    assert gauge("motcua_indicator_denominator", indicator="online_share") == 3
    assert gauge("motcua_indicator_target", indicator="online_share") == 0.8
    assert str(gauge("motcua_indicator_target", indicator="satisfied_share")) == "nan"
    assert str(gauge("motcua_indicator_denominator", indicator="document_lookups")) == "nan"
    states = [gauge("motcua_dossiers", state=state) for state in ("open", "overdue", "waiting")]
    assert states == [2, 1, 1]
    found = {
        sample.labels["indicator"]
        for metric in REGISTRY.collect()
        if metric.name == "motcua_indicator_numerator"
        for sample in metric.samples
    }
    assert found == set(MAIN)


def said(found: Any) -> dict[str, str]:
    """Subject → mark of what is said when nothing has been said before."""
    return {each.subject: each.mark for each in found if each.is_new(Said())}


def test_the_feed_says_each_main_indicator_of_the_province_and_of_whom_something_changed(told: StatsStore) -> None:
    source = IndicatorsOfTheYear(Indicators(told))
    found = said(source(Touched(frozenset({"H56.14"}), MARCH.date()), NOW))
    assert found["online_share/-/2024"] == found["online_share/H56.14/2024"] == "[2, 3]"
    assert found["procedures_online_share/-/2024"] == "[1, 1]"
    # What is a share of nothing is not said, nor is a number before it is more than nothing.
    assert "satisfied_share/-/2024" not in found
    assert "document_lookups/-/2024" not in found
    assert {subject.split("/")[1] for subject in found} == {"-", "H56.14"}
    assert {subject.split("/")[0] for subject in found if "/H56.14/" in subject} <= set(OF_AGENCIES)
    # Nothing of an agency where nothing changed; everything of all when it is not known where.
    assert not [
        subject for subject in said(source(Touched(frozenset({"H56.15"}), MARCH.date()), NOW)) if "H56.14" in subject
    ]
    assert "online_share/H56.14/2024" in said(source(Touched(None, MARCH.date()), NOW))


def test_the_feed_says_what_is_a_number_and_what_became_nothing(told: StatsStore) -> None:
    source = IndicatorsOfTheYear(Indicators(told))
    everywhere = Touched(None, MARCH.date())
    taking = Taking(told, lambda: NOW)
    taking.take(messages([lookup(1, MARCH), *life(9, payments=(Payment(at=MARCH),)).events()]))
    before = said(source(everywhere, NOW))
    assert before["document_lookups/-/2024"] == "[1, null]"
    assert before["paid_online_share/-/2024"] == before["paid_online_share/H56.14/2024"] == "[1, 1]"
    taking.take(messages(life(9, payments=(Payment(at=MARCH, reversed=True),)).events()))
    # A look-up of no agency is said of none, and least of all of the province.
    found = list(source(Touched(frozenset({"", "H56.14"}), MARCH.date()), NOW))
    news = {each.subject: each.mark for each in found if each.is_new(Said(1, before.get(each.subject, "")))}
    assert news["paid_online_share/-/2024"] == news["paid_online_share/H56.14/2024"] == "[0, 0]"
    assert len({each.subject for each in found}) == len(found)


def test_the_feed_says_every_year_since_something_changed(told: StatsStore) -> None:
    Taking(told, lambda: NOW).take(messages(life(9, received_at=at("2022-03-05 08:00")).events()))
    found = said(IndicatorsOfTheYear(Indicators(told))(Touched(None, at("2022-03-05 08:00").date()), NOW))
    assert found["online_share/-/2022"] == "[1, 1]"
    assert found["online_share/-/2024"] == "[2, 3]"


def test_a_target_at_risk_is_an_alert(told: StatsStore) -> None:
    [alert] = TargetsAtRisk(Warnings(told))(Touched(None, MARCH.date()), NOW)
    assert alert.subject == "target_at_risk/online_share/H56/2024"
    event = alert.event(Said())
    assert isinstance(event, AlertRaised)
    assert event.words.vi.startswith("Tỷ lệ hồ sơ nộp trực tuyến: Với tiến độ này, cuối năm đạt 66,67%")
    assert event.numbers == {"target": 0.8, "projected": 2 / 3, "missed_by": pytest.approx(0.8 - 2 / 3)}
    early: datetime = at("2024-01-05 08:00")
    assert list(TargetsAtRisk(Warnings(told))(Touched(None, MARCH.date()), early)) == []
