"""What editors may write, how it is checked and shown, and which words a message is told in."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient

from notify import checks, samples
from notify.checks import Checker
from notify.domain.telling import Language
from notify.domain.wordings import SUBJECTLESS, Words, name_of
from notify.queries import wordings as shelf
from notify.queries.wordings import Shelf
from notify.routing import RULES
from notify.store import NotifyStore
from notify.templates import TemplateBroken, Templates
from tests.notify.events import PERSON, RECEIVED, event
from tests.notify.web import PREFIX, Web
from tests.support.services import Clock, hear

EDIT = "messages.edit"
templates = Templates("https://motcua.thanhhoa.example")
checker = Checker(templates, most_segments=1)
GOOD = Words(subject="Hồ sơ {{ code }}", text="Kính gửi {{ name }}: hẹn trả {{ due_at }}. {{ lookup }}")
URL = f"{PREFIX}/templates/received/email/vi"


def wrong(words: Words, template: str = "received", channel: Any = "email", **options: Any) -> list[tuple[str, str]]:
    _, found = Checker(templates, **{"most_segments": 1, **options}).show(template, channel, words)
    return [(error.pointer, error.code) for error in found]


@pytest.mark.parametrize("name", templates.names())
def test_the_projects_own_words_pass_every_check_with_every_sample(name: str) -> None:
    language, _, rest = name.partition("/")
    template, _, channel = rest.partition(".")
    words = templates.words(name)
    assert words is not None
    assert wrong(words, template, channel) == []
    assert (words.subject is None) == (channel in SUBJECTLESS)
    assert language in get_args(Language)


@pytest.mark.parametrize(("rule", "language"), list(product(RULES, get_args(Language))), ids=str)
def test_every_rule_has_words_that_say_something_of_every_sample(rule: Any, language: Language) -> None:
    words = templates.words(name_of(rule.template, rule.channel, language))
    assert words is not None
    shown, found = checker.show(rule.template, rule.channel, words)
    assert found == []
    assert shown is not None
    assert (shown.length is not None) == (rule.channel == "sms")
    if shown.length is not None:
        assert (shown.length.encoding, shown.length.segments) == ("gsm7", 1)
        assert "https://motcua.thanhhoa.example/tra-cuu?ma=" in shown.rendered.text


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"text": "{{ due_at }} {{ lookup }} {{ identity }}"}, ("/text", "field_unknown")),
        ({"text": "Kính gửi {{ name }}. {{ lookup }}"}, ("/text", "field_missing")),
        ({"text": "{{ due_at }}"}, ("/text", "field_missing")),
        ({"text": "{{ due_at }} {{ lookup }} {% if %}"}, ("/text", "syntax")),
        ({"text": "{{ due_at }} {{ lookup }} {{ name | local }}"}, ("/text", "not_renderable")),
        ({"subject": "{{ code }}" + "x" * 150}, ("/subject", "subject_length")),
        ({"subject": "{{ code if false else '' }}"}, ("/subject", "subject_length")),
        ({"subject": None}, ("/subject", "missing")),
        ({"html": "<p>{{ secret }}</p>"}, ("/text", "field_unknown")),
        ({"html": '{% include "vi/unheard-of.txt" %}'}, ("/html", "not_allowed")),
    ],
)
def test_what_is_wrong_with_words_is_named(changed: dict[str, Any], found: tuple[str, str]) -> None:
    assert wrong(GOOD) == []
    assert found in wrong(replace(GOOD, **changed))


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%99999999d' % 1 }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{% set a = 'x' %}{% set a = a ~ a %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ name | center(999999999) }}",
        "{{ name | replace('', 'xxxxxxxxxxxxxxxxxx') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% include ['vi/signature.txt'] %}",
        "{% include name %}",
        "{% import 'facts.html' as show %}{{ show.facts(*code) }}",
        "{% call name() %}{% endcall %}",
        "{{ lipsum(n=100000) }}",
        "{{ cycler('a').next() }}",
        "{% for a in code recursive %}{{ loop(code) }}{% endfor %}",
        "{% for a in name ~ name ~ name %}{{ name }}{% endfor %}",
        "{{ self }}",
        "(" * 5000,
        "{{" + "(" * 3000 + "1" + ")" * 3000 + "}}",
        "{% if name %}" * 2000 + "{% endif %}" * 2000,
        "{% for a in name %}{% for b in name %}{% for c in name %}x{% endfor %}{% endfor %}{% endfor %}",
        # Nothing grows, and each letter costs.
        "{% for a in name %}{% if name" + "|upper|lower" * 50 + " == 'x' %}{% endif %}{% endfor %}",
    ],
    ids=lambda source: source[:30],
)
def test_no_words_run_long_or_grow_large(source: str) -> None:
    began = time.process_time()
    words = replace(GOOD, text=f"{GOOD.text} {source}")
    shown, found = checker.show("received", "email", words)
    assert time.process_time() - began < 5
    if source.startswith("(((("):
        assert found == []
    else:
        assert found
        assert shown is None or len(shown.rendered.text) < 10_000


def test_a_text_that_outgrows_any_message_is_given_up() -> None:
    long = Words(subject="x", text="{{ name }}" * 20)
    with pytest.raises(TemplateBroken, match="too long"):
        templates.fill(long, {"name": "x" * 20_000}, "email")


def test_an_sms_is_measured_as_it_is_sent() -> None:
    words = Words(subject=None, text="Hồ sơ {{ code }} đã được tiếp nhận. {{ lookup }}")
    shown, found = checker.show("received", "sms", words)
    assert found == []
    assert shown is not None
    assert shown.rendered.text.startswith("Ho so H56.14-260823-0001 da duoc tiep nhan. https://")
    assert shown.length is not None
    assert (shown.length.encoding, shown.length.units) == ("gsm7", len(shown.rendered.text))
    accented = Checker(Templates("https://motcua.thanhhoa.example", plain_sms=False), most_segments=1)
    shown, found = accented.show("received", "sms", words)
    assert [error.code for error in found] == ["too_many_segments"] * 2
    assert wrong(replace(words, subject="x"), channel="sms") == [("/subject", "extra_forbidden")]
    assert wrong(replace(words, text="{{ lookup }} " * 3), channel="sms") == [("/text", "too_many_segments")] * 2
    assert wrong(replace(words, text="{{ reason }}"), channel="sms") == [("/text", "field_unknown")]
    assert wrong(replace(words, html="x"), channel="sms") == [("/html", "extra_forbidden")]
    assert wrong(replace(words, text="{{ name }} " * 300), channel="chat") == [("/text", "too_long")] * 2


def test_the_samples_name_every_template() -> None:
    assert {name.partition("/")[2].partition(".")[0] for name in templates.names()} == samples.samples().keys()
    assert templates.environment.filters.keys() >= checks.FILTERS


# -- over HTTP ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def editor(web: Web, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(shelf, "SECONDS", 0.0)
    return web.client("editor-1", EDIT)


def put(client: FlaskClient, body: dict[str, Any], url: str = URL, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(url, json=body, headers=named)


BODY = {"subject": "Hồ sơ {{ code }}", "text": "Mới: {{ due_at | local if due_at else '' }} {{ lookup }}"}


def test_an_editor_changes_words_and_every_version_stays(editor: FlaskClient) -> None:
    own = editor.get(URL)
    assert (own.get_json()["version"], own.headers["ETag"]) == (0, '"0"')
    assert own.get_json()["fields"] == sorted(
        ["name", "procedure_name", "agency_name", "code", "lookup", "choices", "received_at", "due_at"]
    )
    first = put(editor, {**BODY, "note": "Theo công văn 12"}, If_Match='"0"')
    assert (first.status_code, first.get_json()["version"]) == (200, 1)
    assert first.get_json()["changed_by"] == "editor-1"
    assert put(editor, BODY, If_Match='"0"').status_code == 412
    assert put(editor, {**BODY, "subject": "{{ code }}"}, If_Match='"1"').get_json()["version"] == 2
    assert editor.get(URL).get_json()["subject"] == "{{ code }}"
    assert editor.get(URL, query_string={"version": 1}).get_json()["note"] == "Theo công văn 12"
    assert editor.get(URL, query_string={"version": 0}).get_json()["text"] == own.get_json()["text"]
    assert editor.get(URL, query_string={"version": 9}).status_code == 404
    listed = editor.get(f"{URL}/versions", query_string={"limit": 1}).get_json()
    assert [row["version"] for row in listed["items"]] == [2]
    rest = editor.get(f"{URL}/versions", query_string={"limit": 1, "cursor": listed["next"]}).get_json()
    assert ([row["version"] for row in rest["items"]], rest["next"]) == ([1], None)


def test_a_repeated_put_is_one_version(editor: FlaskClient) -> None:
    first = put(editor, BODY, Idempotency_Key="k1")
    put(editor, {**BODY, "subject": "Khác {{ code }}"}, Idempotency_Key="k2")
    again = put(editor, BODY, Idempotency_Key="k1")
    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
    assert put(editor, {**BODY, "note": "x"}, Idempotency_Key="k1").status_code == 422
    assert editor.get(URL).get_json()["version"] == 2
    assert put(editor, BODY).status_code == 428


def test_words_that_are_wrong_are_refused_with_their_place(editor: FlaskClient) -> None:
    answer = put(editor, {**BODY, "text": "{{ due_at }} {{ lookup }} {{ identity }}"}, Idempotency_Key="k1")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "words_invalid")
    assert [(error["pointer"], error["code"]) for error in answer.get_json()["errors"]] == [("/text", "field_unknown")]
    assert editor.get(URL).get_json()["version"] == 0


def test_only_editors(web: Web) -> None:
    citizen = web.client(PERSON, "messages.read", "preferences.choose")
    for url in (URL, f"{PREFIX}/templates", f"{PREFIX}/rules", f"{URL}/versions"):
        assert citizen.get(url).status_code == 403
    assert put(citizen, BODY, Idempotency_Key="k").status_code == 403


@pytest.mark.parametrize(
    "path", ["unheard_of/email/vi", "received/pigeon/vi", "received/email/fr", "task_overdue/sms/vi", "../x/email/vi"]
)
def test_what_is_not_there(editor: FlaskClient, path: str) -> None:
    url = f"{PREFIX}/templates/{path}"
    assert editor.get(url).status_code == 404
    assert put(editor, BODY, url, Idempotency_Key="k1").status_code == 404
    assert editor.post(f"{url}/preview", json={}).status_code == 404


def test_a_list_of_all_words(editor: FlaskClient) -> None:
    put(editor, BODY, Idempotency_Key="k1")
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor is not None or not found:
        page = editor.get(f"{PREFIX}/templates", query_string={"limit": 50, "cursor": cursor or ""}).get_json()
        found, cursor = [*found, *page["items"]], page["next"]
    assert len(found) == len(templates.names())
    changed = [row for row in found if row["version"]]
    assert [(row["template"], row["channel"], row["language"]) for row in changed] == [("received", "email", "vi")]
    query = {"template": "received", "language": "en"}
    few = editor.get(f"{PREFIX}/templates", query_string=query).get_json()["items"]
    assert [row["channel"] for row in few] == ["chat", "email", "portal", "sms"]


def test_a_preview_shows_and_stores_nothing(editor: FlaskClient, notify_store: NotifyStore) -> None:
    own = editor.post(f"{URL}/preview", json={}).get_json()
    assert own["subject"] == "Hồ sơ H56.14-260823-0001 đã được tiếp nhận"
    assert (own["errors"], own["segments"]) == ([], None)
    sms = editor.post(f"{PREFIX}/templates/received/sms/vi/preview", json={}).get_json()
    assert (sms["encoding"], sms["segments"], sms["subject"]) == ("gsm7", 1, None)
    sample = {"code": "H56.14-260823-0009", "received_at": "2026-08-23T10:00:00Z", "due_at": None}
    mine = editor.post(f"{URL}/preview", json={"sample": sample}).get_json()
    assert "0009" in mine["subject"]
    assert "không quy định" in mine["text"]
    bad = editor.post(f"{URL}/preview", json={"subject": "x", "text": "{{ nothing }}"}).get_json()
    assert bad["text"] is None
    assert {error["code"] for error in bad["errors"]} == {"field_unknown", "field_missing"}
    for wrong_sample in ({"due_at": "gestern"}, {"due_at": "2026-08-23T10:00:00"}, {"entries": [{"at_at": "x"}]}):
        answer = editor.post(f"{URL}/preview", json={"sample": wrong_sample})
        assert answer.status_code == 422
    many = editor.post(f"{URL}/preview", json={"sample": {"entries": [{}] * 21}})
    assert many.status_code == 422
    assert "too_long" in {error["code"] for error in many.get_json()["errors"]}
    missing = editor.post(f"{URL}/preview", json={"sample": {"code": None}}).get_json()
    assert [error["code"] for error in missing["errors"]] == ["not_renderable"]
    assert notify_store.wordings.numbers() == {}


# -- what is told in which words ---------------------------------------------------------------------------------------


def test_what_waits_goes_in_the_newest_words_and_what_was_told_keeps_its_own(
    web: Web, editor: FlaskClient, notify_store: NotifyStore, clock: Clock, make_sender: Any, mailbox: Any
) -> None:
    hear(web.table, [event(RECEIVED, "d1", 2, clock(), code="H56.01-261120-0001")])
    portal = f"{PREFIX}/templates/received/portal/vi"
    put(editor, {"subject": "Cổng {{ code }}", "text": "{{ due_at }}"}, portal, Idempotency_Key="k0")
    put(editor, {**BODY, "subject": "Thư {{ code }}"}, Idempotency_Key="k1")
    mine = web.client(PERSON, "messages.read")

    def shown() -> dict[str, str]:
        items = mine.get(f"{PREFIX}/messages").get_json()["items"]
        return {item["channel"]: item["subject"] for item in items}

    told = "Hồ sơ H56.01-261120-0001 đã được tiếp nhận"
    assert shown() == {"portal": told, "email": "Thư H56.01-261120-0001"}
    newest = Templates("https://motcua.thanhhoa.example/", shelf=Shelf(notify_store))
    make_sender(templates=newest).once(threading.Event())
    assert mailbox.taken[0][1]["Subject"] == "Thư H56.01-261120-0001"
    put(editor, {**BODY, "subject": "Mới hơn {{ code }}"}, Idempotency_Key="k2")
    assert shown() == {"portal": told, "email": "Thư H56.01-261120-0001"}
    versions = {row["channel"]: row["template_version"] for row in notify_store.messages.aggregates.collection.find()}
    assert versions == {"portal": 0, "email": 1}
    clock.now += timedelta(seconds=1)
    hear(web.table, [event(RECEIVED, "d2", 2, clock(), code="H56.01-261120-0002")])
    assert "Cổng H56.01-261120-0002" in {item["subject"] for item in mine.get(f"{PREFIX}/messages").get_json()["items"]}
