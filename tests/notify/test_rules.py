"""Who is told of what: rules, what people want, and what the law wants told all the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, combinations
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.consume import Received
from chassis.envelope import read, read_data
from notify import routing, samples
from notify.consumer import happened, table
from notify.domain import rules, telling
from notify.domain.occasions import COMMON, OCCASIONS
from notify.domain.quiet import read_quiet
from notify.domain.rules import Book, Line
from notify.domain.telling import CHANNELS, GROUPS, Channel, Contact, Happened, Language, Rule, Wishes, timing
from notify.routing import LINES, RULES
from notify.templates import FOLDER, Templates
from notify.usecases.telling import Telling
from tests.notify.events import AGENCY_TYPES, PAID, PAUSED, TYPES, event
from tests.support.services import local

NOW = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
CONTACT = Contact(
    name="Nguyễn Thị Hoa",
    email="hoa@example.vn",
    person="person-hoa",
    procedure_name="Đăng ký khai sinh",
    agency_name="UBND phường Hạc Thành",
    phone="+84912345678",
)
CHAT = Wishes(chat="zalo-1")
READINGS = {
    event_type: kind
    for subscription in table(Telling.__new__(Telling))
    for event_type, kind in subscription.readings.items()
}
templates = Templates("https://motcua.thanhhoa.example")


def said(event_type: str, **data: Any) -> Happened:
    envelope = read(event(event_type, "d1", 1, NOW, **data))
    return happened(Received(envelope, read_data(READINGS[event_type], envelope.data)))


def channels(what: Happened, wishes: Wishes = CHAT, contact: Contact = CONTACT, **options: Any) -> list[Channel]:
    told = telling.recipients(what, contact, RULES, wishes=wishes, **options)
    assert len({one.key for one in told}) == len(told)
    return sorted(one.rule.channel for one in told)


# -- the project's own rules -------------------------------------------------------------------------------------------


def test_the_projects_rules_are_usable() -> None:
    assert rules.errors(LINES, get_args(Language), templates.needs) == []
    assert {line.event for line in LINES} == set(OCCASIONS) == {*TYPES, *AGENCY_TYPES}
    for line in LINES:
        assert line.basis or not line.obligatory, "what is obligatory says what obliges, or `?`"


@pytest.mark.parametrize("event_type", sorted(OCCASIONS))
def test_the_table_of_occasions_is_what_events_give(event_type: str) -> None:
    assert said(event_type).params.keys() == OCCASIONS[event_type].params


def test_the_samples_give_what_the_events_give() -> None:
    for line in LINES:
        for variant in samples.samples()[line.template].variants:
            assert variant.keys() - {"code"} == OCCASIONS[line.event].params


def test_a_pause_for_a_supplement_is_told_by_its_own_event() -> None:
    assert channels(said(PAUSED, kind="supplement")) == channels(said(PAUSED, kind="fee")) == []
    assert channels(said(PAUSED)) == ["chat", "email", "portal", "sms"]
    assert channels(said(PAID, settled=False)) == []
    assert channels(said(PAID)) == ["chat", "email", "portal"]


# -- what people want --------------------------------------------------------------------------------------------------


def test_an_address_of_ones_own_takes_the_place_of_the_dossiers() -> None:
    wishes = replace(CHAT, email="moi@x.vn", phone="+84987654321")
    told = telling.recipients(said(TYPES[1]), CONTACT, RULES, wishes=wishes)
    assert {one.rule.channel: one.to for one in told} == {
        "email": "moi@x.vn",
        "portal": "person-hoa",
        "sms": "+84987654321",
        "chat": "zalo-1",
    }
    before = {one.rule.channel: one.key for one in telling.recipients(said(TYPES[1]), CONTACT, RULES)}
    assert before.items() <= {one.rule.channel: one.key for one in told}.items(), "so nobody is told twice"


def test_only_channels_that_lead_somewhere() -> None:
    assert channels(said(TYPES[1]), live={"email", "portal"}) == ["email", "portal"]


@pytest.mark.parametrize("event_type", TYPES)
def test_what_is_obligatory_reaches_everybody_who_can_be_reached(event_type: str) -> None:
    obligatory = any(rule.obligatory for rule in RULES if rule.event_type == event_type)
    everything = frozenset((group, channel) for group in GROUPS for channel in CHANNELS)
    for off in map(frozenset, chain(combinations(CHANNELS, 4), combinations(CHANNELS, 3), combinations(CHANNELS, 2))):
        wishes = replace(CHAT, off=frozenset(pair for pair in everything if pair[1] in off))
        wanted = set(channels(said(event_type))) - off
        expected = sorted(wanted) or (["portal"] if obligatory else [])
        assert channels(said(event_type), wishes) == expected
    nothing = replace(CHAT, off=everything)
    alone = replace(CONTACT, person=None)
    assert channels(said(event_type), nothing, alone) == (["email"] if obligatory else [])


def test_agencies_have_no_wishes() -> None:
    office = telling.Office(id="H56", name="UBND", email="ubnd@x.vn")
    off = frozenset((group, channel) for group in GROUPS for channel in CHANNELS)
    what = said(AGENCY_TYPES[0], told=["H56"])
    told = telling.recipients(what, CONTACT, RULES, {"H56": office}, wishes=Wishes(off=off, digest_hour=7))
    assert [one.to for one in told] == ["ubnd@x.vn"]
    late = local("2026-11-20 23:00")
    assert timing(told[0].rule, Wishes(digest_hour=7, quiet=read_quiet("21:00-07:00")), None, late).at == late


# -- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "wishes", "expected"),
    [
        ({"channel": "sms"}, Wishes(), "2026-11-21 07:00"),
        ({"channel": "sms"}, Wishes(quiet=read_quiet("23:30-05:00")), "2026-11-20 23:00"),
        ({"channel": "sms"}, Wishes(quiet=read_quiet("22:00-05:00")), "2026-11-21 05:00"),
        ({"channel": "sms", "urgent": True}, Wishes(), "2026-11-20 23:00"),
        ({"channel": "portal"}, Wishes(), "2026-11-20 23:00"),
        ({"channel": "email"}, Wishes(digest_hour=18), "2026-11-21 18:00"),
        ({"channel": "email", "urgent": True}, Wishes(digest_hour=18), "2026-11-20 23:00"),
        ({"channel": "sms"}, Wishes(digest_hour=18), "2026-11-21 07:00"),
    ],
)
def test_when_people_are_told(rule: dict[str, Any], wishes: Wishes, expected: str) -> None:
    made = Rule(**{"event_type": TYPES[0], "audience": "applicant", "template": "filed", **rule})
    found = timing(made, wishes, read_quiet("21:00-07:00"), local("2026-11-20 23:00"))
    assert found.at == local(expected)
    assert found.gathered == (wishes.digest_hour is not None and rule["channel"] == "email" and "urgent" not in rule)


# -- what editors write ------------------------------------------------------------------------------------------------

LINE = LINES[0]


@pytest.mark.parametrize(
    ("line", "pointer", "code"),
    [
        (replace(LINE, event="intake.dossier.eaten.v1"), "/rules/0/event", "event_unknown"),
        (replace(LINE, audience="agency", channels=("email",)), "/rules/0/audience", "audience_unknown"),
        (replace(LINE, template="unheard_of"), "/rules/0/channels/0", "template_missing"),
        (replace(LINE, template="received"), "/rules/0/channels/0", "field_missing"),
        (replace(LINE, when=(("kind", "other"),)), "/rules/0/when/kind", "condition_unknown"),
        (replace(LINE, channels=("sms",), obligatory=True), "/rules/0/channels", "channel_missing"),
        (replace(LINES[-1], channels=("email", "sms")), "/rules/0/channels", "channel_unknown"),
        (replace(LINES[-1], template="digest"), "/rules/0/channels/0", "field_missing"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_named(line: Line, pointer: str, code: str) -> None:
    found = rules.errors([line], get_args(Language), templates.needs)
    assert (pointer, code) in {(error.pointer, error.code) for error in found}


def test_two_rules_for_one_case_are_one_too_many() -> None:
    assert [e.code for e in rules.errors([LINE, LINE], get_args(Language), templates.needs)] == ["twice"]


def test_a_rule_with_a_condition_comes_before_the_one_without() -> None:
    plain = next(line for line in LINES if line.event == PAUSED)
    general = replace(plain, when=(), template="resumed", channels=("portal",))
    told = telling.recipients(said(PAUSED), CONTACT, rules.flat([general, plain]))
    assert {one.rule.template for one in told if one.rule.channel == "portal"} == {"paused"}
    other = telling.recipients(said(PAUSED, kind="fee"), CONTACT, rules.flat([general, plain]))
    assert [one.rule.template for one in other] == ["resumed"]


KEYS = st.sampled_from(["a", "b", "c", "d"])
BOOKS = st.dictionaries(KEYS, st.sampled_from(["filed", "received", "refused"]))


def lines_of(book: dict[str, str]) -> tuple[Line, ...]:
    return tuple(replace(LINE, event=key, template=template) for key, template in sorted(book.items()))


@settings(deadline=None, max_examples=150)
@given(BOOKS, BOOKS, BOOKS)
def test_a_new_edition_keeps_what_an_editor_changed(
    before: dict[str, str], edited: dict[str, str], brought: dict[str, str]
) -> None:
    book = Book(
        id="rules:1",
        name="rules",
        number=1,
        lines=lines_of(edited),
        edition=1,
        brought=lines_of(before),
        by="x",
        at=NOW,
    )
    found = {line.event: line.template for line in rules.merged(book, lines_of(brought))}
    for key in {*before, *edited, *brought}:
        if edited.get(key) == before.get(key):
            assert found.get(key) == brought.get(key), "nobody touched it"
        else:
            assert found.get(key) == edited.get(key), "an editor did"


def test_the_file_of_rules_is_what_is_read_of_it() -> None:
    book = json.loads((FOLDER.parent / "rules.json").read_text(encoding="utf-8"))
    assert len(book["rules"]) == len(routing.LINES)
    assert COMMON.isdisjoint({name for occasion in OCCASIONS.values() for name in occasion.params})
