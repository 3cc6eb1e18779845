"""The second opinion finds what is wrong, names it, and says when it cannot be had."""

from collections.abc import Callable
from typing import Any

import pytest

from chassis.clock import system_clock
from chassis.service import Context
from stats.intake import IntakeStates, IntakeUnavailable
from stats.main import STATS
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.usecases.events import Taking
from stats.usecases.recounts import Recounting
from tests.stats.intake_server import KEY, IntakeServer
from tests.stats.making import Life, at, many, messages
from tests.support.services import Running

LIVES = many(130, at("2024-06-01 08:00"), 100, ("H56.14", "H56.15"), ("1.001193", "1.012784"))


@pytest.fixture
def recounting(stats: StatsStore, intake_server: IntakeServer) -> Recounting:
    intake_server.states = [life.state() for life in LIVES]
    Taking(stats, system_clock).take(messages(made for life in LIVES for made in life.events()))
    return Recounting(stats, IntakeStates(intake_server.url, KEY, 1.0), system_clock)


def test_the_cells_equal_intake_s_dossiers(recounting: Recounting, intake_server: IntakeServer) -> None:
    found = recounting.recount()
    assert found.equal
    assert found.compared > 10
    assert len(intake_server.asked) == 3


def test_a_cell_that_was_tampered_with_is_named(stats: StatsStore, recounting: Recounting) -> None:
    wrong = stats.current().cells.find_one_and_update({"received": 1}, {"$inc": {"received": 2, "refused": 1}})
    assert wrong is not None
    month = wrong["day"][:7]
    [found] = recounting.recount().differences
    names = ("agency", "procedure", "channel", "service_level")
    assert found.key == {**{name: wrong[name] for name in names}, "month": month}
    assert found.counted["received"] == found.recounted["received"] + 2
    assert found.counted["refused"] == found.recounted["refused"] + 1
    assert set(found.counted) == set(found.recounted) == {"received", "refused"}


def test_a_dossier_that_never_arrived_is_found(recounting: Recounting, intake_server: IntakeServer) -> None:
    received = at("2024-08-31 23:30")
    lost = Life(id="lost", agency="H56.99", channel="post", filed_at=received, received_at=received)
    intake_server.states.append(lost.state())
    now, found = recounting.recount().differences
    assert now.key["agency"] == found.key["agency"] == "H56.99"
    assert (now.key["month"], found.key["month"]) == ("", "2024-08")
    assert (now.counted, now.recounted) == ({"open": 0}, {"open": 1})
    assert (found.counted, found.recounted) == ({"received": 0}, {"received": 1})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("finished_at", "2031-01-01T00:00:00Z"),
        ("withdrawn_at", "2020-01-01T00:00:00Z"),
        ("timing", "late"),
        ("digitised", True),
        ("handed_over_at", None),
        ("stopped_at", "2020-01-01T00:00:00Z"),
        ("supplements_asked", ["2020-01-01T00:00:00Z"]),
    ],
)
def test_every_instant_of_a_state_matters(
    recounting: Recounting, intake_server: IntakeServer, field: str, value: Any
) -> None:
    index = next(
        n
        for n, state in enumerate(intake_server.states)
        if state["handed_over_at"] and not state["digitised"] and state["timing"] == "early"
    )
    intake_server.states[index] |= {field: value}
    assert not recounting.recount().equal


@pytest.mark.parametrize(
    ("paused", "change"),
    [
        (False, {"paused": "supplement", "paused_since": "2024-06-02T00:00:00Z"}),
        (False, {"due_at": None}),
        (True, {"paused": None, "paused_since": None}),
        (True, {"paused": "fee"}),
        (True, {"paused_since": "2031-01-01T00:00:00Z"}),
    ],
)
def test_what_is_there_now_is_recounted_too(
    recounting: Recounting, intake_server: IntakeServer, paused: bool, change: dict[str, Any]
) -> None:
    """Who waits for what, and what is overdue, which a clock that stands still since before the due day is not."""
    ends = ("refused_at", "withdrawn_at", "finished_at", "stopped_at")
    index = next(
        n
        for n, state in enumerate(intake_server.states)
        if state["received_at"] and state["due_at"] and not any(state[end] for end in ends)
        if (
            state["paused"] == "supplement" and state["paused_since"] < state["due_at"]
            if paused
            else not state["paused"]
        )
    )
    intake_server.states[index] |= change
    assert {found.key["month"] for found in recounting.recount().differences} == {""}


@pytest.mark.parametrize(
    "fails",
    [
        500,
        503,
        302,
        401,
        "silence",
        "no JSON",
        '{"items": [{"id": "d"}], "next": null}',
        '{"items": []}',
        '{"items": [], "next": "always this"}',
        '{"items": "nothing", "next": null}',
    ],
)
def test_an_intake_that_does_not_answer_as_promised_is_unavailable(
    recounting: Recounting, intake_server: IntakeServer, fails: int | str
) -> None:
    intake_server.fails = fails
    with pytest.raises(IntakeUnavailable) as caught:
        recounting.recount()
    assert caught.value.status == 503
    assert len(intake_server.asked) <= 2


def test_an_instant_without_its_offset_is_refused(recounting: Recounting, intake_server: IntakeServer) -> None:
    intake_server.states[0]["filed_at"] = "2024-08-20T09:00:00"
    with pytest.raises(IntakeUnavailable, match=r"items\.0\.filed_at"):
        recounting.recount()


def test_an_intake_that_is_not_there_is_unavailable(stats: StatsStore, intake_server: IntakeServer) -> None:
    with pytest.raises(IntakeUnavailable):
        Recounting(stats, IntakeStates("http://127.0.0.1:9", KEY, 1.0), system_clock).recount()
    with pytest.raises(IntakeUnavailable, match="403"):
        Recounting(stats, IntakeStates(intake_server.url, "mc_wrong", 1.0), system_clock).recount()


# -- over HTTP and as commands -----------------------------------------------------------------------------------------


def test_the_answer_has_the_public_shape(
    recounting: Recounting, stats: StatsStore, intake_server: IntakeServer, serve: Callable[[str], Running]
) -> None:
    running = serve(intake_server.url)
    equal = running.get("recount", "leader").get_json()
    assert equal == {"equal": True, "compared": recounting.recount().compared, "differences": []}
    stats.current().cells.update_one({"received": 1}, {"$set": {"received": 4}})
    different = running.get("recount", "leader").get_json()
    assert different["equal"] is False
    [difference] = different["differences"]
    assert set(difference["key"]) == {"agency", "procedure", "channel", "service_level", "month"}
    assert difference["counted"]["received"] == difference["recounted"]["received"] + 3


@pytest.mark.parametrize("fails", [500, "silence", "no JSON"])
def test_without_intake_the_answer_is_a_problem(
    recounting: Recounting, intake_server: IntakeServer, serve: Callable[[str], Running], fails: int | str
) -> None:
    intake_server.fails = fails
    answer = serve(intake_server.url).get("recount", "leader")
    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["code"] == "intake_unavailable"


def run(command: str, context: Context[StatsSettings]) -> int:
    return STATS.commands[command][1](context, STATS.assemble(context), [])


def test_the_command_tells_by_its_status(
    recounting: Recounting,
    stats: StatsStore,
    intake_server: IntakeServer,
    make_context: Callable[[str], Context[StatsSettings]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = make_context(intake_server.url)
    assert run("recount", context) == 0
    assert '"equal": true' in capsys.readouterr().out
    stats.current().cells.update_one({"received": 1}, {"$inc": {"received": 1}})
    assert run("recount", context) == 1
    assert '"recounted"' in capsys.readouterr().out
    assert run("rebuild", context) == 0
    assert '"generation": 1' in capsys.readouterr().out
    assert run("recount", context) == 0
    intake_server.fails = 500
    capsys.readouterr()
    assert run("recount", context) == 2
    assert capsys.readouterr() == ("", "intake answered 500\n")
