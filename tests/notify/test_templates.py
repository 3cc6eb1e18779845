"""The words of messages: every template there is, with every value that there may be."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from chassis.consume import Received
from chassis.envelope import read, read_data
from notify.consumer import happened, table
from notify.domain import messages, telling
from notify.domain.messages import Message
from notify.domain.telling import Contact, Language, Office
from notify.routing import RULES
from notify.templates import FOLDER, TemplateBroken, Templates
from notify.usecases.telling import Telling
from tests.notify.events import (
    AGENCY_TYPES,
    APPROACHING,
    EXTENDED,
    FEE_ASKED,
    FILED,
    FINISHED,
    HANDED_OVER,
    INSTANTS,
    MISSED,
    PAID,
    PAUSED,
    POST_FAILED,
    RECEIVED,
    REFUSED,
    RESCHEDULED,
    RESUMED,
    STOPPED,
    SUPPLEMENT_ASKED,
    SUPPLEMENT_REQUESTED,
    TASK_OVERDUE,
    TYPES,
    WITHDRAWN,
    event,
)

AT = datetime(2026, 8, 23, 10, 0, tzinfo=UTC)
CONTACT = Contact(
    name="Nguyễn Thị Hoa",
    email="hoa@example.vn",
    person="person-hoa",
    procedure_name="Cấp phép <xây dựng> & sửa chữa",
    agency_name="Sở Xây dựng",
)
OFFICES = {"H56.14": Office(id="H56.14", name="Sở Tư pháp <1>", email="stp@thanhhoa.example")}
CODE = "H56.14-260823-0001"
LATER = "2026-08-25T10:00:00Z"
VARIANTS: dict[str, list[dict[str, Any]]] = {
    FILED: [{}],
    RECEIVED: [{"code": CODE, "due_at": AT.isoformat()}, {"code": CODE, "due_at": None}],
    REFUSED: [{"reason": "Thiếu bản vẽ.\nXin nộp lại."}],
    SUPPLEMENT_REQUESTED: [{"reason": "Bổ sung bản vẽ.", "until": until} for until in ("2026-09-01", None)],
    WITHDRAWN: [{"code": code} for code in (CODE, None)],
    HANDED_OVER: [{"code": CODE, "method": method} for method in ("collect", "post", "electronic")],
    FINISHED: [{"code": CODE, "outcome": outcome, "result_name": "Giấy phép"} for outcome in ("approved", "rejected")],
    FEE_ASKED: [{"code": code, "amount": 1_080_000, "reason": "Phí đo đạc"} for code in (CODE, None)],
    SUPPLEMENT_ASKED: [{"code": CODE, "reason": "Bổ sung bản vẽ.", "until": until} for until in ("2026-09-01", None)],
    RESUMED: [{"code": CODE, "due_at": due} for due in (AT.isoformat(), None)],
    EXTENDED: [
        {"code": CODE, "reason": "Chờ ý kiến", "apology": apology, "due_at": LATER, "previous_due_at": AT.isoformat()}
        for apology in (True, False)
    ],
    STOPPED: [{"code": CODE, "reason": "Đất có tranh chấp"}],
    POST_FAILED: [{"code": CODE, "order": f"{CODE}-1", "returned": returned} for returned in (True, False)],
    PAID: [{"code": code, "amount": 1_080_000} for code in (CODE, None)],
    PAUSED: [{"code": CODE, "reason": "Chờ ý kiến", "basis": "?"}],
    RESCHEDULED: [
        {"code": CODE, "due_at": due, "previous_due_at": was, "basis": "Thông báo 12/TB"}
        for due, was in ((LATER, AT.isoformat()), (None, LATER), (LATER, None))
    ],
    APPROACHING: [{"code": CODE, "told": ["H56.14"]}],
    MISSED: [{"code": CODE, "told": ["H56.14"], "apology": apology} for apology in (True, False)],
    TASK_OVERDUE: [{"code": CODE, "told": ["H56.14"], "step_name": "Thẩm định"}],
}
READINGS = {
    event_type: kind
    for subscription in table(Telling.__new__(Telling))
    for event_type, kind in subscription.readings.items()
}
templates = Templates("https://motcua.thanhhoa.example/")


def messages_of(event_type: str, language: Language, contact: Contact = CONTACT) -> list[Message]:
    made: list[Message] = []
    for variant in VARIANTS[event_type]:
        envelope = read(event(event_type, "d1", 1, AT, **variant))
        what = happened(Received(envelope, read_data(READINGS[event_type], envelope.data)))
        told = telling.recipients(what, contact, RULES, OFFICES)
        made += [messages.compose("m1", one, what, contact, language, AT)[0] for one in told]
    return made


def one(event_type: str, channel: str = "email", language: Language = "vi", contact: Contact = CONTACT) -> Message:
    return next(message for message in messages_of(event_type, language, contact) if message.channel == channel)


@pytest.mark.parametrize(("event_type", "language"), list(product((*TYPES, *AGENCY_TYPES), get_args(Language))))
def test_every_message_says_what_it_should(event_type: str, language: Language) -> None:
    for message in messages_of(event_type, language):
        rendered = templates.render(message)
        assert bool(rendered.subject) == (message.channel not in ("sms", "chat"))
        assert "\n" not in rendered.subject
        for text in filter(None, (rendered.subject, rendered.text, rendered.html)):
            assert unicodedata.is_normalized("NFC", text)
            assert not re.search(r"\{\{|\}\}|\{%|None|Undefined|\d{4}-\d\d-\d\dT", text), text
        assert "\n\n\n" not in rendered.text
        if message.code is not None:
            assert message.code in rendered.subject + rendered.text
        # Every event's own instant is shown, in local time.
        assert "23/08/2026 17:00" in rendered.text or message.channel == "sms"
        if message.channel == "email":
            assert templates.lookup(message) in rendered.text
            assert ("Sở Tư pháp" if event_type in AGENCY_TYPES else "Nguyễn Thị Hoa") in rendered.text
        if event_type in AGENCY_TYPES:
            assert "Nguyễn" not in rendered.text, "an agency looks up whose dossier it is"
        if rendered.html is not None:
            assert "&lt;xây dựng&gt; &amp; sửa chữa" in rendered.html
            assert f'href="{templates.lookup(message)}"' in rendered.html
            assert f'lang="{language}"' in rendered.html


def test_every_rule_has_its_words_and_every_text_its_rule() -> None:
    wanted = {f"{rule.template}.{rule.channel}" for rule in RULES} | {"digest.email"}
    # Told to whoever owns a webhook, which no rule does.
    wanted |= {"webhook_disabled.email", "webhook_disabled.portal"}
    # An editor may have any event told by SMS, though the project's own rules spare the province some.
    spared = {f"{name}.sms" for name in ("filed", "handed_over", "paid", "resumed")}
    for language in get_args(Language):
        there = {path.stem for path in (FOLDER / language).glob("*.*.txt")}
        assert there == wanted | spared
        assert {path.stem for path in (FOLDER / language).glob("*.*.html")} <= wanted
    told_of = set(READINGS) - {"catalog.agency.changed.v1"}
    assert {rule.event_type for rule in RULES} == {*TYPES, *AGENCY_TYPES} == set(INSTANTS) == told_of
    assert {rule.event_type for rule in RULES if rule.audience == "agency"} == set(AGENCY_TYPES)


def test_an_amount_and_an_apology_in_vietnamese() -> None:
    assert "Số tiền: 1.080.000 đồng\n" in templates.render(one(FEE_ASKED)).text
    apologised, plainly = (templates.render(message) for message in messages_of(EXTENDED, "vi")[::2])
    assert apologised.subject == f"Xin lỗi và hẹn lại thời gian trả kết quả hồ sơ {CODE}"
    assert "xin trân trọng xin lỗi" in apologised.text
    assert "Hẹn trả mới: 25/08/2026 17:00\n" in apologised.text
    assert "xin lỗi" not in plainly.text.lower()


def test_the_receipt_in_vietnamese() -> None:
    rendered = templates.render(one(RECEIVED))
    assert rendered.subject == f"Hồ sơ {CODE} đã được tiếp nhận"
    assert f"Mã hồ sơ: {CODE}\n" in rendered.text
    assert "Hẹn trả kết quả: 23/08/2026 17:00\n" in rendered.text
    assert f"https://motcua.thanhhoa.example/tra-cuu?ma={CODE}" in rendered.text


def test_before_there_is_a_code_the_id_looks_a_dossier_up() -> None:
    assert templates.lookup(one(FILED)) == "https://motcua.thanhhoa.example/tra-cuu?ma=d1"


def test_a_code_does_not_leave_its_place_in_the_link() -> None:
    message = replace(one(RECEIVED), code='x" onclick="y&z#/../')
    assert templates.lookup(message).endswith("?ma=x%22%20onclick%3D%22y%26z%23%2F..%2F")


def test_nobodys_name_is_markup() -> None:
    contact = replace(CONTACT, name="<script>alert(1)</script> {{ 7*7 }}")
    rendered = templates.render(one(RECEIVED, contact=contact))
    assert rendered.html is not None
    assert "<script>" not in rendered.html
    assert "&lt;script&gt;" in rendered.html
    assert "49" not in rendered.text.replace(CODE, "")


def test_what_a_template_asks_for_must_be_there() -> None:
    message = one(RECEIVED)
    missing = replace(message, params={key: value for key, value in message.params.items() if key != "due_at"})
    with pytest.raises(TemplateBroken, match=r"received\.email: UndefinedError"):
        templates.render(missing)


def test_a_template_that_is_not_there_is_broken() -> None:
    with pytest.raises(TemplateBroken, match="TemplateNotFound"):
        templates.render(replace(one(RECEIVED), template="unheard_of"))


@pytest.mark.parametrize("source", ["Only a subject\n", "Subject\nno empty line\n\ntext"])
def test_a_text_without_subject_and_empty_line_is_broken(tmp_path: Path, source: str) -> None:
    (tmp_path / "vi").mkdir()
    (tmp_path / "vi" / "received.email.txt").write_text(source)
    with pytest.raises(TemplateBroken):
        Templates("https://x.example", tmp_path).render(one(RECEIVED))


def test_a_template_cannot_reach_the_process(tmp_path: Path) -> None:
    (tmp_path / "vi").mkdir()
    escape = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    (tmp_path / "vi" / "received.email.txt").write_text(f"Subject\n\n{escape}")
    with pytest.raises(TemplateBroken, match=r"SecurityError|UndefinedError"):
        Templates("https://x.example", tmp_path).render(one(RECEIVED))
