"""Clumsy and hostile questions: each is answered with numbers or with what is wrong with it, never with a failure."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from chassis.envelope import Unreadable
from stats.usecases.events import Taking
from tests.stats.making import Life, at, message, messages
from tests.support.services import Running, everything, pointers

QUESTIONS = {
    "counts": "",
    "dossiers": "measure=received",
    "lookups": "",
    "indicators": "",
    "indicators/766": "",
    "rankings": "indicator=online_share",
    "inactive": "kind=procedure",
    "offered": "kind=agency",
    "warnings": "",
    "emc/services": "",
    "events": "",
}
CURSORS = (
    "x",
    "W10",
    "bnVsbA",
    "WyJceGQ4MDAiLCAiIiwgIiIsIDBd",
    "[[[[",
    quote("WyIkZ3QiLDEsMSwxXQ"),
    "%00",
    "é",
    "W10" * 100,
)
"""Not base64, not a list, half a surrogate, an operator, what ends a text elsewhere."""
WRONG = (
    "from=2024-02-01&to=2024-01-01", "from=2024-01-01&to=2024-01-01", "from=0001-01-01", "to=9999-12-31",
    "from=2024-02-30", "as_of=yesterday", "limit=0", "limit=201", "limit=1e9", "limit=NaN", "agency=" + "x" * 101,
    "wait=NaN", "wait=inf", "after=-1", "after=9999999999999999", "unknown=1", "by=received,sex",
    "channel=fax", "service_level=5", "service_level=" + "9" * 5000, "decimals=400", "levels=5",
    "indicator=nothing", "types=stats.everything", "kind=person", "level=ward", "by=agency,agency",
)  # fmt: skip
ODD = (
    "agency=$where", "agency=H56.14.", "agency=%00", "agency=|", "agency=a%2Fb", "agency=-&subtree=true",
    "agency=H56%CC%81", "field=$gt", "procedure=1.001193.m.00", "procedure=%25", "from=1990-01-01&to=2200-12-31",
    "from=2199-01-01", "to=1990-01-02", "as_of=1990-01-01", "as_of=2200-01-01", "from=2150-01-01&to=2150-01-02",
    "by=agency,field,procedure,channel,service_level,month", "service_level=3", "siteId=$ne",
)  # fmt: skip

LIFE = Life(id="1", filed_at=at("2024-01-02 08:00"), received_at=at("2024-01-02 09:00"))


@pytest.fixture
def served(served: Running, taking: Taking) -> Running:
    lives = [LIFE, replace(LIFE, id="2", agency="H56.$x", field="$%2E", procedure="1.$in.%24")]
    taking.take(messages(made for life in lives for made in life.events()))
    return served


def test_what_is_wrong_is_named(served: Running) -> None:
    who = everything(served.service)
    for path, rest in QUESTIONS.items():
        for wrong in (*WRONG, *(f"cursor={each}" for each in CURSORS)):
            answer = served.get(f"{path}?{wrong}&{rest}", who)
            assert answer.status_code == 422, (path, wrong, answer.text)
            assert pointers(answer), (path, wrong)


def test_what_is_odd_fails_nowhere(served: Running) -> None:
    who = everything(served.service)
    for path, rest in QUESTIONS.items():
        for odd in ODD:
            answer = served.get(f"{path}?{odd}&{rest}", who)
            assert answer.status_code in (200, 422), (path, odd, answer.text)


@pytest.mark.parametrize(
    "wrong",
    [{"received_at": "9999-12-31T23:59:59Z"}, {"due_at": "0001-01-01T00:00:00Z"}, {"code": None},
     {"dimensions": LIFE.dimensions() | {"procedure": "1.001193\0"}},
     {"dimensions": LIFE.dimensions() | {"agency": "a|b"}},
     {"dimensions": LIFE.dimensions() | {"field": ""}}],
)  # fmt: skip
def test_what_cannot_be_counted_is_not_read(wrong: dict[str, Any]) -> None:
    """What is read is archived, and a rebuild must not break on it."""
    [received] = [made for made in LIFE.events() if made["type"] == "intake.dossier.received.v1"]
    assert message(received).data is not None
    with pytest.raises(Unreadable):
        message({**received, "data": {**received["data"], **wrong}})
