"""The rules of procedures, agencies and calendars, each tried by something that breaks it."""

import time
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog import definitions, domain
from catalog.directory import Directory, bearer_of
from catalog.domain import (
    Alias,
    CalendarDay,
    Component,
    Duration,
    Durations,
    Fee,
    FieldOfWork,
    Process,
    Result,
    Step,
    Version,
)
from chassis.errors import FieldError, Invalid
from tests.catalog.making import agency, calendar, days, hours, procedure


def found(errors: list[FieldError]) -> set[tuple[str, str]]:
    return {(error.pointer, error.code) for error in errors}


def step(id: str, after: str = "", **changes: Any) -> Step:
    return replace(Step(id=id, name=id, role="expert", after=tuple(after.split())), **changes)


def with_steps(*steps: Step, counter: Duration | None = None) -> list[FieldError]:
    durations = None if counter is None else Durations(counter=counter)
    return definitions.procedure_errors(procedure(process=Process(steps=steps), durations=durations))


def test_what_the_tests_start_from_is_valid() -> None:
    assert definitions.procedure_errors(procedure()) == []
    assert domain.agency_errors(agency()) == []
    assert domain.calendar_errors(calendar()) == []


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"code": "1.0010"}, "/code", "procedure_code"),
        ({"code": "1.001193.H56"}, "/code", "procedure_code"),
        ({"code": "1.00119\u0663"}, "/code", "procedure_code"),
        ({"local_code": "2.002622"}, "/local_code", "local_code"),
        ({"name": " "}, "/name", "blank"),
        ({"name": "a\x00"}, "/name", "control_character"),
        ({"name": "a" * 2001}, "/name", "too_long"),
        ({"field": FieldOfWork(code="", name="Đất đai")}, "/field/code", "blank"),
        ({"levels": ()}, "/levels", "empty"),
        ({"levels": ("commune", "commune")}, "/levels/1", "repeated"),
        ({"applicants": ()}, "/applicants", "empty"),
        ({"agencies": ("H56.01", "H56.01")}, "/agencies/1", "repeated"),
        ({"valid_to": date(2019, 1, 1)}, "/valid_to", "period"),
        ({"cut_off": "24:00"}, "/cut_off", "hour"),
        ({"cut_off": "3pm"}, "/cut_off", "hour"),
        ({"result": Result(code="G15.000031", name="Giấy")}, "/result/code", "result_code"),
        ({"components": (Component(code="A", name="a"),) * 2}, "/components/1/code", "repeated"),
        ({"components": (Component(code="A", name="a", copies=-1),)}, "/components/0/copies", "range"),
        ({"components": (Component(code="A", name="a", result_code="x"),)}, "/components/0/result_code", "result_code"),
        ({"fees": (Fee(code="F", name="f", kind="fee", amount=-1),)}, "/fees/0/amount", "range"),
        ({"fees": (Fee(code="F", name="f", kind="fee", amount=10**30),)}, "/fees/0/amount", "range"),
        ({"durations": Durations(counter=days(-1))}, "/durations/counter", "duration"),
        ({"durations": Durations(counter=days(3), online=days(float("nan")))}, "/durations/online", "duration"),
        ({"legal_basis": ("",)}, "/legal_basis/0", "blank"),
    ],
)
def test_wrong_fields_of_a_procedure(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert (pointer, code) in found(definitions.procedure_errors(procedure(**changes)))


@pytest.mark.parametrize("local", ["1.010708.000.00.00.H56", "2.002622.H56"])
def test_both_forms_of_local_codes(local: str) -> None:
    assert definitions.procedure_errors(procedure(local_code=local)) == []


def test_steps_have_names_of_their_own_and_follow_earlier_ones() -> None:
    wrong = with_steps(step("a", "b"), step("b", "b"), step("b"), step("c", decision=True, amount=days(1)))
    assert {
        ("/process/steps/0/after/0", "not_earlier"),
        ("/process/steps/1/after/0", "not_earlier"),
        ("/process/steps/2/id", "repeated"),
    } <= found(wrong)


@pytest.mark.parametrize("deciding", [0, 2])
def test_exactly_one_step_decides(deciding: int) -> None:
    steps = [step(f"s{n}", amount=days(1), decision=n < deciding) for n in range(2)]
    assert found(with_steps(*steps)) == {("/process/steps", "decision")}


def test_a_step_has_an_amount_or_a_share_and_all_have_the_same() -> None:
    both = step("a", amount=days(1), share=100, decision=True)
    assert ("/process/steps/0", "amount_or_share") in found(with_steps(both, counter=days(3)))
    mixed = [step("a", amount=days(1)), step("b", "a", share=100, decision=True)]
    assert found(with_steps(*mixed, counter=days(3))) == {("/process/steps", "amount_or_share")}


def test_shares_come_to_a_hundred_of_something_at_most() -> None:
    over = [step("a", share=41), step("b", "a", share=60, decision=True)]
    assert found(with_steps(*over, counter=days(3))) == {("/process/steps", "shares")}
    full = [step("a", share=40), step("b", "a", share=60, decision=True)]
    assert with_steps(*full, counter=days(3)) == []
    assert found(with_steps(*full)) == {("/durations", "share_of_nothing")}


@pytest.mark.parametrize(
    ("amounts", "counter", "fits"),
    [
        ([days(1), days(2)], days(3), True),
        ([days(1), days(2.25)], days(3), False),
        ([hours(8), days(2)], days(3), True),
        ([hours(9), days(2)], days(3), False),
        ([hours(1), hours(7)], hours(8), True),
        ([days(1.5)], hours(8), False),
        ([days(3)], Duration(amount=3, unit="calendar_day"), True),
        ([days(4)], Duration(amount=3, unit="calendar_day"), False),
        ([days(0.1)] * 10, days(1), True),
    ],
)
def test_amounts_fit_into_the_counters_duration(amounts: list[Duration], counter: Duration, fits: bool) -> None:
    chain = [
        step(f"s{n}", f"s{n - 1}" if n else "", amount=amount, decision=n == 0) for n, amount in enumerate(amounts)
    ]
    assert found(with_steps(*chain, counter=counter)) == (set() if fits else {("/process/steps", "amounts")})


def test_parallel_branches_run_at_the_same_time() -> None:
    branches = [step("a", amount=days(1)), step("b", "a", amount=days(2)), step("c", "a", amount=days(2))]
    end = step("d", "b c", amount=days(1), decision=True)
    assert with_steps(*branches, end, counter=days(4)) == []
    assert found(with_steps(*branches, end, counter=days(3.5))) == {("/process/steps", "amounts")}


def test_without_a_duration_amounts_are_free() -> None:
    assert with_steps(step("a", amount=days(500), decision=True)) == []


# -- history


def history(*published: date | tuple[date, str]) -> list[Version]:
    """A published version for each day, a withdrawal for each (day, decision)."""
    versions: list[Version] = []
    for each in published:
        latest = versions[-1] if versions else None
        if isinstance(each, tuple):
            assert latest is not None
            versions.append(domain.withdraw(latest, *each))
        else:
            versions.append(domain.publish(latest, procedure(valid_from=each)))
    return versions


def status(versions: list[Version], number: int, day: date) -> str:
    history = [version.validity for version in versions]
    return domain.standing(history[number - 1], history, day).status


JAN, MAR, MAY = date(2024, 1, 1), date(2024, 3, 1), date(2024, 5, 1)


def test_numbers_follow_each_other_whatever_the_draft_says() -> None:
    versions = history(JAN, MAR)
    assert [version.number for version in versions] == [1, 2]
    assert [version.procedure.version for version in versions] == [1, 2]


def test_a_version_ends_where_the_next_begins() -> None:
    versions = history(JAN, MAR, (MAY, "QĐ 12"))
    spans = [version.validity for version in versions]
    assert [domain.end_of(span, spans) for span in spans] == [MAR, MAY, None]
    own_end = replace(spans[0], valid_to=date(2024, 2, 1))
    assert domain.end_of(own_end, [own_end, *spans[1:]]) == date(2024, 2, 1)


@pytest.mark.parametrize(
    ("day", "statuses"),
    [
        (date(2023, 12, 31), ["upcoming", "upcoming", "upcoming"]),
        (JAN, ["in_force", "upcoming", "upcoming"]),
        (date(2024, 2, 29), ["in_force", "upcoming", "upcoming"]),
        (MAR, ["superseded", "in_force", "upcoming"]),
        (MAY, ["superseded", "superseded", "withdrawn"]),
    ],
)
def test_one_entry_counts_on_a_day(day: date, statuses: list[str]) -> None:
    versions = history(JAN, MAR, (MAY, "QĐ 12"))
    assert [status(versions, number, day) for number in (1, 2, 3)] == statuses


def test_of_two_from_the_same_day_the_later_counts() -> None:
    versions = history(JAN, JAN)
    assert (status(versions, 1, JAN), status(versions, 2, JAN)) == ("superseded", "in_force")


def test_a_version_may_end_by_itself() -> None:
    only = domain.publish(None, procedure(valid_from=JAN, valid_to=MAR))
    assert status([only], 1, date(2024, 2, 29)) == "in_force"
    assert status([only], 1, MAR) == "expired"


def test_history_is_only_continued() -> None:
    versions = history(MAR)
    with pytest.raises(Invalid) as refused:
        domain.publish(versions[-1], procedure(valid_from=JAN))
    assert found(list(refused.value.errors)) == {("/valid_from", "before_latest_version")}
    with pytest.raises(Invalid) as refused:
        domain.withdraw(versions[-1], JAN, "QĐ 12")
    assert found(list(refused.value.errors)) == {("/on", "before_latest_version")}


def test_a_withdrawn_procedure_is_not_withdrawn_again_but_may_come_back() -> None:
    versions = history(JAN, (MAR, "QĐ 12"))
    with pytest.raises(domain.AlreadyWithdrawn):
        domain.withdraw(versions[-1], MAY, "QĐ 13")
    back = domain.publish(versions[-1], procedure(valid_from=MAY))
    assert back.number == 3
    assert status([*versions, back], 3, MAY) == "in_force"


def test_what_would_change_nothing() -> None:
    versions = history(JAN, (MAR, "QĐ 12"))
    assert domain.offers_the_same(versions[0], procedure(valid_from=JAN, version=7))
    assert not domain.offers_the_same(versions[0], procedure(valid_from=JAN, name="Khác"))
    assert not domain.offers_the_same(versions[1], procedure(valid_from=JAN))
    assert not domain.offers_the_same(None, procedure())


# -- agencies


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"id": "56.H"}, "/id", "agency_id"),
        ({"name": ""}, "/name", "blank"),
        ({"email": "nobody"}, "/email", "email"),
        ({"valid_to": date(2018, 1, 1)}, "/valid_to", "period"),
        ({"hours": ()}, "/hours", "hours"),
        ({"hours": (("07:00", "06:00"),)}, "/hours", "hours"),
        ({"hours": (("7h", "11h"),)}, "/hours", "hours"),
        ({"aliases": (Alias(id="x"),)}, "/aliases/0/id", "agency_id"),
        ({"aliases": (Alias(id="H56.14"),)}, "/aliases/0/id", "repeated"),
        ({"aliases": (Alias(id="000.17.H56"), Alias(id="000.17.H56"))}, "/aliases/1/id", "repeated"),
        ({"aliases": (Alias(id="000.17.H56", valid_from=MAR, valid_to=JAN),)}, "/aliases/0/valid_to", "period"),
    ],
)
def test_wrong_fields_of_an_agency(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert (pointer, code) in found(domain.agency_errors(agency(**changes)))


def directory(*agencies: domain.Agency) -> Directory:
    return Directory({each.id: each for each in agencies})


def test_a_parent_must_be_there() -> None:
    orphan = agency("H56.14", parent="H56")
    assert found(directory(orphan).errors(orphan)) == {("/parent", "unknown_agency")}
    assert directory(orphan, agency("H56")).errors(orphan) == []


def test_no_circle_of_parents() -> None:
    a, b, c = agency("H56.01", parent="H56.03"), agency("H56.02", parent="H56.01"), agency("H56.03", parent="H56.02")
    below = agency("H56.04", parent="H56.01")
    circle = directory(a, b, c, below)
    assert [found(circle.errors(each)) for each in (a, b, c)] == [{("/parent", "circle")}] * 3
    assert circle.errors(below) == []
    itself = agency("H56.05", parent="H56.05")
    assert found(directory(itself).errors(itself)) == {("/parent", "circle")}


def test_two_agencies_have_no_name_at_the_same_time() -> None:
    def named(id: str, *span: date | None) -> domain.Agency:
        start, end = span
        return agency(id, aliases=(Alias(id="000.17.H56", valid_from=start, valid_to=end),))

    first = named("H56.01", None, MAR)
    assert directory(first, named("H56.02", MAR, None)).errors(first) == []
    assert found(directory(first, named("H56.02", JAN, None)).errors(first)) == {("/aliases/0/id", "taken")}
    taker = agency("H56.02", aliases=(Alias(id="H56.01"),))
    assert found(directory(first, taker).errors(taker)) == {("/aliases/0/id", "taken")}
    assert found(directory(first, taker).errors(first)) == {("/id", "taken")}


def test_an_alias_means_who_bears_it_on_the_day_or_bore_it_last() -> None:
    old = agency("H56.01", aliases=(Alias(id="000.17.H56", valid_to=MAR),))
    new = agency("H56.02", aliases=(Alias(id="000.17.H56", valid_from=MAR, valid_to=MAY),))
    for day, bearer in [(JAN, old), (MAR, new), (MAY, new)]:
        assert bearer_of("000.17.H56", [old, new], day) == bearer
    assert bearer_of("000.17.H56", [], JAN) is None


def test_the_agencies_that_a_procedure_names_must_be_known() -> None:
    named = procedure(
        agencies=("H56.01", "H56.99"),
        process=Process(
            steps=(
                step("a", amount=days(1), agency="@parent"),
                step("b", amount=days(1), agency="H56.98", decision=True),
                step("c", amount=days(1)),
            )
        ),
    )
    unknown = directory(agency("H56.01")).unknown(named)
    assert found(unknown) == {("/agencies/1", "unknown_agency"), ("/process/steps/1/agency", "unknown_agency")}


def test_a_large_directory_is_checked_fast() -> None:
    agencies = [agency(f"H56.{n // 99:02}.{n % 99:02}.01", aliases=(Alias(id=f"000.{n:03}.H56"),)) for n in range(900)]
    began = time.process_time()
    large = directory(*agencies)
    assert not any(large.errors(each) for each in agencies)
    assert time.process_time() - began < 1


# -- calendars


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"decision": ""}, "/decision", "blank"),
        ({"days": (CalendarDay(date=date(2025, 1, 1), kind="off", name="Tết"),)}, "/days/0/date", "other_year"),
        (
            {
                "days": (
                    CalendarDay(date=date(2026, 1, 2), kind="off", name="a"),
                    CalendarDay(date=date(2026, 1, 2), kind="working", name="b"),
                )
            },
            "/days/1/date",
            "repeated",
        ),
        ({"days": (CalendarDay(date=date(2026, 1, 2), kind="off", name=""),)}, "/days/0/name", "blank"),
    ],
)
def test_wrong_fields_of_a_calendar(changes: dict[str, Any], pointer: str, code: str) -> None:
    assert found(domain.calendar_errors(calendar(2026, **changes))) == {(pointer, code)}


def test_a_year_far_off_is_refused() -> None:
    assert ("/year", "year") in found(domain.calendar_errors(calendar(2500)))


# -- searching


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Đăng ký KHAI SINH", "dang ky khai sinh"),
        ("Thủ tục hành chính", "thu tuc hanh chinh"),
        ("ỨỪỬỮỰ ươ ă â ê ô", "uuuuu uo a a e o"),
        ("\u0110a\u0306ng ky\u0301", "dang ky"),
    ],
)
def test_folding_drops_marks_and_d_with_stroke(text: str, folded: str) -> None:
    assert domain.fold(text) == folded


def test_words_keep_codes_whole() -> None:
    assert domain.words("Cha, mẹ (con) cha", "1.012784.000.00.00.H56", None) == (
        "cha",
        "me",
        "con",
        "1.012784.000.00.00.h56",
    )


def test_a_procedure_that_is_all_wrong_is_named_in_every_place() -> None:
    all_wrong = procedure(code="x", local_code="y", name="", levels=(), applicants=(), process=Process(steps=()))
    assert {pointer for pointer, _ in found(definitions.procedure_errors(all_wrong))} == {
        "/code",
        "/local_code",
        "/name",
        "/levels",
        "/applicants",
        "/process/steps",
    }
