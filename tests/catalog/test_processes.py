"""Processes that could never end, end undecided, or take too long are refused with the reason; sound ones pass."""

from dataclasses import replace
from typing import Any

import pytest

from catalog import definitions, processes
from catalog.directory import Directory
from catalog.domain import Duration, Durations, Fact, Procedure, Process, Step, Unit
from catalog.imports import texts
from catalog.imports.columns import cells_of, row_of
from catalog.versions.texts import label
from tests.catalog.callers import Api
from tests.catalog.making import agency, body, days, item, procedure

FORM = {
    "type": "object",
    "$defs": {"kind": {"type": "string", "enum": ["house", "field"]}},
    "properties": {
        "area": {"type": "number"},
        "poor": {"type": ["boolean", "null"]},
        "kind": {"$ref": "#/$defs/kind"},
        "use": {"oneOf": [{"const": "own", "title": "Tự dùng"}, {"const": "let", "title": "Cho thuê"}]},
        "name": {"type": "string"},
        "phone": {"type": "string", "format": "phone"},
        "anything": {},
        "parcel": {"type": "object", "properties": {"a/b": {"type": "integer"}}},
        "mixed": {"oneOf": [{"const": "own"}, {"type": "string"}]},
    },
}
FACTS = (Fact(name="area", pointer="/area"), Fact(name="kind", pointer="/kind"))


def facts(**properties: Any) -> dict[str, Any]:
    return {"properties": {"facts": {"properties": properties}}}


def outcomes(**properties: Any) -> dict[str, Any]:
    return {"properties": {"outcomes": {"properties": properties}}}


def step(id: str, after: str = "", **changes: Any) -> Step:
    plain = Step(id=id, name=id, role="expert", amount=days(1), after=tuple(after.split()))
    return replace(plain, **changes)


def made(*steps: Step, facts: tuple[Fact, ...] = FACTS, counter: float | None = None, **changes: Any) -> Procedure:
    durations = None if counter is None else Durations(counter=days(counter))
    process = Process(steps=steps, facts=facts)
    return procedure(process=process, durations=durations, form=FORM, **changes)


def found(made: Procedure) -> set[tuple[str, str]]:
    return {(error.pointer.removeprefix("/process"), error.code) for error in definitions.procedure_errors(made)}


SIGN = step("sign", "in", decision=True)
RICH = (
    step("in"),
    step("ask", "in", kind="opinion", agency="@parent.parent"),
    step("there", "in", kind="child", child="1.001193", agency="@fact:kind", amount=None),
    step("big", "in", condition={"anyOf": [facts(area={"minimum": 500}), {"not": facts(kind={"const": "field"})}]}),
    step("first", "ask big", join="any"),
    step("sign", "first there", decision=True),
    step("print", "sign", condition=outcomes(sign={"const": "approved"}), agency="@province"),
    step("tell", "print", amount=None),
)


def test_a_process_with_everything_in_it_is_sound() -> None:
    assert found(made(*RICH, counter=5)) == set()


@pytest.mark.parametrize(
    ("steps", "pointer", "code"),
    [
        # never ends
        ((step("in", "nobody"), SIGN), "/steps/0/after/0", "not_earlier"),
        ((step("in", "in"), SIGN), "/steps/0/after/0", "not_earlier"),
        ((step("in", "sign"), SIGN), "/steps/0/after/0", "not_earlier"),
        ((step("a/b"), step("sign", decision=True)), "/steps/0/id", "step_id"),
        ((step("in", kind="opinion", agency="H56", amount=None), SIGN), "/steps/0", "opinion_without_time"),
        ((step("in", kind="opinion"), SIGN), "/steps/0/agency", "opinion_of_nobody"),
        ((step("in", kind="child"), SIGN), "/steps/0/child", "procedure_code"),
        ((step("in", kind="child", child="1.012784"), SIGN), "/steps/0/child", "child_of_itself"),
        ((step("đến", kind="child", child="1.001193"), step("sign", decision=True)), "/steps/0/id", "child_step_id"),
        ((step("in", child="1.001193"), SIGN), "/steps/0/child", "child_of_no_child"),
        ((step("in", join="any"), SIGN), "/steps/0/join", "join_of_one"),
        ((step("in"), step("b", "in", join="any"), SIGN), "/steps/1/join", "join_of_one"),
        ((step("in", agency="@nowhere"), SIGN), "/steps/0/agency", "agency_reference"),
        ((step("in", agency="@fact:name"), SIGN), "/steps/0/agency", "agency_fact"),
        # undecided
        ((step("in"),), "/steps", "decision"),
        ((step("in", decision=True), SIGN), "/steps", "decision"),
        ((step("in"), replace(SIGN, condition=facts(area={}))), "/steps/1/condition", "decision_conditional"),
        ((step("in"), step("b"), replace(SIGN, after=()), step("d", "b sign", join="any")), "/steps/2",
         "decision_skippable"),
        ((step("in"), replace(SIGN, kind="opinion", agency="H56")), "/steps/1/decision", "decision_elsewhere"),
        # too many
        ((*(step(f"s{n}") for n in range(100)), SIGN), "/steps", "too_many"),
        ((*(step(f"s{n}") for n in range(21)), step("b", " ".join(f"s{n}" for n in range(21))), SIGN),
         "/steps/21/after", "too_many"),
    ],
)  # fmt: skip
def test_what_could_not_end_or_not_decide_is_refused(steps: tuple[Step, ...], pointer: str, code: str) -> None:
    assert (pointer, code) in found(made(*steps))
    assert texts.message(code) != texts.message(""), "said in Vietnamese"


@pytest.mark.parametrize(
    ("condition", "pointer", "code"),
    [
        ({"properties": {"facts": {"type": "nothing"}}}, "/properties/facts/type", "condition"),
        ({"$ref": "http://127.0.0.1:1/x"}, "/$ref", "condition"),
        ({"allOf": [{"$ref": "#"}]}, "/allOf/0/$ref", "condition"),
        ({"properties": {"facts": {"properties": {"area": {"pattern": "("}}}}},
         "/properties/facts/properties/area/pattern", "condition"),
        (facts(area={"const": "x" * 5_000}), "", "condition"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": facts(area={})}}}}}}}}, "", "condition"),
        (facts(size={"const": 1}), "/properties/facts/properties/size", "condition_fact"),
        ({"if": {}, "then": {"properties": {"facts": {"required": ["size"]}}}},
         "/then/properties/facts/required/0", "condition_fact"),
        (outcomes(sign={"const": "approved"}), "/properties/outcomes/properties/sign", "condition_outcome"),
        (outcomes(b={"const": "approved"}), "/properties/outcomes/properties/b", "condition_outcome"),
        ({"outcomes": {"in": "approved"}}, "/outcomes", "condition_word"),
        ({"properties": {"answers": {}}}, "/properties/answers", "condition_word"),
        ({"const": 1}, "/const", "condition_word"),
        ({"allOf": [True]}, "/allOf/0", "condition_word"),
        (facts(area={"minimun": 5}), "/properties/facts/properties/area/minimun", "condition_word"),
        (facts(area={"anyOf": [{"minimun": 5}]}), "/properties/facts/properties/area/anyOf/0/minimun",
         "condition_word"),
        (outcomes(**{"in": {"const": "aproved"}}), "/properties/outcomes/properties/in/const", "condition_value"),
        (outcomes(**{"in": {"not": {"enum": ["rejected", {"x": 1}]}}}),
         "/properties/outcomes/properties/in/not/enum", "condition_value"),
        ({}, "", "condition_of_nothing"),
        ({"not": {"type": "object"}}, "", "condition_of_nothing"),
    ],
)  # fmt: skip
def test_a_condition_on_what_nobody_knows_is_refused(condition: dict[str, Any], pointer: str, code: str) -> None:
    steps = (step("in"), step("b", "in"), step("c", "in", condition=condition), replace(SIGN, after=("b", "c")))
    assert (f"/steps/2/condition{pointer}", code) in found(made(*steps))
    assert texts.message(code) != texts.message("")


@pytest.mark.parametrize("pointer", ["/area", "/poor", "/kind", "/use", "/parcel/a~1b"])
def test_a_fact_is_an_answer_that_identifies_nobody(pointer: str) -> None:
    assert found(made(step("in"), SIGN, facts=(Fact(name="x", pointer=pointer),))) == set()


@pytest.mark.parametrize(
    ("pointer", "code"),
    [
        ("area", "fact_pointer"), ("", "fact_pointer"), ("/a~2", "fact_pointer"), ("/nothing", "fact_unknown"),
        ("/parcel/0", "fact_unknown"), ("/area/x", "fact_unknown"), ("/name", "fact_personal"),
        ("/phone", "fact_personal"), ("/anything", "fact_personal"), ("/parcel", "fact_personal"),
        ("/mixed", "fact_personal"),
    ],
)  # fmt: skip
def test_a_fact_that_could_say_who_somebody_is_is_refused(pointer: str, code: str) -> None:
    wrong = made(step("in"), SIGN, facts=(Fact(name="x", pointer=pointer),))
    assert found(wrong) == {("/facts/0/pointer", code)}
    assert texts.message(code) != texts.message("")
    assert ("/facts/0/pointer", "fact_unknown") in found(replace(made(step("in"), SIGN), form=None))


def test_facts_have_names_of_their_own() -> None:
    twice = (Fact(name="x", pointer="/area"), Fact(name="x", pointer="/kind"), Fact(name="ô", pointer="/kind"))
    assert found(made(step("in"), SIGN, facts=twice)) == {("/facts/1/name", "repeated"), ("/facts/2/name", "fact_name")}
    assert ("/facts", "too_many") in found(made(step("in"), SIGN, facts=FACTS * 26))


def test_no_path_takes_longer_than_the_law_allows() -> None:
    branches = (step("in"), step("a", "in", amount=days(2)), step("b", "in"), step("sign", "a b", decision=True))
    assert found(made(*branches, counter=4)) == set()
    [error] = definitions.procedure_errors(made(*branches, counter=3.5))
    assert (error.pointer, error.code) == ("/process/steps", "amounts")
    assert "in → a → sign" in error.message
    timeless = (*branches, step("wait", "sign", amount=None))
    assert found(made(*timeless, counter=4)) == set()


def test_each_channels_own_time_is_kept() -> None:
    def online(amount: float) -> Procedure:
        return replace(made(step("in"), SIGN), durations=Durations(counter=days(5), online=days(amount)))

    assert found(online(2)) == set()
    [error] = definitions.procedure_errors(online(1.5))
    assert (error.pointer, error.code) == ("/process/steps", "amounts")
    assert "that the online has" in error.message


@pytest.mark.parametrize(
    ("amount", "unit", "calendar_days", "sound"),
    [
        (3, "working_day", 3, True),
        (4, "working_day", 3, False),
        (6, "working_day", 7, True),  # from a Monday to the next one
        (7, "working_day", 7, False),
        (12, "working_day", 15, True),
        (12.5, "working_day", 15, False),
        (23, "working_day", 30, True),
        (24, "working_day", 30, False),
        (15, "calendar_day", 15, True),
        (16, "calendar_day", 15, False),
    ],
)
def test_of_calendar_days_only_some_are_worked(amount: float, unit: Unit, calendar_days: int, sound: bool) -> None:
    sign = replace(SIGN, after=(), amount=Duration(amount=amount, unit=unit))
    counter = Duration(amount=calendar_days, unit="calendar_day")
    assert (found(replace(made(sign), durations=Durations(counter=counter))) == set()) is sound


def test_shares_come_to_a_hundred_at_most_along_any_path() -> None:
    def shares(a: int, b: int) -> Procedure:
        plain = (
            step("in", share=40),
            step("a", "in", share=a),
            step("b", "in", share=b),
            step("sign", "a b", share=20),
        )
        steps = tuple(replace(each, amount=None, decision=each.id == "sign") for each in plain)
        return made(*steps, counter=10)

    assert found(shares(40, 40)) == set(), "parallel branches run at the same time"
    [error] = definitions.procedure_errors(shares(10, 41))
    assert error.code == "shares"
    assert "101 along in → b → sign" in error.message


def test_the_longest_path_is_told_step_by_step() -> None:
    steps = (step("a"), step("b", "a"), step("c"), step("d", "b c"))
    assert processes.longest_path(steps, [1, 2, 9, 1]) == (10, ("c", "d"))
    assert processes.longest_path((), []) == (0, ())


def test_agencies_that_are_named_by_where_they_are_need_not_be_known() -> None:
    directory = Directory({"H56": agency("H56")})
    unknown = made(*RICH, step("x", agency="H56.99"))
    assert [error.pointer for error in directory.unknown(unknown)] == ["/process/steps/8/agency"]


def test_publishing_refuses_with_the_reason_and_publishes_what_is_sound(api: Api) -> None:
    sound, wrong = made(*RICH, counter=5), made(step("in", "sign"), SIGN)
    refused = api.put(f"/procedures/{wrong.code}", body(wrong), key="p1")
    assert refused.status_code == 422
    assert ("/process/steps/0/after/0", "not_earlier") in {(e["pointer"], e["code"]) for e in refused.json["errors"]}
    done = api.put(f"/procedures/{sound.code}", body(sound), key="p2")
    assert done.status_code == 201, done.json
    shown = api.public(f"/procedures/{sound.code}").json["process"]
    assert shown["steps"][3]["condition"] == RICH[3].condition
    assert shown["facts"] == [{"name": "area", "pointer": "/area"}, {"name": "kind", "pointer": "/kind"}]


def test_a_sheet_says_all_of_it_without_loss() -> None:
    whole = item(made(*RICH, counter=5))
    cells = cells_of(whole)
    assert cells["process"].startswith("in | in | chuyên viên"), "the way an officer would type it"
    assert "| một trong" in cells["process"]
    row, errors = row_of({name: text for name, text in cells.items() if text})
    assert errors == []
    assert row["process"] == whole["process"]


def test_what_changed_in_a_process_has_words() -> None:
    words = [label(f"/process/steps/s1/{name}", 0) for name in ("kind", "join", "condition", "child")]
    assert not {"kind", "join", "condition", "child"} & {text.rpartition("› ")[2] for text in words}
    assert label("/process/facts/area/pointer", 1).endswith("Facts of the process › area › Place in the form")
