"""Intake's commands for operators."""

from collections.abc import Callable
from typing import Any

import pytest

from chassis import store
from chassis.service import Context
from intake import commands
from tests.intake.making import body
from tests.support.services import Running

Verify = Callable[..., int]


@pytest.fixture
def verify(intake: Running) -> Verify:
    def run(*arguments: str) -> int:
        context: Context[Any] = Context(
            intake.service.settings.model_construct(), intake.database, store.Carrier(intake.clock), intake.clock
        )
        return commands.verify(context, intake.parts, list(arguments))

    return run


def filed(intake: Running) -> str:
    answer = intake.post("dossiers", "counter_officer", body(channel="counter"))
    assert answer.status_code == 201, answer.text
    id: str = answer.get_json()["id"]
    return id


def test_intact_journals_are_counted(intake: Running, verify: Verify, capsys: pytest.CaptureFixture[str]) -> None:
    filed(intake), filed(intake)
    assert verify() == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "4 entries of 2 dossiers checked, 0 journals broken" in said.err


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        ({"$set": {"journal.0.by": "somebody"}}, 0),
        ({"$set": {"journal.1.note": "H56.30-260304-9999"}}, 1),
        ({"$pop": {"journal": -1}}, 0),
    ],
)
def test_a_changed_journal_is_named_with_its_first_broken_entry(
    intake: Running, verify: Verify, capsys: pytest.CaptureFixture[str], change: dict[str, Any], entry: int
) -> None:
    filed(intake)
    id = filed(intake)
    intake.database["dossiers"].update_one({"_id": id}, change)
    assert verify() == 1
    said = capsys.readouterr()
    assert said.out.startswith(f"{id}: entry {entry} of ")
    assert len(said.out.splitlines()) == 1
    assert "1 journals broken" in said.err


def test_it_takes_no_arguments(verify: Verify, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify("all") == 2
    assert "verify takes no arguments: all" in capsys.readouterr().err
