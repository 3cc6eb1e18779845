"""What must hold of a version of a procedure by itself, before it is published. Plain Python.

Of its process says `processes`; whether the agencies that it names exist, `Directory`.
"""

import re
from collections.abc import Sequence
from datetime import date

from catalog import processes
from catalog.checks import Wrong
from catalog.domain import NATIONAL_CODE, RESULT_CODE, Component, Fee, Procedure
from chassis.errors import FieldError

LOCAL_CODE = re.compile(r"\d\.\d{6}(\.\d{2,3}){0,4}\.[A-Z]\d{2}", re.ASCII)
CUT_OFF = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
MAX_DONG = 1_000_000_000_000
MAX_SHEETS = 1_000


def procedure_errors(procedure: Procedure) -> list[FieldError]:
    """What is wrong with a procedure by itself; whether the agencies that it names exist says `Directory`."""
    wrong = Wrong()
    wrong.unless(NATIONAL_CODE.fullmatch(procedure.code), "/code", "procedure_code", "a national code, like 1.012784")
    if procedure.local_code is not None:
        wrong.unless(
            LOCAL_CODE.fullmatch(procedure.local_code), "/local_code", "local_code", "a local code, like 2.002622.H56"
        )
    wrong.text("/name", procedure.name)
    wrong.text("/field/code", procedure.field.code)
    wrong.text("/field/name", procedure.field.name)
    wrong.unless(procedure.levels, "/levels", "empty", "at least one level")
    wrong.unless(procedure.applicants, "/applicants", "empty", "at least one kind of applicant")
    wrong.repeated("/levels", procedure.levels)
    wrong.repeated("/applicants", procedure.applicants)
    wrong.repeated("/agencies", procedure.agencies)
    wrong.period(procedure.valid_from, procedure.valid_to, "")
    for name, texts in (("essential", procedure.essential), ("legal_basis", procedure.legal_basis)):
        for n, text in enumerate(texts):
            wrong.text(f"/{name}/{n}", text)
    _check_components(procedure.components, wrong)
    _check_fees(procedure.fees, wrong)
    if procedure.cut_off is not None:
        wrong.unless(CUT_OFF.fullmatch(procedure.cut_off), "/cut_off", "hour", "an hour of the day, HH:MM")
    wrong.text("/result/name", procedure.result.name)
    _check_result_code("/result/code", procedure.result.code, wrong)
    if procedure.durations is not None:
        processes.minutes_of("/durations/counter", procedure.durations.counter, wrong)
        if procedure.durations.online is not None:
            processes.minutes_of("/durations/online", procedure.durations.online, wrong)
    processes.check(procedure, wrong)
    return wrong.errors


def _check_components(components: Sequence[Component], wrong: Wrong) -> None:
    wrong.repeated("/components", [component.code for component in components], "/code")
    for n, component in enumerate(components):
        pointer = f"/components/{n}"
        wrong.text(f"{pointer}/code", component.code)
        wrong.text(f"{pointer}/name", component.name)
        for name, count in (("originals", component.originals), ("copies", component.copies)):
            wrong.unless(0 <= count <= MAX_SHEETS, f"{pointer}/{name}", "range", f"from 0 to {MAX_SHEETS}")
        _check_result_code(f"{pointer}/result_code", component.result_code, wrong)


def _check_result_code(pointer: str, code: str | None, wrong: Wrong) -> None:
    if code is not None:
        wrong.unless(RESULT_CODE.fullmatch(code), pointer, "result_code", "a result's code, like KQ.G15.000031")


def _check_fees(fees: Sequence[Fee], wrong: Wrong) -> None:
    for n, fee in enumerate(fees):
        pointer = f"/fees/{n}"
        wrong.text(f"{pointer}/code", fee.code)
        wrong.text(f"{pointer}/name", fee.name)
        wrong.unless(
            not any(_at_the_same_time(fee, other) for other in fees[:n]),
            f"{pointer}/code", "repeated", "is there already for the same time",
        )  # fmt: skip
        wrong.unless(0 <= fee.amount <= MAX_DONG, f"{pointer}/amount", "range", f"from 0 to {MAX_DONG} đồng")
        if fee.online_amount is not None:
            wrong.unless(
                0 <= fee.online_amount <= MAX_DONG, f"{pointer}/online_amount", "range", f"from 0 to {MAX_DONG} đồng"
            )
        wrong.period(fee.valid_from, fee.valid_to, pointer)
        wrong.repeated(f"{pointer}/exemptions", [exemption.code for exemption in fee.exemptions], "/code")
        for m, exemption in enumerate(fee.exemptions):
            for name in ("code", "name", "legal_basis"):
                wrong.text(f"{pointer}/exemptions/{m}/{name}", getattr(exemption, name))


def _at_the_same_time(one: Fee, other: Fee) -> bool:
    """Whether two entries ask for the same fee on a same day."""
    return (
        one.code == other.code
        and (one.valid_from or date.min) < (other.valid_to or date.max)
        and (other.valid_from or date.min) < (one.valid_to or date.max)
    )
