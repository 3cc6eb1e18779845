"""What is told to the national portal, whatever it answers; and what operators see and do."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from notify.domain.deliveries import WAITS
from notify.national_portal.client import Portal
from notify.national_portal.outlet import AFTERWARDS
from notify.outlets import Away
from tests.doubles.national_portal import AGENCY, DSTCODE, PASSWORD, USER, Fault, NationalPortal
from tests.notify.national_portal_parts import GO, Parts
from tests.notify.portal_lives import Life
from tests.support.services import everything, pointers, problem


def a_life(number: int, *, channel: str = "counter") -> Life:
    """Received, worked on for a step, finished."""
    life = Life(number, channel=channel)
    life.filed()
    life.received()
    life.later(1)
    life.started()
    life.step(1)
    life.later()
    life.finished()
    return life


def statuses(double: NationalPortal) -> dict[str, list[str]]:
    return {number: held.statuses for number, held in double.held.items()}


def test_each_event_is_told_as_it_was_and_in_order(made: Parts, double: NationalPortal) -> None:
    life = a_life(1, channel="online")
    made.hear(life.bodies)
    rows = made.rows()
    assert [(row.n, row.kind, row.adding, row.status) for row in rows] == [
        (1, "dossier", True, "1"),
        (2, "dossier", False, "2"),
        (3, "status", False, "4"),
        (4, "progress", False, "4"),
        (5, "dossier", False, "9"),
        (6, "dossier", False, "9"),
    ]
    assert [row.next_at is not None for row in rows] == [True, *[False] * 5], "the others are behind it"
    made.send_all()
    held = double.held[life.portal_number]
    assert held.statuses == ["1", "2", "4", "9"]
    assert held.record == {"MaHoSo": life.portal_number, **life.expected}
    assert double.problems == []


def test_nothing_is_told_before_there_is_a_number(made: Parts, double: NationalPortal) -> None:
    life = Life(1, channel="online")
    life.filed()
    made.hear(life.bodies)
    assert made.rows() == []
    life.later()
    life.refused()
    made.hear(life.bodies)
    made.send_all()
    assert statuses(double) == {life.id: ["1", "3"]}


def test_a_repeated_event_makes_no_row(made: Parts) -> None:
    life = a_life(1)
    made.hear(life.bodies)
    before = made.rows()
    made.hear(life.bodies + life.bodies)
    assert made.rows() == before


def test_lots_are_of_ten_at_most_and_of_one_kind(made: Parts, double: NationalPortal) -> None:
    made.hear([body for n in range(13) for body in a_life(n).bodies])
    made.send_all()
    assert double.problems == []
    sizes: dict[str, list[int]] = {}
    for service, size in double.calls:
        sizes.setdefault(service, []).append(size)
    assert max(size for each in sizes.values() for size in each) == 10
    assert sizes["CapNhatTienDoHoSoMC"] == [10, 3]


def test_one_bad_row_holds_up_its_own_dossier_alone(made: Parts, double: NationalPortal) -> None:
    lived = [a_life(n) for n in range(12)]
    bad = lived[4]
    double.refused[bad.portal_number] = f"Số định danh {bad.personal.identity} của {bad.personal.name} không hợp lệ"
    made.hear([body for life in lived for body in life.bodies])
    made.send_all()
    assert set(double.held) == {life.portal_number for life in lived if life is not bad}
    assert {tuple(each) for each in statuses(double).values()} == {("2", "4", "9")}
    refused, *behind = made.rows(dossier=bad.id)
    assert (refused.state, {row.state for row in behind}) == ("failed", {"queued"})
    assert "không hợp lệ" in refused.attempts[-1].detail
    assert bad.personal.name not in refused.attempts[-1].detail
    assert str(bad.personal.identity) not in refused.attempts[-1].detail


def test_of_whom_nothing_is_said_the_answer_to_the_lot_holds(made: Parts, double: NationalPortal) -> None:
    lived = [a_life(n) for n in range(5)]
    double.refused[lived[2].portal_number] = "Lĩnh vực không hợp lệ"
    double.fault = Fault.SPARSE
    made.hear([body for life in lived for body in life.bodies])
    made.send_all()
    assert [row.dossier for row in made.rows(state="failed")] == [lived[2].id]
    assert {tuple(each) for each in statuses(double).values()} == {("2", "4", "9")}
    assert len(double.held) == 4


def test_a_lot_that_is_refused_as_a_whole_is_halved_until_the_bad_one_is_found(
    made: Parts, double: NationalPortal
) -> None:
    lived = [a_life(n) for n in range(10)]
    double.refused[lived[7].portal_number] = "Lĩnh vực không hợp lệ"
    double.faulty = lambda body: Fault.WHOLE if len(body.get("data") or ()) > 1 else None
    made.hear([body for life in lived for body in life.bodies])
    made.courier().once(GO)
    assert set(double.held) == {life.portal_number for life in lived} - {lived[7].portal_number}
    assert [size for _, size in double.calls] == [10, 5, 5, 2, 3, 1, 2]
    assert [row.dossier for row in made.rows(state="failed")] == [lived[7].id]


def test_what_is_there_is_updated_and_what_is_not_there_is_added(made: Parts, double: NationalPortal) -> None:
    there, gone = a_life(1), a_life(2)
    made.hear(there.bodies[:1] + gone.bodies[:1])
    made.courier().once(GO)
    made.store.rows.collection.delete_many({"dossier": there.id})
    made.store.dossiers.collection.delete_many({"_id": there.id})
    del double.held[gone.portal_number]
    made.hear(there.bodies + gone.bodies)
    made.send_all()
    assert double.held[there.portal_number].record["TrangThaiHoSo"] == "9"
    assert made.rows(dossier=there.id)[0].state == "sent"
    # A status of what the portal lost is refused, and an operator has it told anew.
    assert made.rows(dossier=gone.id, state="failed")[0].kind == "status"


def test_a_session_that_is_over_is_renewed_once_for_all_that_share_it(made: Parts, double: NationalPortal) -> None:
    portal = Portal(double.url, USER, PASSWORD, agency=AGENCY, dstcode=DSTCODE, timeout_seconds=5)
    portal.login()
    double.sessions.clear()
    together = threading.Barrier(8)
    found: list[bool] = []

    def ask() -> None:
        together.wait(10)
        found.append(portal.call("LayDanhSachTTHC").ok)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [True] * 8
    assert double.logins == 2
    assert made.rows() == []


def test_a_wrong_password_touches_no_row(made: Parts, double: NationalPortal) -> None:
    made.hear(a_life(1).bodies)
    before = made.rows()
    made.portal = Portal(double.url, USER, "khác", agency=AGENCY, dstcode=DSTCODE, timeout_seconds=5)
    with pytest.raises(Away, match="login_refused"):
        made.courier().once(GO)
    assert made.rows() == before


@pytest.mark.parametrize("fault", [Fault.TAKEN, Fault.LATE])
def test_what_was_taken_and_not_answered_is_not_doubled(made: Parts, double: NationalPortal, fault: Fault) -> None:
    made.portal = Portal(double.url, USER, PASSWORD, agency=AGENCY, dstcode=DSTCODE, timeout_seconds=0.3)
    life = a_life(1)
    life.later()
    life.handed_over()
    life.rated()
    made.hear(life.bodies)
    seen: set[str] = set()

    def once_each(body: dict[str, Any]) -> Fault | None:
        service = str(body["service"])
        if service == "TraCuuHoSo" or service in seen:
            return None
        seen.add(service)
        return fault

    double.faulty = once_each
    made.send_all()
    held = double.held[life.portal_number]
    assert seen == {"DongBoHoSoMC", "CapNhatTienDoHoSoMC", "DongBoTrangThaiHoSo", "DongBoDanhGia"}
    assert (held.adds, len(held.progress), len(held.history)) == (1, 1, 1)
    assert held.statuses == life.statuses
    assert held.rating is not None
    assert {row.state for row in made.rows()} == {"sent"}


def test_a_row_over_which_the_portal_breaks_holds_up_no_other_twice(made: Parts, double: NationalPortal) -> None:
    lived = [a_life(n) for n in range(10)]
    bad = lived[3].portal_number
    double.faulty = lambda body: Fault.ERROR_500 if bad in [each["MaHoSo"] for each in body.get("data") or ()] else None
    made.hear([body for life in lived for body in life.bodies])
    ends = made.clock() + timedelta(hours=2)
    courier = made.courier()
    while made.clock() < ends:
        try:
            while courier.once(GO):
                pass
        except Away:
            pass
        made.clock.move(minutes=5)
    assert set(double.held) == {life.portal_number for life in lived} - {bad}
    assert {tuple(each) for each in statuses(double).values()} == {("2", "4", "9")}


def test_the_portal_is_never_given_up(made: Parts, double: NationalPortal) -> None:
    """72 hours of growing waits, then every hour: a technical failure is nobody's refusal."""
    made.hear(a_life(1).bodies)
    double.fault = Fault.ERROR_500
    began, courier, tried = made.clock(), made.courier(), []
    while made.clock() - began < timedelta(days=5):
        (row, *_) = made.rows()
        assert row.state == "queued"
        made.clock.now = max(made.clock(), row.next_at or made.clock())
        courier.once(GO)
        tried.append(made.clock())
    assert len(tried) > len(WAITS) + 20
    assert tried[-1] - tried[-2] <= AFTERWARDS * 2
    assert len(made.rows()[0].attempts) <= 30
    double.fault = None
    made.send_all()
    assert {row.state for row in made.rows()} == {"sent"}


def test_what_a_killed_worker_left_is_finished(made: Parts, double: NationalPortal) -> None:
    """Between the note of what is to be made and the rows, and between a row's end and its successor's turn."""
    life = a_life(1)
    made.hear(life.bodies)
    rows = made.rows()
    made.courier().once(GO)
    made.store.rows.collection.delete_many({"n": {"$gt": 2}})
    documents = [{**_document(row), "id": row.id} for row in rows if row.n > 2]
    made.store.dossiers.collection.update_one({"_id": life.id}, {"$set": {"making": documents}})
    made.store.rows.collection.update_one({"n": 2}, {"$set": {"next_at": None}})
    made.following.look()
    assert len(made.rows()) == 2, "somebody may be at it"
    made.clock.move(minutes=1)
    made.following.look()
    assert [row.id for row in made.rows()] == [row.id for row in rows]
    made.following.look()
    assert not made.courier().once(GO), "nobody has said that it is the second one's turn"
    made.following.wake_stuck()
    made.send_all()
    assert {row.state for row in made.rows()} == {"sent"}
    assert double.held[life.portal_number].statuses == life.statuses


def _document(row: Any) -> dict[str, Any]:
    names = [name for kind in type(row).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: getattr(row, name) for name in names} | {"attempts": [], "exchanges": [], "repairs": []}


def test_nothing_of_a_person_is_in_the_store_or_the_log(made: Parts, double: NationalPortal) -> None:
    life = a_life(1)
    secret = [life.personal.name, str(life.personal.email), str(life.personal.identity)]
    with capture_logs() as logs:
        made.hear(life.bodies)
        made.send_all()
    assert double.held
    kept = [*made.store.rows.collection.find(), *made.store.dossiers.collection.find()]
    assert [row for row in made.rows() if row.exchanges]
    for text in (repr(kept), repr(logs)):
        assert not [each for each in secret if each in text]


# -- operators ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(made: Parts, double: NationalPortal) -> tuple[Life, str]:
    """A dossier whose first row the portal refused, and that row's id."""
    life = a_life(1)
    double.refused[life.portal_number] = "Lĩnh vực không hợp lệ"
    made.hear([*life.bodies, *a_life(2).bodies])
    made.send_all()
    (row,) = made.rows(state="failed")
    return life, row.id


def test_operators_see_what_was_refused_and_why(made: Parts, refused: tuple[Life, str]) -> None:
    life, id = refused
    who = everything(made.notify.service)
    summary = made.notify.get("partners/national_portal", who).get_json()
    assert summary | {"oldest": None} == {
        "name": "national_portal", "configured": True, "queued": 4, "sending": 0, "sent": 5, "refused": 1,
        "oldest": None,
    }  # fmt: skip
    listed = made.notify.get("partners/national_portal/rows?state=refused", who)
    (item,) = listed.get_json()["items"]
    assert (item["id"], item["state"], item["number"]) == (id, "refused", life.portal_number)
    assert "Lĩnh vực không hợp lệ" in item["detail"]
    assert life.personal.name not in listed.get_data(as_text=True)
    with capture_logs() as logs:
        whole = made.notify.get(f"partners/national_portal/rows/{id}", who).get_json()
    assert whole["record"]["ChuHoSo"] == life.personal.name
    assert whole["exchanges"][0]["content"]["answer"]["message"] == "Lĩnh vực không hợp lệ"
    assert [entry["event"] for entry in logs] == ["partner_row_shown"]
    assert life.personal.name not in repr(logs)
    problem(made.notify.get("partners/national_portal/rows/none.1", who), 404, "row_not_found")
    for path in ("", "/rows", f"/rows/{id}"):
        problem(made.notify.get(f"partners/national_portal{path}", "citizen"), 403)


def test_lists_are_paged(made: Parts) -> None:
    made.hear(a_life(1).bodies)
    who, seen, cursor = everything(made.notify.service), [], ""
    while True:
        page = made.notify.get(f"partners/national_portal/rows?limit=2{cursor}", who).get_json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == sorted(row.id for row in made.rows())


def repair(made: Parts, id: str, body: dict[str, Any], **options: Any) -> Any:
    who = everything(made.notify.service)
    return made.notify.post(f"partners/national_portal/rows/{id}/repair", who, body, **options)


def test_a_refused_row_is_corrected_and_the_dossier_goes_on(
    made: Parts, double: NationalPortal, refused: tuple[Life, str]
) -> None:
    life, id = refused
    double.refused.clear()
    body = {"act": "correct", "fields": {"MaLinhVuc": "HKD"}, "reason": "Mã lĩnh vực mới"}
    first = repair(made, id, body, key="k1")
    assert first.status_code == 200
    assert repair(made, id, body, key="k1").get_data() == first.get_data()
    made.courier().once(GO)
    assert double.held[life.portal_number].record["MaLinhVuc"] == "HKD"
    made.send_all()
    assert double.held[life.portal_number].statuses == ["2", "4", "9"]
    (done,) = made.rows(_id=id)
    assert [(each.act, each.fields, each.reason) for each in done.repairs] == [
        ("corrected", ("MaLinhVuc",), "Mã lĩnh vực mới")
    ]


def test_nobody_corrects_what_happened(made: Parts, refused: tuple[Life, str]) -> None:
    _, id = refused
    for name in ("TrangThaiHoSo", "MaHoSo", "NgayHenTra", "KhongCo", "DinhDanhCHS"):
        wrong = repair(made, id, {"act": "correct", "fields": {name: "9"}, "reason": "thử xem"})
        assert pointers(wrong) == [(f"/fields/{name}", "not_correctable")]
    for value, reason in (("a\x00", "thử xem"), ("a", "thử\x07 xem")):
        body = {"act": "correct", "fields": {"MaLinhVuc": value}, "reason": reason}
        assert repair(made, id, body).status_code == 422
    assert made.rows(_id=id)[0].state == "failed"


def test_a_refused_row_is_left_out_with_a_reason_and_the_dossier_goes_on(
    made: Parts, double: NationalPortal, refused: tuple[Life, str]
) -> None:
    life, id = refused
    problem(repair(made, id, {"act": "skip"}), 422)
    assert repair(made, id, {"act": "skip", "reason": "Cổng đã có hồ sơ này"}).status_code == 200
    problem(repair(made, id, {"act": "skip", "reason": "Lần nữa"}), 409, "row_not_refused")
    problem(repair(made, id, {"act": "retry"}), 409, "message_not_retriable")
    made.courier().once(GO)
    second = made.rows(dossier=life.id)[1]
    assert second.attempts, "its turn has come"
    listed = made.notify.get("partners/national_portal/rows?state=skipped", everything(made.notify.service))
    assert [item["skipped"] for item in listed.get_json()["items"]] == ["Cổng đã có hồ sơ này"]


def test_a_refused_row_is_sent_again_as_it_is(made: Parts, double: NationalPortal, refused: tuple[Life, str]) -> None:
    life, id = refused
    double.refused.clear()
    assert repair(made, id, {"act": "retry"}).status_code == 200
    made.send_all()
    assert double.held[life.portal_number].record == {"MaHoSo": life.portal_number, **life.expected}


def test_a_row_behind_another_is_not_sent_before_it(made: Parts) -> None:
    made.hear(a_life(1).bodies)
    second = made.rows()[1]
    problem(repair(made, second.id, {"act": "retry"}), 409, "message_not_retriable")


def test_the_polls_cost_the_same_at_any_size(made: Parts) -> None:
    collection = made.store.rows.collection
    plans = [
        collection.find({"state": "queued", "next_at": {"$lte": made.clock()}}).sort("next_at", 1),
        collection.find({"dossier": "d"}).sort([("created_at", -1), ("_id", -1)]),
        collection.find({"state": "failed", "skipped": None}).sort([("created_at", -1), ("_id", -1)]),
    ]
    stages = [plan.explain()["queryPlanner"]["winningPlan"] for plan in plans]
    assert not [stage for stage in stages if "SORT" in repr(stage) or "COLLSCAN" in repr(stage)]
