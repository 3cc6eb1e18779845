"""Dossiers' lives over the API on a real MongoDB: requests are repeated, events are repeated and reordered.

Whatever happens: each accepted filing is one dossier, each dossier has the state that its acts lead to, each code is
one dossier's, and a repeated request gets its first answer, byte for byte.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from chassis import hashchain
from chassis.consume import Later
from intake.domain import dossiers as domain
from intake.domain import limits
from native.access import Persona
from tests.intake.making import body, paper
from tests.support.catalogue import BUSINESS, CHARTER, ELSEWHERE, HERE, LAND
from tests.support.services import Clock, Running, problem

PEOPLE = ("citizen", "volunteer")
OFFICERS: dict[str, str | Persona] = {
    HERE: "counter_officer",
    ELSEWHERE: Persona("Lê Thị Na", ("dossiers.file", "dossiers.receive", "dossiers.read"), ELSEWHERE),
}
ACTS: dict[str, Any] = {
    "reception": {},
    "refusal": {"reason": "Thiếu"},
    "supplement-request": {"components": ["TP2"], "reason": "Thiếu hợp đồng"},
    "supplement": {"components": [paper("TP2")]},
    "withdrawal": {"reason": "Không còn nhu cầu"},
    "handover": {"to": "Hoa", "method": "collect"},
    "rating": {"score": 5},
}
BY_THE_APPLICANT = ("supplement", "withdrawal", "rating")
FITTING = {
    "filed": ["reception", "reception", "refusal", "supplement-request", "withdrawal"],
    "supplement_asked": ["supplement", "supplement", "refusal", "withdrawal"],
    "received": ["withdrawal"],
    "in_process": ["withdrawal"],
    "processed": ["handover"],
    "returned": ["rating"],
}
"""The acts that a dossier in a state waits for; any other is refused."""
LEADS_TO = {
    "reception": "received",
    "refusal": "refused",
    "supplement-request": "supplement_asked",
    "supplement": "filed",
    "withdrawal": "withdrawn",
    "handover": "returned",
    "rating": "returned",
}
REFUSED_WITH = {
    "reception": {"not_filed"},
    "refusal": {"not_filed"},
    "supplement-request": {"not_filed"},
    "supplement": {"no_supplement_asked"},
    "withdrawal": {"not_withdrawable"},
    "handover": {"not_processed"},
    "rating": {"not_returned", "already_rated"},
}
UNDER_WAY = ("received", "in_process")
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass
class Sent:
    """A request that was accepted."""

    who: Any
    path: str
    body: Any
    key: str
    answer: TestResponse


@dataclass
class Known:
    """What the test knows of a dossier: what it was told to be, by the answers to its acts."""

    agency: str
    owner: Any
    status: str
    code: str | None
    withdrawn_at: datetime | None = None
    requests: int = 0
    rated: bool = False

    @property
    def fitting(self) -> list[str]:
        """The acts that it waits for."""
        acts = FITTING.get(self.status, [])
        if self.rated or self.owner not in PEOPLE:
            acts = [act for act in acts if act != "rating"]
        return [
            act for act in acts if act != "supplement-request" or self.requests < limits.SUPPLEMENT_REQUESTS[-1].most
        ]


class Life(RuleBasedStateMachine):
    requests = Bundle("requests")

    def __init__(self, intake: Running, workflow: Running, clock: Clock, done: Counter[str]) -> None:
        super().__init__()
        self.intake, self.workflow, self.clock, self.done = intake, workflow, clock, done
        for service in (intake, workflow):
            service.database["dossiers"].delete_many({})
        for name in ("counters", "batches"):
            intake.database[name].delete_many({})
        self.known: dict[str, Known] = {}
        self.told: list[bytes] = []
        """Every event that was published: any of them may come again at any time."""
        self.undelivered: list[bytes] = []
        self.keys = 0

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    # -- requests

    @initialize(target=requests)
    def begin(self) -> Any:
        kinds = (("online", BUSINESS), ("online", LAND), ("counter", CHARTER), ("counter", LAND))
        return multiple(*(self.file(channel, HERE, procedure) for channel, procedure in kinds))

    @rule(
        target=requests,
        channel=st.sampled_from(["online", "online", "counter", "post"]),
        agency=st.sampled_from([HERE, HERE, ELSEWHERE]),
        procedure=st.sampled_from([CHARTER, CHARTER, BUSINESS, LAND]),
    )
    def file_another(self, channel: str, agency: str, procedure: str) -> Any:
        return self.file(channel, agency, procedure)

    def file(self, channel: str, agency: str, procedure: str) -> Sent:
        if channel == "online" and procedure == CHARTER:
            procedure = BUSINESS
        who: str | Persona = "citizen" if channel == "online" else OFFICERS[agency]
        sent = body(channel=channel, agency=agency, procedure=procedure)
        key = self.key()
        if channel == "counter":
            sent["office_number"] = f"S/{key}"
        answer = self.intake.post("dossiers", who, sent, key=key)
        assert answer.status_code == 201, answer.text
        self.learn(answer.get_json(), sent, who)
        return Sent(who, "dossiers", sent, key, answer)

    def learn(self, found: dict[str, Any], sent: dict[str, Any], who: Any) -> None:
        assert found["id"] not in self.known
        assert found["status"] == ("filed" if sent["channel"] == "online" else "received")
        self.known[found["id"]] = Known(sent["agency"], who, found["status"], found["code"])

    @rule(target=requests, channels=st.lists(st.sampled_from(["online", "counter", "bad"]), min_size=1, max_size=5))
    def file_batch(self, channels: list[str]) -> Any:
        """Several with one request, of which some are not accepted."""
        lines = [body(channel=channel) if channel != "bad" else body(components=[]) for channel in channels]
        data, key = b"\n".join(json.dumps(line).encode() for line in lines), self.key()
        answer = self.intake.post("dossiers/batch", OFFICERS[HERE], data=data, headers=NDJSON, key=key)
        assert answer.status_code == 201, answer.text
        found = [json.loads(line) for line in answer.text.splitlines()]
        assert [line["status"] for line in found] == [422 if channel == "bad" else 201 for channel in channels]
        for line, sent in zip(found, lines, strict=True):
            if line["status"] == 201:
                self.learn(line["dossier"], sent, OFFICERS[HERE])
        self.done["batch"] += 1
        return Sent(OFFICERS[HERE], "dossiers/batch", data, key, answer)

    @rule(target=requests, data=st.data(), act=st.sampled_from(sorted(ACTS)))
    def act_on_any(self, data: st.DataObject, act: str) -> Any:
        """Any act on any dossier, now and then by an officer of another agency."""
        id = data.draw(st.sampled_from(sorted(self.known)))
        return self.act(id, act, stranger=data.draw(st.integers(0, 4)) == 0)

    @precondition(lambda self: any(known.fitting for known in self.known.values()))
    @rule(target=requests, data=st.data())
    def act_on_what_waits(self, data: st.DataObject) -> Any:
        """Acts that dossiers wait for."""
        done = []
        for _ in range(data.draw(st.integers(2, 6))):
            waiting = sorted(id for id, known in self.known.items() if known.fitting)
            if not waiting:
                break
            # What has come far is rare.
            far = [id for id in waiting if self.known[id].status in ("supplement_asked", "processed", "returned")]
            id = data.draw(st.sampled_from(far or waiting))
            done.append(self.act(id, data.draw(st.sampled_from(self.known[id].fitting)), stranger=False))
        return multiple(*done)

    @rule(target=requests, data=st.data(), supplemented=st.booleans())
    def live_through(self, data: st.DataObject, supplemented: bool) -> Any:
        """A dossier's whole life, from the filing to the rating, with everything arriving on the way."""
        filed = self.file("online", HERE, BUSINESS)
        id = filed.answer.get_json()["id"]
        acts = ["supplement-request", "supplement", "reception"] if supplemented else ["reception"]
        done = [filed, *(self.act(id, act, stranger=False) for act in acts)]
        self.deliver_all()
        self.complete_all(data, id)
        self.deliver_all()
        return multiple(*done, *(self.act(id, act, stranger=False) for act in ("handover", "rating")))

    def act(self, id: str, act: str, *, stranger: bool) -> Any:
        dossier = self.known[id]
        who = OFFICERS[({HERE, ELSEWHERE} - {dossier.agency}).pop() if stranger else dossier.agency]
        if act in BY_THE_APPLICANT and not stranger and dossier.owner in PEOPLE:
            who = dossier.owner
        key = self.key()
        self.clock.move(minutes=10)
        answer = self.intake.post(f"dossiers/{id}/{act}", who, ACTS[act], key=key)
        if stranger or (act == "rating" and dossier.owner not in PEOPLE):
            problem(answer, 404, "not_found")
        elif act == "supplement-request" and dossier.status == "filed" and act not in dossier.fitting:
            problem(answer, 409, "too_many_supplements")
        elif act not in dossier.fitting:
            assert problem(answer, 409)["code"] in REFUSED_WITH[act]
        else:
            assert answer.status_code == 200, answer.text
            dossier.status = LEADS_TO[act]
            dossier.code = answer.get_json()["code"]
            dossier.requests += act == "supplement-request"
            dossier.rated |= act == "rating"
            dossier.withdrawn_at = self.clock.now if act == "withdrawal" else None
            self.done[act] += 1
            return Sent(who, f"dossiers/{id}/{act}", ACTS[act], key, answer)
        return multiple()

    @rule(target=requests, sent=requests)
    def repeat(self, sent: Sent) -> Any:
        """The same request again; the same key with another body; the same key from somebody else."""
        given = {"data": sent.body, "headers": NDJSON} if isinstance(sent.body, bytes) else {"body": sent.body}
        again = self.intake.post(sent.path, sent.who, key=sent.key, **given)
        assert (again.status_code, again.data) == (sent.answer.status_code, sent.answer.data)
        assert again.headers.get("ETag") == sent.answer.headers.get("ETag")
        if sent.path != "dossiers":
            return multiple()
        if "office_number" in sent.body:
            same = self.intake.post("dossiers", sent.who, sent.body, key=self.key())
            assert (same.status_code, same.get_json()["id"]) == (201, sent.answer.get_json()["id"])
            differing = {**sent.body, "result_return": "electronic"}
            problem(self.intake.post("dossiers", sent.who, differing, key=self.key()), 409, "office_number_taken")
        other = self.intake.post(sent.path, sent.who, {**sent.body, "result_return": "post"}, key=sent.key)
        problem(other, 422, "idempotency_key_reused")
        if sent.who != "citizen":
            return multiple()
        answer = self.intake.post("dossiers", "volunteer", sent.body, key=sent.key)
        found = answer.get_json()
        assert found["id"] != sent.answer.get_json()["id"], "another caller's key is another one"
        self.known.setdefault(found["id"], Known(sent.body["agency"], "volunteer", "filed", None))
        return Sent("volunteer", "dossiers", sent.body, sent.key, answer)

    @rule(data=st.data(), count=st.integers(1, 5))
    def work(self, data: st.DataObject, count: int) -> None:
        """Some open tasks are completed."""
        for _ in range(count):
            tasks = self.workflow.get("tasks?limit=200", "backdate").get_json()["items"]
            if tasks:
                self.complete(data, data.draw(st.sampled_from(sorted(tasks, key=lambda item: str(item["id"])))))

    @precondition(lambda self: any(known.status in UNDER_WAY for known in self.known.values()))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """A dossier is worked on to its end, and everything that is on its way arrives."""
        id = self.some_under_way(data)
        self.deliver_all()
        self.complete_all(data, id)
        self.deliver_all()
        assert self.known[id].status == "processed"

    @precondition(lambda self: any(known.status in UNDER_WAY for known in self.known.values()))
    @rule(data=st.data(), withdrawn_first=st.booleans())
    def end_and_withdraw(self, data: st.DataObject, withdrawn_first: bool) -> None:
        """A dossier is ended and withdrawn before either service has heard of the other's act: the earlier counts."""
        id = self.some_under_way(data)
        self.deliver_all()
        if self.known[id].status not in UNDER_WAY:
            # It was ended already, and the news of it was on its way.
            return
        if withdrawn_first:
            self.act(id, "withdrawal", stranger=False)
        self.complete_all(data, id)
        if not withdrawn_first:
            self.act(id, "withdrawal", stranger=False)
        self.collect()
        random.Random(data.draw(st.integers(0, 2**32))).shuffle(self.undelivered)  # noqa: S311 (drawn by hypothesis)
        self.deliver_all()
        assert self.known[id].status == ("withdrawn" if withdrawn_first else "processed")

    def some_under_way(self, data: st.DataObject) -> str:
        ids = sorted(id for id, known in self.known.items() if known.status in UNDER_WAY)
        return str(data.draw(st.sampled_from(ids)))

    def complete_all(self, data: st.DataObject, id: str) -> None:
        """Every step of the dossier that is left."""
        while tasks := self.workflow.get(f"dossiers/{id}/timeline", "backdate").get_json()["tasks"]:
            now = [task for task in tasks if task["state"] == "open"]
            if not now:
                return
            self.complete(data, now[0])

    def complete(self, data: st.DataObject, task: dict[str, Any]) -> None:
        """First wrongly, then rightly, and the right request is sent twice."""
        path, key = f"tasks/{task['id']}/completion", self.key()
        self.clock.move(hours=7)
        wrong = {"outcome": "completed" if task["decision"] else "approved"}
        assert self.workflow.post(path, "backdate", wrong).status_code == 422
        right = {"outcome": data.draw(st.sampled_from(["approved", "rejected"])) if task["decision"] else "completed"}
        first = self.workflow.post(path, "backdate", right, key=key)
        assert first.status_code == 200, first.text
        again = self.workflow.post(path, "backdate", right, key=key)
        assert (again.status_code, again.data) == (200, first.data)
        problem(self.workflow.post(path, "backdate", right), 409, "task_not_open")

    # -- events

    @rule(data=st.data(), everything=st.booleans())
    def deliver(self, data: st.DataObject, everything: bool) -> None:
        """Some of what is on its way arrives, in any order, with some of what came before."""
        self.collect()
        if not self.told:
            return
        rng = random.Random(data.draw(st.integers(0, 2**32)))  # noqa: S311 (drawn by hypothesis)
        rng.shuffle(self.undelivered)
        count = len(self.undelivered) if everything else rng.randint(0, len(self.undelivered))
        arriving = self.undelivered[:count] + rng.choices(self.told, k=rng.randint(0, 3))
        del self.undelivered[:count]
        rng.shuffle(arriving)
        self.hear(arriving)

    def collect(self) -> None:
        new = self.intake.publish() + self.workflow.publish()
        self.told += new
        self.undelivered += new

    def hear(self, events: list[bytes]) -> None:
        for service in (self.intake, self.workflow):
            outcomes = service.hear(events)
            # What cannot be applied yet comes again.
            self.undelivered += [
                event for event, outcome in zip(events, outcomes, strict=True) if isinstance(outcome, Later)
            ]
        for event in map(json.loads, events):
            dossier = self.known[event["subject"]]
            if event["type"] == "workflow.dossier.finished.v1" and dossier.status != "returned":
                finished_at = datetime.fromisoformat(event["data"]["finished_at"])
                if dossier.withdrawn_at is None:
                    dossier.status = "processed"
                elif finished_at <= dossier.withdrawn_at:
                    dossier.status = "processed"
                    self.done["finished before it was withdrawn"] += 1
                else:
                    self.done["finished after it was withdrawn"] += 1
            elif event["type"] == "workflow.dossier.started.v1" and dossier.status == "received":
                dossier.status = "in_process"

    def deliver_all(self) -> None:
        """Until nothing is on its way any more."""
        rounds = 0
        self.collect()
        while self.undelivered:
            rounds += 1
            assert rounds < 20, "it does not come to rest"
            arriving, self.undelivered = self.undelivered, []
            self.hear(arriving)
            self.collect()

    # -- what always holds

    @invariant()
    def each_filing_is_one_dossier_in_the_state_that_its_acts_lead_to(self) -> None:
        rows = {row["_id"]: row for row in self.intake.rows("dossiers")}
        assert {id: row["status"] for id, row in rows.items()} == {id: known.status for id, known in self.known.items()}
        assert {id: row["code"] for id, row in rows.items()} == {id: known.code for id, known in self.known.items()}
        codes = [row["code"] for row in rows.values() if row["code"] is not None]
        assert len(set(codes)) == len(codes)
        for id, row in rows.items():
            assert row["code"] is None or (
                domain.CODE.fullmatch(row["code"]) and row["code"].startswith(self.known[id].agency)
            )
            assert (row["code"] is None) is (row["received_at"] is None)
            assert (row["code"] is None) or row["status"] not in {"filed", "refused", "supplement_asked"}
            contents = [({k: v for k, v in entry.items() if k != "hash"}, entry["hash"]) for entry in row["journal"]]
            assert hashchain.first_broken(contents) is None
            told = {"filed", "received", "refused", "handed_over", "supplement_requested", "supplemented"}
            told |= {"withdrawn", "rated"}
            acts = [entry["act"] for entry in row["journal"] if entry["act"] in told]
            at_once = acts[0] == "filed" and row["dimensions"]["channel"] != "online"
            assert row["doc_sequence"] == len(acts) - at_once, "each act is told once"

    @invariant()
    def no_process_is_of_a_dossier_that_was_not_received(self) -> None:
        for row in self.workflow.rows("dossiers"):
            assert self.known[row["_id"]].code == row["code"] is not None

    def teardown(self) -> None:
        """When everything has arrived, both services tell the same."""
        self.deliver_all()
        self.each_filing_is_one_dossier_in_the_state_that_its_acts_lead_to()
        processes = {row["_id"]: row for row in self.workflow.rows("dossiers")}
        dossiers = {row["_id"]: row for row in self.intake.rows("dossiers")}
        assert processes.keys() == {id for id, row in dossiers.items() if row["code"] is not None}
        for id, process in processes.items():
            dossier = dossiers[id]
            assert process["due_at"] == dossier["due_at"]
            assert process["finished_at"] == dossier["finished_at"]
            assert (process["outcome"], process["timing"]) == (dossier["outcome"], dossier["timing"])
            assert (process["state"] == "withdrawn") == (dossier["status"] == "withdrawn")
            assert set(process["agencies"]) == set(dossier["agencies"])
            done = {task["id"] for task in process["tasks"] if task["state"] == "done"}
            assert done == {step["task"] for step in dossier["steps_done"]}


@pytest.mark.thorough
def test_whatever_is_repeated_or_reordered(intake: Running, workflow: Running, clock: Clock) -> None:
    done: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Life(intake, workflow, clock, done),  # type: ignore[arg-type]
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    ends = ("finished before it was withdrawn", "finished after it was withdrawn")
    rare = {act: done[act] for act in (*ACTS, "batch") if done[act] < 3}
    assert not rare, "each act was really done, not only refused"
    assert all(done[end] for end in ends), "the withdrawal and the end overtook each other, both ways"
