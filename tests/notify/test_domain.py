"""What may become of a message."""

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import WrongState
from notify.domain import deliveries, messages, telling
from notify.domain.deliveries import WAITS
from notify.domain.messages import Message
from notify.domain.telling import Contact, Happened, Rule
from notify.events import MessageFailed, MessageSent

NOW = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
CONTACT = Contact(
    name="Nguyễn Thị Hoa",
    email="hoa@example.vn",
    person="person-hoa",
    procedure_name="Đăng ký khai sinh",
    agency_name="UBND phường Hạc Thành",
)
HAPPENED = Happened(
    event_type="intake.dossier.refused.v1",
    event_id="intake.dossier:d1:2",
    dossier="d1",
    code=None,
    agency="H56.01",
    at=NOW,
    params={"refused_at": NOW, "reason": "Thiếu giấy chứng sinh.\nXin bổ sung."},
    trace="00-1",
)
EMAIL = Rule(HAPPENED.event_type, "applicant", "email", "refused")
PORTAL = Rule(HAPPENED.event_type, "applicant", "portal", "refused")
OTHER = Rule("intake.dossier.filed.v1", "applicant", "email", "filed")


def composed(rule: Rule = EMAIL, contact: Contact = CONTACT) -> tuple[Message, messages.Events]:
    (told,) = telling.recipients(HAPPENED, contact, [rule])
    return messages.compose("m1", told, HAPPENED, contact, "vi", NOW)


def taken() -> Message:
    return deliveries.take(composed()[0], "worker-1", NOW + timedelta(minutes=5))


def test_each_person_is_told_by_every_channel_that_reaches_them() -> None:
    def channels(contact: Contact) -> list[tuple[str, str]]:
        return [(told.rule.channel, told.to) for told in telling.recipients(HAPPENED, contact, [EMAIL, PORTAL, OTHER])]

    assert channels(CONTACT) == [("email", "hoa@example.vn"), ("portal", "person-hoa")]
    assert channels(replace(CONTACT, email=None)) == [("portal", "person-hoa")]
    assert channels(replace(CONTACT, person=None, email="")) == []


def test_an_email_waits_and_a_message_in_the_portal_is_there() -> None:
    email, nothing = composed()
    assert (email.state, email.next_at, email.to, nothing) == ("queued", NOW, "hoa@example.vn", ())
    portal, (event,) = composed(PORTAL)
    assert (portal.state, portal.next_at, portal.to) == ("delivered", None, "person-hoa")
    assert event == MessageSent(
        dossier="d1", code=None, agency="H56.01", channel="portal", template="refused", attempts=1, at=NOW
    )


def test_a_name_is_one_line_and_a_reason_may_have_several() -> None:
    name = "Nguye\u0302\u0303n\r\nBcc: all@example.vn\u2028\x00 Thi\u0323 \u202eHoa\t"
    message, _ = composed(contact=replace(CONTACT, name=name))
    assert message.params["name"] == "Nguyễn Bcc: all@example.vn Thị Hoa"
    assert message.params["reason"] == "Thiếu giấy chứng sinh.\nXin bổ sung."


def test_accepted() -> None:
    message = deliveries.accepted(taken(), NOW, "250 OK")
    (event,) = messages.news(message, NOW)
    assert (message.state, message.lease, message.next_at) == ("sent", None, None)
    assert [attempt.outcome for attempt in message.attempts] == ["accepted"]
    assert isinstance(event, MessageSent)
    assert event.attempts == 1


def test_refused_is_final() -> None:
    message = deliveries.refused(taken(), NOW, "550 no such user")
    (event,) = messages.news(message, NOW)
    assert (message.state, message.lease, message.next_at) == ("failed", None, None)
    assert isinstance(event, MessageFailed)
    assert (event.reason, event.attempts) == ("refused", 1)


def test_deferred_waits_longer_each_time_for_three_days_and_is_given_up() -> None:
    message, events = composed()
    now = NOW
    waits: list[timedelta] = []
    while message.state == "queued":
        assert events == ()
        message = deliveries.deferred(deliveries.take(message, "worker-1", now), now, "451 later")
        events = messages.news(message, now)
        if message.next_at is not None:
            waits.append(message.next_at - now)
            now = message.next_at
    assert waits == sorted(waits)
    assert now - NOW >= timedelta(hours=72)
    (event,) = events
    assert isinstance(event, MessageFailed)
    assert (message.state, event.reason, event.attempts) == ("failed", "given_up", len(WAITS) + 1)


def test_what_failed_together_does_not_come_back_together() -> None:
    sending = [deliveries.take(replace(composed()[0], id=f"m{n}"), "worker-1", NOW) for n in range(1000)]
    again = [deliveries.deferred(row, NOW, "451 later") for row in sending]
    assert again == [deliveries.deferred(row, NOW, "451 later") for row in sending]
    waits = sorted(row.next_at - NOW for row in again if row.next_at is not None)
    assert waits[0] >= WAITS[0]
    assert waits[-1] < WAITS[0] * 1.5
    # In each tenth of the time about a tenth of them.
    tenths = Counter((wait - WAITS[0]) // (WAITS[0] / 20) for wait in waits)
    assert len(tenths) == 10
    assert max(tenths.values()) < 200


def test_where_nothing_is_given_up_it_goes_on_for_ever() -> None:
    row = composed()[0]
    for _ in range(3 * len(WAITS)):
        taken = deliveries.take(row, "worker-1", NOW)
        row = deliveries.deferred(taken, NOW, "down", "interrupted", afterwards=timedelta(hours=1))
    assert row.state == "queued"
    assert row.next_at is not None
    assert timedelta(hours=1) <= row.next_at - NOW <= timedelta(hours=1.5)


def test_how_long_something_is_over_is_known() -> None:
    failed = deliveries.refused(taken(), NOW, "550")
    assert (failed.over_at, deliveries.retry(failed, NOW, "operator").over_at) == (NOW, None)
    assert deliveries.accepted(taken(), NOW, "250").over_at == NOW


def test_returned_counts_nothing() -> None:
    queued = composed()[0]
    assert deliveries.returned(deliveries.take(queued, "worker-1", NOW)) == queued


def test_a_retry_sends_now_and_counts_anew() -> None:
    failed = deliveries.refused(taken(), NOW, "550")
    later = NOW + timedelta(days=1)
    queued = deliveries.retry(failed, later, "operator")
    assert (queued.state, queued.next_at) == ("queued", later)
    again = deliveries.deferred(deliveries.take(queued, "worker-1", later), later, "451")
    assert again.next_at is not None
    assert WAITS[0] <= again.next_at - later < WAITS[0] * 1.5
    (event,) = messages.news(deliveries.accepted(deliveries.take(again, "worker-1", later), later, "250"), later)
    assert event.attempts == 3


@pytest.mark.parametrize("state", ["sending", "sent", "delivered"])
def test_what_may_be_in_the_persons_hands_is_not_sent_again(state: deliveries.State) -> None:
    with pytest.raises(deliveries.NotRetriable):
        deliveries.retry(replace(taken(), state=state), NOW, "operator")


@pytest.mark.parametrize("state", ["queued", "sent", "delivered", "failed"])
def test_only_its_taker_says_what_became_of_it(state: deliveries.State) -> None:
    message = replace(taken(), state=state)
    acts: list[Callable[[], Message]] = [
        lambda: deliveries.accepted(message, NOW, ""),
        lambda: deliveries.refused(message, NOW, ""),
        lambda: deliveries.deferred(message, NOW, ""),
        lambda: deliveries.returned(message),
    ]
    for act in acts:
        with pytest.raises(WrongState):
            act()


def test_only_what_is_queued_is_taken() -> None:
    with pytest.raises(WrongState):
        deliveries.take(taken(), "worker-2", NOW)


def test_the_first_reading_is_noted() -> None:
    message, _ = composed(PORTAL)
    read = messages.read(message, NOW)
    assert read.read_at == NOW
    assert messages.read(read, NOW + timedelta(hours=1)) == read
    with pytest.raises(messages.NotReadable):
        messages.read(composed()[0], NOW)


@pytest.mark.parametrize(
    ("to", "masked"), [("an@x.vn", "a***@x.vn"), ("a@x.vn", "a***@x.vn"), ("person-hoa", "p***"), ("", "***")]
)
def test_masked(to: str, masked: str) -> None:
    assert messages.masked(to) == masked


@settings(deadline=None)
@given(st.text())
def test_plain_text_draws_nowhere_else(text: str) -> None:
    plain = messages.plain(text)
    assert plain == messages.plain(plain)
    assert unicodedata.is_normalized("NFC", plain)
    assert not [c for c in plain if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
