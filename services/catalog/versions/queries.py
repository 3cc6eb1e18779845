"""What can be asked about versions: what changed, what a day's catalogue comes to, what a dossier costs."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.domain import Channel, ProcedureUnknown, Validity, Version, fees_on, standing
from catalog.queries import Queries
from catalog.store import CatalogStore, Wanted
from catalog.versions import schemas
from chassis.errors import FieldError, Invalid

ONLINE_LEVELS = frozenset({3, 4, "partial", "full"})
"""Levels 1 and 2 are information and forms (Nghị định 43/2011/NĐ-CP); Nghị định 42/2022/NĐ-CP knows partial and full.
"""


@dataclass(frozen=True, slots=True)
class VersionQueries:
    store: CatalogStore
    queries: Queries

    def diff(self, code: str, old: int | None, new: int | None) -> tuple[Version, Version]:
        """The two versions; without numbers the latest entry and the one before. ProcedureUnknown, Invalid."""
        history = self._history(code)
        last = new or history[-1].number
        first = old or last - 1
        if first < 1:
            wrong = FieldError("/from", "no_earlier_version", f"version {last} is the first")
            raise Invalid("there is nothing to compare with", errors=[wrong])
        found = {number: self.store.version(code, number) for number in (first, last)}
        for number, version in found.items():
            if version is None:
                raise ProcedureUnknown(f"{code} has no version {number}")
        return found[first], found[last]  # type: ignore[return-value]

    def history(self, code: str, day: date) -> schemas.HistoryAnswer:
        """Every entry, as it stands on the day; ProcedureUnknown."""
        history = self._history(code)
        entries = []
        for entry in history:
            stands = standing(entry, history, day)
            entries.append(
                schemas.HistoryEntry(
                    version=entry.number,
                    valid_from=entry.valid_from,
                    withdrawn=entry.withdrawn,
                    valid_to=stands.valid_to,
                    status=stands.status,
                )
            )
        return schemas.HistoryAnswer(code=code, entries=tuple(entries))

    def fees(self, code: str, day: date, channel: Channel) -> schemas.FeesAnswer:
        """By the version in force on the day; ProcedureUnknown, NotInForce."""
        version, _ = self.queries.procedure(code, None, day)
        fees = fees_on(version.procedure, day, channel)
        return schemas.FeesAnswer(
            code=code, version=version.number, on=day, channel=channel, fees=fees, total=sum(fee.amount for fee in fees)
        )

    def summary(self, query: schemas.SummaryQuery, day: date) -> schemas.SummaryAnswer:
        """Counts of the day's catalogue; Invalid for an agency that nobody knows."""
        agency = self.queries.agency_in_filter(query.agency, day)
        counted = self.store.counted(Wanted(field=query.field, agency=agency, level=query.level), day)
        groups: Counter[Any] = Counter()
        online: Counter[Any] = Counter()
        names: dict[Any, str] = {}
        total = total_online = 0
        for each in counted:
            is_online = each.service_level in ONLINE_LEVELS
            total += each.count
            total_online += each.count * is_online
            keys: tuple[Any, ...] = {
                "service_level": (each.service_level,), "field": (each.field.code,), "level": each.levels
            }[query.by]  # fmt: skip
            for key in keys:
                groups[key] += each.count
                online[key] += each.count * is_online
            if query.by == "field":
                names[each.field.code] = each.field.name
        return schemas.SummaryAnswer(
            on=day,
            by=query.by,
            total=total,
            online=total_online,
            groups=tuple(
                schemas.Group(key=key, name=names.get(key), count=groups[key], online=online[key])
                for key in sorted(groups, key=str)
            ),
        )

    def _history(self, code: str) -> list[Validity]:
        history = self.store.histories([code]).get(code)
        if history is None:
            raise ProcedureUnknown(f"there is no procedure {code}")
        return history
