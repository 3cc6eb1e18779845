"""What catalog's events say of procedures, targets, essential services and the calendar: as much as indicators need."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from stats.domain.catalogue import Essential, EssentialState, Level, Payable, Procedure, Targets
from stats.domain.facts import ServiceLevel
from stats.inbound.codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fee:
    amount: int
    online_amount: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Procedure:
    code: Code
    version: int
    name: str
    field: _Field
    service_level: ServiceLevel
    agencies: tuple[Code, ...]
    levels: tuple[Level, ...]
    fees: tuple[_Fee, ...]
    essential: tuple[str, ...]
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedurePublished:
    procedure: _Procedure

    def entry(self) -> Procedure:
        said = self.procedure
        payable = tuple(
            Payable(valid_from=fee.valid_from, valid_to=fee.valid_to) for fee in said.fees if _is_payable(fee)
        )
        return Procedure(
            code=said.code, number=said.version, name=said.name, field=said.field.code,
            service_level=said.service_level, agencies=said.agencies, levels=said.levels, payable=payable,
            essential=said.essential, valid_from=said.valid_from, valid_to=said.valid_to,
        )  # fmt: skip


def _is_payable(fee: _Fee) -> bool:
    """Something is to be paid for what is filed online: that is what can be paid online."""
    return (fee.amount if fee.online_amount is None else fee.online_amount) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureWithdrawn:
    code: Code
    version: int
    on: date

    def entry(self) -> Procedure:
        return Procedure(code=self.code, number=self.version, valid_from=self.on, valid_to=None, withdrawn=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSet:
    agency: Code
    year: int
    indicators: dict[str, float]
    demands: dict[str, int] | None = None

    def targets(self, sequence: int) -> Targets:
        return Targets(
            agency=self.agency, year=self.year, number=sequence, percents=self.indicators, demands=self.demands or {}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    list: str
    id: str
    name: str
    state: EssentialState
    waiting_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EssentialChanged:
    service: _Service

    def essential(self, sequence: int) -> Essential:
        said = self.service
        return Essential(
            list=said.list, id=said.id, number=sequence, name=said.name, state=said.state, waiting_for=said.waiting_for
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CalendarDay:
    date: date
    kind: Literal["off", "working"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged:
    year: int
    days: tuple[_CalendarDay, ...]
