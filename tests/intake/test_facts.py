"""What a process asks for of the form leaves intake with the reception: by name, and nothing that was not answered."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog.domain import Fact
from intake import inbound
from intake.domain import dossiers as domain
from intake.domain.forms import facts_of
from tests.intake import making
from tests.intake.making import body, by
from tests.support import catalogue
from tests.support.services import Running

FACTS = (
    inbound.Fact(name="area", pointer="/area"),
    inbound.Fact(name="kind", pointer="/parcel/a~1b"),
    inbound.Fact(name="poor", pointer="/poor"),
)


def procedure() -> inbound.Procedure:
    return replace(making.procedure(), process=inbound.Process(facts=FACTS))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"area": 12.5, "parcel": {"a/b": "house"}, "poor": False, "name": "Hoa"},
         {"area": 12.5, "kind": "house", "poor": False}),
        ({}, {}),
        ({"area": None, "poor": 0}, {"poor": 0}),
        ({"area": {"name": "Hoa"}, "parcel": "x", "poor": ["Hoa"]}, {}),
        ({"parcel": [{"a/b": 1}]}, {}),
    ],
)  # fmt: skip
def test_facts_are_read_from_the_form_and_what_is_not_there_is_left_out(
    form: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert facts_of(procedure(), form) == expected


def test_a_procedure_without_facts_tells_none() -> None:
    assert facts_of(making.procedure(), {"area": 1}) == {}


def test_the_reception_tells_the_facts() -> None:
    dossier = making.filed()
    promised = making.promised(dossier)
    _, (said, *_) = domain.receive(dossier, "H56.30-260304-0001", promised, by(1), facts={"area": 5})
    assert said.facts == {"area": 5}
    _, (said, *_) = domain.receive(dossier, "H56.30-260304-0001", promised, by(1))
    assert said.facts == {}


FORM = {"type": "object", "properties": {"area": {"type": "number"}, "ten": {"type": "string"}}}


@pytest.mark.parametrize("channel", ["counter", "online"])
def test_whoever_receives_it_the_event_has_the_facts_and_nothing_else_of_the_form(
    intake: Running, channel: str
) -> None:
    process = replace(catalogue.procedure().process, facts=(Fact(name="size", pointer="/area"),))
    told = catalogue.procedure(version=2, form=FORM, process=process, valid_from=date(2026, 3, 1))
    intake.hear([catalogue.published(told)])
    who = "counter_officer" if channel == "counter" else "citizen"
    filed = intake.post("dossiers", who, body(channel=channel, form={"area": 7.5, "ten": "Tạp hóa Hoa"}))
    assert filed.status_code == 201, filed.text
    if channel == "online":
        received = intake.post(f"dossiers/{filed.get_json()['id']}/reception", "counter_officer", {})
        assert received.status_code == 200, received.text
    [event] = [each for each in map(json.loads, intake.told()) if each["type"] == "intake.dossier.received.v1"]
    assert event["data"]["facts"] == {"size": 7.5}
    del event["data"]["personal"]
    assert "Tạp hóa" not in json.dumps(event["data"], ensure_ascii=False)
