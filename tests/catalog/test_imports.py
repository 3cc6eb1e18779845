"""Imports, over HTTP and at the command line."""

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from catalog import commands
from catalog.imports.schemas import ImportBody
from catalog.imports.usecases import Imports
from catalog.main import CATALOG, assemble
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore
from chassis import store
from chassis.service import Context
from tests.catalog.callers import NOW, Api, call
from tests.catalog.making import agency, body, calendar, item, procedure

PROVINCE = Path(__file__).parent.parent.parent / "sample" / "province"
FILES = {"agencies": "agencies.json", "procedures": "procedures.json", "calendars": "calendar.json"}


def province() -> dict[str, Any]:
    return {kind: json.loads((PROVINCE / name).read_text(encoding="utf-8"))["items"] for kind, name in FILES.items()}


def counts(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 201, answer.text
    return answer.json["accepted"], answer.json["unchanged"], answer.json["rejected"]


def statuses(answer: Any) -> dict[str, str]:
    return {row["id"]: row["status"] for row in answer.json["rows"]}


def errors_of(answer: Any, id: str) -> list[tuple[str, str]]:
    return [(e["pointer"], e["code"]) for row in answer.json["rows"] if row["id"] == id for e in row["errors"]]


def events_of(catalog_store: CatalogStore) -> list[tuple[str, str]]:
    """(collection, id) of all events in the outboxes."""
    return [
        (collection.name, entry["id"])
        for collection in catalog_store.outboxes
        for document in collection.find({}, {"outbox": 1})
        for entry in document["outbox"]
    ]


def test_the_whole_sample_is_accepted_and_then_unchanged(api: Api, catalog_store: CatalogStore) -> None:
    sample = province()
    total = sum(map(len, sample.values()))
    first = api.post("/imports", sample, key="a")
    assert [row for row in first.json["rows"] if row["status"] == "rejected"] == []
    assert (counts(first), first.json["total"], first.json["state"]) == ((total, 0, 0), total, "done")
    assert len(events_of(catalog_store)) == total
    assert counts(api.post("/imports", sample, key="b")) == (0, total, 0)
    assert len(events_of(catalog_store)) == total
    for kind in ("procedures", "agencies"):
        assert api.public(f"/{kind}?limit=200").json["items"]


def test_an_import_is_answered_again_and_can_be_looked_at(api: Api) -> None:
    first = api.post("/imports", {"agencies": [item(agency())]}, key="a")
    again = api.post("/imports", {"agencies": [item(agency())]}, key="a")
    assert (again.status_code, again.data) == (201, first.data)
    looked_at = api.get(f"/imports/{first.json['id']}")
    assert (looked_at.status_code, looked_at.json) == (200, first.json)
    assert api.get("/imports/nothing").status_code == 404
    assert api.post("/imports", {"agencies": []}, key="a").json["code"] == "idempotency_key_reused"


def test_what_differs_becomes_the_next_version(api: Api) -> None:
    api.post("/imports", {"procedures": [item(procedure())], "agencies": [item(agency())]}, key="a")
    changed = {
        "procedures": [item(procedure(name="Tên mới", valid_from=date(2024, 1, 1)))],
        "agencies": [item(agency(name="Tên mới"))],
    }
    assert counts(api.post("/imports", changed, key="b")) == (2, 0, 0)
    assert api.public(f"/procedures/{procedure().code}").json["version"] == 2
    assert api.public("/agencies/H56.14").headers["ETag"] == '"2"'


def test_a_bad_row_spoils_only_itself(api: Api) -> None:
    rows = {
        "procedures": [
            item(procedure()),
            item(procedure(code="1.000001", levels=())),
            item(procedure(code="1.000002")) | {"unknown": 1},
            "not even an object",
            {"code": {"a": 1}},
            item(procedure(code="1.000003", agencies=("H56.98",))),
            item(procedure(code="1.000004", agencies=("H56.02",))),
            item(procedure(code="1.000004", agencies=("H56.02",))),
        ],
        "agencies": [item(agency("H56.02", parent="H56.01")), item(agency("H56.01"))],
        "calendars": [item(calendar()), item(calendar()) | {"year": 2025}],
    }
    answer = api.post("/imports", rows, key="a")
    accepted = [(row["kind"], row["index"]) for row in answer.json["rows"] if row["status"] == "accepted"]
    assert accepted == [("procedure", 0), ("procedure", 6), ("agency", 0), ("agency", 1), ("calendar", 0)]
    assert counts(answer) == (5, 0, 7)
    assert errors_of(answer, "1.000001") == [("/levels", "empty")]
    assert errors_of(answer, "1.000002") == [("/unknown", "extra_forbidden")]
    assert errors_of(answer, "1.000003") == [("/agencies/0", "unknown_agency")]
    assert errors_of(answer, "1.000004") == [("/code", "repeated")]
    assert errors_of(answer, "2025") == [("/days/0/date", "other_year")]
    assert [row["id"] for row in answer.json["rows"] if row["kind"] == "procedure"][3:5] == [None, None]


def test_agencies_that_hang_on_a_rejected_one_are_rejected(api: Api) -> None:
    chain = [agency("H56.03", parent="H56.02"), agency("H56.02", parent="H56.01"), agency("H56.01", name="")]
    circle = [agency("H56.04", parent="H56.05"), agency("H56.05", parent="H56.04"), agency("H56.06")]
    answer = api.post("/imports", {"agencies": [item(each) for each in [*chain, *circle]]}, key="a")
    assert counts(answer) == (1, 0, 5)
    assert errors_of(answer, "H56.03") == [("/parent", "unknown_agency")]
    assert errors_of(answer, "H56.04") == [("/parent", "circle")]
    assert statuses(answer)["H56.06"] == "accepted"


def test_history_is_not_rewritten_by_an_import(api: Api) -> None:
    api.post("/imports", {"procedures": [item(procedure(valid_from=date(2024, 1, 1)))]}, key="a")
    answer = api.post("/imports", {"procedures": [item(procedure())]}, key="b")
    assert errors_of(answer, procedure().code) == [("/valid_from", "before_latest_version")]


def test_a_dry_run_says_the_same_and_changes_nothing(api: Api, catalog_store: CatalogStore) -> None:
    rows = {
        "procedures": [item(procedure(agencies=("H56.14",)))],
        "agencies": [item(agency()), item(agency("H56", name=""))],
    }
    dry = api.post("/imports", rows | {"dry_run": True}, key="a")
    assert events_of(catalog_store) == []
    wet = api.post("/imports", rows, key="b")
    assert dry.json["dry_run"] is True
    assert dry.json["rows"] == wet.json["rows"]
    assert counts(dry) == counts(wet) == (2, 0, 1)
    assert len(events_of(catalog_store)) == 2


def test_too_many_rows_are_refused(api: Api) -> None:
    answer = api.post("/imports", {"calendars": [{}] * 201}, key="a")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/calendars")


def test_a_row_lost_to_somebody_else_is_named(catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other import writes between this one's reading and its writing: one row alike, one row not."""
    imports = Imports(catalog_store)

    def rows(name: str) -> dict[str, list[Any]]:
        return {
            "agencies": [item(agency("H56.01")), item(agency("H56.02", name=name))],
            "procedures": [item(procedure(code="1.000001")), item(procedure(code="1.000002", name=name))],
        }

    def import_(*kinds: str, name: str) -> Any:
        of_these = {kind: rows(name)[kind] for kind in kinds}
        return json.loads(imports.run(call(name + "".join(kinds)), ImportBody.model_validate(of_these)).text())

    def overtake(kind: str, aggregates: Any) -> None:
        add = aggregates.add

        def add_after_the_other(items: Any) -> Any:
            if not items:
                return add(items)
            monkeypatch.setattr(aggregates, "add", add)
            import_(kind, name="Của người khác")
            return add(items)

        monkeypatch.setattr(aggregates, "add", add_after_the_other)

    overtake("agencies", catalog_store.agencies)
    overtake("procedures", catalog_store.procedures)
    answer = import_("agencies", "procedures", name="Của mình")
    assert {row["id"]: (row["status"], [error["code"] for error in row["errors"]]) for row in answer["rows"]} == {
        "1.000001": ("unchanged", []),
        "1.000002": ("rejected", ["changed_meanwhile"]),
        "H56.01": ("unchanged", []),
        "H56.02": ("rejected", ["changed_meanwhile"]),
    }


@pytest.mark.parametrize("many", [50, pytest.param(500, marks=pytest.mark.thorough)])
def test_procedures_are_imported_in_bulk(
    catalog_store: CatalogStore, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    writes: list[int] = []
    add = catalog_store.procedures.add

    def counted(items: Any) -> Any:
        writes.append(len(items))
        return add(items)

    monkeypatch.setattr(catalog_store.procedures, "add", counted)
    rows = [item(procedure(code=f"1.{n:06}")) for n in range(many)]
    began = time.process_time()
    answer = Imports(catalog_store).run(call("a"), ImportBody.model_validate({"procedures": rows}))
    assert time.process_time() - began < 10
    assert json.loads(answer.text())["accepted"] == many
    assert writes == [many]


# -- the command


@pytest.fixture
def run(database: Database[store.Document], make_settings: Callable[[str], CatalogSettings]) -> Callable[..., int]:
    context = Context(
        make_settings("amqp://nobody:x@127.0.0.1:1/nowhere"), database, store.Carrier(lambda: NOW), lambda: NOW
    )
    return lambda *arguments: CATALOG.commands["import"][1](
        context, assemble(context), [str(each) for each in arguments]
    )


def written(folder: Path, name: str, *items: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({"items": items}, ensure_ascii=False), encoding="utf-8")
    return path


def test_the_command_imports_files_and_tells_their_kind(
    run: Callable[..., int], api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    procedures = written(tmp_path, "p.json", item(procedure(agencies=("H56.14",))))
    agencies = written(tmp_path, "a.json", item(agency()))
    calendars = written(tmp_path, "c.json", item(calendar()))
    assert run("--dry-run", procedures, agencies, calendars) == 0
    assert api.public("/agencies").json["items"] == []
    assert run(procedures, agencies, calendars) == 0
    assert "3 total, 3 accepted, 0 unchanged, 0 rejected" in capsys.readouterr().out
    assert api.public("/calendar/2026").status_code == 200
    assert run(procedures, agencies, calendars) == 0
    assert "3 total, 0 accepted, 3 unchanged, 0 rejected" in capsys.readouterr().out


def test_the_command_prints_rejected_rows(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(written(tmp_path, "a.json", item(agency("H56.01")), item(agency("H56.02", name="")))) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "agency 1 (H56.02): /name: blank: some text"
    assert "1 accepted, 0 unchanged, 1 rejected" in lines[1]


def test_the_command_normalises_text(run: Callable[..., int], api: Api, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"items": [body(agency()) | {"id": "H56.14", "name": "So\u031b\u0309"}]}, ensure_ascii=False)
    )
    assert run(path) == 0
    assert api.public("/agencies/H56.14").json["name"] == "S\u1edf"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"items": [{"name": "x"}]}', '{"items": [{"id": "x"}, {"code": "y"}]}', '{"items": [1]}']
)
def test_the_command_refuses_what_it_cannot_read(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert run(path) == 2
    assert capsys.readouterr().err


def test_commands_are_named_in_the_service() -> None:
    assert {name: command for name, (_, command) in CATALOG.commands.items()} == {
        "import": commands.import_files,
        "reorganise": commands.reorganise,
        "republish": commands.republish,
    }
