"""Query parameters and answers about versions of procedures."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from catalog.domain import Channel, FeeDue, Level, ServiceLevel, Status, Version
from catalog.schemas import Word
from catalog.versions.domain import Difference, differences
from catalog.versions.texts import label
from chassis.web import Body


class DiffQuery(Body):
    """Which two entries of the history."""

    from_: int | None = Field(
        default=None, alias="from", ge=1, le=1_000_000, description="this version; the one before `to` if left out"
    )
    to: int | None = Field(default=None, ge=1, le=1_000_000, description="this version; the latest if left out")


class DifferenceAnswer(Body):
    """What changed at a place. Items of lists are named by their code or id, wherever they stand:
    `/components/TP1/copies`. `label` and `label_en` say the pointer in words. `before` is null for what was added,
    `after` for what was removed; for `moved` they are the names in their order."""

    pointer: str
    label: str
    label_en: str
    kind: Literal["added", "removed", "changed", "moved"]
    before: Any
    after: Any

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceAnswer":
        return cls.model_construct(
            pointer=difference.pointer,
            label=label(difference.pointer, 0),
            label_en=label(difference.pointer, 1),
            kind=difference.kind,
            before=difference.before,
            after=difference.after,
        )


class VersionMark(Body):
    """Which entry of the history. `withdrawn`: it withdraws the procedure."""

    version: int
    valid_from: date
    withdrawn: bool

    @classmethod
    def of(cls, version: Version) -> "VersionMark":
        return cls.model_construct(
            version=version.number, valid_from=version.valid_from, withdrawn=version.decision is not None
        )


class DiffAnswer(Body):
    """What changed between two entries of a procedure's history, by field."""

    code: str
    old: VersionMark
    new: VersionMark
    changes: tuple[DifferenceAnswer, ...]

    @classmethod
    def of(cls, old: Version, new: Version) -> "DiffAnswer":
        return cls.model_construct(
            code=new.code,
            old=VersionMark.of(old),
            new=VersionMark.of(new),
            changes=tuple(DifferenceAnswer.of(each) for each in differences(old, new)),
        )


class HistoryEntry(VersionMark):
    """An entry of a procedure's history. `valid_to`: where it ends, by itself or because the next one begins."""

    valid_to: date | None
    status: Status


class HistoryAnswer(Body):
    """Every entry of a procedure's history, the first one first."""

    code: str
    entries: tuple[HistoryEntry, ...]


class FeesQuery(Body):
    on: date | None = Field(default=None, description="handed in on this day; today if it is left out")
    channel: Channel = "counter"


class FeesAnswer(Body):
    """What is to be paid for one dossier, in đồng, where no exemption applies."""

    code: str
    version: int
    on: date
    channel: Channel
    fees: tuple[FeeDue, ...]
    total: int


By = Literal["service_level", "field", "level"]


class SummaryQuery(Body):
    """What is counted: the procedures in force on a day."""

    on: date | None = Field(default=None, description="today if it is left out")
    by: By = Field(default="service_level", description="level: a procedure counts at each of its levels")
    agency: Word | None = Field(default=None, description="what this agency offers; its identifier or an alias")
    field: Word | None = Field(default=None, description="the field's code")
    level: Level | None = None


class Group(Body):
    """`name`: of the field. `online`: those of level 3, 4, partial or full, which are filed online."""

    key: ServiceLevel | str
    name: str | None = None
    count: int
    online: int


class SummaryAnswer(Body):
    """How many procedures are in force on a day. `total` and `online` count each procedure once."""

    on: date
    by: By
    total: int
    online: int
    groups: tuple[Group, ...]
