"""Versions of procedures: what changed, any day's catalogue and its counts, corrections, fees of a day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import definitions, domain
from catalog.domain import Component, Correction, Exemption, Fee, FieldOfWork, Procedure, Version, fees_on
from catalog.store import CatalogStore, Wanted, new_version
from catalog.versions.domain import differences
from catalog.versions.texts import label
from chassis.errors import Invalid
from tests.catalog.callers import NOW, Api
from tests.catalog.making import agency, body, days, hours, procedure

CODE = procedure().code


def version(number: int, **changes: Any) -> Version:
    made = procedure(version=number, **changes)
    return Version(
        code=made.code, number=number, valid_from=made.valid_from, valid_to=made.valid_to, decision=None, procedure=made
    )


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    return [(d.pointer, d.kind, d.before, d.after) for d in differences(version(1, **old), version(2, **new))]


# -- what changed


def test_nothing_changed_but_the_number() -> None:
    assert changed({}, {}) == []


def test_each_change_is_named_by_its_place() -> None:
    assert changed({}, {"name": "Tên mới", "valid_from": date(2024, 1, 1), "cut_off": None}) == [
        ("/name", "changed", "Đăng ký đất đai lần đầu", "Tên mới"),
        ("/cut_off", "removed", "15:00", None),
        ("/valid_from", "changed", "2019-01-01", "2024-01-01"),
    ]


def test_components_are_compared_by_code_wherever_they_stand() -> None:
    one, two = Component(code="TP1", name="Đơn"), Component(code="TP2", name="Bản vẽ", copies=1)
    three = Component(code="TP/3", name="Giấy tờ")
    assert changed({"components": (one, two)}, {"components": (replace(two, copies=2), one)}) == [
        ("/components/TP2/copies", "changed", 1, 2),
        ("/components", "moved", ["TP1", "TP2"], ["TP2", "TP1"]),
    ]
    [(pointer, kind, before, after)] = changed({"components": (one, two)}, {"components": (one, two, three)})
    assert (pointer, kind, before) == ("/components/TP~13", "added", None)
    assert after["name"] == "Giấy tờ"
    [(pointer, kind, before, after)] = changed({"components": (one, two)}, {"components": (two,)})
    assert (pointer, kind, before["name"], after) == ("/components/TP1", "removed", "Đơn", None)


def test_a_fee_that_comes_twice_is_compared_as_a_whole_list() -> None:
    fee = procedure().fees[0]
    later = replace(fee, valid_from=date(2025, 1, 1), amount=1)
    first = replace(fee, valid_to=date(2025, 1, 1))
    [(pointer, kind, before, after)] = changed({"fees": (fee,)}, {"fees": (first, later)})
    assert (pointer, kind, len(before), len(after)) == ("/fees", "changed", 1, 2)


def test_a_level_is_not_the_same_as_what_equals_it_in_python() -> None:
    assert changed(
        {"form": {"type": "object", "minProperties": 1}}, {"form": {"type": "object", "minProperties": True}}
    )
    [(pointer, *_)] = changed({"service_level": 4}, {"service_level": "full"})
    assert pointer == "/service_level"


def test_a_withdrawal_is_a_change() -> None:
    withdrawn = domain.withdraw(version(1), date(2024, 5, 1), "QĐ 12")
    assert [(d.pointer, d.kind, d.after) for d in differences(version(1), withdrawn)] == [
        ("/valid_from", "changed", "2024-05-01"),
        ("/withdrawal", "added", {"on": "2024-05-01", "decision": "QĐ 12"}),
    ]


def test_a_place_is_said_in_words() -> None:
    assert label("/components/TP~13/copies", 0) == "Thành phần hồ sơ › TP/3 › Số bản sao"
    assert label("/components/TP~13/copies", 1) == "Components › TP/3 › Copies"
    # What a form calls its own fields is not ours to translate.
    assert label("/form/properties/name", 0) == "Mẫu đơn, tờ khai điện tử › properties › name"


TEXTS = st.sampled_from(["a", "b", "ă/~"])
PROCEDURES = st.builds(
    procedure,
    name=TEXTS,
    cut_off=st.none() | st.just("15:00"),
    levels=st.lists(st.sampled_from(["province", "commune"]), unique=True).map(tuple),
    components=st.lists(
        st.builds(Component, code=TEXTS, name=TEXTS, copies=st.integers(0, 2)), unique_by=lambda c: c.code
    ).map(tuple),
    form=st.none() | st.dictionaries(TEXTS, st.integers(0, 1) | st.booleans()),
)


@given(PROCEDURES, PROCEDURES)
def test_what_changed_is_enough_to_make_the_new_version_of_the_old(old: Procedure, new: Procedure) -> None:
    """Every difference put into the old one gives the new one, and nothing differs from itself."""
    before, after = version(1, **fields(old)), version(2, **fields(new))
    found = differences(before, after)
    assert differences(before, before) == []
    assert (found == []) == (differences(after, before) == [])
    patched = patched_by(found, plain(old))
    # repr() tells true from 1.
    assert repr(patched) == repr(plain(new))


def fields(made: Procedure) -> dict[str, Any]:
    return {name: getattr(made, name) for name in ("name", "cut_off", "levels", "components", "form")}


def plain(made: Procedure) -> dict[str, Any]:
    """What of a procedure varies here, as JSON; components by code."""
    components = {c.code: asdict(c) for c in sorted(made.components, key=lambda c: c.code)}
    form = None if made.form is None else dict(sorted(made.form.items()))
    return {**fields(made), "levels": list(made.levels), "components": components, "form": form}


def patched_by(found: Sequence[Any], target: dict[str, Any]) -> dict[str, Any]:
    for each in found:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in each.pointer.split("/")[1:]]
        place = target
        for part in way:
            place = place[part]
        if each.kind == "removed" and way in (["components"], ["form"]):
            del place[last]
        elif each.kind != "moved":
            place[last] = each.after
    for name in ("components", "form"):
        target[name] = target[name] and dict(sorted(target[name].items()))
    return target


# -- corrections


def test_a_correction_takes_the_place_of_the_latest_version(api: Api) -> None:
    for key, made in (("a", procedure(name="Một")), ("b", procedure(name="Hia", valid_from=date(2024, 2, 1)))):
        assert api.put(f"/procedures/{CODE}", body(made), key=key).status_code in (200, 201)
    right = body(procedure(name="Hai", valid_from=date(2024, 2, 1)))
    answer = api.put(f"/procedures/{CODE}", right | {"correction": {"of": 2, "reason": "Lỗi chính tả"}}, key="c")
    assert (answer.status_code, answer.json["version"]) == (200, 3)
    assert answer.json["correction"] == {"of": 2, "reason": "Lỗi chính tả"}
    assert api.public(f"/procedures/{CODE}").json["name"] == "Hai"
    # What was corrected stays as it was, and counts on no day.
    corrected = api.public(f"/procedures/{CODE}?version=2").json
    assert (corrected["name"], corrected["valid_from"], corrected["valid_to"]) == ("Hia", "2024-02-01", "2024-02-01")
    assert api.public(f"/procedures/{CODE}?on=2024-01-31").json["version"] == 1
    [change] = api.public(f"/procedures/{CODE}/diff").json["changes"]
    assert (change["pointer"], change["before"], change["after"]) == ("/name", "Hia", "Hai")


@pytest.mark.parametrize(
    ("correction", "valid_from", "pointer"),
    [
        (Correction(of=1, reason="Lỗi"), date(2024, 2, 1), "/correction/of"),
        (Correction(of=3, reason="Lỗi"), date(2024, 2, 1), "/correction/of"),
        (Correction(of=2, reason=" "), date(2024, 2, 1), "/correction/reason"),
        (Correction(of=2, reason="Lỗi"), date(2024, 2, 2), "/valid_from"),
        (Correction(of=2, reason="Lỗi"), date(2024, 1, 1), "/valid_from"),
    ],
)
def test_only_the_latest_version_is_corrected_and_from_its_first_day(
    correction: Correction, valid_from: date, pointer: str
) -> None:
    latest = domain.publish(version(1), procedure(valid_from=date(2024, 2, 1)))
    with pytest.raises(Invalid) as caught:
        domain.publish(latest, procedure(valid_from=valid_from), correction=correction)
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_what_is_not_there_or_withdrawn_is_not_corrected() -> None:
    correction = Correction(of=2, reason="Lỗi")
    withdrawn = domain.withdraw(version(1), date(2024, 1, 1), "QĐ 1")
    for latest in (None, withdrawn):
        with pytest.raises(Invalid):
            domain.publish(latest, procedure(valid_from=date(2024, 1, 1)), correction=correction)


def test_a_correction_is_told_to_those_who_keep_copies(api: Api, catalog_store: CatalogStore) -> None:
    api.put(f"/procedures/{CODE}", body(procedure()), key="a")
    api.put(f"/procedures/{CODE}", body(procedure()) | {"correction": {"of": 1, "reason": "Lỗi"}}, key="b")
    stored = catalog_store.procedures.collection.find_one({"_id": f"{CODE}/2"})
    assert stored is not None
    assert '"correction":{"of":1,"reason":"Lỗi"}' in stored["outbox"][0]["body"]


# -- histories, days and differences over HTTP


@pytest.fixture
def history(api: Api) -> Api:
    for key, made in (
        ("a", procedure(name="Một")),
        ("b", procedure(name="Hai", valid_from=date(2024, 2, 1))),
        ("c", procedure(name="Ba", valid_from=date(2099, 1, 1))),
    ):
        assert api.put(f"/procedures/{CODE}", body(made), key=key).status_code in (200, 201)
    return api


def test_a_history_says_how_each_entry_stands(history: Api) -> None:
    entries = history.public(f"/procedures/{CODE}/versions").json["entries"]
    assert [(each["version"], each["valid_from"], each["valid_to"], each["status"]) for each in entries] == [
        (1, "2019-01-01", "2024-02-01", "superseded"),
        (2, "2024-02-01", "2099-01-01", "in_force"),
        (3, "2099-01-01", None, "upcoming"),
    ]
    assert not any(each["withdrawn"] for each in entries)
    assert history.public("/procedures/9.999999/versions").json["code"] == "procedure_unknown"


def test_two_versions_compared(history: Api) -> None:
    def names(query: str) -> tuple[int, int, list[tuple[Any, Any]]]:
        json = history.public(f"/procedures/{CODE}/diff{query}").json
        found = [(each["before"], each["after"]) for each in json["changes"] if each["pointer"] == "/name"]
        return json["old"]["version"], json["new"]["version"], found

    assert names("?from=1&to=2") == (1, 2, [("Một", "Hai")])
    assert names("?from=1&to=3") == (1, 3, [("Một", "Ba")])
    assert names("") == (2, 3, [("Hai", "Ba")])
    assert names("?to=2") == (1, 2, [("Một", "Hai")])
    assert names("?from=3&to=1") == (3, 1, [("Ba", "Một")])
    assert names("?from=2&to=2") == (2, 2, [])
    [first, *_] = history.public(f"/procedures/{CODE}/diff?from=1&to=2").json["changes"]
    assert (first["label"], first["label_en"]) == ("Tên", "Name")


def test_versions_that_are_not_there_are_not_compared(history: Api) -> None:
    for query, status in (("?from=1&to=9", 404), ("?from=9&to=1", 404), ("?to=1", 422), ("?from=0&to=1", 422)):
        assert history.public(f"/procedures/{CODE}/diff{query}").status_code == status
    assert history.public("/procedures/9.999999/diff").status_code == 404


def test_the_list_of_any_day(history: Api) -> None:
    def found(query: str) -> list[tuple[str, int, str]]:
        items = history.public(f"/procedures?{query}").json["items"]
        return [(item["name"], item["version"], item["status"]) for item in items]

    assert found("on=2018-12-31") == []
    assert found("on=2024-01-31") == [("Một", 1, "in_force")]
    assert found("on=2024-02-01") == [("Hai", 2, "in_force")]
    assert found("on=2099-01-01") == [("Ba", 3, "in_force")]
    assert found("") == [("Hai", 2, "in_force")]


# -- counts


def summary(api: Api, query: str = "") -> tuple[int, int, dict[Any, tuple[int, int]]]:
    answer = api.public(f"/procedures/summary?{query}")
    assert answer.status_code == 200, answer.text
    groups = {group["key"]: (group["count"], group["online"]) for group in answer.json["groups"]}
    return answer.json["total"], answer.json["online"], groups


def test_a_days_catalogue_counted(api: Api) -> None:
    office = agency("H56.30", name="Huyện", level="district")
    assert api.put("/agencies/H56.30", body(office), key="x").status_code == 201
    land, civil = FieldOfWork(code="DATDAI", name="Đất đai"), FieldOfWork(code="HOTICH", name="Hộ tịch")
    made = [
        procedure(code="1.000001", service_level=2, field=land, levels=("province", "district")),
        procedure(code="1.000002", service_level=3, field=land, levels=("district",)),
        procedure(code="1.000003", service_level="full", field=civil, levels=("commune",)),
        procedure(code="1.000004", service_level=3, field=civil, levels=("commune",), valid_to=date(2024, 1, 1)),
        procedure(code="1.000005", service_level=3, field=civil, levels=("commune",), valid_from=date(2099, 1, 1)),
    ]
    for each in made:
        assert api.put(f"/procedures/{each.code}", body(each), key=each.code).status_code == 201
    raised = procedure(code="1.000001", service_level=4, field=land, levels=("province",), valid_from=date(2024, 6, 1))
    assert api.put("/procedures/1.000001", body(raised), key="raised").status_code == 200
    assert summary(api) == (3, 3, {3: (1, 1), 4: (1, 1), "full": (1, 1)})
    assert summary(api, "on=2023-06-01") == (4, 3, {2: (1, 0), 3: (2, 2), "full": (1, 1)})
    assert summary(api, "on=2023-06-01&by=field") == (4, 3, {"DATDAI": (2, 1), "HOTICH": (2, 2)})
    assert summary(api, "on=2023-06-01&by=level") == (
        4, 3, {"province": (1, 0), "district": (2, 1), "commune": (2, 2)}
    )  # fmt: skip
    # The version that counts is looked at, not an older one that fits.
    assert summary(api, "agency=H56.30") == (1, 1, {3: (1, 1)})
    assert summary(api, "agency=H56.30&on=2023-06-01") == (2, 1, {2: (1, 0), 3: (1, 1)})
    assert summary(api, "field=HOTICH&level=commune") == (1, 1, {"full": (1, 1)})
    assert summary(api, "on=1999-01-01") == (0, 0, {})
    assert api.public("/procedures/summary?agency=H56.99").status_code == 422
    assert api.public("/procedures/summary?by=colour").status_code == 422
    assert [group["name"] for group in api.public("/procedures/summary?by=field").json["groups"]] == [
        "Đất đai", "Hộ tịch",
    ]  # fmt: skip


def test_the_store_counts_what_the_domain_says_counts(catalog_store: CatalogStore) -> None:
    """Histories with corrections, withdrawals, ends and later beginnings, counted on every day around them."""
    start = date(2024, 1, 1)
    histories: list[list[Version]] = []
    for n in range(60):
        code = f"1.{n:06}"
        entries: list[Version] = []
        for m in range(n % 4 + 1):
            day = start + timedelta(days=(n * 7 + m * (n % 3)) % 9 + m)
            day = max(day, entries[-1].valid_from) if entries else day
            if entries and n % 5 == 0 and m == n % 4 and entries[-1].decision is None:
                entries.append(domain.withdraw(entries[-1], day, "QĐ"))
            else:
                end = day + timedelta(days=3) if n % 7 == m else None
                made = procedure(code=code, service_level=(n + m) % 4 + 1, valid_from=day, valid_to=end)
                entries.append(domain.publish(entries[-1] if entries else None, made))
        histories.append(entries)
    news = [new_version(entry, NOW, "x", None, None) for entries in histories for entry in entries]
    assert set(catalog_store.procedures.add(news)) == {None}
    for day in (start + timedelta(days=n) for n in range(-1, 20)):
        expected: Counter[Any] = Counter()
        for entries in histories:
            counting = domain.counting_on([entry.validity for entry in entries], day)
            if counting is not None and domain.status_of(counting, [e.validity for e in entries], day) == "in_force":
                expected[entries[counting.number - 1].procedure.service_level] += 1
        found = Counter({each.service_level: each.count for each in catalog_store.counted(Wanted(), day)})
        assert found == expected


# -- fees


POOR = Exemption(code="HN", name="Hộ nghèo", legal_basis="Nghị quyết 12/2024/NQ-HĐND")


def fee(code: str = "LP1", amount: int = 50_000, **more: Any) -> Fee:
    return Fee(code=code, name="Lệ phí", kind="charge", amount=amount, **more)


def test_the_fees_of_a_day_and_a_channel() -> None:
    made = procedure(
        fees=(
            fee(online_amount=25_000, exemptions=(POOR,), valid_to=date(2025, 1, 1)),
            fee(amount=60_000, valid_from=date(2025, 1, 1)),
            fee("P1", 7),
            fee("P2", 9, online_amount=0),
        )
    )

    def due(day: date, channel: domain.Channel) -> list[tuple[str, int]]:
        return [(each.code, each.amount) for each in fees_on(made, day, channel)]

    assert due(date(2024, 12, 31), "counter") == [("LP1", 50_000), ("P1", 7), ("P2", 9)]
    assert due(date(2024, 12, 31), "post") == due(date(2024, 12, 31), "counter")
    assert due(date(2024, 12, 31), "online") == [("LP1", 25_000), ("P1", 7), ("P2", 0)]
    assert due(date(2025, 1, 1), "online") == [("LP1", 60_000), ("P1", 7), ("P2", 0)]
    assert fees_on(made, date(2024, 12, 31), "online")[0].exemptions == (POOR,)


@pytest.mark.parametrize(
    ("fees", "pointer"),
    [
        ((fee(), fee()), "/fees/1/code"),
        ((fee(valid_to=date(2025, 1, 2)), fee(valid_from=date(2025, 1, 1))), "/fees/1/code"),
        ((fee(valid_from=date(2025, 1, 1), valid_to=date(2025, 1, 1)),), "/fees/0/valid_to"),
        ((fee(online_amount=-1),), "/fees/0/online_amount"),
        ((fee(online_amount=10**13),), "/fees/0/online_amount"),
        ((fee(exemptions=(POOR, POOR)),), "/fees/0/exemptions/1/code"),
        ((fee(exemptions=(replace(POOR, legal_basis=""),)),), "/fees/0/exemptions/0/legal_basis"),
    ],
)
def test_wrong_fees_are_named(fees: tuple[Fee, ...], pointer: str) -> None:
    assert [error.pointer for error in definitions.procedure_errors(procedure(fees=fees))] == [pointer]


def test_the_same_fee_may_follow_itself() -> None:
    fees = (fee(valid_to=date(2025, 1, 1)), fee(valid_from=date(2025, 1, 1)))
    assert definitions.procedure_errors(procedure(fees=fees)) == []


def test_fees_over_http_are_those_of_the_version_in_force(api: Api) -> None:
    before = procedure(fees=(fee(amount=10, online_amount=5), fee("P1", 1)))
    after = procedure(fees=(fee(amount=30),), valid_from=date(2024, 6, 1))
    for key, made in (("a", before), ("b", after)):
        assert api.put(f"/procedures/{CODE}", body(made), key=key).status_code in (200, 201)

    def total(query: str) -> tuple[int, int]:
        json = api.public(f"/procedures/{CODE}/fees{query}").json
        return json["version"], json["total"]

    assert total("") == (2, 30)
    assert total("?on=2024-05-31") == (1, 11)
    assert total("?on=2024-05-31&channel=online") == (1, 6)
    assert api.public(f"/procedures/{CODE}/fees?on=1999-01-01").json["code"] == "procedure_not_in_force"
    assert api.public(f"/procedures/{CODE}/fees?channel=dove").status_code == 422


def test_a_shorter_process_is_a_difference_too() -> None:
    steps = procedure().process.steps
    shorter = replace(steps[1], amount=hours(1))
    [(pointer, kind, before, after), *_] = changed({}, {"process": domain.Process(steps=(steps[0], shorter, steps[2]))})
    assert (pointer, kind, before, after) == ("/process/steps/s2/amount/amount", "changed", days(2).amount, 1)
