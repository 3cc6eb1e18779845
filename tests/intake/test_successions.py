"""Agencies that end while dossiers are open there: who acts, what is counted where, which code is drawn."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from catalog.domain import Agency, Alias
from catalog.events import AgencySucceeded
from chassis.consume import Done, Duplicate
from chassis.store import Carrier
from intake import inbound
from intake.domain import dossiers as domain
from intake.domain.successions import Successions, hand_on
from intake.store import IntakeStore
from intake.usecases.successions import DossierSuccessions
from native.access import Persona
from tests.intake import making
from tests.support import catalogue
from tests.support.catalogue import ELSEWHERE, HERE, HERE_BEFORE
from tests.support.services import Running, another_process, local, pointers, problem

NEW = "H56.50.01"
DAY = date(2026, 3, 9)


def succeeded(*predecessors: str, to: str = NEW, on: date = DAY) -> bytes:
    data = AgencySucceeded(
        predecessors=predecessors, successors=(to,), takes_over=to, on=on, decision="Nghị quyết 1686"
    )
    return catalogue.event(data, f"s-{predecessors[0]}", 1)


def commune(**changes: Any) -> Agency:
    """As catalog tells of it after the succession."""
    plain = catalogue.agency(
        NEW, level="commune", valid_from=DAY, aliases=(Alias(id=HERE, valid_from=DAY),), inherited_levels=("district",)
    )
    return replace(plain, **changes)


def news() -> list[bytes]:
    old = catalogue.agency(HERE, aliases=(Alias(id=HERE_BEFORE),), valid_to=DAY)
    return [catalogue.changed(commune()), catalogue.changed(old, 2), succeeded(HERE)]


def officer_of(agency: str, running: Running) -> Persona:
    return replace(running.tokens.personas["counter_officer"], agency=agency, name=f"Cán bộ {agency}")


def sweep(running: Running) -> None:
    """As the worker's timer does, in a process that remembers nothing."""
    with another_process(running) as fresh:
        timer = DossierSuccessions(IntakeStore(fresh.database, Carrier(fresh.clock)), fresh.clock)
        while timer.once():
            pass


def reading(*predecessors: str, to: str = NEW, on: date = DAY) -> inbound.AgencySucceeded:
    return catalogue.as_read(inbound.AgencySucceeded, succeeded(*predecessors, to=to, on=on))


# -- the rule


@pytest.mark.parametrize("status", list(making.IN_STATE))
def test_what_is_open_goes_over_and_what_is_over_stays(status: domain.Status) -> None:
    before = making.IN_STATE[status]()
    after = hand_on(before, Successions([reading(HERE)]), DAY, local("2026-03-09 00:01"))
    if status in (domain.Status.REFUSED, domain.Status.RETURNED, domain.Status.WITHDRAWN):
        assert after is before
        return
    assert (after.handled_by, after.dimensions.agency, after.agencies) == (NEW, HERE, (HERE, NEW))
    entry = after.journal[-1]
    assert (entry.act, entry.at, entry.recorded_at, entry.by, entry.note) == (
        "succeeded", local("2026-03-09 00:00"), local("2026-03-09 00:01"), "system:intake",
        f"{HERE} → {NEW}: Nghị quyết 1686",
    )  # fmt: skip
    assert domain.first_broken_entry(after) is None
    assert hand_on(after, Successions([reading(HERE)]), DAY, local("2026-03-09 00:02")) is after


def test_nothing_before_the_day_and_one_entry_for_each_succession() -> None:
    dossier = making.received()
    chain = Successions([reading(HERE), reading(NEW, to=ELSEWHERE, on=date(2026, 6, 1))])
    assert hand_on(dossier, chain, date(2026, 3, 8), local("2026-03-08 10:00")) is dossier
    after = hand_on(dossier, chain, date(2026, 6, 1), local("2026-06-01 10:00"))
    assert (after.handled_by, after.agencies) == (ELSEWHERE, (HERE, ELSEWHERE, NEW))
    assert [entry.act for entry in after.journal[-2:]] == ["succeeded", "succeeded"]
    circle = Successions([reading(HERE), reading(NEW, to=HERE)])
    assert hand_on(dossier, circle, DAY, local("2026-03-09 10:00")).handled_by in (HERE, NEW)


# -- what is filed


def file(running: Running, who: str | Persona = "citizen", **changes: Any) -> dict[str, Any]:
    answer = running.post("dossiers", who, making.body(**changes))
    assert answer.status_code == 201, answer.get_json()
    made: dict[str, Any] = answer.get_json()
    return made


@pytest.mark.parametrize("name", [HERE, HERE_BEFORE, NEW])
def test_what_is_filed_with_an_old_identifier_counts_for_the_successor(intake: Running, name: str) -> None:
    """Also under a procedure of the district, which the commune offers since it took over from one."""
    intake.hear(news())
    intake.clock.set("2026-03-09 08:00")
    with another_process(intake) as fresh:
        made = file(fresh, officer_of(NEW, intake), agency=name, channel="counter")
        assert made["code"] == f"{NEW}-260309-0001"
        seen = fresh.get(f"dossiers/{made['id']}", officer_of(NEW, intake)).get_json()
        assert (seen["dimensions"]["agency"], seen["handled_by"], seen["agencies"]) == (NEW, NEW, [NEW])
        refused = fresh.post("dossiers", "counter_officer", making.body(agency=name, channel="counter"))
        assert pointers(refused) == [("/agency", "other_agency")]


def test_until_the_day_it_is_the_old_one(intake: Running) -> None:
    intake.hear(news())
    intake.clock.set("2026-03-08 23:59")
    with another_process(intake) as fresh:
        made = file(fresh, "counter_officer", channel="counter")
        assert made["code"] == f"{HERE}-260308-0001"
        early = fresh.post("dossiers", officer_of(NEW, intake), making.body(agency=NEW, channel="counter"))
        assert pointers(early) == [("/agency", "not_offered")]


def test_a_procedure_of_named_agencies_is_offered_by_who_took_over(intake: Running) -> None:
    named = catalogue.procedure(version=2, agencies=(HERE,))
    intake.hear([*news(), catalogue.published(named)])
    intake.clock.set("2026-03-09 08:00")
    with another_process(intake) as fresh:
        assert file(fresh, agency=HERE)["status"] == "filed"
        other = fresh.post("dossiers", "citizen", making.body(agency=ELSEWHERE))
        assert pointers(other) == [("/agency", "not_offered")]


def test_without_the_successors_copy_nothing_is_filed_with_the_dead(intake: Running) -> None:
    intake.hear([succeeded(HERE)])
    intake.clock.set("2026-03-09 08:00")
    with another_process(intake) as fresh:
        assert pointers(fresh.post("dossiers", "citizen", making.body())) == [("/agency", "unknown_agency")]
        intake.hear(news())
        assert file(fresh)["status"] == "filed"


# -- what was open


def test_the_successors_officers_receive_and_the_others_do_not(intake: Running) -> None:
    ids = [file(intake)["id"] for _ in range(3)]
    intake.hear(news())
    new = officer_of(NEW, intake)
    with another_process(intake) as fresh:
        problem(fresh.post(f"dossiers/{ids[0]}/reception", new), 404)
        assert fresh.post(f"dossiers/{ids[0]}/reception", "counter_officer").status_code == 200
    intake.clock.set("2026-03-09 08:00")
    with another_process(intake) as fresh:
        # No timer has run yet, and yet it is so.
        problem(fresh.post(f"dossiers/{ids[1]}/reception", "counter_officer"), 404)
        answer = fresh.post(f"dossiers/{ids[1]}/reception", new)
        assert (answer.status_code, answer.get_json()["code"]) == (200, f"{NEW}-260309-0001")
    sweep(intake)
    with another_process(intake) as fresh:
        problem(fresh.post(f"dossiers/{ids[2]}/refusal", "counter_officer", {"reason": "Không"}), 404)
        assert len(fresh.get("dossiers", new).get_json()["items"]) == 3
        seen = fresh.get(f"dossiers/{ids[2]}", new).get_json()
        assert (seen["handled_by"], seen["dimensions"]["agency"]) == (NEW, HERE)
        assert fresh.get(f"dossiers/{ids[2]}", "counter_officer").status_code == 200, "it was theirs: they may look"
        assert fresh.get(f"dossiers/{ids[2]}/journal/verification", new).get_json()["intact"]
    received = [json.loads(body) for body in intake.told() if b"dossier.received" in body]
    assert {event["data"]["dimensions"]["agency"] for event in received} == {HERE}, "statistics stay where they were"


def test_each_goes_over_once_in_batches_whatever_came_first(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.usecases.successions.BATCH", 4)
    intake.clock.set("2026-03-09 08:00")
    with another_process(intake) as unaware:
        before = [file(unaware)["id"] for _ in range(6)]
        intake.hear(news())
        sweep(intake)
        # This process has not heard of it yet; and what an office that was offline sends later is of the day before.
        after = [file(unaware)["id"] for _ in range(3)]
    sweep(intake)
    rows = intake.rows("dossiers")
    assert {row["_id"] for row in rows} == {*before, *after}
    for row in rows:
        assert (row["handled_by"], row["agencies"]) == (NEW, [HERE, NEW])
        assert [entry["act"] for entry in row["journal"]].count("succeeded") == 1
    sweep(intake)
    assert intake.rows("dossiers") == rows


def test_an_act_at_the_same_moment_is_not_lost(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    id = file(intake)["id"]
    intake.hear(news())
    intake.clock.set("2026-03-09 08:00")
    with another_process(intake) as fresh:
        store = IntakeStore(fresh.database, Carrier(fresh.clock))
        save = store.dossiers.save

        def overtaken(changes: Any) -> list[bool]:
            monkeypatch.undo()
            answer = fresh.post(f"dossiers/{id}/reception", officer_of(NEW, intake))
            assert answer.status_code == 200
            return save(changes)

        monkeypatch.setattr(store.dossiers, "save", overtaken)
        DossierSuccessions(store, fresh.clock).once()
    (row,) = intake.rows("dossiers")
    assert (row["status"], row["handled_by"]) == ("received", HERE)
    sweep(intake)
    (row,) = intake.rows("dossiers")
    assert (row["status"], row["handled_by"]) == ("received", NEW)


def test_a_repeated_succession_is_a_duplicate(intake: Running) -> None:
    assert intake.hear([succeeded(HERE), succeeded(HERE), succeeded(ELSEWHERE)]) == [Done(), Duplicate(), Done()]


def test_the_timer_finds_them_by_an_index(intake: Running) -> None:
    wanted = {"handled_by": {"$in": [HERE, ELSEWHERE]}, "status": {"$in": ["filed", "received"]}}
    find = {"find": "dossiers", "filter": wanted, "limit": 500}
    plan = intake.database.command({"explain": find, "verbosity": "queryPlanner"})["queryPlanner"]["winningPlan"]
    assert '"handled_by"' in json.dumps(plan, default=str)


# -- a due date that workflow moved


def rescheduled(dossier: str, sequence: int, due: str, previous: str = "2026-03-09T02:00:00Z") -> bytes:
    data = {"code": "x", "due_at": due, "previous_due_at": previous, "basis": "Thông báo 12/TB"}
    event = {
        "specversion": "1.0", "id": f"workflow.dossier:{dossier}:{sequence}", "source": "/motcua/workflow",
        "type": "workflow.dossier.rescheduled.v1", "subject": dossier, "time": "2026-03-05T01:00:00Z",
        "sequence": sequence, "data": data,
    }  # fmt: skip
    return json.dumps(event).encode()


@pytest.mark.parametrize("order", [(4, 7), (7, 4)])
def test_the_latest_due_date_counts_whatever_the_order(intake: Running, order: tuple[int, ...]) -> None:
    made = file(intake, "counter_officer", channel="counter")
    dues = {4: "2026-03-10T02:00:00Z", 7: "2026-03-11T02:00:00Z"}
    outcomes = [intake.hear([rescheduled(made["id"], n, dues[n])])[0] for n in order]
    assert outcomes == [Done(), Done()]
    assert intake.hear([rescheduled(made["id"], n, dues[n]) for n in order]) == [Duplicate(), Duplicate()]
    (row,) = intake.rows("dossiers")
    assert [change["sequence"] for change in row["due_changes"]] == [4, 7], "none of its history is lost"
    assert row["due_at"] == datetime(2026, 3, 11, 2, tzinfo=UTC)
    entry = row["journal"][order.index(7) - 2]
    assert (entry["act"], entry["by"]) == ("rescheduled", "system:workflow")
    assert entry["note"] == "09:00 09/03/2026 → 09:00 11/03/2026: Thông báo 12/TB"
    tracked = intake.get(f"tracking/{made['code']}?secret={row['secret']}").get_json()
    assert tracked["due_at"] == "2026-03-11T02:00:00Z"
