"""The applicant takes a dossier back, rates it, or gets the result by one of the three ways."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.consume import Done, Duplicate
from intake.domain import dossiers as domain
from intake.domain import life, progress
from intake.domain.dossiers import Dossier, Status
from native.access import Persona
from tests.intake import making
from tests.intake.making import body
from tests.intake.test_api import news
from tests.intake.uploading import sent as uploaded
from tests.support.catalogue import ELSEWHERE
from tests.support.contents import png_of
from tests.support.services import Clock, Running, pointers, problem, subject_of

OTHER_COUNTER = Persona("Lê Thị Na", ("dossiers.file", "dossiers.receive", "dossiers.read"), ELSEWHERE)


def filed(intake: Running, who: Any = "citizen", **changes: Any) -> dict[str, Any]:
    answer = intake.post("dossiers", who, body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def withdraw(intake: Running, id: str, who: Any = "citizen", **options: Any) -> Any:
    return intake.post(f"dossiers/{id}/withdrawal", who, {"reason": "Không còn nhu cầu"}, **options)


def finished(id: str, at: str) -> bytes:
    return news(id, "dossier.finished", 9, outcome="approved", finished_at=at, timing="early")


# -- withdrawal --------------------------------------------------------------------------------------------------------


def reach(intake: Running, state: str, clock: Clock) -> str:
    """A dossier of the citizen's in that state."""
    id = str(filed(intake)["id"])
    clock.move(hours=1)
    if state == "supplement_asked":
        intake.post(f"dossiers/{id}/supplement-request", "counter_officer", {"reason": "Thiếu"})
    if state == "refused":
        intake.post(f"dossiers/{id}/refusal", "counter_officer", {"reason": "Thiếu"})
    if state in ("received", "in_process", "processed", "returned"):
        intake.post(f"dossiers/{id}/reception", "counter_officer", {})
    if state in ("in_process", "processed", "returned"):
        intake.hear([news(id, "dossier.started", 1, started_at="2026-03-04T03:00:00Z", steps_total=1)])
    if state in ("processed", "returned"):
        intake.hear([finished(id, "2026-03-04T03:00:00Z")])
    if state == "returned":
        intake.post(f"dossiers/{id}/handover", "counter_officer", {"to": "Hoa", "method": "collect"})
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["status"] == state
    return id


@pytest.mark.parametrize("state", ["filed", "supplement_asked", "received", "in_process"])
def test_a_dossier_under_way_may_be_withdrawn_once(intake: Running, clock: Clock, state: str) -> None:
    id = reach(intake, state, clock)
    clock.move(hours=1)
    assert withdraw(intake, id).get_json()["status"] == "withdrawn"
    shown = intake.get(f"dossiers/{id}", "citizen").get_json()
    assert shown["withdrawal"] == {"at": "2026-03-04T04:00:00Z", "reason": "Không còn nhu cầu"}
    problem(withdraw(intake, id), 409, "not_withdrawable")
    problem(intake.post(f"dossiers/{id}/reception", "counter_officer", {}), 409, "not_filed")
    problem(intake.post(f"dossiers/{id}/refusal", "counter_officer", {"reason": "x"}), 409, "not_filed")
    problem(intake.post(f"dossiers/{id}/supplement", "citizen", {}), 409, "no_supplement_asked")


@pytest.mark.parametrize("state", ["refused", "processed", "returned"])
def test_what_is_over_is_not_withdrawn(intake: Running, clock: Clock, state: str) -> None:
    id = reach(intake, state, clock)
    problem(withdraw(intake, id), 409, "not_withdrawable")
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["status"] == state


def test_the_withdrawal_says_nothing_of_why_to_other_services(intake: Running, clock: Clock) -> None:
    withdraw(intake, reach(intake, "received", clock))
    (event,) = [event for event in intake.told() if b"dossier.withdrawn" in event]
    assert "nhu cầu".encode() not in event
    assert b'"received_at":"2026-03-04T03:00:00Z"' in event


def test_the_officer_withdraws_for_somebody_at_the_counter_and_nobody_elses(intake: Running) -> None:
    id = filed(intake, "counter_officer", channel="counter")["id"]
    problem(withdraw(intake, id, "citizen"), 404, "not_found")
    problem(withdraw(intake, id, OTHER_COUNTER), 404, "not_found")
    problem(withdraw(intake, id, "leader"), 403, "forbidden")
    assert withdraw(intake, id, "counter_officer").status_code == 200


def test_a_repeated_withdrawal_answers_as_the_first(intake: Running) -> None:
    id = filed(intake)["id"]
    first, again = (withdraw(intake, id, key="k") for _ in range(2))
    assert (first.status_code, first.data) == (again.status_code, again.data) == (200, first.data)
    assert sum(b"dossier.withdrawn" in event for event in intake.told()) == 1


def test_nobody_withdraws_before_the_reception(intake: Running, clock: Clock) -> None:
    id = reach(intake, "received", clock)
    clock.move(hours=1)
    at = {"Occurred-At": "2026-03-04T02:30:00Z"}
    problem(withdraw(intake, id, "backdate", headers=at), 422, "before_filing")


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-03-04T03:59:59Z", "processed"),
        ("2026-03-04T04:00:00Z", "processed"),
        ("2026-03-04T04:00:01Z", "withdrawn"),
    ],
)
def test_of_a_withdrawal_and_an_end_the_earlier_one_counts(intake: Running, clock: Clock, at: str, status: str) -> None:
    """The end was on its way when the applicant withdrew at 04:00; one of the same instant counts."""
    id = reach(intake, "in_process", clock)
    clock.move(hours=1)
    withdraw(intake, id)
    clock.move(hours=1)
    outcome = Done() if status == "processed" else Duplicate()
    assert intake.hear([finished(id, at)]) == [outcome]
    assert intake.hear([finished(id, at)]) == [Duplicate()]
    shown = intake.get(f"dossiers/{id}", "citizen").get_json()
    assert shown["status"] == status
    assert (shown["finished_at"] is None) == (status == "withdrawn")
    handover = intake.post(f"dossiers/{id}/handover", "counter_officer", {"to": "Hoa", "method": "collect"})
    assert handover.status_code == (200 if status == "processed" else 409)


def test_news_of_a_withdrawn_dossier_do_not_bring_it_back(intake: Running, clock: Clock) -> None:
    id = reach(intake, "received", clock)
    withdraw(intake, id)
    late = {"started_at": "2026-03-04T03:00:00Z", "steps_total": 1}
    assert intake.hear([news(id, "dossier.started", 1, **late)]) == [Done()]
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["status"] == "withdrawn"


OPEN = {
    Status.FILED: making.filed,
    Status.RECEIVED: making.received,
    Status.IN_PROCESS: making.in_process,
}


@pytest.mark.parametrize("state", [*making.IN_STATE])
def test_the_states_in_which_it_may_be_withdrawn(state: Status) -> None:
    dossier = making.IN_STATE[state]()
    if state in OPEN:
        after, (event,) = life.withdraw(dossier, "x", making.by(9))
        assert (after.status, event.received_at) == (Status.WITHDRAWN, dossier.received_at)
    else:
        with pytest.raises(life.NotWithdrawable):
            life.withdraw(dossier, "x", making.by(9))


# -- rating ------------------------------------------------------------------------------------------------------------


def rate(intake: Running, id: str, who: Any = "citizen", **changes: Any) -> Any:
    return intake.post(f"dossiers/{id}/rating", who, {"score": 4, "comment": "Nhanh", **changes})


def test_the_applicant_rates_once_after_the_return(intake: Running, clock: Clock) -> None:
    early = reach(intake, "processed", clock)
    problem(rate(intake, early), 409, "not_returned")
    id = reach(intake, "returned", clock)
    clock.move(hours=1)
    assert rate(intake, id).status_code == 200
    problem(rate(intake, id, score=1), 409, "already_rated")
    rating = intake.get(f"dossiers/{id}", "citizen").get_json()["rating"]
    assert (rating["score"], rating["comment"]) == (4, "Nhanh")
    (event,) = [event for event in intake.told() if b"dossier.rated" in event]
    assert b'"score":4' in event
    assert b"Nhanh" not in event, "a comment may name people"


@pytest.mark.parametrize("score", [0, 6, 3.5, "x", None])
def test_a_score_is_from_one_to_five(intake: Running, clock: Clock, score: Any) -> None:
    id = reach(intake, "returned", clock)
    assert [pointer for pointer, _ in pointers(rate(intake, id, score=score))] == ["/score"]


def test_officers_do_not_rate_for_the_applicant(intake: Running, clock: Clock) -> None:
    id = reach(intake, "returned", clock)
    for who in ("counter_officer", "volunteer", "backdate"):
        problem(rate(intake, id, who), 404, "not_found")


def test_who_has_the_receipt_rates_with_its_secret(intake: Running, clock: Clock) -> None:
    found = filed(intake, "counter_officer", channel="counter")
    id, code, secret = found["id"], found["code"], found["tracking"]["secret"]
    intake.hear([finished(id, "2026-03-04T02:00:00Z")])
    intake.post(f"dossiers/{id}/handover", "counter_officer", {"to": "Hoa", "method": "collect"})
    path, sent = f"tracking/{code}/rating", {"score": 5, "secret": secret}
    problem(intake.post(path, None, sent, key=None), 428, "precondition_required")
    wrong = problem(intake.post(path, None, {**sent, "secret": "2222222222"}), 404, "not_found")
    unknown = problem(intake.post("tracking/H56.30-260304-9999/rating", None, sent), 404, "not_found")
    assert wrong["detail"] == unknown["detail"]
    first = intake.post(path, None, sent, key="k")
    assert (first.status_code, first.get_json()["status"]) == (200, "returned")
    assert "Hoa" not in first.text
    assert intake.post(path, None, sent, key="k").data == first.data
    problem(intake.post(path, None, sent, key="another"), 409, "already_rated")
    assert intake.rows("dossiers")[0]["rating"]["score"] == 5


# -- hand-over ---------------------------------------------------------------------------------------------------------


def hand_over(intake: Running, id: str, **sent: Any) -> Any:
    return intake.post(f"dossiers/{id}/handover", "counter_officer", {"to": "Nguyễn Thị Hoa", **sent})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"method": "collect", "signed_on_paper": True}, {"signed_on_paper": True}),
        (
            {"method": "post", "post": {"order": "TH-1", "tracking": "EK1VN"}},
            {"post": {"order": "TH-1", "tracking": "EK1VN"}},
        ),
        ({"method": "electronic"}, {}),
    ],
    ids=lambda value: value.get("method"),
)
def test_the_three_ways_of_the_result(
    intake: Running, clock: Clock, sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    id = reach(intake, "processed", clock)
    assert hand_over(intake, id, **sent).status_code == 200
    shown = intake.get(f"dossiers/{id}", "citizen").get_json()["handover"]
    plain = {"signature": None, "signed_on_paper": False, "post": None}
    assert shown == {
        "at": "2026-03-04T03:00:00Z", "to": "Nguyễn Thị Hoa", "method": sent["method"], **plain, **kept
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"method": "post", "signed_on_paper": True}, ("/signature", "not_collected")),
        ({"method": "electronic", "signature": "f1"}, ("/signature", "not_collected")),
        ({"method": "collect", "post": {"order": "TH-1"}}, ("/post", "not_by_post")),
        ({"method": "post", "post": {"order": "=cmd|1"}}, ("/post/order", "string_pattern_mismatch")),
    ],
)
def test_a_hand_over_that_does_not_fit_its_way(
    intake: Running, clock: Clock, sent: dict[str, Any], expected: tuple[str, str]
) -> None:
    id = reach(intake, "processed", clock)
    assert pointers(hand_over(intake, id, **sent)) == [expected]
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["status"] == "processed"


def test_the_receivers_signature_is_a_file_of_the_counters(intake: Running, clock: Clock) -> None:
    id = reach(intake, "processed", clock)
    theirs = uploaded(intake, png_of(40, 20), "citizen", name="chu-ky.png")["id"]
    ours = uploaded(intake, png_of(40, 20), "counter_officer", name="chu-ky.png")["id"]
    for unknown in ("no-such-file", theirs):
        refused = hand_over(intake, id, method="collect", signature=unknown)
        assert pointers(refused) == [("/signature", "unknown_file")], "somebody else's and none at all answer alike"
    assert hand_over(intake, id, method="collect", signature=ours).status_code == 200
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["handover"]["signature"] == ours


# -- channels ----------------------------------------------------------------------------------------------------------


def test_what_came_by_post_keeps_the_posts_numbers(intake: Running) -> None:
    id = filed(intake, "counter_officer", channel="post", post={"order": "TH-77", "tracking": "EK77VN"})["id"]
    assert intake.get(f"dossiers/{id}", "counter_officer").get_json()["post"] == {
        "order": "TH-77",
        "tracking": "EK77VN",
    }
    answer = intake.post("dossiers", "counter_officer", body(channel="counter", post={"order": "TH-77"}))
    assert pointers(answer) == [("/post", "not_by_post")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Trần Văn Bình", {"name": "Trần Văn Bình", "identity": None, "authorisation": None}),
        (
            {"name": "Trần Văn Bình", "identity": "038085001234", "authorisation": "Giấy ủy quyền 12, 01/03/2026"},
            {"name": "Trần Văn Bình", "identity": "038085001234", "authorisation": "Giấy ủy quyền 12, 01/03/2026"},
        ),
    ],
)
def test_somebody_hands_in_for_the_applicant(intake: Running, sent: Any, kept: dict[str, Any]) -> None:
    id = filed(intake, on_behalf_of=sent)["id"]
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["on_behalf_of"] == kept


@pytest.mark.parametrize("sent", [{"name": "B", "identity": "12"}, {"identity": "038085001234"}, "", 7])
def test_whoever_hands_in_is_named(still: Running, sent: Any) -> None:
    answer = still.post("dossiers", "citizen", body(on_behalf_of=sent))
    assert all(pointer.startswith("/on_behalf_of") for pointer, _ in pointers(answer))


def test_who_handed_in_was_a_name_alone_in_an_earlier_version(intake: Running) -> None:
    id = filed(intake)["id"]
    intake.database["dossiers"].update_one({"_id": id}, {"$set": {"on_behalf_of": "Trần Văn Bình"}})
    assert intake.get(f"dossiers/{id}", "citizen").get_json()["on_behalf_of"]["name"] == "Trần Văn Bình"
    assert withdraw(intake, id).status_code == 200


def test_a_volunteer_is_named_as_the_one_who_assisted(intake: Running) -> None:
    volunteer = Persona("Lê Văn Tình", ("dossiers.file", "dossiers.read"), roles=("volunteer",))
    own, named = filed(intake, volunteer), filed(intake, volunteer, assisted_by="Tổ 3, xã Hoằng Lộc")
    plain = filed(intake, "citizen")
    rows = {row["_id"]: row for row in intake.rows("dossiers")}
    assert [rows[found["id"]]["assisted_by"] for found in (own, named, plain)] == [
        "Lê Văn Tình", "Tổ 3, xã Hoằng Lộc", None,
    ]  # fmt: skip
    assert rows[own["id"]]["owner"] == subject_of(volunteer)


@pytest.mark.parametrize("reason", [{}, {"reason": None, "reason_code": None}])
def test_a_refusal_gives_a_reason(intake: Running, reason: dict[str, Any]) -> None:
    id = filed(intake)["id"]
    assert pointers(intake.post(f"dossiers/{id}/refusal", "counter_officer", reason)) == [("/reason", "missing")]


def test_the_reasons_of_a_refusal_are_listed_and_may_be_added_to(intake: Running) -> None:
    listed = intake.get("refusal-reasons", "counter_officer").get_json()["items"]
    assert {"not_competent", "incomplete"} <= {item["code"] for item in listed}
    id = filed(intake)["id"]
    sent = {"reason_code": "not_competent", "reason": "Xin nộp tại Sở Công Thương"}
    assert intake.post(f"dossiers/{id}/refusal", "counter_officer", sent).status_code == 200
    text = intake.get(f"dossiers/{id}", "citizen").get_json()["refusal_reason"]
    assert text == "Hồ sơ không thuộc thẩm quyền giải quyết của cơ quan tiếp nhận. Xin nộp tại Sở Công Thương"
    wrong = intake.post(f"dossiers/{filed(intake)['id']}/refusal", "counter_officer", {"reason_code": "no_mood"})
    assert pointers(wrong) == [("/reason_code", "literal_error")]


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_a_journal_of_every_act_holds() -> None:
    def step(turn: domain.Turn) -> Dossier:
        return turn[0]

    dossier = step(life.ask_supplement(making.filed(), [], "x", None, set(), making.by(1)))
    dossier = step(life.supplement(dossier, [], {"a": 1}, making.by(2)))
    promised = making.promised(dossier, 3)
    dossier = step(domain.receive(dossier, "H56.30-260304-0001", promised, making.by(3)))
    dossier = progress.note_finished(dossier, "approved", "early", making.by(4).at + timedelta(minutes=1))
    dossier = step(domain.hand_over(dossier, "Hoa", "collect", making.by(5), signed_on_paper=True))
    dossier = step(life.rate(dossier, 5, None, making.by(6)))
    assert [entry.act for entry in dossier.journal] == [
        "filed", "supplement_requested", "supplemented", "received", "handed_over", "rated",
    ]  # fmt: skip
    assert domain.first_broken_entry(dossier) is None
