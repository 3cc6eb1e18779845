"""The drive on services in this process, the events carried from one to the next: what is asked for, paid, extended and
stopped on the way, and that its own tally, the statistics and the recount of intake's dossiers are the same."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from chassis.envelope import adapter_of
from native.access import Persona
from sample import plan, tally
from sample import province as sample_province
from sample.course import lead
from sample.driving import Drive
from sample.plan import ENDED, Fate, Incident, Planned
from sample.province import at, local_day, stamp
from sample.report import summary
from sample.tally import BY, Record
from stats import recount
from stats.inbound.states import State
from stats.store import StatsStore
from tests.sample.test_reorganisation import Province, province
from tests.support.services import Running

__all__ = ["province"]
TODAY = date(2025, 6, 28)
"""A Saturday, before any agency of the sample ends."""
AGENCIES = {"counter_officer": "H56.30", "officer": "H56.30", "other_officer": "H56.02", "office": "H56.30"}
LEADER = Persona("Lãnh đạo tỉnh", ("stats.read",), "H56")
RECOUNTER = Persona("Đối chiếu số liệu", ("dossiers.recount",))


class Here:
    """The API of `sample.client`, without a gateway: each answer is followed by what the services then tell each
    other."""

    def __init__(self, province: Province) -> None:
        self._province = province
        self._services = {each.service.name: each for each in (province.intake, province.workflow, province.stats)}

    def get(self, who: str, path: str, **query: Any) -> Any:
        service, rest = self._service(path)
        answer = service.get(rest, who, headers={}, **query)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def post(self, who: str, path: str, body: Mapping[str, Any], key: str, at: datetime | None = None) -> bytes:
        service, rest = self._service(path)
        headers = {} if at is None else {"Occurred-At": stamp(at)}
        answer = service.post(rest, who, dict(body), key=key, headers=headers)
        assert answer.status_code < 300, (path, answer.text)
        self._province.tell([*self._province.intake.publish(), *self._province.workflow.publish()])
        sent: bytes = answer.data
        return sent

    def _service(self, path: str) -> tuple[Running, str]:
        _, _, name, _, rest = path.split("/", 4)
        return self._services[name], rest


def chosen(planned: Sequence[Planned]) -> list[Planned]:
    """Of the past: one of each incident with each kind of end, one that is stopped, and one each that nothing happens
    to."""
    found: dict[Any, list[Planned]] = {}
    for one in planned:
        if not one.now:
            kind = (one.incident, one.fate in ENDED, one.fate is Fate.STOPPED, one.is_unanswered)
            found.setdefault(kind, []).append(one)
    return [one for ones in found.values() for one in ones[:1]]


def test_the_tally_the_statistics_and_the_recount_are_the_same(province: Province) -> None:
    thanh_hoa = sample_province.read()
    province.clock.now = at(TODAY, time(9))
    planned = chosen(plan.draw(thanh_hoa, TODAY, 320, AGENCIES, "sample"))
    records = [Record(one) for one in planned]
    api: Any = Here(province)
    drive = Drive(api, "run", thanh_hoa, thanh_hoa.days.add(TODAY, -1), AGENCIES)
    for record in records:
        for pause in lead(drive, record):
            assert pause == 0, "in one process nothing has to be waited for"
    assert drive.broken == []

    did = summary(records, TODAY)
    for what in ("supplements asked for", "fees asked for while worked on", "extended", "stopped"):
        assert did[what] >= 1, what
    assert {record.waits for record in records} == {None, "supplement", "paused"}
    happened = {record.planned.incident for record in records if record.finished_at is not None}
    assert happened == {None, *Incident}

    period = f"from={plan.first_day(TODAY)}&to={TODAY:%Y}-12-31"
    shown: dict[tally.Key, Any] = {}
    for by in ((*BY, "month"), BY):
        answer = province.stats.get(f"counts?{period}&by={','.join(by)}", LEADER)
        shown |= tally.counted(answer.get_json()["items"])
    assert tally.compare(tally.tally(records, TODAY), shown) == []

    page = province.intake.get("dossiers/states", RECOUNTER).get_json()
    states = [adapter_of(State).validate_python(row) for row in page["items"]]
    counted = StatsStore(province.stats.database).current()
    compared = recount.compare(
        {**dict(counted.months()), **dict(counted.now(TODAY))}, recount.count(states, local_day(province.clock.now))
    )
    assert compared.differences == ()
    assert compared.compared > len(records)
