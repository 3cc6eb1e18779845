"""The dossier's life at intake: what each act leads to, what is refused and by which name, and what events may say."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import worktime
from chassis.errors import Invalid, WrongState
from intake.domain import dossiers as domain
from intake.domain import formats, progress, steps
from intake.domain.dossiers import CODE, Dossier, NotFiled, NotProcessed, Paper, Status, Submitted
from intake.domain.parts import StepDone
from intake.events import Budget
from intake.inbound import CalendarDay, Component, Durations
from tests.intake import making
from tests.intake.making import FILED_AT, by
from tests.support.services import local

DAY = date(2026, 3, 4)


# --- transitions ------------------------------------------------------------------------------------------------------

ACTS: dict[str, Callable[[Dossier], domain.Turn]] = {
    "receive": lambda dossier: domain.receive(dossier, "H56.30-260304-0001", making.promised(dossier), by(7)),
    "refuse": lambda dossier: domain.refuse(dossier, "Thiếu giấy tờ", by(7)),
    "hand_over": lambda dossier: domain.hand_over(dossier, "Nguyễn Thị Hoa", "post", by(7)),
}
LEGAL = {
    (Status.FILED, "receive"): Status.RECEIVED,
    (Status.FILED, "refuse"): Status.REFUSED,
    (Status.PROCESSED, "hand_over"): Status.RETURNED,
}
NAMED: dict[str, type[WrongState]] = {"receive": NotFiled, "refuse": NotFiled, "hand_over": NotProcessed}


def in_state(status: Status) -> Dossier:
    """A state that no act leads to yet is put on a finished dossier, which has all that an act could ask for."""
    made = making.IN_STATE.get(status)
    return made() if made else replace(making.processed(), status=status)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", Status)
def test_each_act_in_each_state(status: Status, act: str) -> None:
    dossier = in_state(status)
    assert dossier.status is status
    if (status, act) not in LEGAL:
        with pytest.raises(NAMED[act]) as refusal:
            ACTS[act](dossier)
        assert refusal.value.code == {"hand_over": "not_processed"}.get(act, "not_filed")
        assert refusal.value.status == 409
        return
    after, events = ACTS[act](dossier)
    assert after.status is LEGAL[status, act]
    assert len(events) == 1
    assert len(after.journal) == len(dossier.journal) + 1
    entry = after.journal[-1]
    assert (entry.at, entry.recorded_at, entry.by) == (by(7).at, by(7).recorded_at, making.OFFICER)


def test_an_online_dossier_is_filed_and_says_so() -> None:
    dossier, (filed,) = domain.file(
        "d1", making.filing(), making.procedure(), making.agency(), by(), owner="person-hoa", secret="2345678ABC"
    )
    assert (dossier.status, dossier.code, dossier.due_at, dossier.owner) == (Status.FILED, None, None, "person-hoa")
    assert dossier.agencies == (dossier.dimensions.agency,)
    assert dossier.fee_amount == 150_000, "the sum of the procedure's fees"
    assert filed.filed_at == dossier.filed_at == FILED_AT
    assert [entry.act for entry in dossier.journal] == ["filed"]


@pytest.mark.parametrize("channel", ["counter", "post"])
def test_what_is_handed_in_at_the_counter_is_said_when_it_is_received(channel: Any) -> None:
    dossier, events = domain.file(
        "d1", making.filing(channel=channel), making.procedure(), making.agency(), by(), owner=None, secret="2345678ABC"
    )
    assert events == ()
    promised = making.promised(dossier, 0)
    received, (said,) = domain.receive(dossier, "H56.30-260304-0001", promised, by())
    assert said.filed_at == said.received_at == FILED_AT
    assert said.dimensions == received.dimensions == dossier.dimensions
    assert said.dimensions.channel == channel
    assert (said.clock_at, said.budget, said.due_at) == (promised.clock_at, promised.budget, promised.due_at)
    assert (received.clock_at, received.budget, received.due_at) == (
        promised.clock_at, promised.budget, promised.due_at,
    )  # fmt: skip
    assert [entry.act for entry in received.journal] == ["filed", "received"]


@pytest.mark.parametrize("digitised", [(), (True,), (True, True), (True, False), (False,)])
def test_digitised_is_a_dossier_of_whose_components_every_one_was_scanned(digitised: tuple[bool, ...]) -> None:
    components = tuple(
        Submitted(code=f"TP{n}", paper=Paper(originals=1), digitised=scanned) for n, scanned in enumerate(digitised)
    )
    dossier = replace(making.filed(), components=components)
    assert dossier.digitised is (digitised in {(True,), (True, True)})
    _, (said,) = domain.receive(dossier, "H56.30-260304-0001", making.promised(dossier), by(1))
    assert said.digitised is dossier.digitised


@pytest.mark.parametrize(
    ("act", "dossier", "code"),
    [
        ("receive", making.filed, "before_filing"),
        ("refuse", making.filed, "before_filing"),
        ("hand_over", making.processed, "before_result"),
    ],
)
def test_an_act_cannot_lie_before_what_it_follows(act: str, dossier: Callable[[], Dossier], code: str) -> None:
    early = {
        "receive": lambda d: domain.receive(d, "H56.30-260304-0001", making.promised(d), by(-1)),
        "refuse": lambda d: domain.refuse(d, "Thiếu giấy tờ", by(-1)),
        "hand_over": lambda d: domain.hand_over(d, "Hoa", "collect", by(4.9)),
    }
    with pytest.raises(Invalid) as refusal:
        early[act](dossier())
    assert refusal.value.code == code


# --- what fits a procedure --------------------------------------------------------------------------------------------


def wrong(**changes: Any) -> list[tuple[str, str]]:
    """(pointer, code) of each field error; `procedure`, `agency` and `day` may be other ones."""
    procedure = changes.pop("procedure", making.procedure())
    agency = changes.pop("agency", making.agency())
    day = changes.pop("day", DAY)
    try:
        domain.check(making.filing(**changes), procedure, agency, day)
    except Invalid as refusal:
        return [(error.pointer, error.code) for error in refusal.errors]
    return []


def component(code: str, *, required: bool = True, database: str | None = None) -> Component:
    return Component(code=code, name=code, required=required, replaced_by_database=database)


def test_what_fits_is_accepted() -> None:
    assert wrong() == []


@pytest.mark.parametrize(
    ("agency", "procedure", "offered"),
    [
        (making.agency(), making.procedure(), True),
        (making.agency(level="commune"), making.procedure(), False),
        (making.agency(one_stop=False), making.procedure(), False),
        (making.agency(), making.procedure(agencies=("H56.30",), levels=()), True),
        (making.agency(), making.procedure(agencies=("H56.02",)), False),
        (making.agency(level="commune"), making.procedure(agencies=("H56.30",)), True),
        (making.agency(valid_from=date(2026, 3, 5)), making.procedure(), False),
        (making.agency(valid_from=date(2026, 3, 4)), making.procedure(), True),
        (making.agency(valid_to=date(2026, 3, 4)), making.procedure(), False),
        (making.agency(valid_to=date(2026, 3, 5)), making.procedure(), True),
    ],
)
def test_an_agency_receives_what_it_offers_on_that_day(agency: Any, procedure: Any, offered: bool) -> None:
    assert domain.offers(agency, procedure, DAY) is offered
    assert wrong(agency=agency, procedure=procedure) == ([] if offered else [("/agency", "not_offered")])


@pytest.mark.parametrize("level", [1, 2, 3, 4, "partial", "full"])
@pytest.mark.parametrize("channel", ["online", "counter", "post"])
def test_levels_1_and_2_are_not_filed_online(channel: Any, level: Any) -> None:
    found = wrong(channel=channel, procedure=making.procedure(service_level=level))
    assert found == ([("/channel", "not_online")] if channel == "online" and level in (1, 2) else [])


@pytest.mark.parametrize("kind", ["citizen", "enterprise", "state_body", "organisation"])
def test_a_procedure_is_for_its_applicants(kind: Any) -> None:
    procedure = making.procedure(applicants=("citizen", "organisation"))
    found = wrong(procedure=procedure, applicant=making.applicant(kind=kind))
    assert found == ([] if kind in procedure.applicants else [("/applicant/kind", "not_for_this_kind")])


def test_components_are_the_procedures_each_once() -> None:
    given = tuple(Submitted(code=code) for code in ("TP1", "TP9", "TP2", "TP2", "TP1", "TP8"))
    assert wrong(components=given) == [
        ("/components/1/code", "unknown_component"),
        ("/components/3/code", "repeated_component"),
        ("/components/4/code", "repeated_component"),
        ("/components/5/code", "unknown_component"),
    ]


def test_required_components_are_asked_for_unless_a_database_has_them() -> None:
    components = (
        component("TP1"),
        component("TP2"),
        component("TP3", required=False),
        component("TP4", database="CSDL quốc gia về dân cư"),
    )
    procedure = making.procedure(components=components)
    assert wrong(components=(), procedure=procedure) == [("/components", "missing_component")] * 2
    assert wrong(components=(Submitted(code="TP2"),), procedure=procedure) == [("/components", "missing_component")]
    everything = tuple(Submitted(code=code) for code in ("TP1", "TP2", "TP3", "TP4"))
    assert wrong(components=everything, procedure=procedure) == []


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = wrong(
        agency=making.agency(one_stop=False),
        procedure=making.procedure(service_level=2, applicants=("enterprise",)),
        components=(Submitted(code="TP9"),),
    )
    assert found == [
        ("/agency", "not_offered"),
        ("/channel", "not_online"),
        ("/applicant/kind", "not_for_this_kind"),
        ("/components/0/code", "unknown_component"),
        ("/components", "missing_component"),
    ]


def test_what_is_said_of_a_wrong_field_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(Invalid) as refusal:
        domain.check(making.filing(components=(Submitted(code="bí-mật"),)), making.procedure(), making.agency(), DAY)
    assert [error.code for error in refusal.value.errors] == ["unknown_component", "missing_component"]
    assert not [error for error in refusal.value.errors if "bí-mật" in error.message]


# --- the promise ------------------------------------------------------------------------------------------------------

THREE_DAYS = Budget(amount=3, unit="working_day")
ONE_DAY = Budget(amount=1, unit="working_day")
CALENDAR = worktime.Calendar(
    [(day.date, day.kind) for day in (CalendarDay(date=date(2026, 3, 6), kind="off"),)], {2026}
)  # Friday the 6th is off.


@pytest.mark.parametrize(
    ("channel", "received", "clock", "due"),
    [
        ("counter", "2026-03-04 08:00", "2026-03-04 08:00", "2026-03-10 08:00"),
        ("post", "2026-03-04 16:00", "2026-03-04 16:00", "2026-03-10 16:00"),
        ("online", "2026-03-04 08:00", "2026-03-04 08:00", "2026-03-05 08:00"),
        ("online", "2026-03-04 14:30", "2026-03-04 14:30", "2026-03-05 14:30"),
        ("online", "2026-03-04 14:31", "2026-03-05 07:00", "2026-03-05 17:00"),
        ("counter", "2026-03-04 17:00", "2026-03-05 07:00", "2026-03-10 17:00"),
        ("counter", "2026-03-07 09:00", "2026-03-09 07:00", "2026-03-11 17:00"),
    ],
    ids=["counter", "post", "online, its own time", "at the cut-off", "past it", "at closing", "on a Saturday"],
)
def test_the_promise_depends_on_channel_and_hour(channel: Any, received: str, clock: str, due: str) -> None:
    procedure = making.procedure(durations=Durations(counter=THREE_DAYS, online=ONE_DAY), cut_off="14:30")
    promise = domain.promise(procedure, making.agency(), channel, local(received), CALENDAR)
    assert promise.budget == (ONE_DAY if channel == "online" else THREE_DAYS)
    assert (promise.clock_at, promise.due_at) == (local(clock), local(due))


def test_without_an_online_duration_the_counters_counts() -> None:
    procedure = making.procedure(durations=Durations(counter=THREE_DAYS))
    promise = domain.promise(procedure, making.agency(), "online", local("2026-03-09 08:00"), CALENDAR)
    assert (promise.budget, promise.due_at) == (THREE_DAYS, local("2026-03-12 08:00"))


def test_the_agencys_hours_count() -> None:
    mornings = making.agency(hours=(("08:00", "12:00"),))
    procedure = making.procedure(durations=Durations(counter=ONE_DAY))
    promise = domain.promise(procedure, mornings, "counter", local("2026-03-09 07:00"), CALENDAR)
    assert (promise.clock_at, promise.due_at) == (local("2026-03-09 08:00"), local("2026-03-10 12:00"))


@pytest.mark.parametrize("channel", ["online", "counter"])
def test_a_procedure_without_a_duration_has_no_due_date_but_a_clock(channel: Any) -> None:
    procedure = making.procedure(durations=None, cut_off="15:00")
    promise = domain.promise(procedure, making.agency(), channel, local("2026-03-04 16:00"), CALENDAR)
    assert (promise.budget, promise.due_at) == (None, None)
    assert promise.clock_at == local("2026-03-05 07:00" if channel == "online" else "2026-03-04 16:00")


# --- the code ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agency", "sequence", "code"),
    [
        ("H56.14", 1, "H56.14-240823-0001"),
        ("H56.14", 9_999, "H56.14-240823-9999"),
        ("H56.14", 10_000, "H56.14-240823-10000"),
        ("H56.14", 9_999_999, "H56.14-240823-9999999"),
        ("000.17.22.H56", 1, "000.17.22.H56-240823-0001"),
    ],
)
def test_a_code_is_the_agencys_day_and_number(agency: str, sequence: int, code: str) -> None:
    assert formats.dossier_code(agency, date(2024, 8, 23), sequence) == code
    assert CODE.fullmatch(code)


@settings(deadline=None, max_examples=50)
@given(
    agency=st.from_regex(r"\A(([0-9]{2,3}\.){1,3}[A-Z][0-9]{2}|[A-Z][0-9]{2}(\.[0-9]{2}){0,3})\Z"),
    day=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    sequences=st.lists(st.integers(1, 9_999_999), min_size=2, max_size=2, unique=True),
)
def test_every_code_is_one_that_is_accepted_and_no_two_are_alike(agency: str, day: date, sequences: list[int]) -> None:
    first, second = (formats.dossier_code(agency, day, sequence) for sequence in sequences)
    assert CODE.fullmatch(first)
    assert CODE.fullmatch(second)
    assert first != second


# --- the journal ------------------------------------------------------------------------------------------------------


def test_the_journal_of_a_whole_life_holds() -> None:
    dossier = making.returned()
    assert [entry.act for entry in dossier.journal] == ["filed", "received", "handed_over"]
    assert domain.first_broken_entry(dossier) is None


CHANGES: dict[str, Any] = {
    "act": "refused",
    "at": FILED_AT + timedelta(days=30),
    "recorded_at": FILED_AT + timedelta(days=30),
    "by": "somebody-else",
    "note": "khác",
    "hash": "0" * 64,
}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_changed_entry_is_found(index: int, field: str) -> None:
    journal = list(making.returned().journal)
    journal[index] = replace(journal[index], **{field: CHANGES[field]})
    assert domain.first_broken_entry(replace(making.returned(), journal=tuple(journal))) == index


@pytest.mark.parametrize(("order", "broken"), [((1, 2), 0), ((0, 2), 1), ((0, 2, 1), 1), ((0, 0, 1, 2), 1)])
def test_an_entry_that_is_missing_or_moved_is_found(order: tuple[int, ...], broken: int) -> None:
    dossier = making.returned()
    tampered = replace(dossier, journal=tuple(dossier.journal[index] for index in order))
    assert domain.first_broken_entry(tampered) == broken


# --- personal data ----------------------------------------------------------------------------------------------------

MARK = "§"


def words(value: Any, path: str = "") -> list[tuple[str, str]]:
    """(path, text) of every text in the value, names of fields and keys included."""
    if isinstance(value, dict):
        return [(path, str(key)) for key in value] + [w for key, v in value.items() for w in words(v, f"{path}/{key}")]
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in words(item, path)]
    return [(path, value)] if isinstance(value, str) else []


def test_only_the_personal_part_of_an_event_tells_who_it_is() -> None:
    marked = making.applicant(
        name=f"Hoa{MARK}", identity=f"0{MARK}", phone=f"+84{MARK}", email=f"{MARK}@example.vn", address=f"Xã{MARK}"
    )
    filing = making.filing(
        applicant=marked,
        on_behalf_of=f"Bình{MARK}",
        assisted_by=f"Tình{MARK}",
        form={f"khoa{MARK}": f"Đức{MARK}"},
    )
    filed, said = domain.file(
        "d1", filing, making.procedure(), making.agency(), by(), owner=f"person{MARK}", secret=f"secret{MARK}"
    )
    received, more = domain.receive(filed, "H56.30-260304-0001", making.promised(filed), by(1))
    _, refusal = domain.refuse(filed, "Thiếu giấy tờ", by(1))
    done = progress.note_finished(progress.note_started(received, by(1).at, 1), "approved", "early", by(2).at)
    _, last = domain.hand_over(done, f"Bình{MARK}", "collect", by(3))
    events = [asdict(event) for event in (*said, *more, *refusal, *last)]
    assert len(events) == 4
    whom_to_tell = {"/personal/name", "/personal/phone", "/personal/email", "/personal/person"}
    # The national portal is told whose a dossier is from the beginning; the agencies that work on a received one need
    # what its result says.
    whose = {"/personal/identity", "/personal/address"}
    in_full = {"/personal/form", f"/personal/form/khoa{MARK}"}
    for event in events:
        where = {path for path, text in words(event) if MARK in text}
        more_of_it = (whose if "charges" in event else set()) | (in_full if "clock_at" in event else set())
        assert where <= whom_to_tell | more_of_it
    assert {path for event in events for path, text in words(event) if MARK in text} == whom_to_tell | whose | in_full


# --- what workflow tells ----------------------------------------------------------------------------------------------

Note = Callable[[Dossier], Dossier]


def step(n: int) -> StepDone:
    at = FILED_AT + timedelta(hours=1 + n // 2)
    return StepDone(task=f"d1.s{n}", name=f"Bước {n}", agency="H56.30", at=at, told=n)


NEWS: list[Note] = [
    lambda d: progress.note_started(d, FILED_AT + timedelta(hours=1), 3),
    *[partial(steps.note_done, step=step(n), steps_total=3) for n in (1, 2, 3)],
    *[partial(progress.note_transferred, to_agency=agency) for agency in ("H56", "H56.02", "H56.30", "H56.01")],
    lambda d: progress.note_finished(d, "rejected", "late", FILED_AT + timedelta(hours=4)),
]


@settings(deadline=None, max_examples=50)
@given(st.permutations(range(len(NEWS))), st.lists(st.integers(0, len(NEWS) - 1), max_size=8), st.data())
def test_workflows_news_give_the_same_dossier_in_any_order_and_however_often(
    order: list[int], again: list[int], data: st.DataObject
) -> None:
    in_order = making.received()
    for note in NEWS:
        in_order = note(in_order)
    heard = list(order)
    for repeated in again:
        heard.insert(data.draw(st.integers(0, len(heard))), repeated)
    dossier = making.received()
    for n in heard:
        dossier = NEWS[n](dossier)
    assert dossier == in_order
    assert (dossier.status, dossier.outcome, dossier.timing) == (Status.PROCESSED, "rejected", "late")
    assert [done.task for done in dossier.steps_done] == ["d1.s1", "d1.s2", "d1.s3"]
    assert dossier.agencies[0] == "H56.30"
    assert sorted(dossier.agencies) == ["H56", "H56.01", "H56.02", "H56.30"]


@pytest.mark.parametrize("n", range(len(NEWS)))
def test_news_that_is_not_new_changes_nothing(n: int) -> None:
    dossier = NEWS[n](making.received())
    assert NEWS[n](dossier) is dossier


def test_news_after_the_hand_over_leave_it_handed_over() -> None:
    """Started may come last of all, since it is the news that comes anew from workflow's outbox after a crash."""
    finished = progress.note_finished(making.received(), "approved", "early", FILED_AT + timedelta(hours=5))
    returned, _ = domain.hand_over(finished, "Nguyễn Thị Hoa", "collect", by(6))
    late = progress.note_started(returned, FILED_AT + timedelta(hours=1), 4)
    assert (late.status, late.started_at) == (Status.RETURNED, FILED_AT + timedelta(hours=1))


def test_news_keep_the_journal() -> None:
    assert making.processed().journal == making.received().journal


def test_every_instant_of_a_dossier_is_in_utc() -> None:
    dossier = making.returned()
    instants = [value for value in asdict(dossier).values() if isinstance(value, datetime)]
    assert len(instants) >= 5
    assert all(instant.tzinfo is UTC for instant in instants)
