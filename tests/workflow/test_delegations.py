"""An officer's work is another's for a period: who may give it, when it holds, and that the journal names both."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from chassis.clock import new_id
from native.access import Persona
from tests.support.catalogue import ELSEWHERE, HERE
from tests.support.plans import watched
from tests.support.services import Clock, Running, pointers, problem, subject_of
from tests.workflow import making
from tests.workflow.test_api import begin, claim, complete, listed
from workflow.domain.parts import Entry
from workflow.domain.processes import first_broken_entry, noted

WORK = ("tasks.read", "tasks.work")
LAN = Persona("Lan", WORK, HERE, ("one_stop",))
TAM = Persona("Tám", WORK, HERE, ("expert",))
HOA = Persona("Hoa", WORK, HERE, ("expert",))
HEAD = Persona("Trưởng phòng", WORK, HERE, ("leader",))
ABROAD = Persona("Mai", WORK, ELSEWHERE, ("leader",))
AT = {"Occurred-At": "2026-03-04T10:30:00+07:00"}


@pytest.fixture
def known(workflow: Running) -> Running:
    for who in (LAN, TAM, HOA, HEAD, ABROAD):
        assert workflow.get("tasks", who).status_code == 200
    return workflow


def delegate(
    workflow: Running,
    who: Persona,
    to: Persona,
    begins: float = 0,
    hours: float = 8,
    path: str = "delegations",
    **more: Any,
) -> Any:
    """From so many hours from now on, for so many hours. `more`: fields."""
    now = workflow.clock()
    period = {
        "from": (now + timedelta(hours=begins)).isoformat(),
        "until": (now + timedelta(hours=begins + hours)).isoformat(),
    }
    return workflow.post(path, who, {"to": subject_of(to), "reason": "Nghỉ phép", **period, **more})


def entry(workflow: Running, id: str) -> tuple[str, str, str | None]:
    timeline = workflow.get(f"dossiers/{id}/timeline", HEAD).get_json()
    assert timeline["intact"] is True
    last = timeline["journal"][-1]
    return last["act"], last["by"], last["behalf"]


def test_a_delegate_acts_only_within_the_period_and_the_journal_names_both(known: Running, clock: Clock) -> None:
    first, second, third = begin(known), begin(known), begin(known)
    for id in (first, second, third):
        assert claim(known, f"{id}.s1", LAN).status_code == 200
    made = delegate(known, LAN, TAM, begins=1, hours=2)
    assert (made.status_code, made.get_json()["of"], made.headers["ETag"]) == (201, subject_of(LAN), '"1"')
    problem(complete(known, f"{first}.s1", who=TAM), 403, "role_missing")
    clock.move(hours=1)
    assert complete(known, f"{first}.s1", who=TAM).status_code == 200
    completed = known.get(f"dossiers/{first}/timeline", HEAD).get_json()["journal"]
    mine = [each for each in completed if each["act"] == "completed"]
    assert [(each["by"], each["behalf"]) for each in mine] == [(subject_of(TAM), subject_of(LAN))]
    clock.move(hours=2, seconds=-1)
    assert complete(known, f"{second}.s1", who=TAM).status_code == 200, "until the last second"
    clock.move(seconds=1)
    problem(complete(known, f"{third}.s1", who=TAM), 403, "role_missing")
    assert complete(known, f"{third}.s1", who=LAN).status_code == 200, "the delegator may go on all the time"
    assert [each["behalf"] for each in known.get(f"dossiers/{third}/timeline", LAN).get_json()["journal"]][-1] is None


def test_what_a_delegate_takes_is_the_delegators_and_nothing_of_it_stays(known: Running, clock: Clock) -> None:
    one, other = begin(known), begin(known)
    delegate(known, LAN, TAM, hours=1)
    for id in (one, other):
        taken = claim(known, f"{id}.s1", TAM)
        assert taken.status_code == 200
        assert taken.get_json()["task"]["assignee"] == subject_of(LAN)
        assert entry(known, id) == ("claimed", subject_of(TAM), subject_of(LAN))
    assert listed(known.get("tasks?assignee=me", TAM)) == [f"{one}.s1", f"{other}.s1"]
    kept = known.post(f"tasks/{one}.s1/assignment", TAM, {"to": subject_of(TAM)})
    assert pointers(kept) == [("/to", "oneself")]
    assert claim(known, f"{one}.s1", TAM).get_json()["open_tasks"] == [f"{one}.s1"], "again changes nothing"
    assert complete(known, f"{one}.s1", who=TAM).status_code == 200
    clock.move(hours=1)
    problem(complete(known, f"{other}.s1", who=TAM), 403, "role_missing")
    assert listed(known.get("tasks?assignee=me", TAM)) == []
    assert complete(known, f"{other}.s1", who=LAN).status_code == 200
    (row,) = [row for row in known.rows("dossiers") if row["_id"] == other]
    assert row["tasks"][0]["assignee_name"] == "Lan"


def test_delegations_that_do_not_stand_displace_none_that_does(known: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.store.delegations.MOST_AT_ONCE", 1)
    delegate(known, HOA, TAM, begins=1, hours=1)
    revoked = delegate(known, HOA, TAM, hours=1).get_json()
    assert known.post(f"delegations/{revoked['id']}/revocation", HOA).status_code == 200
    delegate(known, LAN, TAM, hours=8)
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    assert complete(known, f"{id}.s1", who=TAM).status_code == 200


def test_by_when_an_act_counts(known: Running, clock: Clock) -> None:
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    late = Persona("Tám", (*WORK, "backdate"), HERE, ("expert",))
    delegate(known, LAN, TAM, begins=1, hours=1)
    clock.move(days=1)
    problem(complete(known, f"{id}.s1", who=late), 403, "role_missing")
    before = {"Occurred-At": "2026-03-04T09:30:00+07:00"}
    problem(complete(known, f"{id}.s1", who=late, headers=before), 403, "role_missing")
    assert complete(known, f"{id}.s1", who=late, headers=AT).status_code == 200


def test_a_delegate_takes_an_act_back_in_the_same_stead_and_within_the_period(known: Running, clock: Clock) -> None:
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    delegate(known, LAN, TAM, hours=1)
    clock.move(minutes=57)
    assert complete(known, f"{id}.s1", who=TAM).status_code == 200
    assert known.post(f"tasks/{id}.s1/undo", TAM, {}).status_code == 200
    assert entry(known, id) == ("undone", subject_of(TAM), subject_of(LAN))
    assert complete(known, f"{id}.s1", who=TAM).status_code == 200
    clock.move(minutes=3)
    problem(known.post(f"tasks/{id}.s1/undo", TAM, {}), 409, "nothing_to_undo")


def test_it_is_not_transitive(known: Running) -> None:
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    delegate(known, LAN, TAM)
    delegate(known, TAM, HOA)
    problem(complete(known, f"{id}.s1", who=HOA), 403, "role_missing")
    task = f"tasks/{id}.s1/delegation"
    problem(delegate(known, TAM, HOA, path=task), 403, "leader_needed")
    problem(delegate(known, TAM, HOA, of=subject_of(LAN)), 403, "leader_needed")
    assert complete(known, f"{id}.s1", who=TAM).status_code == 200


def test_the_delegators_role_goes_with_it(known: Running) -> None:
    id = begin(known)
    complete(known, f"{id}.s1", who=LAN)
    complete(known, f"{id}.s2", who=TAM)
    problem(complete(known, f"{id}.s3", "approved", TAM), 403, "role_missing")
    delegate(known, HEAD, TAM)
    assert complete(known, f"{id}.s3", "approved", TAM).status_code == 200
    assert subject_of(HEAD) in str(known.get(f"dossiers/{id}/timeline", LAN).get_json()["journal"])
    other = begin(known)
    given = known.post(f"tasks/{other}.s1/assignment", TAM, {"to": subject_of(LAN)})
    assert given.status_code == 200, "and so does giving out work"
    assert entry(known, other) == ("assigned", subject_of(TAM), subject_of(HEAD))
    problem(known.post(f"tasks/{other}.s1/assignment", HOA, {"to": subject_of(HOA)}), 409, "task_claimed")


def test_who_does_every_step_delegates_every_step(known: Running) -> None:
    """A small agency's officer, whose token says nothing about roles; and not with a single task that was freed."""
    everything = Persona("Năm", WORK, HERE)
    one, other = begin(known), begin(known)
    assert claim(known, f"{one}.s1", everything).status_code == 200
    assert delegate(known, everything, TAM, path=f"tasks/{one}.s1/delegation").status_code == 201
    assert known.post(f"tasks/{one}.s1/release", everything).status_code == 200
    problem(claim(known, f"{one}.s1", TAM), 403, "role_missing")
    assert delegate(known, everything, TAM).status_code == 201
    assert claim(known, f"{other}.s1", TAM).status_code == 200


def test_a_single_task_is_delegated(known: Running) -> None:
    one, other = begin(known), begin(known)
    for id in (one, other):
        claim(known, f"{id}.s1", LAN)
    path = f"tasks/{one}.s1/delegation"
    problem(delegate(known, ABROAD, ABROAD, path=path), 404, "not_found")
    problem(delegate(known, LAN, HOA, path=f"tasks/{begin(known)}.s1/delegation"), 409, "task_unclaimed")
    problem(delegate(known, LAN, HOA, path=f"tasks/{one}.s2/delegation"), 409, "task_not_open")
    made = delegate(known, LAN, HOA, path=path)
    assert (made.status_code, made.get_json()["task"]) == (201, f"{one}.s1")
    problem(complete(known, f"{other}.s1", who=HOA), 403, "role_missing")
    assert complete(known, f"{one}.s1", who=HOA).status_code == 200


def test_a_leader_delegates_for_somebody_who_cannot_come(known: Running) -> None:
    made = delegate(known, HEAD, TAM, of=subject_of(LAN)).get_json()
    assert (made["of"], made["of_name"], made["to_name"], made["made_by"]) == (
        subject_of(LAN), "Lan", "Tám", subject_of(HEAD),
    )  # fmt: skip
    assert pointers(delegate(known, HEAD, TAM, of=subject_of(ABROAD))) == [("/of", "not_an_officer")]
    assert pointers(delegate(known, HEAD, TAM, of="nobody")) == [("/of", "not_an_officer")]


def test_it_ends_when_it_is_revoked(known: Running, clock: Clock) -> None:
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    made = delegate(known, LAN, TAM).get_json()
    path = f"delegations/{made['id']}/revocation"
    for stranger in (HOA, ABROAD):
        problem(known.post(path, stranger), 404, "not_found")
    problem(known.post(f"delegations/{new_id()}/revocation", LAN), 404, "not_found")
    clock.move(hours=1)
    ended = known.post(path, LAN, key="r").get_json()
    assert (ended["revoked_by"], ended["version"]) == (subject_of(LAN), 2)
    assert known.post(path, LAN, key="r").get_json() == ended
    problem(known.post(path, LAN), 409, "delegation_ended")
    problem(complete(known, f"{id}.s1", who=TAM), 403, "role_missing")
    by_delegate, by_leader = delegate(known, LAN, TAM).get_json(), delegate(known, LAN, TAM).get_json()
    assert known.post(f"delegations/{by_delegate['id']}/revocation", TAM).status_code == 200
    assert known.post(f"delegations/{by_leader['id']}/revocation", HEAD).status_code == 200
    over = delegate(known, LAN, TAM, hours=1).get_json()
    clock.move(hours=1)
    problem(known.post(f"delegations/{over['id']}/revocation", LAN), 409, "delegation_ended")


@pytest.mark.parametrize(
    ("begins", "hours", "to", "expected"),
    [
        (0, 0, TAM, ("/until", "before_from")),
        (2, -1, TAM, ("/until", "before_from")),
        (-5, 5, TAM, ("/until", "over")),
        (0, 367 * 24, TAM, ("/until", "too_long")),
        (0, 8, LAN, ("/to", "oneself")),
        (0, 8, ABROAD, ("/to", "not_an_officer")),
    ],
)
def test_what_is_no_delegation(
    known: Running, begins: float, hours: float, to: Persona, expected: tuple[str, str]
) -> None:
    assert pointers(delegate(known, LAN, to, begins, hours)) == [expected]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("until", "2026-03-05T00:00:00", "timezone_aware"),
        ("until", "0001-01-01T00:00:00+14:00", "value_error"),
        ("from", "soon", "datetime_from_date_parsing"),
        ("reason", "", "string_too_short"),
        ("unto", "2026-03-05T00:00:00Z", "extra_forbidden"),
    ],
)
def test_a_field_that_is_wrong_is_pointed_at(known: Running, field: str, value: str, code: str) -> None:
    sent: dict[str, Any] = {field: value}
    assert pointers(delegate(known, LAN, TAM, **sent)) == [(f"/{field}", code)]


def test_a_repeated_key_gives_the_first_answer(known: Running, clock: Clock) -> None:
    body = {"to": subject_of(TAM), "reason": "Nghỉ", "until": "2026-03-06T00:00:00Z"}
    first = known.post("delegations", LAN, body, key="d")
    clock.move(days=3)
    assert known.post("delegations", LAN, body, key="d").data == first.data, "although it would be refused by now"
    problem(known.post("delegations", LAN, {**body, "reason": "Ốm"}, key="d"), 422, "idempotency_key_reused")
    problem(known.post("delegations", LAN, body, key=None), 428, "precondition_required")
    problem(known.post("delegations", Persona("Không cơ quan", WORK), body), 403, "no_agency")
    assert len(known.rows("delegations")) == 1


def test_who_sees_which(known: Running) -> None:
    made = [delegate(known, *pair).get_json()["id"] for pair in ((LAN, TAM), (TAM, HOA), (HEAD, HOA))]

    def seen(who: str | Persona, query: str = "") -> set[str]:
        return {item["id"] for item in known.get(f"delegations?{query}", who).get_json()["items"]}

    assert seen(LAN) == {made[0]}
    assert seen(TAM) == {made[0], made[1]}
    assert seen(HEAD) == {made[2]}
    assert seen(HEAD, f"agency={HERE}") == set(made)
    assert seen("leader", f"agency={HERE}") == set(made)
    assert seen(LAN, f"agency={HERE}") == seen(ABROAD, f"agency={HERE}") == set()
    first = known.get(f"delegations?agency={HERE}&limit=2", HEAD).get_json()
    rest = known.get(f"delegations?agency={HERE}&limit=2&cursor={first['next']}", HEAD).get_json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == sorted(made)
    assert rest["next"] is None


def test_a_delegates_list_has_the_delegators_tasks(known: Running, clock: Clock) -> None:
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    delegate(known, LAN, TAM, hours=1)
    assert listed(known.get("tasks?assignee=me", TAM)) == [f"{id}.s1"]
    clock.move(hours=1)
    assert listed(known.get("tasks?assignee=me", TAM)) == []


def test_each_look_at_the_delegations_walks_an_index(known: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    for _ in range(3):
        delegate(known, LAN, TAM)
        delegate(known, HOA, HEAD)
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    with watched(mongo, known.database.name) as seen:
        for query in ("", f"agency={HERE}"):
            assert known.get(f"delegations?{query}", HEAD).get_json()["items"]
        assert known.get("officers", HEAD).get_json()["items"]
        assert complete(known, f"{id}.s1", who=TAM).status_code == 200
    reads = seen.of("delegations", "officers")
    assert len(reads) == 4
    for ran in reads:
        assert "COLLSCAN" not in ran.plan, ran
        assert not ran.sorted_in_memory, ran
        assert ran.documents <= ran.returned, ran


def test_entries_from_before_there_were_delegations_still_hold() -> None:
    """Their hashes were made over six fields; with a delegation, who it was in whose stead is in the hash too."""
    process, _ = making.started()
    text = (
        '{"act":"started","at":"2026-03-04T02:00:00.000+00:00","by":"system:workflow","note":null,'
        '"recorded_at":"2026-03-04T02:00:01.000+00:00","task":null}'
    )
    assert process.journal[0].hash == hashlib.sha256(f"\n{text}".encode()).hexdigest()
    stood = noted(process, "noted", None, replace(making.by(), behalf="lan"), "x")
    assert first_broken_entry(stood) is None
    last: Entry = stood.journal[-1]
    for changed in (replace(last, behalf=None), replace(last, behalf="duc")):
        assert first_broken_entry(replace(stood, journal=(*stood.journal[:-1], changed))) == len(stood.journal) - 1
