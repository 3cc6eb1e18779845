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
from stats.store.projection import Projection
from stats.store.sums import unescaped
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


def tampered(projection: Projection, **more: int) -> dict[str, Any]:
    """Some number of a month is another one now; its key."""
    row = projection.sums.months.find_one({"e": {"$gt": {}}})
    assert row is not None
    name = min(row["e"])
    projection.sums.months.update_one(
        {"_id": row["_id"]}, {"$inc": {f"e.{name}.20.{measure}": number for measure, number in more.items()}}
    )
    _, procedure, channel, level = unescaped(name)
    key = {"agency": row["agency"], "procedure": procedure, "channel": channel, "service_level": level}
    return {**key, "month": row["month"]}


def test_a_cell_that_was_tampered_with_is_named(stats: StatsStore, recounting: Recounting) -> None:
    wrong = tampered(stats.current(), received=2, refused=1)
    [found] = recounting.recount().differences
    assert found.key == wrong
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
    ("known", "change", "differing"),
    [
        ("received_at", lambda state: {"reused": not state["reused"]}, {"reused"}),
        ("paid_at", lambda _: {"paid_at": None, "paid_online": False}, {"paid", "paid_online"}),
        ("paid_at", lambda state: {"paid_online": not state["paid_online"]}, {"paid_online"}),
        ("score", lambda state: {"score": 3 if state["score"] < 3 else 2}, {"score_sum"}),
        ("score", lambda _: {"score": 5, "rated_at": "2020-01-01T00:00:00Z"}, {"rated", "score_sum"}),
        ("supplements_asked", lambda state: {"supplements_asked": state["supplements_asked"] * 2},
         {"supplement_requests", "second_supplements"}),
    ],
)  # fmt: skip
def test_what_is_known_of_reuse_fees_and_ratings_matters(
    recounting: Recounting,
    intake_server: IntakeServer,
    known: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    differing: set[str],
) -> None:
    states = intake_server.states
    index = next(n for n, state in enumerate(states) if state[known] and state["score"] in (None, 1, 2, 3))
    states[index] |= change(states[index])
    found = recounting.recount().differences
    assert differing <= {name for each in found for name in each.counted}


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
    tampered(stats.current(), received=3)
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
    arguments = ["--processes", "1"] if command == "rebuild" else []
    return STATS.commands[command][1](context, STATS.assemble(context), arguments)


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
    tampered(stats.current(), received=1)
    assert run("recount", context) == 1
    assert '"recounted"' in capsys.readouterr().out
    assert run("rebuild", context) == 0
    assert '"generation": 1' in capsys.readouterr().out
    assert run("recount", context) == 0
    intake_server.fails = 500
    capsys.readouterr()
    assert run("recount", context) == 2
    assert capsys.readouterr() == ("", "intake answered 500\n")
