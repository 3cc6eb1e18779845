"""What notify is started with for the national portal, and what its worker does with it."""

import threading
from contextlib import ExitStack

import pytest

from chassis.settings import SettingsError
from notify.settings import NotifySettings
from tests.doubles.national_portal import NationalPortal
from tests.notify.national_portal_parts import SEALING_KEY, Parts
from tests.notify.test_national_portal import a_life
from tests.notify.test_settings import ENVIRONMENT
from tests.support.waiting import until

PORTAL = {
    "NATIONAL_PORTAL_URL": "https://cong.example/api",
    "NATIONAL_PORTAL_USER": "thanhhoa",
    "NATIONAL_PORTAL_PASSWORD": "right",
    "NATIONAL_PORTAL_AGENCY": "H56",
    "NATIONAL_PORTAL_DSTCODE": "VN:GOV:000.00.00.G22:vpcpapi",
    "SEALING_KEY": SEALING_KEY,
}


def test_empty_variables_are_no_portal() -> None:
    settings = NotifySettings.read({**ENVIRONMENT, **dict.fromkeys(PORTAL, ""), "INTAKE_API_KEY": ""})
    assert (settings.national_portal_url, settings.sealing_key, settings.intake_api_key) == (None, None, None)


def test_a_portal_with_all_that_it_needs() -> None:
    assert NotifySettings.read({**ENVIRONMENT, **PORTAL}).national_portal_agency == "H56"


@pytest.mark.parametrize("missing", sorted(PORTAL.keys() - {"NATIONAL_PORTAL_URL"}))
def test_what_is_missing_beside_the_address_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        NotifySettings.read({**ENVIRONMENT, **PORTAL, missing: ""})


@pytest.mark.parametrize("given", [{"SEALING_KEY": "quá ngắn"}, {"NATIONAL_PORTAL_URL": "ftp://x"}])
def test_what_is_malformed_is_named(given: dict[str, str]) -> None:
    (name,) = given
    with pytest.raises(SettingsError, match=name) as raised:
        NotifySettings.read({**ENVIRONMENT, **PORTAL, **given})
    assert SEALING_KEY not in str(raised.value)


def test_the_workers_loops_send_what_was_heard(made: Parts, double: NationalPortal) -> None:
    life, stop = a_life(1), threading.Event()
    loops = made.notify.parts.loops
    assert {"national_portal", "national_portal_2", "portal_look", "portal_stuck", "portal_measure"} <= loops.keys()
    assert "portal_fetch" not in loops, "there is no key for intake"
    with ExitStack() as stack:
        for name in ("national_portal", "portal_measure"):
            thread = threading.Thread(target=loops[name], args=(stop,), name=name)
            stack.callback(thread.join, 10)
            thread.start()
        stack.callback(stop.set)
        made.hear(life.bodies)
        until(lambda: life.portal_number in double.held and double.held[life.portal_number].statuses == life.statuses)
    assert double.problems == []
