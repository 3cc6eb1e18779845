"""Supplements before reception (form 02): who asks, who answers, how often, and what becomes of the dossier."""

from typing import Any

import pytest

from intake.domain import limits
from native.access import Persona
from tests.intake.making import body, paper
from tests.support.catalogue import ELSEWHERE
from tests.support.services import Clock, Running, pointers, problem

OTHER_COUNTER = Persona("Lê Thị Na", ("dossiers.file", "dossiers.receive", "dossiers.read"), ELSEWHERE)
ASKED = {"components": ["TP2"], "reason": "Bổ sung hợp đồng thuê địa điểm", "until": "2026-03-10"}


def filed(intake: Running, **changes: Any) -> str:
    answer = intake.post("dossiers", "citizen", body(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def ask(intake: Running, id: str, who: Any = "counter_officer", **changes: Any) -> Any:
    return intake.post(f"dossiers/{id}/supplement-request", who, {**ASKED, **changes})


def give(intake: Running, id: str, who: Any = "citizen", **changes: Any) -> Any:
    return intake.post(f"dossiers/{id}/supplement", who, {"components": [paper("TP2")], **changes})


def shown(intake: Running, id: str) -> dict[str, Any]:
    found: dict[str, Any] = intake.get(f"dossiers/{id}", "citizen").get_json()
    return found


def test_the_applicant_supplements_what_the_one_stop_unit_asked_for(intake: Running, clock: Clock) -> None:
    id = filed(intake)
    clock.move(hours=1)
    answer = ask(intake, id)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "supplement_asked")
    problem(intake.post(f"dossiers/{id}/reception", "counter_officer", {}), 409, "not_filed")
    clock.move(hours=1)
    form = {"ten_ho_kinh_doanh": "Tạp hóa Hoa Mai"}
    assert give(intake, id, form=form).get_json()["status"] == "filed"
    found = shown(intake, id)
    assert found["supplements"] == [
        {
            "asked_at": "2026-03-04T03:00:00Z",
            "components": ["TP2"],
            "reason": "Bổ sung hợp đồng thuê địa điểm",
            "until": "2026-03-10",
            "given_at": "2026-03-04T04:00:00Z",
            "agency": None,
        }
    ]
    assert [component["code"] for component in found["components"]] == ["TP1", "TP2"]
    assert found["form"] == form
    assert intake.post(f"dossiers/{id}/reception", "counter_officer", {}).get_json()["status"] == "received"
    journal = intake.get(f"dossiers/{id}/journal", "citizen").get_json()["items"]
    assert [entry["act"] for entry in journal] == ["filed", "supplement_requested", "supplemented", "received"]
    kinds = [event.split(b'"type":"')[1].split(b'"')[0].decode() for event in intake.told()]
    assert kinds[:4] == [
        "intake.dossier.filed.v1",
        "intake.dossier.supplement_requested.v1",
        "intake.dossier.supplemented.v1",
        "intake.dossier.received.v1",
    ]


def test_a_component_that_was_there_is_replaced_and_the_form_stays(intake: Running) -> None:
    id = filed(intake)
    ask(intake, id, components=["TP1"])
    assert give(intake, id, components=[paper("TP1", originals=2)]).status_code == 200
    found = shown(intake, id)
    assert [component["paper"]["originals"] for component in found["components"]] == [2]
    assert found["form"] == body()["form"]


def test_everything_that_was_asked_for_must_be_there(intake: Running) -> None:
    id = filed(intake)
    ask(intake, id, components=["TP1", "TP2"])
    answer = give(intake, id)
    assert pointers(answer) == [("/components", "missing_component")]
    assert shown(intake, id)["status"] == "supplement_asked"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"components": ["TP9"]}, [("/components/0", "unknown_component")]),
        ({"until": "2026-03-03"}, [("/until", "past")]),
        ({"reason": ""}, [("/reason", "string_too_short")]),
        ({"reason": "a\x00b"}, [("/reason", "string_pattern_mismatch")]),
        ({"components": [f"TP{n}" for n in range(101)]}, [("/components", "too_long")]),
    ],
    ids=lambda value: None if isinstance(value, list) else "-".join(value),
)
def test_a_request_that_does_not_fit_is_pointed_at(
    intake: Running, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    id = filed(intake)
    assert pointers(ask(intake, id, **changes)) == expected
    assert shown(intake, id)["status"] == "filed"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"components": [paper("TP9"), paper("TP2")]}, [("/components/0/code", "unknown_component")]),
        ({"components": [paper("TP2"), paper("TP2")]}, [("/components/1/code", "repeated_component")]),
        ({"form": {"a b": 1}}, [("/form/a b/[key]", "string_pattern_mismatch")]),
    ],
)
def test_a_supplement_is_checked_like_a_filing(
    intake: Running, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    id = filed(intake)
    ask(intake, id)
    assert pointers(give(intake, id, **changes)) == expected
    assert shown(intake, id)["status"] == "supplement_asked"


def test_nothing_is_supplemented_that_was_not_asked_for(intake: Running) -> None:
    id = filed(intake)
    problem(give(intake, id), 409, "no_supplement_asked")
    ask(intake, id)
    give(intake, id)
    problem(give(intake, id), 409, "no_supplement_asked")


def test_only_so_many_requests_and_then_it_is_received_or_refused(intake: Running, clock: Clock) -> None:
    id = filed(intake)
    for _ in range(limits.most(limits.SUPPLEMENT_REQUESTS, clock.now.date())):
        assert ask(intake, id).status_code == 200
        problem(ask(intake, id), 409, "not_filed")
        assert give(intake, id).status_code == 200
    problem(ask(intake, id), 409, "too_many_supplements")
    assert intake.post(f"dossiers/{id}/reception", "counter_officer", {}).status_code == 200


def test_a_received_dossier_is_not_the_one_stop_units_to_ask_about(intake: Running) -> None:
    id = filed(intake)
    assert intake.post(f"dossiers/{id}/reception", "counter_officer", {}).status_code == 200
    problem(ask(intake, id), 409, "not_filed")


def test_who_never_supplements_is_refused(intake: Running) -> None:
    id = filed(intake)
    ask(intake, id)
    answer = intake.post(f"dossiers/{id}/refusal", "counter_officer", {"reason_code": "not_supplemented"})
    assert answer.get_json()["status"] == "refused"
    problem(give(intake, id), 409, "no_supplement_asked")
    assert shown(intake, id)["refusal_reason"] == "Đã quá thời hạn bổ sung hồ sơ mà không bổ sung"


def test_who_may_ask_and_who_may_supplement(intake: Running) -> None:
    id = filed(intake)
    problem(ask(intake, id, "citizen"), 403, "forbidden")
    problem(ask(intake, id, OTHER_COUNTER), 404, "not_found")
    assert ask(intake, id).status_code == 200
    problem(give(intake, id, "volunteer"), 404, "not_found")
    problem(give(intake, id, OTHER_COUNTER), 404, "not_found")
    assert give(intake, id, "counter_officer").status_code == 200, "papers that the applicant brought to the counter"


def test_the_same_click_twice_asks_once(intake: Running) -> None:
    id = filed(intake)
    first = intake.post(f"dossiers/{id}/supplement-request", "counter_officer", ASKED, key="k")
    again = intake.post(f"dossiers/{id}/supplement-request", "counter_officer", ASKED, key="k")
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert len(shown(intake, id)["supplements"]) == 1


def test_nothing_is_done_before_what_was_done_last(intake: Running, clock: Clock) -> None:
    """An office that was offline tells its acts with their own times."""
    id = filed(intake)
    early = {"Occurred-At": "2026-03-04T01:59:00Z"}
    clock.move(hours=2)
    problem(intake.post(f"dossiers/{id}/supplement-request", "backdate", ASKED, headers=early), 422, "before_filing")
    assert ask(intake, id).status_code == 200
    clock.move(hours=2)
    sent = {"components": [paper("TP2")]}
    at = {"Occurred-At": "2026-03-04T03:59:00Z"}
    problem(intake.post(f"dossiers/{id}/supplement", "backdate", sent, headers=at), 422, "before_request")
    assert give(intake, id).status_code == 200
    at = {"Occurred-At": "2026-03-04T05:59:00Z"}
    problem(intake.post(f"dossiers/{id}/reception", "backdate", {}, headers=at), 422, "before_filing")
    problem(intake.post(f"dossiers/{id}/refusal", "backdate", {"reason": "x"}, headers=at), 422, "before_filing")
