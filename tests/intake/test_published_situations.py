"""Situations that were published, run as they were told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from catalog.domain import Duration, Durations
from tests.intake.making import body
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, HERE
from tests.support.services import Clock, Running, local

STEPS = (("s1", "completed"), ("s2", "completed"), ("s3", "approved"), ("s4", "completed"))


def deliver(intake: Running, workflow: Running) -> None:
    """Until neither has anything to tell the other."""
    while events := intake.publish() + workflow.publish():
        for service in (intake, workflow):
            service.hear(events)


@pytest.mark.parametrize("channel", ["counter", "online"])
def test_hoang_hoas_household_business_licence_takes_3_working_days(
    intake: Running, workflow: Running, clock: Clock, channel: str
) -> None:
    """Huyện Hoằng Hóa, September to December 2019: a household-business licence takes 3 working days, and 75 of the 408
    dossiers were filed online. This one is received on Friday morning, 29 November 2019; it is due on Wednesday at the
    same hour, and handed over by then."""
    intake.hear([catalogue.calendar(2019)])
    workflow.hear([catalogue.calendar(2019)])
    for service in (intake, workflow):
        service.hear([catalogue.published(_licence())])
    clock.set("2019-11-29 08:30")
    who = "counter_officer" if channel == "counter" else "citizen"
    answer = intake.post("dossiers", who, body(channel=channel))
    assert answer.status_code == 201, answer.text
    found = answer.get_json()
    id = found["id"]
    if channel == "online":
        assert found["due_at"] is None
        found = intake.post(f"dossiers/{id}/reception", "counter_officer", {}).get_json()
    due_at = local("2019-12-04 08:30")
    assert found["due_at"] == f"{due_at:%Y-%m-%dT%H:%M:%SZ}"
    assert found["code"] == f"{HERE}-191129-0001"
    deliver(intake, workflow)
    for step, outcome in STEPS:
        clock.move(hours=21)
        done = workflow.post(f"tasks/{id}.{step}/completion", "counter_officer", {"outcome": outcome})
        assert done.status_code == 200, done.text
    assert clock.now < due_at - timedelta(hours=12)
    deliver(intake, workflow)
    clock.set("2019-12-03 15:00")
    sent = {"to": "Nguyễn Thị Hoa", "method": "collect", "signed_on_paper": True}
    assert intake.post(f"dossiers/{id}/handover", "counter_officer", sent).get_json()["status"] == "returned"
    shown = intake.get(f"dossiers/{id}", "counter_officer").get_json()
    assert (shown["outcome"], shown["timing"]) == ("approved", "early")
    account = workflow.get(f"dossiers/{id}/clock", "counter_officer").get_json()
    assert (account["budget"], account["unit"], account["state"]) == (3.0, "working_day", "finished")
    assert account["due_at"] == found["due_at"]


def test_a_licence_that_is_decided_a_day_after_those_3_days_is_late(
    intake: Running, workflow: Running, clock: Clock
) -> None:
    for service in (intake, workflow):
        service.hear([catalogue.calendar(2019), catalogue.published(_licence())])
    clock.set("2019-11-29 08:30")
    id = intake.post("dossiers", "counter_officer", body(channel="counter")).get_json()["id"]
    deliver(intake, workflow)
    clock.set("2019-12-05 08:00")
    for step, outcome in STEPS:
        workflow.post(f"tasks/{id}.{step}/completion", "counter_officer", {"outcome": outcome})
    deliver(intake, workflow)
    assert intake.get(f"dossiers/{id}", "counter_officer").get_json()["timing"] == "late"


def test_75_of_408_dossiers_came_online(intake: Running, clock: Clock) -> None:
    """The share of Hoằng Hóa's dossiers that were filed online from September to 11 December 2019: 18 %."""
    intake.hear([catalogue.calendar(2019), catalogue.published(_licence())])
    clock.set("2019-12-11 16:00")
    lines = [body(channel="online" if n < 75 else "counter") for n in range(408)]
    sent = b"\n".join(json.dumps(line).encode() for line in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = intake.post("dossiers/batch", "counter_officer", data=sent, headers=headers)
    assert answer.status_code == 201
    found: dict[str, Any] = {}
    cursor = ""
    while cursor is not None:
        page = intake.get(f"dossiers?agency={HERE}&limit=200{cursor}", "counter_officer").get_json()
        found |= {item["id"]: item for item in page["items"]}
        cursor = page["next"] and f"&cursor={page['next']}"
    online = sum(item["channel"] == "online" for item in found.values())
    assert (online, len(found), round(100 * online / len(found))) == (75, 408, 18)


def _licence() -> Any:
    three_days = Durations(counter=Duration(amount=3, unit="working_day"))
    return catalogue.procedure(BUSINESS, 1, service_level=3, durations=three_days)
