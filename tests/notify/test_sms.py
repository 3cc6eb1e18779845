"""SMS over real HTTP: what is sent, to whom not, and who takes over when a provider fails."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo.database import Database

from chassis import store
from chassis.settings import SettingsError
from notify.backlog import Backlogs
from notify.channels.sms import Pace, Provider, read_receipt, without_numbers
from notify.channels.sms_limits import SmsGate
from notify.domain.phones import sms_obstacle
from notify.domain.segments import length
from notify.failover import FEWEST
from notify.limits import Limits
from notify.outlets import Away
from notify.settings import NotifySettings
from notify.templates import Templates
from tests.doubles.sms import KEYS, SmsProvider
from tests.notify.sms_parts import ENVIRONMENT, PHONE, PUBLIC, Sending, attempts, doubt, message, sending, settings
from tests.support.services import Clock, local

TEXT = f"Ho so H56.30-261120-0001 da duoc tiep nhan. {PUBLIC}/tra-cuu?ma=H56.30-261120-0001"


@pytest.fixture
def first(clock: Clock) -> Iterator[SmsProvider]:
    with SmsProvider("first", clock) as provider:
        yield provider


@pytest.fixture
def second(clock: Clock) -> Iterator[SmsProvider]:
    with SmsProvider("second", clock, dialect="coded") as provider:
        yield provider


@pytest.fixture
def both(database: Database[store.Document], clock: Clock, first: SmsProvider, second: SmsProvider) -> Sending:
    return sending(database, clock, first, second)


@pytest.fixture
def only(database: Database[store.Document], clock: Clock, first: SmsProvider) -> Sending:
    return sending(database, clock, first)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


# -- what is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["rest", "coded"])
def test_a_message_goes_out_once_under_its_own_key(
    database: Database[store.Document], clock: Clock, dialect: str
) -> None:
    before = metric("motcua_sms_segments_total", provider="sms_viettel", encoding="gsm7")
    with SmsProvider("viettel", clock, dialect=dialect) as provider:
        made = sending(database, clock, provider)
        made.add(message(clock))
        made.run()
        made.run()
        assert provider.asked == [made.row().id]
        taken = provider.took[made.row().id]
    assert (taken.to, taken.text, taken.sender) == (PHONE, TEXT, "THANHHOA")
    row = made.row()
    assert (row.state, row.receipt, row.segments, row.template_version) == ("sent", taken.id, 1, 0)
    assert row.attempts[0].via == "sms_viettel"
    assert made.events() == ["notify.message.sent.v1"]
    assert metric("motcua_sms_segments_total", provider="sms_viettel", encoding="gsm7") == before + 1


def test_an_accented_text_is_sent_so_and_costs_more(
    database: Database[store.Document], clock: Clock, second: SmsProvider
) -> None:
    made = sending(database, clock, second, sms_plain="false")
    made.add(message(clock))
    made.run()
    text = second.took[made.row().id].text
    assert text.startswith("Hồ sơ H56.30-261120-0001 đã được tiếp nhận")
    assert made.row().segments == length(text).segments == 2


def test_a_text_that_is_too_long_goes_without_accents(
    database: Database[store.Document], clock: Clock, first: SmsProvider
) -> None:
    made = sending(database, clock, first, sms_plain="false", sms_segments=1)
    made.add(message(clock))
    made.run()
    assert (first.took[made.row().id].text, made.row().segments) == (TEXT, 1)


def test_one_that_is_too_long_even_so_waits_for_shorter_words_and_holds_up_nobody(
    database: Database[store.Document], clock: Clock, first: SmsProvider
) -> None:
    made = sending(database, clock, first, sms_segments=1)
    made.add(message(clock, 1, code="H56" + "." * 80), message(clock, 2))
    made.run()
    assert attempts(made.row(1)) == [("deferred", "too_long", None)]
    assert made.row(2).state == "sent"
    assert first.asked == [made.row(2).id]


@pytest.mark.parametrize(
    ("number", "obstacle"),
    [
        ("+84912345678", None),
        ("0912345678", None),
        ("+842373852246", "not_mobile"),
        ("+8419001234", "not_mobile"),
        ("+84112345678", "not_a_number"),
        ("+14155552671", "foreign"),
        ("", "not_a_number"),
        ("nobody@x.vn", "not_a_number"),
    ],
)
def test_who_can_be_reached_by_sms(number: str, obstacle: str | None) -> None:
    assert sms_obstacle(number) == obstacle


def test_landlines_and_foreign_numbers_are_refused_before_anything_is_sent(both: Sending, first: SmsProvider) -> None:
    both.add(
        message(both.clock, 1, to="+842373852246"), message(both.clock, 2, to="+14155552671"), message(both.clock, 3)
    )
    both.run()
    assert [(row.state, row.attempts[0].detail) for row in both.rows(2)] == [
        ("failed", "not_mobile"),
        ("failed", "foreign"),
    ]
    assert both.events(1) == ["notify.message.failed.v1"]
    assert first.asked == [both.row(3).id]


# -- what a provider answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "outcome", "detail"),
    [
        ("refuses", "refused", "422 invalid_number"),
        ("unknown_code", "deferred", "422 brand_new"),
        ("503", "deferred", "status_503"),
        ("429", "deferred", "status_429"),
        ("500", "interrupted", "status_500"),
        ("not_json", "interrupted", "answer_not_understood"),
        ("odd", "interrupted", "answer_not_understood"),
    ],
)
def test_each_answer_has_its_meaning(only: Sending, first: SmsProvider, fault: str, outcome: str, detail: str) -> None:
    first.fault = fault
    only.add(message(only.clock))
    only.run()
    assert attempts(only.row()) == [(outcome, detail, "sms_first")]
    assert only.row().state == ("failed" if outcome == "refused" else "queued")


def test_an_unknown_code_gives_nothing_up(
    database: Database[store.Document], clock: Clock, second: SmsProvider
) -> None:
    made = sending(database, clock, second)
    second.fault = "refuses"
    made.add(message(clock))
    made.run()
    assert attempts(made.row()) == [("deferred", "200 777", "sms_second")]


def test_a_providers_own_codes_count_first(
    database: Database[store.Document], clock: Clock, second: SmsProvider
) -> None:
    made = sending(database, clock, {**second.settings, "codes": {"777": "refused"}})
    second.fault = "refuses"
    made.add(message(clock))
    made.run()
    assert attempts(made.row()) == [("refused", "200 777", "sms_second")]


def test_a_wrong_key_is_no_messages_fault(only: Sending, first: SmsProvider) -> None:
    first.fault = "unauthorised"
    only.add(message(only.clock))
    with pytest.raises(Away, match="status_401"):
        only.run()
    assert (only.row().state, only.row().attempts) == ("queued", ())


@pytest.mark.parametrize("fault", ["lost", "took_500"])
def test_an_answer_that_got_lost_makes_it_one_message_all_the_same(
    only: Sending, first: SmsProvider, fault: str
) -> None:
    first.fault = fault
    only.add(message(only.clock))
    with suppress(Away):
        only.run()
    assert only.row().attempts[0].outcome == "interrupted"
    first.fault = ""
    only.clock.move(minutes=3)
    only.run()
    assert only.row().state == "sent"
    assert first.asked == [only.row().id] * 2
    assert [taken.id for taken in first.took.values()] == [only.row().receipt]


# -- two providers -----------------------------------------------------------------------------------------------------


def test_while_the_first_works_the_second_is_not_asked(both: Sending, first: SmsProvider, second: SmsProvider) -> None:
    both.add(*(message(both.clock, n) for n in range(1, 31)))
    both.run()
    assert (len(first.took), len(second.took)) == (30, 0)


def test_a_provider_that_cannot_be_reached_costs_nobody_anything(
    database: Database[store.Document], clock: Clock, second: SmsProvider
) -> None:
    with SmsProvider("first", clock) as gone:
        configured = gone.settings
    made = sending(database, clock, configured, second)
    made.add(*(message(clock, n) for n in range(1, 21)))
    made.run()
    assert {row.state for row in made.rows(20)} == {"sent"}
    assert all(len(row.attempts) == 1 and row.attempts[0].via == "sms_second" for row in made.rows(20))
    assert metric("motcua_outlet_away", outlet="sms_first") == 1


@pytest.mark.parametrize("fault", ["503", "500", "down", "slow"])
def test_it_fails_over_within_the_share_and_the_others_are_unaffected(
    database: Database[store.Document], clock: Clock, first: SmsProvider, second: SmsProvider, fault: str
) -> None:
    """Must show 4: at most the share of the window is given to the broken one; the rest goes out at once."""
    share, window, count = 0.5, 6, 40
    made = sending(
        database, clock, first, second,
        failover_share=share, failover_window=window, failover_slow_seconds=0.6, sms_timeout_seconds=5,
    )  # fmt: skip
    made.add(*(message(clock, n) for n in range(1, 11)))
    made.run()
    assert len(first.took) == 10
    first.fault, first.slow_seconds = fault, 0.7
    made.add(*(message(clock, n) for n in range(11, 11 + count)))
    made.run()
    tried = first.asked[10:]
    assert FEWEST <= len(tried) <= share * window + 1, "no more than the share"
    rows = made.rows(10 + count)[10:]
    assert all(row.state == "sent" for row in rows if row.id not in tried), "everybody else has theirs"
    assert len(second.took) == count - len(tried)
    if fault == "slow":
        assert {row.state for row in rows} == {"sent"}
    assert not set(second.took) & set(first.took), "nobody is told twice"
    # Those that the broken one may have wait for it; those that it said no to go to the other one.
    clock.move(minutes=2)
    made.run()
    late = [row for row in made.rows(10 + count)[10:] if row.id in tried and row.state != "sent"]
    assert bool(late) is (fault in ("500", "down"))
    assert all(row.attempts[-1].outcome == "interrupted" for row in late)
    first.fault = ""
    clock.move(hours=1)
    made.failover.timer = lambda: 1e9
    for side in made.failover._sides:
        side._timer = lambda: 1e9
    made.run()
    assert {row.state for row in made.rows(10 + count)} == {"sent"}
    assert not set(second.took) & set(first.took), "nobody is told twice"
    assert len(first.took) + len(second.took) == 10 + count


def test_a_row_in_doubt_is_not_given_to_the_other_one(both: Sending, first: SmsProvider, second: SmsProvider) -> None:
    first.fault = "lost"
    both.add(message(both.clock))
    with suppress(Away):
        both.run()
    key = both.row().id
    assert first.took.keys() == {key}
    both.failover._sides[0].unreachable()
    both.clock.move(minutes=5)
    both.run()
    assert (both.row().state, len(both.row().attempts), second.asked) == ("queued", 1, [])
    first.fault = ""
    both.failover._sides[0]._out_until = None
    both.clock.move(minutes=5)
    both.run()
    assert (both.row().state, both.row().receipt) == ("sent", first.took[key].id)
    assert second.asked == []


def test_a_worker_that_died_leaves_a_row_with_the_one_that_it_was_sending_to(
    both: Sending, first: SmsProvider, second: SmsProvider
) -> None:
    both.add(message(both.clock, attempts=(doubt(both.clock, "sms_second"),)))
    both.run()
    assert (first.asked, second.asked) == ([], [both.row().id])
    assert both.row().attempts[-1].via == "sms_second"


def test_both_are_down_and_everything_goes_out_when_one_is_back(
    both: Sending, first: SmsProvider, second: SmsProvider, notify_store: Any
) -> None:
    first.fault = second.fault = "unauthorised"
    both.add(*(message(both.clock, n) for n in range(1, 6)))
    for _ in range(3):
        with suppress(Away):
            both.run(watch=notify_store.outlets)
    assert all((row.state, row.attempts) == ("queued", ()) for row in both.rows(5))
    # What waits, and since when, is to be seen.
    both.clock.move(minutes=7)
    Backlogs({"sms": both.store.messages.rows("sms")}, notify_store.outlets, both.clock).measure()
    assert metric("motcua_unsent_rows", channel="sms", state="queued") == 5
    assert metric("motcua_unsent_oldest_seconds", channel="sms") == 420
    assert metric("motcua_outlet_away", outlet="sms") == 1
    assert notify_store.outlets.states()["sms"].away is not None
    second.fault = ""
    for side in both.failover._sides:
        side._out_until = None
    both.run(watch=notify_store.outlets)
    assert {row.state for row in both.rows(5)} == {"sent"}
    assert len(second.took) == 5


# -- how much ----------------------------------------------------------------------------------------------------------


def test_so_many_a_second_and_what_would_wait_longer_goes_back() -> None:
    slept: list[float] = []
    now = [100.0]

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now[0] += seconds

    pace = Pace(10, lambda: now[0], sleep)
    assert [pace.turn() for _ in range(4)] == [0, 0, 0, 0]
    assert slept == [0.1] * 3
    slow = Pace(1, lambda: now[0], sleep)
    assert slow.turn() == 0
    assert slow.turn() == pytest.approx(1)
    now[0] += 1
    assert slow.turn() == 0


def test_an_agency_sends_so_many_segments_a_day(notify_store: Any, clock: Clock) -> None:
    clock.set("2026-11-20 09:00")
    limits = Limits(recipient_hour=0, recipient_day=0, agency_day=5)
    gate = SmsGate(notify_store.counters, limits, Templates(PUBLIC, plain_sms=False), 3)
    rows = [message(clock, n, to=f"+8491234567{n}") for n in range(1, 5)]
    other = message(clock, 9, agency="H56.02")
    # Two segments each: there is room for two of them.
    waits = gate.held_back([*rows, other], clock())
    assert [wait is None for wait in waits] == [True, True, False, False, True]
    assert all(wait and local("2026-11-21 08:00") <= wait <= local("2026-11-21 09:00") for wait in waits[2:4])
    assert gate.held_back(rows[:2], clock()) == [None] * 2, "who asks again is counted once"
    clock.set("2026-11-21 08:00")
    assert gate.held_back(rows[2:], clock()) == [None] * 2


def test_segments_and_the_other_limits_hold_together(notify_store: Any, clock: Clock) -> None:
    limits = Limits(recipient_hour=1, recipient_day=0, agency_day=2)
    gate = SmsGate(notify_store.counters, limits, Templates(PUBLIC), 3)
    rows = [
        message(clock, 1),
        message(clock, 2),
        message(clock, 3, to="+84912345670"),
        message(clock, 4, to="+84912345671"),
    ]
    assert [wait is None for wait in gate.held_back(rows, clock())] == [True, False, True, False]


def test_no_number_comes_back_with_an_answer() -> None:
    assert without_numbers("no route to +84912345678") == "no route to …"
    assert without_numbers("0912 345 678: invalid") == "…: invalid"
    assert without_numbers("404 -213 invalid_number") == "404 -213 invalid_number"
    heard = read_receipt(
        Provider.model_validate(PROVIDER), {"id": "1", "status": "undeliverable", "reason": "84912345678 is off"}
    )
    assert heard is not None
    assert heard.reason == "… is off"


# -- settings ----------------------------------------------------------------------------------------------------------

PROVIDER = {"name": "a", "url": "https://sms.x.vn", "key": KEYS["rest"], "brand": "X"}


def test_without_providers_there_is_no_sms() -> None:
    assert settings().sms_providers == ()
    assert NotifySettings.read({**ENVIRONMENT, "SMS_PROVIDERS": ""}).sms_providers == ()


@pytest.mark.parametrize(
    "wrong",
    [
        [PROVIDER, PROVIDER],
        [{**PROVIDER, "name": "Ả"}],
        [{**PROVIDER, "url": "ftp://x"}],
        [{**PROVIDER, "colour": "red"}],
        [{**PROVIDER, "dialect": "coded"}],
        [{**PROVIDER, "receipt_secrets": ["short"]}],
        [{**PROVIDER, "codes": {"1": "whatever"}}],
    ],
)
def test_a_provider_that_is_described_wrongly_stops_the_start_and_no_secret_is_shown(wrong: list[Any]) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(*wrong)
    assert KEYS["rest"] not in str(raised.value)
    assert "short" not in str(raised.value).replace("too_short", "").replace("String should", "")


def test_a_provider_as_it_is_written() -> None:
    (provider,) = settings({**PROVIDER, "most_per_second": 5}).sms_providers
    assert isinstance(provider, Provider)
    assert (provider.outlet, provider.dialect, provider.most_per_second) == ("sms_a", "rest", 5)
