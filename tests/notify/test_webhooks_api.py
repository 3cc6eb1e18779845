"""Who sets up webhooks for whom, and what they are shown of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import system_clock
from native.access import Persona
from notify.main import NOTIFY
from notify.webhooks import signatures
from notify.webhooks.domain import MOST_OF_AN_AGENCY, MOST_SECRETS, TYPES
from tests.doubles.webhook_receiver import SECRET
from tests.notify.webhook_parts import (
    EVERYTHING,
    OFFICE,
    OPERATOR,
    OTHER_OFFICE,
    OTHERS,
    OURS,
    PROVINCE,
    Parts,
    event,
    parts,
)  # fmt: skip
from tests.support import services
from tests.support.services import Clock, Tokens, everything, pointers, problem

URL = "http://127.0.0.1:9/hook"
BODY = {"url": URL, "types": EVERYTHING, "description": "Phần mềm của xã"}


@pytest.fixture
def made(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Parts]:
    with parts(database_url, Tokens(tmp_path), clock) as made:
        yield made


def test_a_secret_of_ours_is_shown_once_and_kept_sealed(made: Parts) -> None:
    first = made.notify.post("webhooks", OFFICE, BODY, key="k1")
    again = made.notify.post("webhooks", OFFICE, BODY, key="k1")
    assert (first.status_code, again.status_code, first.data) == (201, 201, again.data)
    hook = first.get_json()
    assert len(signatures.key_of(hook["secret"])) == 32
    assert (hook["agency"], hook["state"], hook["signatures"], hook["version"]) == (OURS, "active", 1, 1)
    shown = made.notify.get(f"webhooks/{hook['id']}", OFFICE)
    assert shown.get_json() == {name: value for name, value in hook.items() if name != "secret"}
    (kept,) = made.notify.rows("webhooks")
    text = json.dumps(kept, default=str)
    assert hook["secret"] not in text
    assert hook["secret"].removeprefix("whsec_") not in text
    problem(made.notify.post("webhooks", OFFICE, {**BODY, "description": "x"}, key="k1"), 422, "idempotency_key_reused")


def test_a_secret_of_theirs_is_not_shown(made: Parts) -> None:
    hook = made.create(URL)
    assert hook["secret"] is None
    assert SECRET not in json.dumps(made.notify.rows("webhooks"), default=str)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"url": "http://10.0.0.1/"}, [("/url", "address_not_allowed")]),
        ({"url": "http://127.0.0.1:9/hook#x"}, [("/url", "userinfo_or_fragment")]),
        ({"url": "x"}, [("/url", "string_too_short")]),
        ({"types": []}, [("/types", "value_error")]),
        ({"types": ["intake.dossier.eaten.v1"]}, [("/types/0", "value_error")]),
        ({"types": ["*"]}, [("/types/0", "value_error")]),
        ({"types": ["intake.document.looked_up.v1"]}, [("/types/0", "value_error")]),
        ({"description": "a\nb"}, [("/description", "string_pattern_mismatch")]),
        ({"secret": "whsec_AAAA"}, [("/secret", "value_error")]),
        ({"secret": "not one"}, [("/secret", "value_error")]),
        ({"agency": "h56/../x"}, [("/agency", "agency")]),
        ({"more": 1}, [("/more", "extra_forbidden")]),
    ],
)
def test_what_is_no_webhook_is_named(made: Parts, change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    answer = made.notify.post("webhooks", OFFICE, {**BODY, **change})
    assert pointers(answer) == expected
    if "secret" in change:
        assert change["secret"].encode() not in answer.data
    assert made.notify.rows("webhooks") == []


def test_whose_dossiers(made: Parts) -> None:
    problem(made.notify.post("webhooks", OFFICE, {**BODY, "agency": OTHERS}), 403)
    problem(made.notify.post("webhooks", OFFICE, {**BODY, "province": True}), 403)
    problem(made.notify.post("webhooks", OPERATOR, {**BODY, "province": True}), 403)
    assert pointers(made.notify.post("webhooks", OPERATOR, BODY)) == [("/agency", "agency")]
    assert pointers(made.notify.post("webhooks", PROVINCE, {**BODY, "province": True, "agency": OURS})) == [
        ("/agency", "province")
    ]
    problem(made.notify.post("webhooks", Persona("ai do", ("messages.read",), agency=OURS), BODY), 403)
    assert made.create(URL, OPERATOR, agency=OTHERS)["agency"] == OTHERS
    assert made.create(URL, PROVINCE, province=True)["agency"] is None


def test_nobody_sees_or_changes_anothers(made: Parts) -> None:
    """What is another agency's, and what is not there, answer alike."""
    ours, whole = made.create(URL), made.create(URL, PROVINCE, province=True)
    made.hear(event(TYPES[1], "d1", 1))
    (row,) = made.deliveries(ours["id"])
    put = {name: BODY[name] for name in ("url", "types", "description")}
    acts: list[tuple[str, str, Any]] = [
        ("GET", "", None), ("PUT", "", put), ("GET", "/deliveries", None), ("POST", "/secret-rotation", {}),
        ("POST", "/test", {}), ("POST", "/disable", {}), ("POST", "/enable", {}), ("POST", "/removal", {}),
        ("POST", "/replay", {"from": "2026-11-19T00:00:00Z"}), ("POST", f"/deliveries/{row['id']}/retry", {}),
        ("GET", "/replays/r1", None),
    ]  # fmt: skip
    strangers = [(ours["id"], OTHER_OFFICE), (whole["id"], OFFICE), (whole["id"], OTHER_OFFICE), (ours["id"], PROVINCE)]
    for n, (hook, who) in enumerate([*strangers, ("not-there", OFFICE)]):
        for method, path, body in acts:
            key = None if method == "GET" else f"k{n}{path}"
            answer = made.notify.request(method, f"webhooks/{hook}{path}", who, body, key=key)
            assert problem(answer, 404, "webhook_not_found")["detail"] == f"no webhook {hook} for you" or path
    for who, expected in (
        (OFFICE, {ours["id"]}), (OTHER_OFFICE, set()), (PROVINCE, {whole["id"]}), (OPERATOR, {ours["id"], whole["id"]}),
        (Persona("khong co quan", ("webhooks.manage",)), set()),
    ):  # fmt: skip
        assert {each["id"] for each in made.notify.get("webhooks", who).get_json()["items"]} == expected
    other = made.create(URL, OTHER_OFFICE)
    problem(made.notify.post(f"webhooks/{other['id']}/deliveries/{row['id']}/retry", OTHER_OFFICE), 404)


def test_an_offices_software_with_its_api_key(made: Parts) -> None:
    key = made.notify.tokens.api_key("mot-cua-xa", ("webhooks.manage",), OURS)
    headers = {"X-Api-Key": key, "Idempotency-Key": "k"}
    answer = made.notify.request("POST", "webhooks", body=BODY, headers=headers)
    assert (answer.get_json()["owner"], answer.get_json()["agency"]) == ("system:mot-cua-xa", OURS)


def test_lists_are_paged(made: Parts) -> None:
    ids = []
    for _ in range(5):
        ids.append(made.create(URL)["id"])
        made.clock.move(seconds=1)
    found, cursor = [], ""
    while True:
        answer = made.notify.get(f"webhooks?limit=2{cursor}", OFFICE).get_json()
        found += [each["id"] for each in answer["items"]]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert found == ids[::-1]
    made.hear(*(event(TYPES[1], f"d{n}", 1) for n in range(3)))
    page = made.notify.get(f"webhooks/{ids[0]}/deliveries?limit=2", OFFICE).get_json()
    rest = made.notify.get(f"webhooks/{ids[0]}/deliveries?limit=2&cursor={page['next']}", OFFICE).get_json()
    assert len({each["id"] for each in (*page["items"], *rest["items"])}) == 3
    assert rest["next"] is None
    assert made.deliveries(ids[0], query="?state=sent") == []
    problem(made.notify.get(f"webhooks/{ids[0]}/deliveries?state=gathered", OFFICE), 422)


def test_an_agency_has_so_many(made: Parts) -> None:
    hooks = [made.notify.post("webhooks", OFFICE, BODY, key=f"k{n}") for n in range(MOST_OF_AN_AGENCY)]
    problem(made.notify.post("webhooks", OFFICE, BODY), 409, "too_many_webhooks")
    assert made.notify.post("webhooks", OFFICE, BODY, key="k3").data == hooks[3].data
    made.create(URL, OTHER_OFFICE)
    made.notify.post(f"webhooks/{hooks[0].get_json()['id']}/removal", OFFICE)
    made.create(URL)


def test_it_is_changed_with_the_version_seen(made: Parts) -> None:
    hook = made.create(URL)
    path, body = f"webhooks/{hook['id']}", {"url": "http://127.0.0.1:9/moi", "types": ["intake.*"], "description": "y"}
    problem(made.notify.request("PUT", path, OFFICE, body), 428)
    changed = made.notify.request("PUT", path, OFFICE, body, match=1)
    assert (changed.get_json()["version"], changed.get_json()["types"]) == (2, ["intake.*"])
    problem(made.notify.request("PUT", path, OFFICE, body, match=1), 412)
    wrong = made.notify.request("PUT", path, OFFICE, {**body, "url": "http://192.168.0.1/"}, match=2)
    assert pointers(wrong) == [("/url", "address_not_allowed")]


def test_removed_is_gone_with_its_secrets_and_what_waits(made: Parts) -> None:
    hook = made.create(URL)
    made.hear(event(TYPES[1], "d1", 1))
    first = made.notify.post(f"webhooks/{hook['id']}/removal", OFFICE, key="r")
    assert first.get_json()["state"] == "removed"
    assert made.notify.post(f"webhooks/{hook['id']}/removal", OFFICE, key="r").data == first.data
    problem(made.notify.post(f"webhooks/{hook['id']}/removal", OFFICE), 404, "webhook_not_found")
    problem(made.notify.get(f"webhooks/{hook['id']}", OPERATOR), 404)
    problem(made.notify.post(f"webhooks/{hook['id']}/enable", OPERATOR), 404)
    assert made.notify.rows("webhooks")[0]["secrets"] == []
    made.send()
    assert made.notify.rows("webhook_rows") == []


def test_a_ping_is_a_row(made: Parts) -> None:
    hook = made.create(URL)
    first = made.notify.post(f"webhooks/{hook['id']}/test", OFFICE, key="p")
    assert (first.status_code, first.get_json()["type"]) == (201, "notify.webhook.ping.v1")
    assert made.notify.post(f"webhooks/{hook['id']}/test", OFFICE, key="p").data == first.data
    made.send()
    (row,) = made.deliveries(hook["id"])
    assert (row["attempts"][0]["outcome"], row["attempts"][0]["detail"]) == ("deferred", "connection_refused")
    assert row["attempts"][0]["failure"] == "transient"
    made.notify.post(f"webhooks/{hook['id']}/disable", OFFICE)
    problem(made.notify.post(f"webhooks/{hook['id']}/test", OFFICE), 409, "webhook_not_active")
    problem(made.notify.post(f"webhooks/{hook['id']}/deliveries/{row['id']}/retry", OFFICE), 409, "webhook_not_active")


@pytest.mark.parametrize("body", [{"from": "2026-11-20T01:30:00Z"}, {"from": "2026-11-21T00:00:00Z"},
                                  {"from": "2026-11-19T02:00:00Z", "to": "2026-11-19T01:00:00Z"}])  # fmt: skip
def test_a_replay_is_of_the_past(made: Parts, body: dict[str, str]) -> None:
    hook = made.create(URL)
    assert pointers(made.notify.post(f"webhooks/{hook['id']}/replay", OFFICE, body)) == [("/from", "order")]


def test_secrets_do_not_pile_up(made: Parts) -> None:
    hook = made.create(URL)
    for _ in range(5):
        answer = made.notify.post(f"webhooks/{hook['id']}/secret-rotation", OFFICE, {"secret": SECRET})
        assert answer.get_json()["secret"] is None
    assert answer.get_json()["signatures"] == MOST_SECRETS


def test_without_a_key_that_seals_there_are_none(database_url: str, tmp_path: Path) -> None:
    settings = {"smtp_url": "smtp://127.0.0.1:1", "mail_from": "mot-cua@thanhhoa.example"}
    with services.running(NOTIFY, database_url, Tokens(tmp_path), Clock(system_clock()), **settings) as notify:
        problem(notify.post("webhooks", everything(NOTIFY, OURS), BODY), 409, "webhooks_not_configured")
        assert notify.get("webhooks", OFFICE).get_json() == {"items": [], "next": None}
        assert not [name for name in notify.parts.loops if name.startswith("webhook")]
        assert notify.parts.details()["webhooks"] == "not configured"


@pytest.mark.parametrize(
    ("name", "value"),
    [("webhook_networks", "10.0.0.0/33"), ("webhook_ports", "443,x"), ("webhook_ports", "0"),
     ("webhook_timeout_seconds", 21), ("webhook_ca_file", "/nowhere.pem")],
)  # fmt: skip
def test_settings_that_cannot_be(name: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=name):
        NOTIFY.settings.model_validate(
            {"mongo_url": "mongodb://x/y", "amqp_url": "amqp://x", "jwks": str(tmp_path), "mail_from": "a@x.vn",
             "smtp_url": "smtp://x", name: value}
        )  # fmt: skip
