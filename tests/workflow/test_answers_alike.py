"""To an officer of another agency, what exists and what does not answer alike: over every route, and in every list.

The routes are the router's own. A new one fails here until the tables say what to send to it.
"""

import json
import re
import secrets
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from chassis import service
from chassis.clock import new_id
from native.access import Persona
from tests.support import uploads
from tests.support.catalogue import ELSEWHERE, HERE
from tests.support.services import Clock, Running, subject_of
from tests.workflow import deciding as results
from tests.workflow.test_api import COLLEAGUE, begin, claim, complete
from workflow.main import WORKFLOW

ROUTES = [
    route
    for route in service.described(WORKFLOW).routes
    # Parked messages are no agency's; a public route has nothing to hide, or asks for a secret of its own.
    if route.scope not in (None, "parked.manage")
]
EVERY_SCOPE = (*sorted(WORKFLOW.scopes.keys() - {"any_agency", "dossiers.read_all"}), "backdate")
LEADER = Persona("Lãnh đạo", ("tasks.read", "tasks.work"), HERE, roles=("leader",))
STRANGERS = (
    Persona("Cán bộ nơi khác", EVERY_SCOPE, ELSEWHERE),
    Persona("Lãnh đạo nơi khác", EVERY_SCOPE, ELSEWHERE, roles=("leader",)),
    Persona("Người không thuộc cơ quan nào", EVERY_SCOPE),
)
NAMES = [subject_of(who) for who in STRANGERS]
THING, OFFICER = "a thing's id", "an officer's subject"
"""Stand in a body for what exists, or does not."""
WHY = {"reason": "Vượt thẩm quyền", "basis": "Nghị định 118/2025/NĐ-CP"}
PERIOD = {"from": "2026-03-04T02:00:00Z", "until": "2026-03-20T02:00:00Z"}
SENT: dict[str, Any] = {
    "POST /tasks/<id>/claim": {},
    "POST /tasks/<id>/completion": {"outcome": "completed"},
    "POST /tasks/<id>/return": {"to": "s1", "reason": "Thiếu chữ ký"},
    "POST /tasks/<id>/undo": {},
    "POST /tasks/<id>/supplement-request": {"components": ["TP1"], "reason": "Thiếu trang"},
    "POST /tasks/<id>/fee-request": {"amount": 50_000, **WHY},
    "POST /tasks/<id>/assignment": {"to": OFFICER},
    "POST /tasks/<id>/release": {},
    "POST /tasks/<id>/co-handlers": {"add": [OFFICER]},
    "POST /tasks/<id>/notes": {"text": "Đã gọi điện"},
    "POST /tasks/<id>/delegation": {"to": OFFICER, "reason": "Nghỉ phép", **PERIOD},
    "POST /tasks/<id>/opinions": {
        "agency": ELSEWHERE, "question": "Có đồng ý không?", "amount": {"amount": 2, "unit": "working_day"},
    },
    "POST /dossiers/<id>/pause": WHY,
    "POST /dossiers/<id>/resumption": {"reason": "Đã có ý kiến"},
    "POST /dossiers/<id>/extension": {"amount": 2, "reason": "Cần xác minh", "apology": True},
    "POST /dossiers/<id>/stop": WHY,
    "POST /dossiers/<id>/refusal": WHY,
    "POST /dossiers/<id>/transfer": {"to": ELSEWHERE, "reason": "Không đúng thẩm quyền"},
    "POST /dossiers/<id>/followers": {"add": [OFFICER]},
    "POST /delegations/<id>/revocation": {},
    "POST /delegations": {"of": OFFICER, "to": OFFICER, "reason": "Nghỉ phép", **PERIOD},
    "POST /tasks/claims": {"tasks": [{"id": THING}, {"id": THING, "version": 1}]},
    "POST /tasks/completions": {"tasks": [{"id": THING, "outcome": "completed"}]},
    "POST /tasks/assignments": {"tasks": [{"id": THING}], "to": OFFICER},
    "POST /dossiers/<id>/results": {"number": "15/GCN"},
    "POST /results/<result>/signature": {"key": "agency"},
    "POST /results/<result>/recall": WHY,
    "POST /results/<result>/replacement": {"by": THING, **WHY},
    "POST /results/signatures": {"ids": [THING]},
}  # fmt: skip
"""What is sent to a route that changes something."""
FILES = {"POST /dossiers/<id>/results": results.blank()}
"""Where a file may be sent instead."""
NAMES_NOTHING = {"POST /simulations"}
"""What is sent there is whole in itself."""
LISTS: dict[str, list[str]] = {
    "/tasks": ["", "state=open", "kind=task", f"assignee={subject_of('officer')}", "due_before=2027-01-01T00:00:00Z"],
    "/dossiers": ["", "state=running", "state=finished", f"q={HERE}", "due_before=2027-01-01T00:00:00Z"],
    "/late": ["", "subtree=true"],
    "/workload": ["", "subtree=true"],
    "/reschedulings": ["year=2026"],
    "/delegations": [""],
    "/officers": [""],
}
"""For each list, queries that find something for those who may see it."""


NAME = re.compile("<[a-z]+>")


def named(route: Any) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture
def workflow(deciding: Running) -> Running:
    """As elsewhere, with certificates to sign results with."""
    return deciding


@pytest.fixture
def things(workflow: Running, certificates: Path) -> dict[str, list[str]]:
    """What exists at an agency, by the word in its path."""
    workflow.get("tasks", COLLEAGUE)
    claimed, finished, stopped, fresh = (begin(workflow) for _ in range(4))
    claim(workflow, f"{claimed}.s1")
    for step in ("s1", "s2", "s3", "s4"):
        complete(workflow, f"{finished}.{step}", "approved" if step == "s3" else "completed")
    assert workflow.post(f"dossiers/{stopped}/stop", LEADER, WHY).status_code == 200
    made = workflow.post("delegations", "officer", {"to": subject_of(COLLEAGUE), "reason": "Nghỉ phép", **PERIOD})
    assert made.status_code == 201, made.text
    decided, issued = results.issued(workflow, certificates)
    draft = results.begin(workflow)
    drafted = results.made(workflow, draft)["id"]
    dossiers = [fresh, claimed, finished, stopped, decided]
    return {
        "dossiers": dossiers,
        "tasks": [f"{fresh}.s1", f"{claimed}.s1", f"{finished}.s3", f"{stopped}.s4"],
        "delegations": [made.get_json()["id"]],
        "results": [drafted, issued],
        "signings": [row["_id"] for row in workflow.rows("signings")],
    }


def told(
    workflow: Running, who: Persona, route: Any, thing: str, officer: str, *, match: bool = False, file: bytes = b""
) -> Any:
    """Status, headers and body of what somebody is told about a thing, the thing's own name left out."""
    sent: dict[str, Any] = {}
    if file:
        sent = {"data": uploads.form(file, "ket-qua.pdf"), "headers": {"Content-Type": uploads.form_type()}}
    elif route.method != "GET":
        sent = {"body": json.loads(json.dumps(SENT[named(route)]).replace(THING, thing).replace(OFFICER, officer))}
    if route.method != "GET":
        sent |= {"match": 1} if match else {"key": secrets.token_hex(8)}
    answer = workflow.request(route.method, NAME.sub(thing, route.path).lstrip("/"), who, **sent)
    headers = {name: value for name, value in answer.headers if name not in ("X-Request-Id", "Content-Length")}
    text = answer.text.replace(answer.headers["X-Request-Id"], "…")
    for name in (thing, thing.partition(".")[0], officer):
        text = text.replace(name, "…")
    return answer.status_code, headers, text


def test_every_route_is_in_the_tables() -> None:
    changing = {named(route) for route in ROUTES if route.method != "GET"}
    assert changing == SENT.keys() | NAMES_NOTHING
    assert {route.path for route in ROUTES if route.method == "GET" and "<" not in route.path} == LISTS.keys()
    assert all(route.path.count("<") <= 1 for route in ROUTES), "of which of the two is the other?"


def test_what_exists_and_what_does_not_answer_alike_in_every_route(
    workflow: Running, things: dict[str, list[str]]
) -> None:
    before = [workflow.rows(name) for name in ("dossiers", "delegations", "results")]
    known, unknown = subject_of("officer"), "test:nobody"
    for who, route in product(STRANGERS, ROUTES):
        if (route.method == "GET" and "<" not in route.path) or named(route) in NAMES_NOTHING:
            continue
        word = route.path.split("/")[1]
        for thing in things[word]:
            # What is not there: a thing of the same kind, and a step that the dossier of a known task does not have.
            id, dot, step = thing.partition(".")
            nowhere = [new_id() + dot + step, *([f"{id}.s9"] if step == "s4" else [])]
            # The version is looked at instead of a key, of the first thing of each kind.
            for match in {False, route.needs == "key_or_match" and thing == things[word][0]}:
                seen = told(workflow, who, route, thing, known, match=match)
                if "<" in route.path:
                    assert seen[0] == 404, (named(route), seen)
                for each in nowhere:
                    assert seen == told(workflow, who, route, each, known, match=match), named(route)
            if file := FILES.get(named(route)):
                assert seen == told(workflow, who, route, thing, known, file=file), named(route)
            if OFFICER in json.dumps(SENT.get(named(route))):
                assert seen == told(workflow, who, route, thing, unknown), named(route)
    assert before == [workflow.rows(name) for name in ("dossiers", "delegations", "results")], "nothing has changed"


def test_another_agencys_lists_are_as_empty_as_one_that_is_not_there(
    workflow: Running, things: dict[str, list[str]], clock: Clock
) -> None:
    moved = {"year": 2026, "decision": "x", "previous_due_at": None, "due_at": None, "at": clock()}
    workflow.database["dossiers"].update_many({}, {"$set": {"reschedulings": [moved], "late_from": clock()}})
    clock.move(minutes=1)
    sees_all = Persona("Lãnh đạo tỉnh", (*EVERY_SCOPE, "dossiers.read_all"), HERE)
    for path, queries in LISTS.items():
        by_agency = "agency" in next(route.query.model_fields for route in ROUTES if route.path == path and route.query)
        for query in queries:
            insider = "officer" if path == "/delegations" else sees_all
            found = workflow.get(f"{path.lstrip('/')}?{query}", insider).get_json()
            assert found["items"], f"{path}?{query} finds nothing, so that this test shows nothing"
            for who, agency in product(STRANGERS, (HERE, "H99.99", None) if by_agency else (None,)):
                asked = "&".join(filter(None, [query, f"agency={agency}" if agency else ""]))
                answer = workflow.get(f"{path.lstrip('/')}?{asked}", who)
                assert answer.status_code == 200
                items = [
                    item for item in answer.get_json()["items"]
                    # Of the strangers' own agency there are the strangers.
                    if agency is not None or not any(name in json.dumps(item, ensure_ascii=False) for name in NAMES)
                ]  # fmt: skip
                assert (items, answer.get_json()["next"]) == ([], None), f"{path}?{asked}"
