"""What workflow publishes is what its contract samples say, and it reads what catalog and intake publish."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from chassis import worktime
from chassis.consume import Done, Later
from chassis.envelope import outgoing, read
from tests.support.catalogue import ELSEWHERE, HERE, OFFICE, PROVINCE, as_read, published
from tests.support.samples import check_each, sample
from tests.support.services import Running
from tests.workflow import making, nesting
from workflow import events, inbound
from workflow.domain import alerts, calendars, children, course, endings, extensions, issuing, opinions, pauses, returns
from workflow.domain.parts import Budget, By, Paper
from workflow.domain.processes import NO_DUE, Process, Turn, with_task

CATALOG = ("procedure.published", "agency.changed", "agency.succeeded", "calendar.changed")
DOSSIER = "0198f3a1-6c00-8000-9000-00000000d001"
RESULTS = ("0198f3a1-6c00-8000-9000-00000000e001", "0198f3a1-6c00-8000-9000-00000000e002")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


Said = list[tuple[Any, datetime]]
"""What is said of a dossier, in order, and when that happened."""


def decided() -> Said:
    """A dossier goes to the parent agency, is decided there and comes back."""
    begun_at = making.RECEIVED_AT
    process, began = course.start(
        DOSSIER, making.received(10), making.land(), making.agency(), making.CALENDAR, making.by().recorded_at
    )
    said: Said = [(data, begun_at) for data in began]
    off = worktime.Calendar([(date(2026, 3, 10), "off")], [2026])
    _, moved = calendars.reschedule(process, 2026, "Thông báo 12/TB", off, making.by(1))
    said += [(data, making.by(1).at) for data in moved]
    for n, step in enumerate(("s1", "s2", "s3", "s4"), 1):
        process, more = making.complete(process, step, making.by(n))
        said += [(data, making.by(n).at) for data in more]
    return said


def paused_and_stopped() -> Said:
    """It waits for a supplement and for a fee, gets more time, and is stopped."""
    process, began = course.start(
        DOSSIER, making.received(), making.procedure(), making.agency(), making.CALENDAR, making.by().recorded_at
    )
    said: Said = [(data, making.RECEIVED_AT) for data in began]
    task, calendar, until = making.task(process, "s1"), making.CALENDAR, date(2026, 3, 20)
    acts: list[Callable[[Process, By], Turn]] = [
        lambda it, by: pauses.ask_supplement(it, task, ["TP2"], "Thiếu hợp đồng", until, None, None, by),
        lambda it, by: pauses.supplemented(it, by.at, by.recorded_at, calendar),
        lambda it, by: pauses.ask_fee(it, task, 50_000, "Phí thẩm định", "Thông tư 85/2019/TT-BTC", by),
        lambda it, by: pauses.fee_paid(it, it.pauses[-1].begin, by.at, by.recorded_at, calendar),
        lambda it, by: extensions.extend(
            it, Budget(amount=2, unit="working_day"), "Cần xác minh", None, True, calendar, by
        ),
        lambda it, by: endings.stop(it, "Không liên hệ được", None, calendar, by),
    ]
    for n, act in enumerate(acts):
        by = making.by(24 * n + 1)
        process, more = act(process, by)
        said += [(data, by.at) for data in more]
    return said


def sent_back() -> Said:
    """It goes to the parent agency, which sends it back with a reason."""
    process, began = course.start(
        DOSSIER, making.received(10), making.land(), making.agency(), making.CALENDAR, making.by().recorded_at
    )
    said: Said = [(data, making.RECEIVED_AT) for data in began]
    process, more = making.complete(process, "s1", making.by(1))
    said += [(data, making.by(1).at) for data in more]
    task = making.task(process, "s2")
    _, more = returns.send_back(process, task, "s1", "Thiếu bản vẽ", making.CALENDAR, making.by(2))
    return [*said, *((data, making.by(2).at) for data in more)]


def late() -> Said:
    """Its first step is overdue, it comes near its due date, and that passes."""
    process, _ = course.start(
        DOSSIER, making.received(), making.procedure(), making.agency(), making.CALENDAR, making.by().recorded_at
    )
    said: Said = []
    while process.next_alert_at != NO_DUE:
        now = process.next_alert_at
        process, more = alerts.tell(process, now, {HERE: PROVINCE}.get, making.CALENDAR, 2)
        said += [(data, now) for data in more]
    return said


def asked_and_nested() -> Said:
    """An officer asks another agency, which answers; a dossier of its own begins, ends, and another is called off."""
    outer = as_read(inbound.ProcedurePublished, published(nesting.outer())).procedure
    inner = as_read(inbound.ProcedurePublished, published(nesting.inner())).procedure
    process, _ = course.start(
        DOSSIER, making.received(), outer, making.agency(), making.CALENDAR, making.by().recorded_at
    )
    question = opinions.Question(ELSEWHERE, OFFICE, "expert", "Phù hợp?", Budget(amount=1, unit="working_day"))
    before, asked = opinions.ask(process, making.task(process, "in"), question, making.CALENDAR, making.by(1))
    _, given = making.complete(before, "in.o1", making.by(2), note="Phù hợp")
    opened, _ = making.complete(before, "in", making.by(3))
    began = children.said(before, opened, ())
    called_off = children.said(opened, endings.withdraw(opened, making.by(8).at, making.by(8).recorded_at), ())
    child = children.begin(
        opened, making.task(opened, "sub"), inner, making.agency(id=PROVINCE), making.CALENDAR,
        making.by(3).recorded_at, str, lambda id: making.agency(id=id),
    )  # fmt: skip
    for n, step in enumerate(("look", "say"), 4):
        going, (child, _) = child, making.complete(child, step, making.by(n))
    return [
        *((data, making.by(1).at) for data in asked),
        *((data, making.by(2).at) for data in given),
        *((data, making.by(3).at) for data in began),
        *((data, making.by(5).at) for data in children.said(going, child, ())),
        *((data, making.by(8).at) for data in called_off),
    ]


def given_out() -> Said:
    """Its result is given out, replaced by another one, and that one is recalled."""
    process, _ = course.start(
        DOSSIER, making.received(), making.procedure(), making.agency(), making.CALENDAR, making.by().recorded_at
    )
    first, second = (
        Paper(id=id, name=process.result_name, kind="KQ.G03.000101", sha256=sha256 * 32, signed=True)
        for id, sha256 in ((RESULTS[0], "a7"), (RESULTS[1], "b3"))
    )
    said: Said = []
    process = with_task(process, replace(making.task(process, "s3"), paper=first))
    for n, step in enumerate(("s1", "s2", "s3", "s4"), 1):
        process, more = making.complete(process, step, making.by(n))
        said += [(data, making.by(n).at) for data in more]
    basis = "Quyết định 12/QĐ-UBND"
    process, more = issuing.replace_by(process, first.id, second, "Ghi sai tên chủ hộ", basis, making.by(30))
    said += [(data, making.by(30).at) for data in more]
    _, more = issuing.recall(process, second.id, "Không đủ điều kiện", "Quyết định 15/QĐ-UBND", making.by(60))
    return [*said, *((data, making.by(60).at) for data in more)]


STORIES: tuple[Callable[[], Said], ...] = (decided, given_out, paused_and_stopped, sent_back, late, asked_and_nested)


def told(story: Callable[[], Said]) -> list[bytes]:
    """The events of a dossier of which a story tells."""
    return [
        outgoing(data, subject=DOSSIER, sequence=sequence, time=at, trace=TRACE).body.encode()
        for sequence, (data, at) in enumerate(story(), 1)
    ]


def test_published_events_are_the_samples() -> None:
    """Of each type, the first that is said in the stories."""
    bodies: dict[str, bytes] = {}
    for story in STORIES:
        for body in told(story):
            bodies.setdefault(read(body).type, body)
    check_each(events.PUBLISHED, list(bodies.values()))


@pytest.mark.parametrize("name", CATALOG)
def test_it_keeps_what_catalog_publishes(workflow: Running, name: str) -> None:
    for collection in ("procedures", "agencies", "calendars", "successions"):
        workflow.database[collection].delete_many({})
    assert workflow.hear([sample(f"catalog.{name}.v1")]) == [Done()]


def test_it_reads_what_intake_publishes(workflow: Running) -> None:
    """The sample's procedure and agency are those of the small province, so that it starts at once."""
    received = sample("intake.dossier.received.v1")
    assert workflow.hear([received]) == [Done()]
    workflow.database["procedures"].delete_many({})
    with_unknown_version = received.replace(b'"procedure_version": 1', b'"procedure_version": 7')
    assert with_unknown_version != received
    assert workflow.hear([with_unknown_version]) == [Later("procedure_not_here_yet")]
