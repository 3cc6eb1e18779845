"""Each number leads to what it counts: the list behind it is as long as it says."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from pymongo import MongoClient

from native.access import Persona
from stats.domain.numbers import LEAVES
from stats.queries import dossiers as listing
from stats.schemas.counts import Counts
from stats.schemas.dossiers import DossiersPage, LookupsPage
from stats.store import StatsStore
from stats.store.lists import Candidates, _ranges
from stats.store.projection import Where
from stats.store.rows import LISTED_BY
from stats.usecases.events import Taking
from tests.stats.making import PERSON, Halt, Life, at, event, many, messages
from tests.support.services import Running

AGENCIES = ("H56.14", "H56.15", "H56.15.03")
PROVINCE = Persona("Sở Nội vụ", ("stats.read", "stats.dossiers"))
ASKED_TWICE = Life(
    id="asked-twice",
    agency="H56.14",
    filed_at=at("2024-10-01 08:00"),
    received_at=at("2024-10-01 09:00"),
    due_at=at("2024-10-30 09:00"),
    halts=(
        Halt(kind="supplement", begin=at("2024-10-02 09:00"), end=at("2024-10-03 09:00")),
        Halt(kind="supplement", begin=at("2024-10-08 09:00"), end=at("2024-10-09 09:00")),
    ),
)
DUE_TODAY = Life(
    id="due-today",
    channel="post",
    filed_at=at("2024-11-18 08:00"),
    received_at=at("2024-11-18 09:00"),
    due_at=at("2024-11-20 09:00"),
)
RECEIVED_LATE = Life(id="received-late", filed_at=at("2024-08-29 08:00"), received_at=at("2024-09-03 09:00"))
LIVES = [
    *many(90, at("2024-06-20 08:00"), 130, AGENCIES, ("1.001193", "1.012784", "2.000815")),
    ASKED_TWICE,
    DUE_TODAY,
    RECEIVED_LATE,
]


def looked_up(n: int, agency: str | None, procedure: str | None) -> dict[str, Any]:
    moment = at(f"2024-09-{n + 1:02} 10:00")
    data = {"agency": agency, "procedure": procedure, "by": "officer", "act": "listed", "documents": n, "at": moment}
    return event("intake.document.looked_up.v1", f"look-up-{n}", 1, moment, data)


LOOK_UPS = [looked_up(0, "H56.14", "1.001193"), looked_up(1, "H56.99", None), looked_up(2, None, None)]


@pytest.fixture
def filled(served: Running, taking: Taking) -> Running:
    taking.take(messages([made for life in LIVES for made in life.events()] + LOOK_UPS))
    return served


def followed(served: Running, link: str, who: Persona = PROVINCE, limit: int = 200) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = served.get(f"{link}&limit={limit}{cursor}", who).get_json()
        assert len(page["items"]) <= limit
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


def leaf(item: dict[str, Any], path: str) -> int:
    for name in path.split("."):
        item = item[name]
    assert isinstance(item, int)
    return item


QUERIES = (
    "",
    "from=2024-08-10&to=2024-10-15&by=month",
    "from=2024-07-01&to=2024-10-01&by=agency",
    "from=2024-10-01&to=2024-10-03&by=day",
    "by=channel",
    "agency=H56.15&subtree=true&by=procedure",
    "agency=H56.14&channel=online&by=field,service_level",
    "service_level=3&from=2024-11-20&to=2024-11-21",
)


def test_every_number_leads_to_as_many_as_it_says(filled: Running) -> None:
    known: dict[str, int] = {}
    for query in QUERIES:
        body = filled.get(f"counts?links=true&{query}", PROVINCE).get_json()
        Counts.model_validate(body)
        assert body["items"]
        for item in body["items"]:
            assert set(item["links"]) == set(LEAVES)
            for path, link in item["links"].items():
                if link not in known:
                    known[link] = sum(1 for _ in followed(filled, link))
                assert known[link] == leaf(item, path), (path, link)


def test_no_number_is_zero_everywhere(filled: Running) -> None:
    """Otherwise what stands behind it would be untested."""
    [item] = filled.get("counts", PROVINCE).get_json()["items"]
    [later] = filled.get("counts?from=2024-09-01", PROVINCE).get_json()["items"]
    assert [path for path in LEAVES if not leaf(item, path) and not leaf(later, path)] == []


def test_without_asking_there_are_no_links(served: Running) -> None:
    assert "links" not in served.get("counts", PROVINCE).get_json()["items"][0]


def test_pages_of_any_size_give_the_same_list(filled: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for measure in ("filed", "supplement_requests", "open", "waiting"):
        link = f"dossiers?measure={measure}&agency=H56&subtree=true&from=2024-07-01&to=2024-11-01"
        whole = list(followed(filled, link))
        assert len(whole) > 1
        for limit in (1, 2, 7):
            with monkeypatch.context() as patched:
                patched.setattr(listing, "_AT_ONCE", 3)
                assert list(followed(filled, link, limit=limit)) == whole


def test_a_page_may_be_short_and_then_says_that_it_goes_on(filled: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    link = "dossiers?measure=received&from=2024-08-01&to=2024-09-01"
    whole = list(followed(filled, link))
    monkeypatch.setattr(listing, "_AT_ONCE", 2)
    monkeypatch.setattr(listing, "_BATCHES", 1)
    page = filled.get(f"{link}&limit=200", PROVINCE).get_json()
    assert len(page["items"]) < len(whole)
    assert page["next"] is not None
    assert list(followed(filled, link)) == whole


def test_a_dossier_tells_why_it_counts(filled: Running) -> None:
    [first, again] = [
        item
        for item in followed(filled, "dossiers?measure=supplement_requests&from=2024-10-01&to=2024-11-01&agency=H56.14")
        if item["id"] == "asked-twice"
    ]
    assert first == again
    DossiersPage.model_validate({"items": [first], "next": None})
    assert first == {
        "id": "asked-twice",
        "code": "H56.14-240823-0001",
        "agency": "H56.14",
        "agency_name": "Cơ quan H56.14",
        "field": "HOTICH",
        "procedure": "1.001193",
        "channel": "online",
        "service_level": "full",
        "filed_on": "2024-10-01",
        "received_on": "2024-10-01",
        "due_on": "2024-10-30",
        "refused_on": None,
        "withdrawn_on": None,
        "finished_on": None,
        "timing": None,
        "stopped_on": None,
        "handed_over_on": None,
        "paused": None,
        "paused_since": None,
        "supplement_requests": 2,
        "extensions": 0,
        "reused": False,
        "paid_on": None,
        "paid_online": False,
        "score": None,
    }


def test_who_waits_is_listed_with_what_it_waits_for(filled: Running) -> None:
    items = list(followed(filled, "dossiers?measure=supplement&from=2024-01-01&to=2025-01-01"))
    assert items
    assert {item["paused"] for item in items} == {"supplement"}
    assert all(item["paused_since"] >= item["received_on"] for item in items)


def test_what_falls_due_today_is_within_its_time(filled: Running) -> None:
    link = "agency=H56.14&channel=post&from=2024-11-01&to=2024-12-01"
    assert "due-today" in {item["id"] for item in followed(filled, f"dossiers?measure=within&{link}")}
    assert "due-today" not in {item["id"] for item in followed(filled, f"dossiers?measure=overdue&{link}")}


def test_look_ups_have_a_list_of_their_own(filled: Running) -> None:
    items = list(followed(filled, "lookups?from=2024-09-01&to=2024-10-01"))
    LookupsPage.model_validate({"items": items, "next": None})
    assert [(item["agency"], item["procedure"], item["documents"]) for item in items] == [
        (None, None, 2),
        ("H56.14", "1.001193", 0),
        ("H56.99", None, 1),
    ]
    [only] = followed(filled, "lookups?from=2024-09-01&to=2024-10-01&agency=-")
    assert only["id"] == "look-up-2"
    rows = filled.get("counts?by=agency,channel&from=2024-09-01&to=2024-10-01", PROVINCE).get_json()["items"]
    found = {(row["agency"], row["channel"]): row["document_lookups"] for row in rows if row["document_lookups"]}
    assert found == {("H56.14", None): 1, ("H56.99", None): 1, (None, None): 1}


# -- who may, and what goes wrong --------------------------------------------------------------------------------------


def test_an_agency_sees_its_own_and_what_is_below_it(filled: Running) -> None:
    agency = Persona("Cán bộ", ("stats.dossiers",), "H56.15")
    link = "dossiers?measure=received&from=2024-01-01&to=2025-01-01"
    all_of_them = list(followed(filled, link))
    mine = [item for item in all_of_them if item["agency"] in ("H56.15", "H56.15.03")]
    assert {item["agency"] for item in all_of_them} == set(AGENCIES)
    assert list(followed(filled, link, agency)) == mine
    assert list(followed(filled, f"{link}&agency=H56&subtree=true", agency)) == mine
    assert list(followed(filled, f"{link}&agency=H56.14", agency)) == []
    assert list(followed(filled, f"{link}&agency=H56.77", agency)) == []


@pytest.mark.parametrize("path", ["dossiers?measure=received", "lookups?from=2024-01-01"])
def test_only_who_may_list_does(served: Running, path: str) -> None:
    assert served.get(path).status_code == 401
    assert served.get(path, Persona("Lãnh đạo", ("stats.read",), "H56")).status_code == 403


def test_nothing_personal_is_listed(filled: Running) -> None:
    text = filled.get("dossiers?measure=received&limit=200", PROVINCE).get_data(as_text=True)
    assert not [value for value in PERSON.values() if value in text]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("measure=colour", "/measure"),
        ("measure=score_sum", "/measure"),
        ("measure=document_lookups", "/measure"),
        ("from=2024-01-01", "/measure"),
        ("measure=open&channel=fax", "/channel"),
        ("measure=open&service_level=5", "/service_level"),
        ("measure=open&limit=201", "/limit"),
        ("measure=open&cursor=%7B%7D", "/cursor"),
        ("measure=open&as_of=2024-11-19", "/as_of"),
        ("measure=open&colour=red", "/colour"),
    ],
)
def test_a_wrong_parameter_is_named(served: Running, query: str, pointer: str) -> None:
    answer = served.get(f"dossiers?{query}", PROVINCE)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_another_list_s_cursor_is_as_good_as_none_that_this_one_gave(filled: Running) -> None:
    page = filled.get("lookups?limit=1&from=2024-09-01", PROVINCE).get_json()
    answer = filled.get(f"dossiers?measure=received&cursor={page['next']}", PROVINCE)
    assert answer.status_code == 200
    DossiersPage.model_validate(answer.get_json())


def test_what_was_known_earlier_is_counted_but_not_listed(served: Running) -> None:
    answer = served.get("counts?links=true&as_of=2024-11-19", PROVINCE)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "not_as_of"
    assert served.get("counts?links=true&as_of=2024-11-20", PROVINCE).status_code == 200, "today is now"


# -- indexes -----------------------------------------------------------------------------------------------------------


def stages(plan: Any) -> list[dict[str, Any]]:
    """Every stage of an explained plan, with what it looked at."""
    if isinstance(plan, dict):
        mine = [plan] if "stage" in plan and "nReturned" in plan else []
        return mine + [stage for value in plan.values() for stage in stages(value)]
    return [stage for value in plan for stage in stages(value)] if isinstance(plan, list) else []


def test_an_index_gives_each_list_in_its_order(
    filled: Running, stats: StatsStore, mongo: MongoClient[dict[str, Any]]
) -> None:
    """So that a page costs what it holds, and none is sorted."""
    asked = product(LISTED_BY, (None, ["H56.14"], ["H56.14", "H56.15"]), (None, ("H56.14", "2024-09-01", "x")))
    for by, agencies, after in asked:
        candidates = Candidates(by, ["received"], "2024-08-01", "2024-10-01", {"received_on": "2024-10-01"})
        for wanted in _ranges(candidates, Where(agencies=agencies), after):
            sort = {"agency": 1, by: 1, "_id": 1}
            find = {"find": stats.current().facts.name, "filter": wanted, "hint": by, "sort": sort, "limit": 20}
            plan = mongo[stats.database.name].command("explain", find, verbosity="executionStats")
            names = {stage["stage"] for stage in stages(plan)}
            assert "IXSCAN" in names
            assert not names & {"SORT", "COLLSCAN"}, plan
