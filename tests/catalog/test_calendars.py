"""A year's calendar through time: its versions, and what a decision changes."""

from dataclasses import replace
from datetime import date
from typing import Any

from catalog.calendars import changed_days
from catalog.domain import CalendarDay
from catalog.store import CatalogStore
from catalog.usecases import UseCases
from tests.catalog.callers import Api, call
from tests.catalog.making import body, calendar


def day(text: str, kind: Any = "off", name: str = "Nghỉ") -> CalendarDay:
    return CalendarDay(date=date.fromisoformat(text), kind=kind, name=name)


def changes(before: list[CalendarDay] | None, after: list[CalendarDay]) -> list[tuple[str, str, str]]:
    old = None if before is None else replace(calendar(), days=tuple(before))
    found = changed_days(old, replace(calendar(), days=tuple(after)))
    return [(each.date.isoformat(), each.before, each.after) for each in found]


def test_only_days_on_which_work_begins_or_ends_are_changed() -> None:
    friday, saturday, sunday = "2026-01-02", "2026-01-10", "2026-01-11"
    assert changes(None, [day(friday), day(saturday, "working"), day(sunday)]) == [
        (friday, "working", "off"), (saturday, "off", "working"),
    ]  # fmt: skip
    assert changes([day(friday)], [day(friday, name="Tên khác")]) == []
    assert changes([day(friday), day(saturday, "working")], []) == [
        (friday, "off", "working"), (saturday, "working", "off"),
    ]  # fmt: skip


def test_a_dry_run_says_what_would_change_and_changes_nothing(catalog_store: CatalogStore, api: Api) -> None:
    first = {**body(calendar()), "dry_run": True}
    tried = api.put("/calendar/2026", first, key="k1")
    assert (tried.status_code, tried.json["version"], tried.json["days_changed"]) == (200, 0, 1)
    assert api.public("/calendar/2026").status_code == 404
    done = api.put("/calendar/2026", body(calendar()), key="k2")
    assert (done.status_code, done.json["days_changed"], done.json["dry_run"]) == (201, 1, False)
    more = body(replace(calendar(), days=(day("2026-01-02"),), decision="Thông báo 13/TB"))
    tried = api.put("/calendar/2026", {**more, "dry_run": True}, key="k3")
    assert tried.json["changes"] == [
        {"date": "2026-01-01", "before": "off", "after": "working"},
        {"date": "2026-01-02", "before": "working", "after": "off"},
    ]
    assert tried.json["version"] == 1
    assert api.public("/calendar/2026").json["decision"] == calendar().decision
    assert catalog_store.calendars.collection.count_documents({}) == 1
    wrong = api.put(
        "/calendar/2026",
        {**more, "days": [{"date": "2025-01-01", "kind": "off", "name": "x"}], "dry_run": True},
        key="k4",
    )
    assert wrong.status_code == 422


def test_every_version_stays_readable(catalog_store: CatalogStore, api: Api) -> None:
    assert api.public("/calendar/2026/history").status_code == 404
    for n, decision in enumerate(("TB 1", "TB 2", "TB 3")):
        changed = replace(calendar(), decision=decision, days=calendar().days[: n % 2])
        assert api.put("/calendar/2026", body(changed), key=f"k{n}").status_code in (200, 201)
    # A repetition is not another version.
    api.put("/calendar/2026", body(changed), key="k2")
    items = api.public("/calendar/2026/history").json["items"]
    assert [(each["version"], each["decision"], len(each["days"])) for each in items] == [
        (1, "TB 1", 0), (2, "TB 2", 1), (3, "TB 3", 0),
    ]  # fmt: skip
    assert items[0].keys() == {"version", "decision", "known_from", "days", "changed_at"}
    current = api.public("/calendar/2026").json
    assert (current["version"], current["decision"]) == (3, "TB 3")


def test_a_year_that_was_stored_before_versions_were_kept_has_its_first_one(catalog_store: CatalogStore) -> None:
    use = UseCases(catalog_store)
    use.put_calendar(call("a"), calendar(), dry_run=False)
    catalog_store.calendars.collection.update_one({"_id": "2026"}, {"$unset": {"history": 1}})
    use.put_calendar(call("b"), replace(calendar(), decision="TB 2"), dry_run=False)
    stored = catalog_store.calendars.load("2026")
    assert stored is not None
    assert [(each.number, each.decision) for each in stored.state.history] == [(1, calendar().decision), (2, "TB 2")]
