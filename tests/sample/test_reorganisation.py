"""The reorganisation of 1 July 2025 on the sample province, with 2,000 open dossiers: every service in this process, on
a real MongoDB, the events carried from one to the next. None is lost, each is with its successor, and the counts before
and after are explained."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from catalog.main import CATALOG
from catalog.schemas import AgencyRow, CalendarRow, ProcedureRow
from catalog.store import CatalogStore, StoredAgency
from chassis import worktime
from chassis.clock import id_from
from chassis.service import Context
from chassis.store import Carrier, New
from intake import inbound
from intake.domain import dossiers as domain
from intake.domain import formats, progress
from intake.domain.dossiers import Applicant, By, Dossier, Filing, Paper, Submitted
from intake.main import INTAKE
from intake.store import IntakeStore
from intake.usecases.successions import DossierSuccessions
from native.access import Persona
from stats.main import STATS
from tests.support import catalogue
from tests.support.services import Clock, Running, Tokens, database_url, local, running
from workflow.following import Following
from workflow.main import WORKFLOW
from workflow.store import WorkflowStore

PROVINCE = Path(__file__).parents[2] / "sample" / "province"
REFUSED, RETURNED = 100, 100
RECORDED = "2025-06-27 16:30"
LEADER = Persona("Lãnh đạo tỉnh", ("stats.read", "dossiers.read", "dossiers.read_all"), "H56")


def items(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((PROVINCE / f"{name}.json").read_text(encoding="utf-8"))["items"]
    return found


class Province:
    """The four services, and the sample in them as it was before the reorganisation."""

    def __init__(self, catalog: Running, intake: Running, workflow: Running, stats: Running, clock: Clock) -> None:
        self.catalog, self.intake, self.workflow, self.stats, self.clock = catalog, intake, workflow, stats, clock
        self.agencies = [AgencyRow.model_validate(row).agency(row["id"]) for row in items("agencies")]
        self.procedures = [
            replace(ProcedureRow.model_validate(row).procedure(row["code"]), version=1) for row in items("procedures")
        ]

    def load(self) -> None:
        """What catalog has published so far, and in catalog the agencies themselves."""
        now = self.clock()
        made = [StoredAgency(id=each.id, agency=each, changed_at=now, changed_by="x") for each in self.agencies]
        catalog_store(self.catalog).agencies.add([New(each.id, each, (), now) for each in made])
        calendars = [CalendarRow.model_validate(row).calendar(row["year"]) for row in items("calendar")]
        self.tell(
            [
                *(catalogue.changed(each) for each in self.agencies),
                *(catalogue.published(each) for each in self.procedures),
                *(catalogue.calendar(each.year, each.days) for each in calendars),
            ]
        )

    def tell(self, bodies: Sequence[bytes]) -> None:
        """To everybody, and what they then say to each other, until all is quiet."""
        while bodies:
            for service in (self.intake, self.workflow, self.stats):
                for start in range(0, len(bodies), 300):
                    service.hear(bodies[start : start + 300])
            bodies = [*self.catalog.publish(), *self.intake.publish(), *self.workflow.publish()]

    def timers(self) -> None:
        """As the workers' timers, in processes that remember nothing."""
        handing = DossierSuccessions(IntakeStore(self.intake.database, Carrier(self.clock)), self.clock)
        while handing.once():
            pass
        following = Following(WorkflowStore(self.workflow.database, Carrier(self.clock)), self.clock)
        while following.agencies():
            pass
        self.tell([*self.intake.publish(), *self.workflow.publish()])

    def received(self) -> dict[str, int]:
        """Agency → what it received this year, by the statistics."""
        found = self.stats.get("counts?from=2025-01-01&to=2026-01-01&by=agency", LEADER)
        assert found.status_code == 200, found.get_json()
        return {each["agency"]: each["received"]["total"] for each in found.get_json()["items"]}

    def whole(self) -> dict[str, Any]:
        found = self.stats.get("counts?from=2025-01-01&to=2026-01-01", LEADER)
        row: dict[str, Any] = found.get_json()["items"][0]
        # Days go by in this test, and with them some due dates.
        return {**row, "open": row["open"]["total"]}


def catalog_store(catalog: Running) -> CatalogStore:
    return CatalogStore(catalog.database, Carrier(catalog.clock))


@pytest.fixture
def province(mongo_url: str, database_prefix: str, tmp_path: Path) -> Iterator[Province]:
    clock, tokens = Clock(local(RECORDED)), Tokens(tmp_path)

    def url(name: str) -> str:
        return database_url(mongo_url, f"{database_prefix}{name}")

    with (
        running(CATALOG, url("catalog"), tokens, clock) as catalog,
        running(INTAKE, url("intake"), tokens, clock) as intake,
        running(WORKFLOW, url("workflow"), tokens, clock) as workflow,
        running(STATS, url("stats"), tokens, clock, intake_api_key="mc_nobody") as stats,
    ):
        made = Province(catalog, intake, workflow, stats, clock)
        made.load()
        yield made


@dataclass(frozen=True)
class Made:
    """A dossier, and what was said of it."""

    dossier: Dossier
    said: Sequence[Any]
    at: datetime


def make(province: Province, opened: int) -> list[Made]:
    """Of every district and commune in turn, under a procedure that it offers: open ones in several states, and then
    some that are over."""
    read = [
        catalogue.as_read(inbound.ProcedurePublished, catalogue.published(each)).procedure
        for each in province.procedures
    ]
    calendar = IntakeStore(province.intake.database, Carrier(province.clock)).catalogue.calendar()
    offices = [
        catalogue.as_read(inbound.AgencyChanged, catalogue.changed(each)).agency
        for each in province.agencies
        if each.one_stop and each.level != "province"
    ]
    begin = local("2025-06-23 08:00")
    offered = {each.id: [one for one in read if domain.offers(each, one, begin.date())] for each in offices}
    drawn = islice(enumerate(cycle(offices)), opened + REFUSED + RETURNED)
    return [
        _made(
            n,
            offered[agency.id][n % len(offered[agency.id])],
            agency,
            begin + timedelta(minutes=n),
            calendar,
            is_refused=opened <= n < opened + REFUSED,
            is_returned=n >= opened + REFUSED,
        )
        for n, agency in drawn
    ]


def _made(
    n: int, procedure: inbound.Procedure, agency: inbound.Agency, at: datetime, calendar: worktime.Calendar,
    *, is_refused: bool, is_returned: bool,
) -> Made:  # fmt: skip
    online = is_refused or (n % 2 == 0 and procedure.service_level not in (1, 2))
    needed = [each for each in procedure.components if each.required and each.replaced_by_database is None]
    filing = Filing(
        procedure=procedure.code,
        agency=agency.id,
        channel="online" if online else "counter",
        applicant=Applicant(kind=procedure.applicants[0], name=f"Người thứ {n}"),
        on_behalf_of=None,
        assisted_by=None,
        form={},
        components=tuple(Submitted(code=each.code, paper=Paper(originals=1)) for each in needed),
        result_return="collect",
    )
    by = By("officer", at, at)
    id = id_from("reorganised", str(n))
    dossier, said = domain.file(id, filing, procedure, agency, by, owner=None, secret="2345678ABC")
    if is_refused:
        dossier, more = domain.refuse(dossier, "Không thuộc thẩm quyền", by)
        return Made(dossier, [*said, *more], at)
    if online and n % 8 == 0 and not is_returned:
        return Made(dossier, said, at)
    promised = domain.promise(procedure, agency, filing.channel, at, calendar)
    dossier, more = domain.receive(dossier, formats.dossier_code(agency.id, at.date(), n + 1), promised, by)
    said = [*said, *more]
    if is_returned:
        dossier = progress.note_finished(dossier, "approved", "early", at)
        dossier, more = domain.hand_over(dossier, "Người nhận", "collect", by, signed_on_paper=True)
        said = [*said, *more]
    return Made(dossier, said, at)


def rows(running: Running, *fields: str) -> dict[str, dict[str, Any]]:
    found = running.database["dossiers"].find({}, dict.fromkeys(fields, 1))
    return {row["_id"]: row for row in found}


# There are some two hundred offices: 600 are of each of them, in each of the states.
@pytest.mark.parametrize("count", [600, pytest.param(2_000, marks=pytest.mark.thorough)])
@pytest.mark.timeout(600)
def test_none_is_lost_and_each_is_with_its_successor(
    province: Province, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    made = make(province, count)
    opened = {each.dossier.id for each in made[:count]}
    intake_store = IntakeStore(province.intake.database, Carrier(province.clock))
    for start in range(0, len(made), 500):
        new = [New(each.dossier.id, each.dossier, each.said, each.at) for each in made[start : start + 500]]
        assert intake_store.dossiers.add(new) == [None] * len(new)
    province.tell(province.intake.publish())
    before = rows(province.intake, "dimensions", "status", "journal", "due_at")
    received_before, whole_before = province.received(), province.whole()
    assert whole_before["open"] + whole_before["waiting"] == count + RETURNED, "workflow has not ended those"
    assert sum(received_before.values()) == whole_before["received"]["total"]

    # The decision is known some days ahead, and nothing moves until its day.
    settings, carrier = province.catalog.service.settings.model_construct(), Carrier(province.clock)
    context = Context(settings, province.catalog.database, carrier, province.clock)
    file = str(PROVINCE / "reorganisation.json")
    assert CATALOG.commands["reorganise"][1](context, province.catalog.parts, [file]) == 0
    assert "217 agencies end" in capsys.readouterr().out
    successions = catalog_store(province.catalog).every_succession()
    successors = {id: one.takes_over for one in successions for id in one.predecessors}
    province.tell(province.catalog.publish())
    province.clock.set("2025-06-30 17:00")
    province.timers()
    assert rows(province.intake, "dimensions", "status", "journal", "due_at") == before

    province.clock.set("2025-07-01 07:30")
    province.timers()
    after = rows(province.intake, "dimensions", "status", "journal", "handled_by", "agencies", "due_at")

    # None is lost, and each is with its successor; what was over stays where it ended.
    assert after.keys() == before.keys() == {each.dossier.id for each in made}
    for id, row in after.items():
        filed_with = row["dimensions"]["agency"]
        assert row["dimensions"] == before[id]["dimensions"]
        assert (row["status"], row["due_at"]) == (before[id]["status"], before[id]["due_at"])
        acts = [entry["act"] for entry in row["journal"]]
        if id in opened:
            assert row["handled_by"] == successors[filed_with]
            assert {filed_with, row["handled_by"]} <= set(row["agencies"])
            assert acts.count("succeeded") == 1
        else:
            assert row["handled_by"] == filed_with
            assert "succeeded" not in acts
    processes = rows(province.workflow, "queues", "involved", "agency", "tasks", "journal")
    assert processes.keys() == {id for id, row in after.items() if row["status"] not in ("filed", "refused")}
    ended = set(successors)
    for id, process in processes.items():
        assert not ended & {*process["queues"], *process["involved"]}
        assert process["queues"] == [successors[before[id]["dimensions"]["agency"]]], "each waits for its first step"

    # The statistics stay where they were: they count the dossiers by where they were filed.
    assert province.received() == received_before
    assert province.whole() == whole_before

    # What is filed now, with whatever identifier, counts for the successor.
    fifty = made[:50]
    officer = Persona("Liên thông", ("dossiers.file", "dossiers.receive", "dossiers.read", "any_agency"))
    expected: Counter[str] = Counter()
    with_old_codes = [each.dossier for each in fifty]
    for n, dossier in enumerate(with_old_codes):
        body = {
            "procedure": dossier.dimensions.procedure,
            "agency": dossier.dimensions.agency,
            "channel": "counter",
            "applicant": {"kind": dossier.applicant.kind, "name": f"Người mới {n}"},
            "form": {},
            "components": [{"code": each.code, "paper": {"originals": 1}} for each in dossier.components],
            "result_return": "collect",
        }
        answer = province.intake.post("dossiers", officer, body)
        assert answer.status_code == 201, answer.get_json()
        successor = successors[dossier.dimensions.agency]
        assert answer.get_json()["code"].startswith(f"{successor}-250701-")
        expected[successor] += 1
    province.tell(province.intake.publish())
    received_after = province.received()
    assert {agency: received_after[agency] - received_before.get(agency, 0) for agency in received_after} == {
        **dict.fromkeys(received_before, 0), **expected,
    }  # fmt: skip
    assert province.whole()["received"]["total"] == whole_before["received"]["total"] + 50

    # A successor's officer finishes what was begun elsewhere, and it is finished where it was filed.
    one = next(id for id in sorted(processes) if before[id]["dimensions"]["agency"] == "H56.30")
    commune = Persona("Cán bộ xã Hoằng Hóa", ("tasks.read", "tasks.work"), successors["H56.30"])
    old = Persona("Cán bộ huyện", ("tasks.read", "tasks.work"), "H56.30")
    while open_tasks := [t for t in rows(province.workflow, "tasks")[one]["tasks"] if t["state"] == "open"]:
        path = f"tasks/{open_tasks[0]['id']}/completion"
        outcome = {"outcome": "approved" if open_tasks[0]["decision"] else "completed"}
        assert province.workflow.post(path, old, outcome).status_code == 404
        # The steps above the commune are the province's own departments' to do.
        assert open_tasks[0]["agency"] not in ended
        by = replace(commune, agency=open_tasks[0]["agency"])
        assert province.workflow.post(path, by, outcome).status_code == 200
    province.tell(province.workflow.publish())
    counts = province.stats.get("counts?from=2025-01-01&to=2026-01-01&by=agency&agency=H56.30", LEADER)
    finished = counts.get_json()["items"]
    assert [(row["agency"], row["finished"]["total"]) for row in finished] == [("H56.30", 1)]
