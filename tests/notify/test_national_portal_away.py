"""The portal, or intake, goes away while there is a session with it; and what only one dossier is to blame for."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from notify.national_portal import usecases
from notify.national_portal.domain.rows import Tracked
from notify.outlets import Away
from notify.sealing import Unsealable
from tests.doubles.national_portal import Fault, NationalPortal
from tests.notify.national_portal_parts import GO, Parts
from tests.notify.test_national_portal import a_life
from tests.notify.test_national_portal_whole import lived


def test_a_portal_that_goes_away_after_the_login_is_known_to_be_away(made: Parts, double: NationalPortal) -> None:
    """Else the worker would ask it without a pause, and nobody would be told."""
    lived(made, 1)
    made.hear([body for n in range(2, 40) for body in a_life(n).bodies])
    double.stop()
    made.portal._http().close()
    courier = made.courier()
    with pytest.raises(Away, match="connection_failed"):
        courier.once(GO)
    assert {row.state for row in made.rows(dossier=a_life(2).id)} == {"queued"}
    assert not made.rows(state="sending")
    assert sum(len(row.attempts) for row in made.rows(state="queued")) == 0, "nothing was tried"


def test_a_portal_that_answers_nonsense_to_everything_is_left_alone_for_a_while(
    made: Parts, double: NationalPortal
) -> None:
    lived(made, 1)
    made.hear([body for n in range(2, 60) for body in a_life(n).bodies])
    double.fault = Fault.ERROR_500
    before = len(double.calls)
    with pytest.raises(Away, match="status_500"):
        made.courier().once(GO)
    assert len(double.calls) - before == 2, "two lots, and it is the portal that is broken"
    assert not made.rows(state="sending")
    double.fault = None
    made.send_all()
    assert set(double.held) == {a_life(n).portal_number for n in range(1, 60)}
    assert double.problems == []


def test_a_dossier_that_cannot_be_followed_holds_up_no_other_and_no_worker(
    made: Parts, double: NationalPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose data was sealed with a key that is gone."""
    lives = [a_life(n) for n in range(1, 4)]
    for life in lives:
        begun = [body for body in life.bodies if b"workflow.dossier.started" not in body]
        made.hear(begun)
    bad, followed = lives[0].id, made.following._followed

    def breaks(tracked: Tracked, *rest: Any) -> Any:
        if tracked.id == bad:
            raise Unsealable("sealed with a key that is not there")
        return followed(tracked, *rest)

    made.clock.move(hours=7)
    monkeypatch.setattr(made.following, "_followed", breaks)
    monkeypatch.setattr(usecases, "LOOKED_AT", 1)
    with capture_logs() as logs:
        for _ in lives:
            made.following.look()
    assert [entry["dossier"] for entry in logs if entry["event"] == "portal_cannot_follow"] == [bad]
    missed = {life.id: made.store.dossiers.load(life.id) for life in lives}
    assert [bool(each and each.state.merged.missed) for each in missed.values()] == [False, True, True]
    monkeypatch.undo()
    made.clock.move(hours=1)
    made.following.look()
    found = made.store.dossiers.load(bad)
    assert found is not None
    assert found.state.merged.missed == ("workflow-1",), "it was not forgotten"
