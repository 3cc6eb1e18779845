"""Each act is told to EMC once, as it was, in its dossier's order, whatever becomes of EMC meanwhile."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from chassis.consume import Done, Received
from chassis.envelope import read
from intake import events as intake
from notify.main import NOTIFY
from notify.outlets import Away
from notify.partners import wiring
from tests.doubles.emc import Emc
from tests.doubles.partner import Fault
from tests.doubles.post import Post
from tests.notify.partner_parts import GO, Partners, each_fault, partners, wired
from tests.notify.portal_lives import PROCEDURE, PROCEDURE_NAME, Life
from tests.support.services import Clock, Tokens, everything, pointers, problem

WHOLE = [1, 2, 4, 3]


@dataclass
class At(Life):
    """A life of another service level."""

    level: int | str = "full"

    @property
    def dimensions(self) -> intake.Dimensions:
        return replace(super().dimensions, service_level=self.level)  # type: ignore[arg-type]


@pytest.fixture
def emc(clock: Clock) -> Iterator[Emc]:
    with Emc(clock) as emc:
        yield emc


@pytest.fixture
def made(database_url: str, tmp_path: Path, clock: Clock, emc: Emc) -> Iterator[Partners]:
    with Post(clock) as post, partners(database_url, Tokens(tmp_path), clock, emc, post) as made:
        yield made


def a_life(number: int, *, channel: str = "counter", level: int | str = "full") -> At:
    life = At(number, channel=channel, level=level)
    life.filed()
    life.received()
    life.later(1)
    life.started()
    life.step(1)
    life.later()
    life.finished()
    return life


def test_each_act_is_one_post_with_exactly_its_fields(made: Partners, emc: Emc) -> None:
    life = a_life(1, channel="online")
    made.hear(life.bodies)
    made.send_all("emc")
    common = {
        "codeProfile": life.code, "siteId": "thanhhoa", "codeTTHC": PROCEDURE, "nameTTHC": PROCEDURE_NAME,
        "formsReception": 1, "formsPayments": 0, "level": 4, "isFromDVCQG": 0, "isDVCBC": 0,
    }  # fmt: skip
    assert list(emc.acts.values()) == [{**common, "status": status} for status in WHOLE]
    assert emc.problems == []


@pytest.mark.parametrize(("level", "told"), [("partial", 3), ("full", 4), (3, 3), (4, 4), (1, None), (2, None)])
def test_the_level_is_emcs_own(made: Partners, emc: Emc, level: int | str, told: int | None) -> None:
    made.hear(a_life(1, level=level).bodies)
    made.send_all("emc")
    assert {act["level"] for act in emc.acts.values()} == (set() if told is None else {told})


def test_a_payment_counts_from_when_it_is_known(made: Partners, emc: Emc) -> None:
    life = At(1, channel="online")
    life.filed()
    life.received()
    life.later(1)
    life.started()
    life.later()
    life.fee_during()
    life.later()
    life.finished()
    made.hear(life.bodies)
    made.send_all("emc")
    assert [(act["status"], act["formsPayments"]) for act in emc.acts.values()][-1] == (3, 1)
    assert emc.problems == []


def test_what_comes_twice_and_in_any_order_is_told_once_and_in_order(made: Partners, emc: Emc) -> None:
    lives = [a_life(n) for n in range(1, 9)]
    bodies = [body for life in lives for body in life.bodies] * 2
    random.Random(7).shuffle(bodies)  # noqa: S311 (an order, and the same one each time)
    for start in range(0, len(bodies), 5):
        made.hear(bodies[start : start + 5])
    made.send_all("emc")
    assert {life.code: emc.statuses(life.code or "") for life in lives} == {life.code: WHOLE for life in lives}
    assert emc.problems == []


def test_what_happened_before_its_reception_is_known_waits_for_it(made: Partners, emc: Emc) -> None:
    life = a_life(1)
    received, *rest = life.bodies
    made.hear(rest)
    assert made.rows() == [], "nothing is known that could be told"
    made.hear([received])
    made.send_all("emc")
    assert emc.statuses(life.code or "") == WHOLE


@pytest.mark.parametrize("fault", each_fault(Fault.ERROR_500, Fault.HTML, Fault.TAKEN, Fault.OVER))
def test_whatever_emc_does_nothing_is_lost_or_doubled(made: Partners, emc: Emc, fault: Fault) -> None:
    lives = [a_life(n) for n in (1, 2)]
    emc.faults.extend([fault] * 4)
    made.hear([body for life in lives for body in life.bodies])
    made.send_all("emc")
    assert {tuple(emc.statuses(life.code or "")) for life in lives} == {tuple(WHOLE)}
    assert len(emc.acts) == 8
    assert emc.problems == []


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LATE])
def test_a_slow_one_is_told_the_same_under_the_same_key(
    database_url: str, tmp_path: Path, clock: Clock, emc: Emc, fault: Fault
) -> None:
    with Post(clock) as post, partners(database_url, Tokens(tmp_path), clock, emc, post, timeout=1) as made:
        life = a_life(1)
        emc.faults.append(fault)
        made.hear(life.bodies)
        made.send_all("emc")
        assert emc.statuses(life.code or "") == WHOLE
        assert emc.problems == []


def test_a_day_without_emc_loses_nothing(made: Partners, emc: Emc, clock: Clock) -> None:
    emc.down_until = clock() + timedelta(days=1)
    lives = [a_life(n) for n in range(1, 6)]
    made.hear([body for life in lives for body in life.bodies])
    made.send_all("emc")
    assert clock() > emc.down_until
    assert {tuple(emc.statuses(life.code or "")) for life in lives} == {tuple(WHOLE)}
    assert len(emc.acts) == 20


def test_a_row_that_was_refused_holds_up_no_other(made: Partners, emc: Emc) -> None:
    bad, good = a_life(1), a_life(2)
    made.hear([*bad.bodies, *good.bodies])
    first = made.rows(code=bad.code)[0]
    emc.refused[PROCEDURE] = f"không có thủ tục {'0' * 12}"
    made.clock.move(minutes=2)
    made.courier("emc").once(GO)
    emc.refused.clear()
    made.send_all("emc")
    assert len(emc.acts) == 6, "one of each dossier was refused, and the others went on"
    who = everything(NOTIFY)
    wiring.measure(made.store, ["emc"])
    assert REGISTRY.get_sample_value("motcua_partner_refused_rows", {"channel": "emc"}) == 2
    shown = made.notify.get("partners/emc", who).get_json()
    assert (shown["configured"], shown["queued"], shown["sent"], shown["refused"]) == (True, 0, 6, 2)
    listed = made.notify.get("partners/emc/rows?state=refused", who).get_json()["items"]
    assert {row["act"] for row in listed} == {"intake.dossier.received.v1"}
    assert "0" * 12 not in listed[0]["detail"], "what EMC says is shown without what may be somebody's number"
    path = f"partners/emc/rows/{first.id}/repair"
    wrong = made.notify.post(path, who, {"act": "correct", "fields": {"status": "3"}, "reason": "sửa"})
    assert pointers(wrong) == [("/fields/status", "not_correctable")]
    body = {"act": "correct", "fields": {"nameTTHC": "Tên đúng"}, "reason": "sai tên"}
    assert made.notify.post(path, who, body, key="k-correct-1").status_code == 200
    again = made.notify.post(path, who, body, key="k-correct-1")
    assert again.get_json()["state"] == "queued", "the same click twice is one"
    made.send_all("emc")
    assert emc.acts[first.id]["nameTTHC"] == "Tên đúng"
    assert emc.problems == []
    with capture_logs() as logs:
        whole = made.notify.get(f"partners/emc/rows/{first.id}", who).get_json()
    assert [each["event"] for each in logs] == ["partner_row_shown"]
    assert [each["content"]["answer"]["status"] for each in whole["exchanges"]] == [422, 200]
    assert whole["repairs"][0]["act"] == "corrected"
    problem(made.notify.post(path, who, body), 409, "row_not_refused")
    problem(made.notify.get("partners/emc/rows/nobody", who), 404, "row_not_found")
    problem(made.notify.get(f"partners/post/rows/{first.id}", who), 404, "row_not_found")
    problem(made.notify.get("partners/xyz", who), 404, "partner_not_found")


def test_a_worker_that_dies_after_sending_sends_the_same_again(made: Partners, emc: Emc) -> None:
    life = a_life(1)
    made.hear(life.bodies)
    made.clock.move(minutes=2)
    queue = made.store.queue("emc")
    (head,) = queue.due(made.clock(), 10)
    with made.outlets["emc"].open() as line:
        line.send([head.state])
    made.send_all("emc")
    assert emc.statuses(life.code or "") == WHOLE
    assert emc.calls.count(("", head.id)) == 2
    assert emc.problems == []


def test_without_an_address_nothing_is_kept_or_sent(made: Partners) -> None:
    parts = wired(made, emc_url=None, post_url="")
    assert (parts.taps, parts.loops, parts.details()) == ([], {}, {"emc": "not configured", "post": "not configured"})
    parts = wired(made)
    assert set(parts.loops) == {"emc", "post", "post_tracking", "partners_measure"}
    with pytest.raises(ValueError, match="EMC_URL needs EMC_SITE"):
        wired(made, emc_site="")


def test_an_unknown_token_holds_everything_up_and_costs_no_attempt(made: Partners, emc: Emc) -> None:
    made.hear(a_life(1).bodies)
    made.clock.move(minutes=2)
    emc.token = "another"
    with pytest.raises(Away):
        made.courier("emc").once(GO)
    assert {row.attempts for row in made.rows(partner="emc")} == {()}


def test_what_two_consumers_hear_of_one_dossier_at_once_is_all_known(
    made: Partners, emc: Emc, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = a_life(1)
    first, *rest = life.bodies
    following = wired(made)
    load_many = following.store.dossiers.load_many
    overtaken: list[Any] = []

    def load_and_be_overtaken(ids: Any) -> Any:
        found = load_many(ids)
        if not overtaken:
            overtaken.append(made.hear(rest))
        return found

    monkeypatch.setattr(following.store.dossiers, "load_many", load_and_be_overtaken)
    (tap,) = following.taps
    event = read(first)
    assert list(tap([Received(event, event.data)])) == [Done()]
    made.send_all("emc")
    assert emc.statuses(life.code or "") == WHOLE
