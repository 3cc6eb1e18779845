"""A small province as catalog publishes it, event by event: what services that keep copies of it are told in tests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, TypeVar

from catalog import events
from catalog.domain import (
    Agency,
    Alias,
    CalendarDay,
    Component,
    Duration,
    Durations,
    Fee,
    FieldOfWork,
    Procedure,
    Process,
    Result,
    Step,
)
from chassis.envelope import EventData, outgoing, read, read_data

T = TypeVar("T")
PROVINCE, HERE, ELSEWHERE = "H56", "H56.30", "H56.02"
"""The personas' agencies: `officer` and `counter_officer` are HERE, `other_officer` ELSEWHERE, the leader at
PROVINCE."""
HERE_BEFORE = "000.30.H56"
"""What HERE was called."""
BUSINESS, LAND, CHARTER = "1.001612", "1.012784", "2.000815"
"""Four steps at one agency within 3 working days; two agencies within 10, of which each step has a share; no due
date."""
OFFICE = (("07:00", "11:30"), ("13:30", "17:00"))
TOLD_AT = datetime(2025, 12, 1, 3, 0, tzinfo=UTC)


def days(amount: float) -> Duration:
    return Duration(amount=amount, unit="working_day")


def steps(*many: Step) -> Process:
    """The steps, each after the one before unless it says otherwise."""
    chained = [replace(step, after=step.after or (before.id,)) for before, step in pairwise(many)]
    return Process(steps=(many[0], *chained))


def procedure(code: str = BUSINESS, version: int = 1, **changes: Any) -> Procedure:
    plain = Procedure(
        code=code,
        version=version,
        local_code=None,
        name="Đăng ký thành lập hộ kinh doanh",
        field=FieldOfWork(code="HOKINHDOANH", name="Thành lập và hoạt động của hộ kinh doanh"),
        service_level="full",
        agencies=(),
        levels=("district",),
        applicants=("citizen", "enterprise"),
        components=(
            Component(code="TP1", name="Giấy đề nghị", originals=1),
            Component(code="TP2", name="Hợp đồng thuê", copies=1, required=False),
            Component(code="TP3", name="Giấy tờ tùy thân", copies=1, replaced_by_database="CSDL quốc gia về dân cư"),
        ),
        durations=Durations(counter=days(3)),
        cut_off=None,
        supplement_rule="pause",
        fees=(
            Fee(code="LP1", name="Lệ phí đăng ký", kind="charge", amount=100_000),
            Fee(code="P1", name="Phí công bố", kind="fee", amount=50_000),
        ),
        process=steps(
            Step(id="s1", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
            Step(id="s2", name="Thẩm định", role="expert", amount=days(1.5)),
            Step(id="s3", name="Ký duyệt", role="leader", amount=days(0.5), decision=True),
            Step(id="s4", name="Vào sổ, trả kết quả", role="clerk", amount=days(0.5)),
        ),
        result=Result(code="KQ.G03.000101", name="Giấy chứng nhận đăng ký hộ kinh doanh"),
        essential=("project06",),
        legal_basis=("Nghị định 168/2025/NĐ-CP",),
        valid_from=date(2019, 1, 1),
        valid_to=None,
    )
    return replace(plain, **changes)


def land(version: int = 1, **changes: Any) -> Procedure:
    plain = procedure(
        LAND,
        version,
        name="Đăng ký đất đai lần đầu",
        field=FieldOfWork(code="DATDAI", name="Đất đai"),
        service_level="partial",
        durations=Durations(counter=days(10), online=days(8)),
        cut_off="15:00",
        process=steps(
            Step(id="s1", name="Tiếp nhận", role="one_stop", share=10),
            Step(id="s2", name="Thẩm định", role="expert", agency="@parent", share=60),
            Step(id="s3", name="Ký duyệt", role="leader", agency="@parent", share=20, decision=True),
            Step(id="s4", name="Trả kết quả", role="clerk", share=10),
        ),
        result=Result(code="KQ.G12.001041", name="Giấy chứng nhận quyền sử dụng đất"),
    )
    return replace(plain, **changes)


def charter(version: int = 1, **changes: Any) -> Procedure:
    plain = procedure(
        CHARTER,
        version,
        name="Chứng thực bản sao",
        service_level=2,
        durations=None,
        fees=(),
        process=steps(
            Step(id="s1", name="Chứng thực", role="expert", amount=Duration(amount=2, unit="hour"), decision=True),
        ),
    )
    return replace(plain, **changes)


def agency(id: str = HERE, **changes: Any) -> Agency:
    plain = Agency(
        id=id,
        name=f"Ủy ban nhân dân {id}",
        level="district",
        kind="people_committee",
        parent=PROVINCE,
        one_stop=True,
        aliases=(),
        hours=OFFICE,
        email=None,
        valid_from=date(2019, 1, 1),
        valid_to=None,
    )
    return replace(plain, **changes)


def published(procedure: Procedure) -> bytes:
    return event(events.ProcedurePublished(procedure=procedure), procedure.code, procedure.version)


def withdrawn(code: str, version: int, on: date) -> bytes:
    return event(events.ProcedureWithdrawn(code=code, version=version, on=on), code, version)


def changed(agency: Agency, sequence: int = 1) -> bytes:
    return event(events.AgencyChanged(agency=agency), agency.id, sequence)


def calendar(year: int = 2026, days: Sequence[CalendarDay] | None = None, sequence: int = 1) -> bytes:
    """Without `days`, the year's 1 January, 30 April and 1 May are off, and its first Saturday of March is worked."""
    march = date(year, 3, 1)
    usual = [
        CalendarDay(date=date(year, 1, 1), kind="off", name="Tết Dương lịch"),
        CalendarDay(date=march.replace(day=1 + (5 - march.weekday()) % 7), kind="working", name="Làm bù"),
        CalendarDay(date=date(year, 4, 30), kind="off", name="Ngày Chiến thắng"),
        CalendarDay(date=date(year, 5, 1), kind="off", name="Ngày Quốc tế Lao động"),
    ]
    data = events.CalendarChanged(
        year=year,
        decision=f"Thông báo {sequence}/TB",
        known_from=date(year - 1, 12, 1),
        days=tuple(usual if days is None else days),
    )
    return event(data, str(year), sequence)


def event(data: EventData, subject: str, sequence: int, at: datetime = TOLD_AT) -> bytes:
    """The CloudEvent as it comes from the broker."""
    return outgoing(data, subject=subject, sequence=sequence, time=at).body.encode()


def as_read(kind: type[T], body: bytes) -> T:
    """An event's data in a consumer's own reading."""
    reading: T = read_data(kind, read(body).data)
    return reading


def province() -> list[bytes]:
    """The agencies, the procedures and the year's calendar."""
    return [
        changed(agency(PROVINCE, level="province", parent=None, one_stop=False, name="Ủy ban nhân dân tỉnh")),
        changed(agency(HERE, aliases=(Alias(id=HERE_BEFORE),))),
        changed(agency(ELSEWHERE)),
        published(procedure()),
        published(land()),
        published(charter()),
        calendar(),
    ]
