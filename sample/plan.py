"""What happens in the province: every dossier with its applicant, its way and its end, drawn before anything is sent.

The same day and seed draw the same plan. What cannot be known before the due date is promised (the day on which a
dossier is finished early, on time or late) is derived from it by `finish`, again without chance.
"""

import math
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from sample import forms
from sample.province import Duration, Procedure, Province, at, local_day

CLOSING = time(16, 50)
"""Before every agency closes, and after every finish."""
FEWEST = 60
"""With fewer dossiers some kind of fate would be missing."""
MIGRATION = "backdate"
"""The caller who may say when something happened, for every agency."""
APPLICANTS = ("citizen", "volunteer")
"""Callers who file for themselves or for their neighbours."""


class Fate(StrEnum):
    """How far a dossier gets. `WAITING`: filed, and nobody has received it yet; `PROCESSED`: its result lies there;
    `STOPPED`: work on it ended without one."""

    WAITING = "waiting"
    REFUSED = "refused"
    OPEN = "open"
    OVERDUE = "overdue"
    STOPPED = "stopped"
    PROCESSED = "processed"
    RETURNED = "returned"


class Incident(StrEnum):
    """What happens to a dossier while it is worked on."""

    SUPPLEMENT = "supplement"
    FEE = "fee"
    EXTENSION = "extension"


ENDED = (Fate.PROCESSED, Fate.RETURNED)
INCIDENTS_TODAY = {1: Incident.SUPPLEMENT, 5: Incident.EXTENSION, 6: Incident.FEE}
"""By a dossier's number."""
INCIDENTS = {0: Incident.SUPPLEMENT, 4: Incident.FEE, 8: Incident.EXTENSION}
INCIDENTS_EVERY = 12
"""Of so many dossiers of the past, which ones."""
SHARES: Mapping[tuple[Fate, str | None], int] = {
    (Fate.WAITING, None): 3,
    (Fate.REFUSED, None): 7,
    (Fate.OPEN, None): 10,
    (Fate.OVERDUE, None): 5,
    (Fate.STOPPED, None): 2,
    (Fate.PROCESSED, "early"): 3,
    (Fate.PROCESSED, "on_time"): 3,
    (Fate.PROCESSED, "late"): 2,
    (Fate.RETURNED, "early"): 30,
    (Fate.RETURNED, "on_time"): 23,
    (Fate.RETURNED, "late"): 12,
}
"""Percent of the dossiers: how far they get, and when those that end do so."""


@dataclass(frozen=True, slots=True)
class Actors:
    """Who does what: words of the access file."""

    files: str = MIGRATION
    receives: str = MIGRATION
    works: str = MIGRATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One dossier. `filed_at`, `received_at` (or refused): None for what happens now. `timing` is what is wished, and
    not possible for every due date. `done`: the share of its steps that an open one has behind it. `chance`: from 0 to
    1, for whatever is left to chance."""

    number: int
    procedure: Procedure
    agency: str
    channel: str
    applicant: Mapping[str, Any]
    assisted_by: str | None
    result_return: str
    fate: Fate
    timing: str | None
    outcome: str
    filed_at: datetime | None
    received_at: datetime | None
    done: float
    chance: float
    actors: Actors = Actors()

    @property
    def now(self) -> bool:
        """It happens while the drive runs, not in the past."""
        return self.filed_at is None

    @property
    def incident(self) -> Incident | None:
        if self.fate not in (Fate.OPEN, *ENDED):
            return None
        return INCIDENTS_TODAY.get(self.number) if self.now else INCIDENTS.get(self.number % INCIDENTS_EVERY)

    @property
    def is_unanswered(self) -> bool:
        """What is asked of the applicant is not there yet, and the clock stands still."""
        return self.fate is Fate.OPEN and self.incident in (Incident.SUPPLEMENT, Incident.FEE)

    @property
    def body(self) -> dict[str, Any]:
        """What is sent to file it: with the components that must be there, some of them scanned."""
        components = [
            {
                "code": row["code"],
                "paper": {"originals": row["originals"] or int(not row["copies"]), "copies": row["copies"]},
                "digitised": self.digitised,
            }
            for row in self.procedure.components
            if row["required"] and row["replaced_by_database"] is None
        ]
        return {
            "procedure": self.procedure.code,
            "agency": self.agency,
            "channel": self.channel,
            "applicant": dict(self.applicant),
            "assisted_by": self.assisted_by,
            "form": forms.fill(self.procedure.form, self.applicant, Random(f"{self.number} {self.chance}")),  # noqa: S311
            "components": components,
            "result_return": self.result_return,
        }

    @property
    def digitised(self) -> bool:
        """Only who receives paper says that it was scanned."""
        return self.actors.files not in APPLICANTS and (self.channel == "online" or self.chance < 0.6)


def draw(province: Province, today: date, count: int, agencies: Mapping[str, str], seed: str) -> list[Planned]:
    """The plan of `count` dossiers, FEWEST or more.

    Some are of today, done by the persons whose `agencies` are given; the others are spread over the last twelve
    months until the last working day before today.
    """
    random = Random(seed)  # noqa: S311 (chance that can be repeated is what is wanted)
    of_today = _today(province, agencies, random)
    past = _Past(province, today, random).draw(count - len(of_today), first_number=len(of_today))
    return [*of_today, *past]


def first_day(today: date) -> date:
    """Of the period that the plan spreads over: the month of a year ago and all since."""
    return today.replace(day=1, year=today.year - 1)


def finish(
    planned: Planned, province: Province, received_at: datetime, due_at: datetime | None, last: date
) -> datetime:
    """When a dossier that ends is finished: as its `timing` wishes, if there is such a day until `last`."""
    days = province.days
    received = local_day(received_at)
    due = local_day(due_at) if due_at is not None else min(days.add(received, 8), last)
    early = days.between(received, min(due - timedelta(days=1), last))
    late = [day for day in (days.add(due, n) for n in range(1, 8)) if day <= last]
    if planned.timing == "early" and early:
        day = early[int(planned.chance * len(early))]
    elif planned.timing == "late" and late and due_at is not None:
        day = late[int(planned.chance * len(late))]
    else:
        day = min(due, last)
    return max(at(day, _clock(planned.chance, time(14), time(16, 45))), received_at + timedelta(minutes=30))


def steps_between(province: Province, start: datetime, end: datetime, count: int) -> list[datetime]:
    """When the steps are completed: in order, at working hours, the last one at the end."""
    stride = (end - start) / count
    whole = (start + stride * n for n in range(1, count))
    return [*(min(province.days.working(instant.replace(microsecond=0)), end) for instant in whole), end]


def working_days(duration: Duration) -> int:
    """About how many working days it takes, rather too many."""
    if duration.unit == "hour":
        return math.ceil(duration.amount / 8) + 1
    return math.ceil(duration.amount) + (1 if duration.unit == "working_day" else 0)


# -- the past ----------------------------------------------------------------------------------------------------------


class _Past:
    def __init__(self, province: Province, today: date, random: Random) -> None:
        self._province = province
        self._random = random
        self._last = province.days.add(today, -1)
        self._days = province.days.between(first_day(today), self._last)
        self._procedures = deque(random.sample(sorted(province.procedures), len(province.procedures)))
        self._busy = self._busy_agencies()

    def draw(self, count: int, first_number: int) -> list[Planned]:
        fates = _quotas(count)
        self._random.shuffle(fates)
        return [self._dossier(first_number + n, *fate) for n, fate in enumerate(fates)]

    def _dossier(self, number: int, fate: Fate, timing: str | None) -> Planned:
        random = self._random
        procedure = self._next(lambda procedure: _suits(procedure, fate, timing))
        channel = self._channel(procedure, fate)
        received_at = self._received(procedure.duration(channel), fate)
        kind = random.choice(procedure.applicants)
        return Planned(
            number=number,
            procedure=procedure,
            agency=self._agency(procedure),
            channel=channel,
            applicant=applicant(random, kind),
            assisted_by="Tổ công nghệ số cộng đồng" if channel == "online" and random.random() < 0.15 else None,
            result_return=random.choice(("collect", "collect", "post", "electronic")),
            fate=fate,
            timing=timing,
            outcome="rejected" if random.random() < 0.08 else "approved",
            filed_at=received_at - timedelta(minutes=random.randint(10, 1_800)) if channel == "online" else received_at,
            received_at=received_at,
            done=random.choice((0.0, 0.3, 0.6)),
            chance=random.random(),
        )

    def _next(self, suits: Callable[[Procedure], bool]) -> Procedure:
        """The procedure that waits longest for its turn, so that every one has a dossier soon."""
        code = next(code for code in self._procedures if suits(self._province.procedures[code]))
        self._procedures.remove(code)
        self._procedures.append(code)
        return self._province.procedures[code]

    def _channel(self, procedure: Procedure, fate: Fate) -> str:
        if fate in (Fate.WAITING, Fate.REFUSED):
            return "online"
        if procedure.is_online and self._random.random() < 0.65:
            return "online"
        return "post" if self._random.random() < 0.2 else "counter"

    def _received(self, duration: Duration | None, fate: Fate) -> datetime:
        """In a minute of a working day that leaves the time that the fate needs."""
        allowed = working_days(duration) if duration else 8
        if fate is Fate.WAITING:
            days = self._days[-2:]
        elif fate is Fate.OPEN:
            days = self._days[-max(allowed // 2, 1) :]
        elif fate is Fate.REFUSED:
            days = self._days
        else:
            # So that it was due before the last days of the year that is looked at, whatever holidays there were.
            days = self._days[: -(allowed + 10)]
        return at(self._random.choice(days), _clock(self._random.random(), time(7, 40), time(15, 20)))

    def _agency(self, procedure: Procedure) -> str:
        """Mostly a busy one; now and then any."""
        offering = self._province.offering(procedure)
        busy = [agency for agency in offering if agency in self._busy]
        return self._random.choice(busy if busy and self._random.random() < 0.8 else offering)

    def _busy_agencies(self) -> frozenset[str]:
        every = sorted(self._province.agencies.values(), key=lambda agency: agency.id)
        districts = [agency.id for agency in every if agency.level == "district" and agency.one_stop]
        communes = [agency.id for agency in every if agency.level == "commune" and agency.one_stop]
        chosen = [*self._random.sample(districts, 6), *self._random.sample(communes, 12)]
        return frozenset(chosen) | {agency.id for agency in every if agency.level == "province"}


def _quotas(count: int) -> list[tuple[Fate, str | None]]:
    fates = [fate for fate, share in SHARES.items() for _ in range(max(count * share // 100, 1))]
    return [*fates, *([(Fate.RETURNED, "early")] * (count - len(fates)))]


def _suits(procedure: Procedure, fate: Fate, timing: str | None) -> bool:
    """Whether a dossier of it can have the fate, on whichever channel."""
    shortest = min((working_days(d) for d in (procedure.counter, procedure.online) if d), default=None)
    if fate in (Fate.WAITING, Fate.REFUSED):
        return procedure.is_online
    if fate is Fate.OPEN or timing == "early":
        return shortest is not None and shortest > 3
    if fate is Fate.OVERDUE or timing == "late":
        return shortest is not None
    return True


def _clock(chance: float, first: time, last: time) -> time:
    """A minute between the two, not in the noon break."""
    spans = [(first, time(11, 20)), (time(13, 35), last)] if first < time(12) < last else [(first, last)]
    minutes = [m for start, end in spans for m in range(start.hour * 60 + start.minute, end.hour * 60 + end.minute)]
    return time(*divmod(minutes[int(chance * len(minutes))], 60))


# -- today -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Act:
    """A dossier of today. `where` names the person whose agency it is filed with; `joint`: other agencies do some of
    its steps."""

    where: str
    actors: Actors
    fate: Fate
    channel: str = "online"
    joint: bool = False
    done: float = 0.5


_HERE = {"receives": "counter_officer", "works": "officer"}
_TODAY = (
    _Act("counter_officer", Actors("citizen", **_HERE), Fate.RETURNED),
    _Act("counter_officer", Actors("citizen", **_HERE), Fate.PROCESSED),
    _Act("counter_officer", Actors("citizen", **_HERE), Fate.REFUSED),
    _Act("counter_officer", Actors("citizen", **_HERE), Fate.WAITING),
    _Act("counter_officer", Actors("volunteer", **_HERE), Fate.RETURNED),
    _Act("counter_officer", Actors("volunteer", **_HERE), Fate.OPEN),
    _Act("counter_officer", Actors("counter_officer", **_HERE), Fate.RETURNED, "counter"),
    _Act("counter_officer", Actors("counter_officer", **_HERE), Fate.OPEN, "post"),
    _Act("counter_officer", Actors("counter_officer", **_HERE), Fate.RETURNED, "counter", joint=True),
    _Act("office", Actors("office", "office", "office"), Fate.RETURNED, "counter"),
    _Act("office", Actors("office", "office", "office"), Fate.OPEN, "counter", joint=True, done=0.7),
    _Act("other_officer", Actors("citizen", "other_officer", "other_officer"), Fate.RETURNED),
)


def _today(province: Province, agencies: Mapping[str, str], random: Random) -> list[Planned]:
    planned = []
    for number, act in enumerate(_TODAY):
        suitable = [p for p in province.procedures.values() if _suits_today(province, p, agencies[act.where], act)]
        procedure = random.choice(suitable)
        planned.append(
            Planned(
                number=number,
                procedure=procedure,
                agency=agencies[act.where],
                channel=act.channel,
                applicant=applicant(random, random.choice(procedure.applicants)),
                assisted_by="Lê Văn Tình, tổ công nghệ số cộng đồng" if act.actors.files == "volunteer" else None,
                result_return="electronic" if act.channel == "online" else "collect",
                fate=act.fate,
                timing=None,
                outcome="approved",
                filed_at=None,
                received_at=None,
                done=act.done,
                chance=random.random(),
                actors=act.actors,
            )
        )
    return planned


def _suits_today(province: Province, procedure: Procedure, agency: str, act: _Act) -> bool:
    return (
        agency in province.offering(procedure)
        and (act.channel != "online" or procedure.is_online)
        and procedure.is_joint == act.joint
    )


# -- people ------------------------------------------------------------------------------------------------------------

_FAMILIES = ("Nguyễn", "Lê", "Trần", "Phạm", "Hoàng", "Vũ", "Đỗ", "Bùi", "Mai", "Trịnh", "Hà", "Lương", "Cao", "Đặng")
_WOMEN = (
    "Thị Hoa",
    "Thị Lan",
    "Thị Hương",
    "Thị Ngọc Ánh",
    "Thu Hà",
    "Thị Duyên",
    "Khánh Linh",
    "Thị Phượng",
    "Thị Yến",
)
_MEN = ("Văn Đức", "Hữu Thắng", "Văn Lợi", "Quốc Việt", "Minh Quân", "Đình Phú", "Văn Mạnh", "Xuân Trường", "Anh Tuấn")
_FIRMS = ("Lam Sơn", "Hàm Rồng", "Sông Mã", "Sầm Sơn", "Đông Sơn", "Thành Nhà Hồ", "Bến En", "Pù Luông")
_TRADES = ("Xây dựng", "Thương mại", "Vận tải", "Nông sản", "Du lịch", "Dược phẩm")
_BODIES = ("Ban Quản lý dự án", "Trung tâm Dịch vụ", "Trường Trung học phổ thông")
_ASSOCIATIONS = ("Hội Khuyến học", "Hợp tác xã Nông nghiệp", "Quỹ Bảo trợ trẻ em")
_STREETS = ("Lê Lợi", "Trần Phú", "Hạc Thành", "Nguyễn Trãi", "Bà Triệu", "Quang Trung")


def applicant(random: Random, kind: str) -> dict[str, Any]:
    """Somebody who does not exist: the numbers are of the right form, the e-mail leads nowhere (RFC 2606)."""
    place = random.choice(_FIRMS)
    if kind == "citizen":
        name = f"{random.choice(_FAMILIES)} {random.choice(random.choice((_WOMEN, _MEN)))}"
        identity = f"038{random.choice('0123')}{random.randint(50, 99)}{random.randint(0, 999_999):06}"
    else:
        identity = f"28{random.randint(0, 99_999_999):08}"
        if kind == "enterprise":
            name = f"Công ty {random.choice(('TNHH', 'Cổ phần'))} {random.choice(_TRADES)} {place}"
        else:
            name = f"{random.choice(_BODIES if kind == 'state_body' else _ASSOCIATIONS)} {place}"
    words = _plain(name).split()
    return {
        "kind": kind,
        "name": name,
        "identity": identity,
        "phone": f"09{random.choice('1678')}{random.randint(0, 9_999_999):07}",
        "email": f"{'.'.join(words[-3:])}@cong-dan.example" if random.random() < 0.7 else None,
        "address": f"{random.randint(1, 300)} đường {random.choice(_STREETS)}, Thanh Hóa",
    }


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in folded if letter.isascii())


def by_place(planned: Iterable[Planned]) -> Sequence[tuple[str, str]]:
    """The pairs of procedure and agency that the plan needs, each once."""
    return sorted({(one.procedure.code, one.agency) for one in planned})
