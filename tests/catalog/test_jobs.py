"""Imports in the background: over HTTP into the queue, part by part through a worker, also one that is killed."""

import io
import json
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from catalog import domain
from catalog.imports import jobs as jobs_module
from catalog.imports.engine import Import
from catalog.imports.jobs import MAX_ATTEMPTS, Jobs
from catalog.imports.sheets import XLSX
from catalog.store import CatalogStore, new_version
from tests.catalog.callers import NOW, Api
from tests.catalog.making import agency, item, procedure
from tests.catalog.test_imports import events_of
from tests.catalog.test_sheets import cells, csv_of, sheet_of, xlsx_of

CODES = [f"1.{n:06}" for n in range(1, 8)]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "PART", 3)


@pytest.fixture
def make_jobs(catalog_store: CatalogStore) -> Callable[[], Jobs]:
    return lambda: Jobs(catalog_store, lambda: NOW, lambda: True)


@pytest.fixture
def jobs(make_jobs: Callable[[], Jobs]) -> Jobs:
    return make_jobs()


def finish(jobs: Jobs) -> int:
    steps = 0
    while jobs.work():
        steps += 1
        assert steps < 100
    return steps


def send(api: Api, data: bytes, key: str = "a", query: str = "", name: str = "thu-tuc.csv") -> Any:
    form = {"file": (io.BytesIO(data), name)}
    answer = api.post(f"/imports{query}", None, key=key, data=form, content_type="multipart/form-data")
    assert answer.status_code == 201, answer.text
    return answer


def sheet(*codes: str, **changes: str) -> bytes:
    return csv_of(*(cells(code=code, local_code="", **changes) for code in codes))


def rows_of(api: Api, id: str, query: str = "") -> list[Any]:
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"/imports/{id}/rows?limit=2&cursor={cursor}{query}")
        assert page.status_code == 200, page.text
        found += page.json["items"]
        cursor = page.json["next"]
    return found


def shown(api: Api, id: str) -> dict[str, Any]:
    answer: dict[str, Any] = api.get(f"/imports/{id}").json
    return answer


def test_a_sheet_waits_and_is_done_part_by_part(api: Api, jobs: Jobs) -> None:
    first = send(api, sheet(*CODES))
    assert (first.json["state"], first.json["total"], first.json["progress"]) == ("queued", None, 0)
    seen = []
    while jobs.work():
        now = shown(api, first.json["id"])
        seen.append((now["state"], now["done"], now["total"], now["progress"], now["accepted"]))
    assert seen == [("running", 3, 7, 42, 3), ("running", 6, 7, 85, 6), ("done", 7, 7, 100, 7)]
    assert [row["index"] for row in rows_of(api, first.json["id"])] == [2, 3, 4, 5, 6, 7, 8]
    assert api.public(f"/procedures/{CODES[6]}").json["version"] == 1


def test_the_same_key_is_the_same_import(api: Api, jobs: Jobs, catalog_store: CatalogStore) -> None:
    first = send(api, sheet(*CODES))
    finish(jobs)
    again = send(api, sheet(*CODES))
    assert again.data == first.data
    assert not jobs.work()
    assert len(events_of(catalog_store)) == 7
    other = api.post(
        "/imports", None, key="a", data={"file": (io.BytesIO(b"x"), "x.csv")}, content_type="multipart/form-data"
    )
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("content_type", "data"), [("text/csv", sheet("1.000001")), (XLSX, xlsx_of(sheet_of(cells(code="1.000001"))))]
)
def test_a_sheet_may_be_the_body_itself(api: Api, jobs: Jobs, content_type: str, data: bytes) -> None:
    made = api.post("/imports", None, key="a", data=data, content_type=content_type)
    assert made.status_code == 201, made.text
    finish(jobs)
    assert shown(api, made.json["id"])["accepted"] == 1
    refused = api.post("/imports", None, key="b", data=data, content_type="text/plain")
    assert refused.status_code == 415


def test_a_large_json_import_goes_into_the_background(api: Api, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    procedures = [item(procedure(code=f"1.{n:06}", agencies=("H56.02",))) for n in range(501)]
    body = {"agencies": [item(agency("H56.02", parent="H56.01")), item(agency("H56.01"))], "procedures": procedures}
    made = api.post("/imports", body, key="a")
    assert (made.json["state"], made.json["format"], made.json["rows"]) == ("queued", "json", [])
    monkeypatch.setattr(jobs_module, "PART", 200)
    assert finish(jobs) == 4
    after = shown(api, made.json["id"])
    assert (after["state"], after["total"], after["accepted"]) == ("done", 503, 503)
    first = api.get(f"/imports/{made.json['id']}/rows?limit=3").json["items"]
    kinds = [(row["kind"], row["index"]) for row in first]
    assert kinds == [("agency", 0), ("agency", 1), ("procedure", 0)]


def test_a_dry_run_says_the_same_and_changes_nothing(api: Api, jobs: Jobs, catalog_store: CatalogStore) -> None:
    data = sheet(*CODES, CODES[0]) + b"\r\nx"
    dry = send(api, data, "a", "?dry_run=true")
    finish(jobs)
    assert events_of(catalog_store) == []
    wet = send(api, data, "b")
    finish(jobs)
    assert shown(api, dry.json["id"])["dry_run"] is True
    assert rows_of(api, dry.json["id"]) == rows_of(api, wet.json["id"])
    assert shown(api, wet.json["id"])["rejected"] == 2


def test_rows_are_explained_in_vietnamese_and_filtered(api: Api, jobs: Jobs) -> None:
    data = csv_of(
        cells(code="1.000001", local_code=""),
        cells(code="12", local_code="", duration="sớm"),
        cells(code="1.000003", local_code="", levels="", name="=1"),
        cells(code="1.000001", local_code=""),
    )
    id = send(api, data).json["id"]
    finish(jobs)
    bad = rows_of(api, id, "&status=rejected")
    assert [(row["index"], row["id"]) for row in bad] == [(3, "12"), (4, "1.000003"), (5, "1.000001")]
    assert bad[0]["errors"] == [
        {
            "pointer": "/durations/counter",
            "column": "Thời hạn",
            "code": "cell_duration",
            "message": "Không đọc được thời hạn (ví dụ 3 ngày làm việc)",
            "detail": "one time with its unit, like 3 ngày làm việc",
        }
    ]
    assert [error["column"] for error in bad[1]["errors"]] == ["Tên thủ tục"]
    assert [(error["code"], error["message"]) for error in bad[2]["errors"]] == [("repeated", "Bị trùng lặp")]
    assert [row["status"] for row in rows_of(api, id, "&status=accepted")] == ["accepted"]
    assert rows_of(api, id, "&status=warned") == []
    assert api.get("/imports/nothing/rows").status_code == 404
    assert api.get(f"/imports/{id}/rows?status=odd").status_code == 422


def test_rows_of_an_import_that_was_done_at_once_are_asked_for_alike(api: Api) -> None:
    body = {"procedures": [item(procedure()), item(procedure(code="1.000002", levels=()))]}
    id = api.post("/imports", body, key="a").json["id"]
    assert [row["status"] for row in rows_of(api, id)] == ["accepted", "rejected"]
    [bad] = rows_of(api, id, "&status=rejected")
    assert (bad["index"], bad["errors"][0]["message"]) == (1, "Phải có ít nhất một giá trị")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a,b", "no_header"),
        (b"\xff\xfe\xff", "encoding"),
        (b"PK\x03\x04", "workbook_broken"),
        (b'{"procedures": 1}', "list_type"),
        (b"{", "unreadable"),
        (b"{}", "no_rows"),
        (b"", "no_header"),
    ],
)
def test_a_file_that_cannot_be_read_fails_as_a_whole_and_holds_nobody_up(
    api: Api, jobs: Jobs, data: bytes, code: str
) -> None:
    bad = send(api, data, "a").json["id"]
    good = send(api, sheet(CODES[0]), "b").json["id"]
    finish(jobs)
    failed = shown(api, bad)
    assert (failed["state"], failed["errors"][0]["code"], failed["progress"]) == ("failed", code, 0)
    assert failed["errors"][0]["message"].strip()
    assert shown(api, good)["state"] == "done"


def test_what_was_sent_is_dropped_when_it_is_done(api: Api, jobs: Jobs, catalog_store: CatalogStore) -> None:
    send(api, sheet(*CODES))
    send(api, b"nonsense", "b")
    uploads = catalog_store.imports.uploads.collection
    assert uploads.count_documents({}) == 2
    finish(jobs)
    assert uploads.count_documents({}) == 0


def test_a_large_file_is_kept_in_pieces(catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.imports.store.PIECE", 10)
    uploads = catalog_store.imports.uploads
    data = bytes(range(95))
    uploads.keep("a", data, NOW)
    uploads.keep("a", data, NOW)
    assert uploads.load("a") == data
    uploads.collection.delete_one({"_id": "a/0003"})
    assert uploads.load("a") is None


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("moment", ["read", "do", "keep", "save"])
def test_a_killed_worker_is_followed_by_one_that_goes_on(
    api: Api,
    make_jobs: Callable[[], Jobs],
    catalog_store: CatalogStore,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """Whatever it had written by then is written once, and its rows say what became of them."""
    id = send(api, sheet(*CODES)).json["id"]
    first = make_jobs()
    assert moment == "read" or first.work()
    with monkeypatch.context() as patch:
        if moment == "read":
            patch.setattr(jobs_module, "read", killed)
        elif moment == "do":
            patch.setattr(Import, "do", after(Import.do))
        elif moment == "keep":
            rows = catalog_store.imports.rows
            patch.setattr(rows, "keep", after(rows.keep))
        else:
            patch.setattr(catalog_store.imports.imports, "save", killed)
        with pytest.raises(Killed):
            first.work()
    finish(make_jobs())
    done = shown(api, id)
    assert (done["state"], done["accepted"], done["unchanged"], done["rejected"]) == ("done", 7, 0, 0)
    assert [row["status"] for row in rows_of(api, id)] == ["accepted"] * 7
    assert len(events_of(catalog_store)) == 7


def killed(*_: Any, **__: Any) -> Any:
    raise Killed


def after(act: Callable[..., Any]) -> Callable[..., Any]:
    def acted(*arguments: Any, **named: Any) -> Any:
        act(*arguments, **named)
        raise Killed

    return acted


def test_what_was_withdrawn_meanwhile_is_not_published_again(
    api: Api, make_jobs: Callable[[], Jobs], monkeypatch: pytest.MonkeyPatch
) -> None:
    id = send(api, sheet(CODES[0])).json["id"]
    with monkeypatch.context() as patch:
        patch.setattr(Import, "do", after(Import.do))
        with pytest.raises(Killed):
            make_jobs().work()
    path = f"/procedures/{CODES[0]}"
    withdrawn = api.post(f"{path}/withdrawal", {"on": "2024-05-01", "decision": "QĐ 1"}, key="w")
    assert withdrawn.status_code == 201
    finish(make_jobs())
    assert api.public(path).json["code"] == "procedure_not_in_force"
    assert shown(api, id)["accepted"] == 1


def test_two_workers_at_once_write_everything_once(
    api: Api, make_jobs: Callable[[], Jobs], catalog_store: CatalogStore
) -> None:
    """The lease only saves work: both believe that they have it."""
    id = send(api, sheet(*(f"1.{n:06}" for n in range(60)))).json["id"]
    begin = threading.Barrier(2)

    def act() -> None:
        begin.wait()
        finish(make_jobs())

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = shown(api, id)
    assert (done["state"], done["done"], done["accepted"]) == ("done", 60, 60)
    assert [row["status"] for row in rows_of(api, id)] == ["accepted"] * 60
    assert len(events_of(catalog_store)) == 60


def test_one_that_ends_every_worker_is_given_up(
    api: Api, make_jobs: Callable[[], Jobs], monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = send(api, sheet(*CODES)).json["id"]
    with monkeypatch.context() as patch:
        patch.setattr(jobs_module, "read", killed)
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(Killed):
                make_jobs().work()
    good = send(api, sheet(CODES[0]), "b").json["id"]
    finish(make_jobs())
    assert (shown(api, poison)["state"], shown(api, poison)["errors"][0]["code"]) == ("failed", "gave_up")
    assert shown(api, good)["state"] == "done"


def test_what_was_sent_and_is_gone_is_said(api: Api, jobs: Jobs, catalog_store: CatalogStore) -> None:
    id = send(api, sheet(*CODES)).json["id"]
    catalog_store.imports.uploads.collection.delete_many({})
    finish(jobs)
    assert shown(api, id)["errors"][0]["code"] == "upload_lost"


def test_without_the_lease_nothing_is_done(api: Api, catalog_store: CatalogStore) -> None:
    send(api, sheet(*CODES))
    assert Jobs(catalog_store, lambda: NOW, lambda: False).work() is False
    assert events_of(catalog_store) == []


def test_somebody_elses_version_of_the_same_moment(
    api: Api, jobs: Jobs, catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = send(api, sheet(*CODES[:2])).json["id"]
    add = catalog_store.procedures.add

    def overtaken(items: Any) -> Any:
        monkeypatch.setattr(catalog_store.procedures, "add", add)
        other = domain.publish(None, procedure(code=CODES[0], name="Của người khác"))
        add([new_version(other, NOW, "other", None, None)])
        return add(items)

    monkeypatch.setattr(catalog_store.procedures, "add", overtaken)
    finish(jobs)
    assert [row["status"] for row in rows_of(api, id)] == ["rejected", "accepted"]
    assert rows_of(api, id)[0]["errors"][0]["code"] == "changed_meanwhile"


# -- templates and exports


@pytest.mark.parametrize("format", ["json", "csv", "xlsx"])
def test_an_export_is_imported_without_any_change(api: Api, jobs: Jobs, format: str) -> None:
    made = [procedure(code=code, name=f"Thủ tục {code}") for code in CODES]
    api.post("/imports", {"procedures": [item(each) for each in made]}, key="a")
    exported = api.public(f"/procedures/export.{format}")
    assert exported.status_code == 200
    assert f"thu-tuc-2024-06-03.{format}" in exported.headers["Content-Disposition"]
    if format == "json":
        assert json.loads(exported.data)["procedures"] == [item(each) for each in made]
    id = send(api, exported.data, "b").json["id"]
    finish(jobs)
    after = shown(api, id)
    assert (after["total"], after["unchanged"], after["errors"]) == (7, 7, [])


def test_what_is_exported(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.queries.PART", 2)
    api.put("/agencies/H56.14", item(agency()) | {"id": "H56.14"}, key="g")
    office = agency()
    api.post("/imports", {"agencies": [item(office)]}, key="g2")
    land = {"agencies": ("H56.14",), "levels": ("province",)}
    made = [procedure(code=code, local_code=None) for code in CODES[:4]] + [
        procedure(code=CODES[4], local_code=None, **land),
        procedure(code=CODES[5], local_code=None, valid_from=date(2024, 9, 1)),
    ]
    assert api.post("/imports", {"procedures": [item(each) for each in made]}, key="a").json["rejected"] == 0
    api.post(f"/procedures/{CODES[0]}/withdrawal", {"on": "2024-05-01", "decision": "QĐ 1"}, key="w")

    def codes(query: str) -> list[str]:
        return [each["code"] for each in api.public(f"/procedures/export.json{query}").json["procedures"]]

    assert codes("") == CODES[1:5]
    assert codes("?on=2024-04-30") == CODES[:5]
    assert codes("?on=2024-10-01") == CODES[1:6]
    assert codes("?agency=H56.14") == [CODES[4]]
    assert codes("?field=KHONG") == []
    assert api.public("/procedures/export.json?agency=H56.99").status_code == 422
    assert api.public("/procedures/export.pdf").status_code == 404


def test_templates_are_sheets_that_only_lack_rows(api: Api, jobs: Jobs) -> None:
    for format in ("csv", "xlsx"):
        template = api.public(f"/imports/template.{format}")
        assert template.status_code == 200
        id = send(api, template.data, format).json["id"]
        finish(jobs)
        assert [error["code"] for error in shown(api, id)["errors"]] == ["no_rows"]
    assert api.public("/imports/template.json").status_code == 404


def test_imports_are_looked_for_in_an_index(catalog_store: CatalogStore, api: Api, jobs: Jobs) -> None:
    send(api, sheet(*CODES))
    finish(jobs)
    database = catalog_store.imports.rows.collection.database

    def plan(collection: str, wanted: Any, sort: Any, hint: str) -> str:
        command = {"find": collection, "filter": wanted, "sort": sort, "hint": hint}
        return json.dumps(database.command("explain", command, verbosity="queryPlanner")["queryPlanner"], default=str)

    conditions: dict[str, dict[str, Any]] = {"number": {}, "status": {"status": "rejected"}, "warned": {"warned": True}}
    for hint, condition in conditions.items():
        found = plan("import_rows", {"import": "x", "number": {"$gt": 1}, **condition}, {"number": 1}, hint)
        assert "IXSCAN" in found
        assert '"SORT"' not in found
    waiting = plan("imports", {"state": {"$in": ["queued", "running"]}}, {"changed_at": 1}, "state")
    assert "SORT_MERGE" in waiting


def test_uploads_that_nothing_refers_to_are_swept(catalog_store: CatalogStore) -> None:
    [index] = [each for each in catalog_store.imports.uploads.collection.list_indexes() if "expireAfterSeconds" in each]
    assert index["expireAfterSeconds"] == 0
    catalog_store.imports.uploads.keep("a", b"x", NOW)
    [kept] = catalog_store.imports.uploads.collection.find({})
    assert kept["swept_at"] == NOW + timedelta(days=30)


def test_imports_are_for_editors_and_exports_for_everybody(api: Api, mint: Callable[..., str]) -> None:
    stranger = {"Authorization": f"Bearer {mint('dossiers.file')}"}
    assert api.public("/imports", "POST").status_code == 401
    for path in ("/imports/x", "/imports/x/rows"):
        assert api.public(path).status_code == 401
        assert api.public(path, headers=stranger).status_code == 403
    for path in ("/imports/template.csv", "/procedures/export.csv"):
        assert api.public(path).status_code == 200
