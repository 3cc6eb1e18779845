"""What operators ask of the whole: tell the portal anew, compare what it holds with what we do, and its catalogue with
ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chassis.clock import Clock
from notify.national_portal.client import Portal
from notify.national_portal.domain import records
from notify.national_portal.domain.rows import Tracked
from notify.national_portal.store import NationalPortalStore
from notify.national_portal.usecases import Following
from notify.sealing import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`kind`: the portal does not have it, we do not, or `fields` differ. `waiting`: rows of it are to be sent, so this
    may mend itself."""

    kind: str
    number: str
    dossier: str | None = None
    fields: Sequence[str] = ()
    waiting: bool = False
    repaired: bool = False


@dataclass(slots=True, kw_only=True)
class Comparison:
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.differences


class Syncing:
    def __init__(
        self, store: NationalPortalStore, following: Following, portal: Portal, secrets: Secrets, clock: Clock
    ) -> None:
        self._store = store
        self._following = following
        self._portal = portal
        self._secrets = secrets
        self._clock = clock

    def resync(self, dossier: str | None, since: datetime | None) -> int:
        """Makes a row of the present state for the dossier, for those of which something was told since then, or for
        all; how many. They go behind whatever waits, so no step is told twice or back."""
        event = f"resync:{self._clock():%Y%m%dT%H%M%S}"
        done = 0
        for loaded in self._store.every_dossier(dossier, since):
            done += self._following.tell_present(loaded.id, event)
        return done

    def reconcile(
        self, dossier: str | None, since: datetime | None, numbers: Iterable[str], *, repair: bool
    ) -> Comparison:
        """Compares field by field what `TraCuuHoSo` gives with what we know. `numbers`: what the portal says that it
        holds, by its own account; it has no service that lists them. `repair`: makes rows of what differs. Raises
        Away."""
        found, event = Comparison(), f"reconcile:{self._clock():%Y%m%dT%H%M%S}"
        for loaded in self._store.every_dossier(dossier, since):
            found.compared += 1
            difference = self._compared(loaded.state)
            if difference is not None:
                if repair and not difference.waiting:
                    repaired = self._following.tell_present(loaded.id, event)
                    difference = _repaired(difference) if repaired else difference
                found.differences.append(difference)
        for number in numbers:
            if not self._store.number_known(number):
                found.compared += 1
                if self._portal.call("TraCuuHoSo", mahoso=number).ok:
                    found.differences.append(Difference(kind="missing_here", number=number))
        return found

    def _compared(self, tracked: Tracked) -> Difference | None:
        merged = tracked.merged
        number = merged.number or ""
        said = self._portal.call("TraCuuHoSo", mahoso=number)
        waiting = self._store.unfinished_rows(tracked.id) or bool(tracked.making)
        if not said.ok or not isinstance(said.result, dict):
            return Difference(kind="missing_there", number=number, dossier=tracked.id, waiting=waiting)
        person = self._secrets.open_person(tracked.id, merged.life.personal)
        ours = records.dossier(number, merged.life, person, self._store.names())
        fields = records.differences(ours, said.result)
        if not fields:
            return None
        return Difference(kind="differs", number=number, dossier=tracked.id, fields=fields, waiting=waiting)

    def catalogue(self) -> dict[str, Any]:
        """What the portal's lists of procedures, fields and agencies say otherwise than our copy of catalog. Raises
        Away."""
        ours = self._store.procedures()
        names = self._store.names()
        return {
            "procedures": _compared_lists(
                {code: each["name"] for code, each in ours.items()}, self._list("LayDanhSachTTHC", "MATTHC", "TENTTHC")
            ),
            "fields": _compared_lists(dict(names.fields), self._list("LayDanhMucLinhVuc", "MALINHVUC", "TENLINHVUC")),
            "agencies": _compared_lists(dict(names.agencies), self._list("LayDanhMucCoQuan", "MADONVI", "TENDONVI")),
        }

    def procedure(self, code: str) -> Any:
        """What the portal says of one procedure (LayThuTuc), None when it knows none of this code. Raises Away."""
        said = self._portal.call("LayThuTuc", maTTHC=code)
        return said.result if said.ok else None

    def _list(self, service: str, code: str, name: str) -> dict[str, str]:
        """Names by code; the keys' spelling is not described (?), so their case does not matter."""
        said = self._portal.call(service)
        found: dict[str, str] = {}
        for each in said.result if isinstance(said.result, list) else ():
            if isinstance(each, dict):
                upper = {key.upper(): value for key, value in each.items()}
                if isinstance(upper.get(code), str):
                    found[upper[code]] = str(upper.get(name) or "")
        return found


def _compared_lists(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "missing_there": sorted(ours.keys() - theirs.keys()),
        "missing_here": sorted(theirs.keys() - ours.keys()),
        "named_otherwise": [
            {"code": code, "ours": ours[code], "theirs": theirs[code]}
            for code in sorted(ours.keys() & theirs.keys())
            if " ".join(ours[code].split()).casefold() != " ".join(theirs[code].split()).casefold()
        ],
    }


def _repaired(difference: Difference) -> Difference:
    return Difference(
        kind=difference.kind, number=difference.number, dossier=difference.dossier, fields=difference.fields,
        waiting=difference.waiting, repaired=True,
    )  # fmt: skip


def lines(text: str) -> Iterator[str]:
    """The numbers in a file, one a line."""
    return (line.strip() for line in text.splitlines() if line.strip())
