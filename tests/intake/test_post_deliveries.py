"""What the public post delivered is handed over, once, whatever comes first."""

import json
from typing import Any

import pytest

from chassis.consume import Done, Duplicate, Later
from tests.intake import telling
from tests.intake.test_workflow_news import told, under_way
from tests.support.samples import sample
from tests.support.services import Clock, Running

DELIVERED = "notify.post.delivered.v1"
NUMBER, TRACKING = "H56.30-260304-0001-1", "EB123456789VN"


def delivered(id: str, at: str = "2026-03-10T03:00:00Z") -> bytes:
    made = json.loads(sample(DELIVERED))
    made["data"] |= {"dossier": id, "order": NUMBER, "tracking": TRACKING, "delivered_at": at}
    return json.dumps(made).encode()


def row_of(intake: Running, id: str) -> dict[str, Any]:
    (row,) = (row for row in intake.rows("dossiers") if row["_id"] == id)
    return row


@pytest.fixture
def under_way_at_end(intake: Running, clock: Clock) -> str:
    id = under_way(intake)
    clock.set("2026-03-12 09:00")
    return id


def test_a_delivery_hands_over(intake: Running, under_way_at_end: str) -> None:
    id = under_way_at_end
    assert intake.hear([telling.finished(id), delivered(id)]) == [Done(), Done()]
    row = row_of(intake, id)
    handover = row["handover"]
    assert (row["status"], handover["method"], handover["post"]) == (
        "returned", "post", {"order": NUMBER, "tracking": TRACKING},
    )  # fmt: skip
    assert handover["to"] == row["applicant"]["name"]
    assert f"{handover['at']:%Y-%m-%dT%H:%M}" == "2026-03-10T03:00", "it counts when the post did it"
    assert (row["journal"][-1]["act"], row["journal"][-1]["by"]) == ("handed_over", "post")
    assert [each["method"] for each in told(intake, "dossier.handed_over")] == ["post"]
    assert intake.hear([delivered(id), delivered(id)]) == [Duplicate(), Duplicate()]
    assert told(intake, "dossier.handed_over") == []


def test_a_delivery_waits_for_the_end(intake: Running, under_way_at_end: str) -> None:
    id = under_way_at_end
    assert intake.hear([delivered(id)]) == [Later("not_finished")]
    assert intake.hear([delivered("0198f3a1-0000-8000-9000-000000000000")]) == [Later("dossier_unknown")]
    intake.hear([telling.finished(id)])
    assert intake.hear([delivered(id)]) == [Done()]


def test_what_was_collected_stays_collected(intake: Running, under_way_at_end: str) -> None:
    id = under_way_at_end
    intake.hear([telling.finished(id)])
    body = {"to": "Hoa", "method": "collect"}
    assert intake.post(f"dossiers/{id}/handover", "counter_officer", body).status_code == 200
    assert intake.hear([delivered(id)]) == [Duplicate()]
    assert row_of(intake, id)["handover"]["method"] == "collect"


@pytest.mark.parametrize(
    ("at", "counts"), [("2026-03-01T00:00:00Z", "2026-03-09"), ("2027-01-01T00:00:00Z", "2026-03-12")]
)
def test_a_wrong_clock_of_the_posts_breaks_no_order(
    intake: Running, under_way_at_end: str, at: str, counts: str
) -> None:
    id = under_way_at_end
    intake.hear([telling.finished(id), delivered(id, at)])
    assert f"{row_of(intake, id)['handover']['at']:%Y-%m-%d}" == counts
