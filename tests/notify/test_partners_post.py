"""The public post brings a result once, to whom it is for, for what is unpaid; and what became of it is known."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chassis.consume import Done, Later
from intake import events as intake
from notify.main import NOTIFY
from notify.outlets import Away
from notify.partners.store import PartnerStore
from tests.doubles.emc import Emc
from tests.doubles.partner import Fault
from tests.doubles.post import CUSTOMER, Post, signed
from tests.notify.partner_parts import GO, SENDER, Partners, each_fault, partners
from tests.notify.portal_lives import Life
from tests.support.services import Clock, Tokens, everything, pointers, problem

DELIVERED, FAILED = "notify.post.delivered.v1", "notify.post.failed.v1"


@dataclass
class ByPost(Life):
    """A life whose result goes by post. `address`: the applicant's."""

    address: str | None = "Thôn 3, xã Hoằng Lộc"

    @property
    def personal(self) -> intake.Personal:
        return replace(super().personal, address=self.address)

    def _contents(self) -> dict[str, Any]:
        return {**super()._contents(), "result_return": "post"}

    @property
    def number_at_post(self) -> str:
        return f"{self.code}-1"

    def paid(self, amount: int = 100_000) -> None:
        self.say(
            intake.FeePaid(
                dimensions=self.dimensions, code=self.code, payment=f"p{self.number}", amount=amount, channel="counter",
                paid_at=self.at, provider=None, settled=True,
            )
        )  # fmt: skip

    def handed(self, method: str) -> None:
        self.say(
            intake.DossierHandedOver(
                dimensions=self.dimensions,
                code=self.code or "",
                handed_over_at=self.at,
                method=method,  # type: ignore[arg-type]
            )
        )

    def new(self) -> list[bytes]:
        """What was said since the last call."""
        bodies, self.told = self.bodies, []
        return bodies


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post(clock: Clock) -> Iterator[Post]:
    with Post(clock) as post:
        yield post


@pytest.fixture
def made(database_url: str, tmp_path: Path, clock: Clock, post: Post) -> Iterator[Partners]:
    with Emc(clock) as emc, partners(database_url, Tokens(tmp_path), clock, emc, post) as made:
        yield made


def finished(number: int, **options: Any) -> ByPost:
    life = ByPost(number, channel="counter", **options)
    life.filed()
    life.received()
    life.later(1)
    life.started()
    life.later()
    life.finished()
    return life


def tell(made: Partners, body: bytes, at: datetime | None = None, **options: Any) -> Any:
    headers = signed(body, at or made.clock(), **options)
    return made.notify.request("POST", "partners/post/tracking", data=body, headers=headers)


def news(made: Partners) -> list[dict[str, Any]]:
    return [json.loads(body) for body in made.notify.publish()]


def ordered(made: Partners, number: int = 1) -> ByPost:
    life = finished(number)
    made.hear(life.new())
    made.send_all("post")
    return life


def test_a_finished_result_is_ordered_with_exactly_the_fields(made: Partners, post: Post) -> None:
    life = finished(1)
    *before, last = life.bodies[:-1]
    made.hear(before)
    made.send_all("post")
    assert post.held == {}, "nothing is collected before there is anything"
    made.hear([last, last, life.bodies[-1]])
    made.send_all("post")
    assert {number: held.order for number, held in post.held.items()} == {
        life.number_at_post: {
            "CustomerCode": CUSTOMER,
            "OrderNumber": life.number_at_post,
            "CODAmount": 100_000,
            "Sender": {"Name": SENDER["name"], "Address": SENDER["address"], "Phone": SENDER["phone"]},
            "Receiver": {
                "Name": life.personal.name, "Address": life.personal.address, "Phone": life.personal.phone,
            },
        }
    }  # fmt: skip
    assert post.problems == []
    kept = json.dumps(list(made.notify.database["partner_rows"].find({"partner": "post"})), default=str)
    assert life.personal.name not in kept, "what is kept of people is sealed"
    assert "Hoằng Lộc" not in kept
    assert life.personal.name not in json.dumps(made.notify.get("partners/post/rows", everything(NOTIFY)).get_json())


def test_who_collects_it_gets_no_post(made: Partners, post: Post) -> None:
    life = Life(1, channel="counter")
    life.filed()
    life.received()
    life.finished()
    made.hear(life.bodies)
    assert made.rows(partner="post") == []


@pytest.mark.parametrize("end", ["collected", "withdrawn"])
def test_an_order_that_is_not_wanted_any_more_is_cancelled(made: Partners, post: Post, end: str) -> None:
    life = ordered(made)
    if end == "collected":
        life.later()
        life.handed("collect")
    else:
        # Its instant is before the end, so the withdrawal counts, though it is known later.
        life.at -= timedelta(minutes=5)
        life.withdrawn(received=True)
    made.hear(life.new())
    made.send_all("post")
    assert [held.cancelled for held in post.held.values()] == [True]
    assert post.problems == []


def test_what_is_not_wanted_before_it_was_sent_is_not_sent(made: Partners, post: Post) -> None:
    life = finished(1)
    life.later()
    life.handed("collect")
    made.hear(life.bodies[:-1])
    made.hear(life.bodies[-1:])
    made.send_all("post")
    assert post.held == {}
    assert {row.state for row in made.rows(partner="post")} == {"sent"}


def test_what_is_paid_meanwhile_is_not_collected_again(made: Partners, post: Post) -> None:
    life = ordered(made)
    life.later()
    life.paid()
    made.hear(life.new())
    made.send_all("post")
    first, second = post.held.values()
    assert (first.cancelled, first.order["CODAmount"]) == (True, 100_000)
    assert (second.cancelled, second.order["CODAmount"]) == (False, 0)


def test_nobody_is_sent_twice_where_the_first_order_is_on_its_way(made: Partners, post: Post) -> None:
    life = ordered(made)
    post.held[life.number_at_post].collected = True
    life.later()
    life.paid()
    made.hear(life.new())
    made.send_all("post")
    assert set(post.held) == {life.number_at_post}
    refused = made.notify.get("partners/post/rows?state=refused", everything(NOTIFY)).get_json()["items"]
    assert {row["act"] for row in refused} == {"cancel", "order"}


def test_an_address_that_is_missing_or_refused_is_corrected_by_an_operator(made: Partners, post: Post) -> None:
    missing, wrong = finished(1, address=None), finished(2)
    post.refused["Hoằng Lộc"] = "không có địa chỉ"
    made.hear([*missing.new(), *wrong.new()])
    made.send_all("post")
    who = everything(NOTIFY)
    rows = made.notify.get("partners/post/rows?state=refused", who).get_json()["items"]
    assert len(rows) == 2
    assert "Hoằng Lộc" not in json.dumps(rows, ensure_ascii=False), "what the post quotes of people is not shown"
    for row in rows:
        body = {"act": "correct", "fields": {"Receiver.Address": "12 Lê Lợi, Hạc Thành"}, "reason": "hỏi lại"}
        assert made.notify.post(f"partners/post/rows/{row['id']}/repair", who, body).status_code == 200
    bad = {"act": "correct", "fields": {"CODAmount": "0"}, "reason": "x y z"}
    answer = made.notify.post(f"partners/post/rows/{rows[0]['id']}/repair", who, bad)
    assert pointers(answer) == [("/fields/CODAmount", "not_correctable")]
    made.send_all("post")
    assert {held.order["Receiver"]["Address"] for held in post.held.values()} == {"12 Lê Lợi, Hạc Thành"}


def test_an_order_that_is_not_wanted_is_not_sent_by_a_repair(made: Partners, post: Post) -> None:
    life = finished(1, address=None)
    made.hear(life.new())
    made.send_all("post")
    life.later()
    life.handed("collect")
    made.hear(life.new())
    made.send_all("post")
    (order,) = made.rows(partner="post", act="order")
    body = {"act": "correct", "fields": {"Receiver.Address": "12 Lê Lợi"}, "reason": "hỏi lại"}
    problem(made.notify.post(f"partners/post/rows/{order.id}/repair", everything(NOTIFY), body), 409)
    assert post.held == {}


@pytest.mark.parametrize("nth", [1, 2])
def test_a_consumer_that_dies_in_between_leaves_no_result_behind(
    made: Partners, post: Post, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Before what is known is written, or after it and before the order is laid out: the events come again."""
    life = finished(1)
    bodies, calls, lay_out = life.new(), [0], PartnerStore.lay_out

    def die(self: PartnerStore, rows: Any) -> None:
        calls[0] += 1
        if calls[0] == nth:
            raise KeyboardInterrupt
        lay_out(self, rows)

    monkeypatch.setattr(PartnerStore, "lay_out", die)
    with pytest.raises(KeyboardInterrupt):
        made.hear(bodies)
    made.hear(bodies)
    made.send_all("post")
    assert set(post.held) == {life.number_at_post}
    assert len(made.rows(partner="emc")) == 3, "and no act is told twice"


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", each_fault(Fault.TAKEN, Fault.OVER))
def test_whatever_the_post_does_there_is_one_order(made: Partners, post: Post, fault: Fault) -> None:
    post.faults.extend([fault] * 3)
    life = ordered(made)
    assert set(post.held) == {life.number_at_post}
    assert {row.state for row in made.rows(partner="post")} == {"sent"}
    assert [row.tracking for row in made.rows(partner="post")] == ["EB000000001VN"]
    assert post.problems == []


def test_a_day_without_the_post(made: Partners, post: Post, clock: Clock) -> None:
    post.down_until = clock() + timedelta(days=1)
    for n in range(1, 4):
        made.hear(finished(n).new())
    made.send_all("post")
    assert len(post.held) == 3
    assert clock() > post.down_until


# -- where it is -------------------------------------------------------------------------------------------------------


def test_the_post_is_asked_where_a_consignment_is(made: Partners, post: Post, clock: Clock) -> None:
    life = ordered(made)
    assert made.tracking.ask() is False
    assert ("/orders/tracking", made.rows(partner="post")[0].id) not in post.calls, "not before its time"
    clock.move(hours=2)
    post.moves(life.number_at_post, "COLLECTED", clock())
    made.tracking.ask()
    (row,) = made.rows(partner="post")
    assert [(step.state, step.at) for step in row.steps] == [("collected", clock())]
    clock.move(hours=2)
    post.faults.extend([Fault.ERROR_500, Fault.HTML])
    with pytest.raises(Away):
        made.tracking.ask()
    made.tracking.ask()
    assert len(made.rows(partner="post")[0].steps) == 1, "an answer that cannot be used changes nothing"
    clock.move(hours=2)
    post.moves(life.number_at_post, "DELIVERED", clock() - timedelta(hours=1))
    made.tracking.ask()
    (row,) = made.rows(partner="post")
    assert (row.state, row.look_at) == ("delivered", None)
    (told,) = [each for each in news(made) if each["type"] == DELIVERED]
    assert told["data"] == {
        "dossier": life.id, "code": life.code, "agency": "H56.30", "order": life.number_at_post,
        "tracking": "EB000000001VN", "delivered_at": f"{clock() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    clock.move(hours=9)
    made.tracking.ask()
    assert news(made) == [], "what is delivered is asked for no more"
    life.handed("post")
    made.hear(life.new())
    made.send_all("post")
    assert not post.held[life.number_at_post].cancelled


def test_the_post_tells_signed_and_as_often_as_it_likes(made: Partners, post: Post, clock: Clock) -> None:
    life = ordered(made)
    clock.move(hours=1)
    delivered = post.moves(life.number_at_post, "DELIVERED", clock())
    collected = post.moves(life.number_at_post, "COLLECTED", clock() - timedelta(minutes=30))
    for _ in range(2):
        answer = tell(made, delivered)
        assert answer.get_json() == {"order": life.number_at_post, "result": "noted"}
    assert tell(made, collected).status_code == 200
    (row,) = made.rows(partner="post")
    assert [step.state for step in row.steps] == ["collected", "delivered"]
    assert row.state == "delivered"
    assert [each["type"] for each in news(made)] == [DELIVERED]
    unknown = json.dumps({**json.loads(delivered), "OrderNumber": "H56.30-260304-9999-1"}).encode()
    assert tell(made, unknown).get_json()["result"] == "ignored"


def test_nobody_else_is_believed(made: Partners, post: Post, clock: Clock) -> None:
    life = ordered(made)
    body = post.moves(life.number_at_post, "DELIVERED", clock())
    problem(tell(made, body, secret="mot-bi-mat-khac-hoan-toan"), 401, "signature_wrong")
    problem(tell(made, body, clock() - timedelta(minutes=6)), 401, "timestamp_outside_window")
    problem(made.notify.request("POST", "partners/post/tracking", data=body), 401, "signature_wrong")
    problem(tell(made, b'{"OrderNumber": "x"}'), 422)
    problem(tell(made, b"{"), 400)
    assert made.rows(partner="post")[0].steps == ()


def test_a_failure_is_told_to_the_applicant_once(made: Partners, post: Post, clock: Clock) -> None:
    life = ordered(made)
    clock.move(hours=1)
    body = post.moves(life.number_at_post, "FAILED", clock())
    tell(made, body)
    tell(made, body)
    bodies = made.notify.publish()
    assert [json.loads(each)["type"] for each in bodies] == [FAILED]
    assert made.hear(bodies * 2)[0] == Done()
    found = list(made.notify.database["messages"].find({"event_type": FAILED}))
    assert {each["channel"] for each in found} >= {"email"}
    assert len({each["_id"] for each in found}) == len({each["channel"] for each in found})
    assert {each["dossier"] for each in found} == {life.id}
    clock.move(hours=1)
    tell(made, post.moves(life.number_at_post, "RETURNED", clock()))
    (returned,) = news(made)
    assert (returned["data"]["returned"], made.rows(partner="post")[0].look_at) == (True, None)
    shown = made.notify.get("partners/post/rows", everything(NOTIFY)).get_json()["items"][0]
    assert [step["state"] for step in shown["steps"]] == ["failed", "returned"]


def test_a_delivery_that_is_told_before_the_order_is_known_to_be_taken_counts(
    made: Partners, post: Post, clock: Clock
) -> None:
    post.faults.append(Fault.TAKEN)
    life = finished(1)
    made.hear(life.new())
    clock.move(minutes=2)
    with pytest.raises(Away):
        made.courier("post").once(GO)
    tell(made, post.moves(life.number_at_post, "DELIVERED", clock()))
    assert [each["type"] for each in news(made)] == [DELIVERED]
    made.send_all("post")
    (row,) = made.rows(partner="post")
    assert (row.state, row.look_at) == ("delivered", None)
    assert news(made) == []


def test_what_nobody_knows_yet_is_told_later(made: Partners) -> None:
    life = finished(9)
    body = json.dumps(
        {
            **json.loads(life.bodies[0]), "type": FAILED, "subject": "x", "id": "x:1",
            "data": {
                "dossier": life.id, "code": "c", "agency": "a", "order": "o", "tracking": None,
                "failed_at": "2026-03-04T02:00:00Z", "returned": False,
            },
        }
    ).encode()  # fmt: skip
    assert isinstance(made.hear([body])[0], Later)


# -- papers that the post brings ---------------------------------------------------------------------------------------

FROM = {"name": "Lê Thị Mận", "address": "Thôn 1, xã Hoằng Thịnh", "phone": "0912345678"}


def test_papers_are_collected_and_followed(made: Partners, post: Post, clock: Clock) -> None:
    answer = made.notify.post("partners/post/pickups", "counter_officer", FROM, key="k-pick")
    assert answer.status_code == 201, answer.text
    again = made.notify.post("partners/post/pickups", "counter_officer", FROM, key="k-pick")
    assert again.get_data() == answer.get_data(), "the same click twice is one order"
    made.send_all("post")
    pickup = answer.get_json()
    order = post.held[pickup["number"]].order
    assert (order["Sender"]["Name"], order["Receiver"]["Name"], order["CODAmount"]) == (FROM["name"], SENDER["name"], 0)
    tell(made, post.moves(pickup["number"], "DELIVERED", clock()))
    shown = made.notify.get(f"partners/post/pickups/{pickup['id']}", "counter_officer").get_json()
    assert (shown["state"], shown["tracking"], shown["direction"]) == ("delivered", "EB000000001VN", "pickup")
    assert FROM["name"] not in json.dumps(shown, ensure_ascii=False)
    assert news(made) == [], "nothing is handed over to anybody"
    listed = made.notify.get("partners/post/pickups", "counter_officer").get_json()
    assert [each["id"] for each in listed["items"]] == [pickup["id"]]
    assert post.problems == []


def test_a_pickup_is_its_agencys_own_and_can_be_cancelled(made: Partners, post: Post) -> None:
    pickup = made.notify.post("partners/post/pickups", "counter_officer", FROM).get_json()
    other = replace(everything(NOTIFY), agency="H56.02")
    path = f"partners/post/pickups/{pickup['id']}"
    problem(made.notify.get(path, other), 404, "pickup_not_found")
    problem(made.notify.post(f"{path}/cancellation", other), 404, "pickup_not_found")
    assert made.notify.get("partners/post/pickups", other).get_json() == {"items": [], "next": None}
    problem(made.notify.post("partners/post/pickups", everything(NOTIFY), FROM), 403)
    made.send_all("post")
    first = made.notify.post(f"{path}/cancellation", "counter_officer", key="k-cancel")
    assert first.status_code == 201, first.text
    again = made.notify.post(f"{path}/cancellation", "counter_officer", key="k-cancel")
    assert again.get_data() == first.get_data()
    problem(made.notify.post(f"{path}/cancellation", "counter_officer"), 409, "pickup_cancelled")
    made.send_all("post")
    assert post.held[pickup["number"]].cancelled
    assert post.problems == []


@pytest.mark.parametrize("change", [{"name": "a\nb"}, {"phone": "abc"}, {"address": ""}, {"more": 1}])
def test_a_pickup_that_makes_no_sense_is_refused(made: Partners, change: dict[str, Any]) -> None:
    problem(made.notify.post("partners/post/pickups", "counter_officer", {**FROM, **change}), 422)
    assert made.rows() == []
