"""The rules over HTTP, and that telling goes by them at once."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from notify.domain.rules import Line
from notify.routing import EDITION, LINES
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases import rules as use
from notify.usecases.rules import Rules
from tests.notify.events import FILED, event
from tests.notify.web import PREFIX, Web, make_web
from tests.support.services import Clock, hear

URL = f"{PREFIX}/rules"
templates = Templates("https://motcua.thanhhoa.example")


@pytest.fixture
def editor(web: Web) -> FlaskClient:
    return web.client("editor-1", "messages.edit")


def put(client: FlaskClient, rules: list[dict[str, Any]], *, note: str | None = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(URL, json={"rules": rules, "note": note}, headers=named)


def told(notify_store: NotifyStore) -> list[tuple[str, str]]:
    found = notify_store.messages.aggregates.collection.find({}, sort=[("channel", 1)])
    return [(row["channel"], row["template"]) for row in found]


def test_the_projects_rules_are_the_first_version(editor: FlaskClient, notify_store: NotifyStore, clock: Clock) -> None:
    answer = editor.get(URL)
    book = answer.get_json()
    assert (book["version"], book["edition"], book["changed_by"]) == (1, EDITION, "release")
    assert answer.headers["ETag"] == '"1"'
    assert len(book["rules"]) == len(LINES)
    Rules(notify_store, clock, templates).bring()
    assert editor.get(URL).get_json() == book, "brought once"


def test_what_an_editor_changes_counts_at_once(
    web: Web, editor: FlaskClient, notify_store: NotifyStore, clock: Clock
) -> None:
    rules = editor.get(URL).get_json()["rules"]
    filed = next(rule for rule in rules if rule["event"] == FILED)
    rest = [rule for rule in rules if rule is not filed]
    answer = put(editor, [*rest, {**filed, "channels": ["portal"]}], note="Công văn 12/VP", If_Match='"1"')
    assert (answer.status_code, answer.get_json()["version"]) == (200, 2)
    assert answer.get_json()["changed_by"] == "editor-1"
    fresh = make_web(notify_store.messages.aggregates.collection.database, clock, web.folder)
    hear(fresh.table, [event(FILED, "d1", 1, clock())])
    assert told(notify_store) == [("portal", "filed")]
    assert put(editor, rest, If_Match='"1"').status_code == 412
    assert editor.get(URL, query_string={"version": 1}).get_json()["rules"] == rules
    assert editor.get(URL, query_string={"version": 7}).status_code == 404
    listed = editor.get(f"{URL}/versions").get_json()
    assert [(row["version"], row["changed_by"], row["note"]) for row in listed["items"]] == [
        (2, "editor-1", "Công văn 12/VP"),
        (1, "release", None),
    ]


def test_a_running_worker_hears_of_it_within_seconds(
    web: Web, editor: FlaskClient, notify_store: NotifyStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("chassis.cache.time.monotonic", lambda: now[0])
    hear(web.table, [event(FILED, "d1", 1, clock())])
    before = len(told(notify_store))
    put(editor, [rule for rule in editor.get(URL).get_json()["rules"] if rule["event"] != FILED], Idempotency_Key="k")
    hear(web.table, [event(FILED, "d2", 1, clock())])
    assert len(told(notify_store)) == 2 * before
    now[0] += use.SECONDS + 0.1
    hear(web.table, [event(FILED, "d3", 1, clock())])
    assert len(told(notify_store)) == 2 * before


def test_a_repeated_put_is_one_version(editor: FlaskClient) -> None:
    rules = editor.get(URL).get_json()["rules"]
    first = put(editor, rules, Idempotency_Key="k1")
    put(editor, rules[1:], Idempotency_Key="k2")
    assert put(editor, rules, Idempotency_Key="k1").data == first.data
    assert put(editor, rules[2:], Idempotency_Key="k1").status_code == 422
    assert put(editor, rules).status_code == 428
    assert editor.get(URL).get_json()["version"] == 3


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"event": "intake.dossier.eaten.v1"}, "/rules/0/event", "event_unknown"),
        ({"template": "received"}, "/rules/0/channels/0", "field_missing"),
        ({"channels": ["pigeon"]}, "/rules/0/channels/0", "literal_error"),
        ({"channels": []}, "/rules/0/channels", "too_short"),
        ({"group": "news"}, "/rules/0/group", "literal_error"),
        ({"template": "../../x"}, "/rules/0/template", "string_pattern_mismatch"),
        ({"colour": "red"}, "/rules/0/colour", "extra_forbidden"),
    ],
)
def test_a_wrong_rule_is_named(editor: FlaskClient, changed: dict[str, Any], pointer: str, code: str) -> None:
    rules = editor.get(URL).get_json()["rules"]
    answer = put(editor, [{**rules[0], **changed}, *rules[1:]], Idempotency_Key="k1")
    assert answer.status_code == 422
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in answer.get_json()["errors"]}
    assert editor.get(URL).get_json()["version"] == 1


def test_a_new_edition_is_merged_once_whoever_starts_first(
    editor: FlaskClient, notify_store: NotifyStore, clock: Clock
) -> None:
    rules = editor.get(URL).get_json()["rules"]
    mine = [{**rules[0], "channels": ["portal"]}, *rules[1:]]
    put(editor, mine, Idempotency_Key="k1")
    changed: tuple[Line, ...] = tuple(replace(line, urgent=True) for line in LINES)
    starters = [Rules(notify_store, clock, templates, EDITION + 1, changed) for _ in range(2)]
    for each in starters:
        each.bring()
    Rules(notify_store, clock, templates).bring()
    book = editor.get(URL).get_json()
    assert (book["version"], book["edition"], book["changed_by"]) == (3, EDITION + 1, "release")
    by_event = {(rule["event"], rule["template"]): rule for rule in book["rules"]}
    assert by_event[FILED, "filed"]["channels"] == ["portal"]
    assert not by_event[FILED, "filed"]["urgent"]
    assert all(rule["urgent"] for key, rule in by_event.items() if key[0] != FILED)
