"""Giving results out, recalling and replacing them: acts on the process, whose ledger `results` says what is in force.
Plain Python."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow import events
from workflow.domain.parts import By, Issued, Outcome, Paper, Task
from workflow.domain.processes import Process, State, Turn, noted

Demand = Literal["templates", "always", "never"]
"""Which approvals need a signed result: of procedures with a template for it, all, or none."""


class ResultNotSigned(WrongState):
    code = "result_not_signed"
    title = "Kết quả giải quyết chưa được ký số"


class ResultMissing(WrongState):
    """The approval needs a signed result, and names none."""

    code = "result_missing"
    title = "Phải có kết quả giải quyết đã ký số trước khi phê duyệt"


class ResultNotInForce(WrongState):
    code = "result_not_in_force"
    title = "Kết quả chưa được ban hành hoặc không còn hiệu lực"


class NotFinished(WrongState):
    code = "not_finished"
    title = "Hồ sơ chưa xử lý xong nên chưa có kết quả"


def check_decision(task: Task, outcome: Outcome, paper: Paper | None, *, demanded: bool) -> None:
    """Whether a step may end so. `demanded`: an approval needs a signed result. Raises Invalid, ResultMissing,
    ResultNotSigned."""
    if paper is not None and not task.decision:
        wrong = FieldError("/result", "not_a_decision", "only the deciding step has a result")
        raise Invalid("the result does not fit the step", errors=[wrong])
    if task.decision and demanded and outcome == "approved":
        if paper is None:
            raise ResultMissing("approve with the id of a signed result")
        if not paper.signed:
            raise ResultNotSigned(f"the result {paper.id} has no signature")


def issue(process: Process, by: By) -> Turn:
    """Gives out what the decisions of a process that has just ended name."""
    papers = [task.paper for task in process.tasks if task.decision and task.paper is not None]
    return _given_out(process, papers, by)


def in_force(process: Process) -> Issued | None:
    """The result that counts: the one that was given out last, unless it was recalled. None until the process has
    finished, and when a withdrawal at an earlier moment undid its end."""
    if process.state is not State.FINISHED:
        return None
    return next((issued for issued in reversed(process.results) if issued.ended is None), None)


def issued(process: Process, result: str) -> Issued | None:
    """What is known of a result that was given out."""
    if process.state is not State.FINISHED:
        return None
    return next((each for each in process.results if each.paper.id == result), None)


def recall(process: Process, result: str, reason: str, basis: str, by: By) -> Turn:
    """A wrong result is taken back. Raises NotFinished, ResultNotInForce, Invalid."""
    before = _ending(process, result, by)
    if before.ended is not None:
        raise ResultNotInForce(f"it was {before.ended}")
    after = replace(
        before, ended="recalled", ended_at=by.at, ended_by=by.who, reason=reason, basis=basis
    )  # fmt: skip
    recalled = events.ResultRecalled(
        code=process.code,
        agency=process.agency,
        result=result,
        kind=before.paper.kind,
        sha256=before.paper.sha256,
        issued_at=before.issued_at,
        recalled_at=by.at,
        basis=basis,
    )
    process = _with(process, after)
    return noted(process, "result_recalled", None, by, f"{result}: {reason} ({basis})"), (recalled,)


def replace_by(process: Process, result: str, paper: Paper, reason: str, basis: str, by: By) -> Turn:
    """Another result takes the place of a wrong one, which is in force or was recalled. Raises NotFinished,
    ResultNotInForce, Invalid."""
    before = _ending(process, result, by)
    if before.ended == "replaced":
        raise ResultNotInForce("it was replaced")
    if any(each.paper.id == paper.id for each in process.results):
        wrong = FieldError("/by", "issued_already", "it was given out before")
        raise Invalid("the new result is no new one", errors=[wrong])
    after = replace(
        before, ended="replaced", ended_at=by.at, ended_by=by.who, reason=reason, basis=basis, replaced_by=paper.id
    )
    replaced = events.ResultReplaced(
        code=process.code,
        agency=process.agency,
        result=result,
        kind=before.paper.kind,
        sha256=before.paper.sha256,
        issued_at=before.issued_at,
        replaced_at=by.at,
        replaced_by=paper.id,
        basis=basis,
    )
    process = noted(_with(process, after), "result_replaced", None, by, f"{result} → {paper.id}: {reason} ({basis})")
    process, said = _given_out(process, [paper], by)
    return process, (replaced, *said)


def _ending(process: Process, result: str, by: By) -> Issued:
    """The result that is to be taken back."""
    if process.state is not State.FINISHED:
        raise NotFinished(f"the process is {process.state}")
    found = issued(process, result)
    if found is None:
        raise ResultNotInForce("it was not given out")
    since: datetime = found.ended_at or found.issued_at
    if by.at < since:
        raise Invalid("the act lies before the result was given out", code="before_issue")
    return found


def _with(process: Process, changed: Issued) -> Process:
    results = tuple(changed if each.paper.id == changed.paper.id else each for each in process.results)
    return replace(process, results=results)


def _given_out(process: Process, papers: Sequence[Paper], by: By) -> Turn:
    outcome = process.outcome
    if outcome is None:
        raise AssertionError("nothing was decided")
    said: list[Any] = []
    for paper in papers:
        given = Issued(paper=paper, outcome=outcome, issued_at=by.at)
        process = noted(replace(process, results=(*process.results, given)), "result_issued", None, by, paper.id)
        said.append(
            events.ResultIssued(
                code=process.code,
                procedure=process.procedure,
                procedure_version=process.procedure_version,
                agency=process.agency,
                result=paper.id,
                result_name=paper.name,
                kind=paper.kind,
                outcome=outcome,
                sha256=paper.sha256,
                signed=paper.signed,
                issued_at=by.at,
            )
        )
    return process, said
