"""What was published of Thanh Hóa, held by the catalogue and counted by its API, by the names of the figures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import chain, repeat

import pytest

from catalog import domain
from catalog.domain import Procedure, ServiceLevel
from catalog.store import CatalogStore, new_version
from tests.catalog.callers import NOW, Api
from tests.catalog.making import agency, body, procedure


def publish(catalog_store: CatalogStore, made: Sequence[Procedure]) -> None:
    """All at once, as an import does."""
    latest = catalog_store.latest([each.code for each in made])
    versions = [domain.publish(latest.get(each.code), each) for each in made]
    assert set(catalog_store.procedures.add([new_version(v, NOW, "import", None, None) for v in versions])) == {None}


def test_so_cong_thuong_2019_procedures(api: Api, catalog_store: CatalogStore) -> None:
    """Sở Công Thương served 38 of its 141 procedures at level 3 or 4 (to 11 December 2019), among those of others."""
    office = agency("H56.05", name="Sở Công Thương")
    other = agency("H56.14")
    for each in (office, other):
        assert api.put(f"/agencies/{each.id}", body(each), key=each.id).status_code == 201
    levels: chain[ServiceLevel] = chain(repeat(1, 10), repeat(2, 93), repeat(3, 31), repeat(4, 7))
    own = [
        procedure(
            code=f"2.{n:06}",
            local_code=None,
            service_level=level,
            levels=("province",),
            agencies=("H56.05",),
            valid_from=date(2019, 9, 1),
        )
        for n, level in enumerate(levels)
    ]
    others = [
        procedure(code=f"1.{n:06}", local_code=None, service_level=4, levels=("province",), agencies=("H56.14",))
        for n in range(9)
    ]
    publish(catalog_store, [*own, *others])
    # What came before and after counts on its own days only.
    publish(catalog_store, [replace(own[0], service_level=4, valid_from=date(2020, 1, 1))])

    counted = api.public("/procedures/summary?agency=H56.05&on=2019-12-11&by=level").json
    assert (counted["total"], counted["online"]) == (141, 38)
    counted = api.public("/procedures/summary?agency=H56.05&on=2019-12-11").json
    assert (counted["total"], counted["online"]) == (141, 38)
    assert {group["key"]: group["count"] for group in counted["groups"]} == {1: 10, 2: 93, 3: 31, 4: 7}
    assert api.public("/procedures/summary?agency=H56.05&on=2020-01-01").json["online"] == 39
    assert api.public("/procedures/summary?agency=H56.05&on=2019-08-31").json["total"] == 0


def test_thanh_hoa_2024_services_partial_and_full(api: Api, catalog_store: CatalogStore) -> None:
    """1,714 services in August 2024: 724 one-part (42.2 %) and 990 whole-process (57.8 %); all of them were at level
    3 or 4 before Nghị định 42/2022/NĐ-CP."""
    partial, full = 724, 990
    every = [
        procedure(code=f"1.{n:06}", local_code=None, service_level=3 if n < partial else 4)
        for n in range(partial + full)
    ]
    publish(catalog_store, every)
    rescaled = [
        replace(each, service_level="partial" if each.service_level == 3 else "full", valid_from=date(2022, 8, 15))
        for each in every
    ]
    publish(catalog_store, rescaled)

    counted = api.public("/procedures/summary?on=2024-08-20").json
    groups = {group["key"]: group["count"] for group in counted["groups"]}
    assert (counted["total"], counted["online"], groups) == (1714, 1714, {"partial": partial, "full": full})
    assert [round(100 * groups[key] / counted["total"], 1) for key in ("partial", "full")] == [42.2, 57.8]
    before = api.public("/procedures/summary?on=2022-08-14").json
    assert {group["key"]: group["count"] for group in before["groups"]} == {3: partial, 4: full}


@pytest.fixture
def essentials(api: Api) -> Api:
    """The 25 of Đề án 06, and the 28 of QĐ 422: 9 are the province's to deploy, the others a ministry's own."""
    made = procedure(code="1.001193", local_code=None)
    assert api.put("/procedures/1.001193", body(made), key="p").status_code == 201
    deployed: dict[str, object] = {"state": "deployed", "extent": "full", "procedures": ["1.001193"]}
    waiting: dict[str, object] = {"state": "waiting", "waiting_for": "Bộ Tài chính"}
    states: dict[str, list[dict[str, object]]] = {
        "project06": [deployed] * 25,
        "qd422": [deployed] * 3 + [waiting] * 6 + [{"state": "national"}] * 19,
    }
    for name, services in states.items():
        for n, state in enumerate(services, 1):
            path = f"/essential-services/{name}/{n:02}"
            assert api.put(path, {"name": f"Dịch vụ {n}"} | state, key=path).status_code == 201
    return api


def test_thanh_hoa_2024_essential(essentials: Api) -> None:
    """53 essential services: 25 of 25 (Đề án 06) deployed; of QĐ 422/QĐ-TTg 3 of the province's 9, and 6 wait for
    ministries."""
    counted = essentials.public("/essential-services/summary").json
    assert counted["total"] == 53
    lists = {each["list"]: each for each in counted["lists"]}
    assert (lists["project06"]["deployed"], lists["project06"]["total"]) == (25, 25)
    later = lists["qd422"]
    assert (later["deployed"], later["waiting"], later["provincial"], later["total"]) == (3, 6, 9, 28)
    assert (counted["deployed"], counted["waiting"]) == (28, 6)
    waiting = essentials.public("/essential-services?list=qd422&state=waiting").json["items"]
    assert {item["waiting_for"] for item in waiting} == {"Bộ Tài chính"}
    assert len(waiting) == 6
