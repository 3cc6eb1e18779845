"""What must hold for every route of every service."""

import inspect
from collections.abc import Callable

from chassis import SERVICES, service
from chassis.web import Route
from tests.contracts.documents import of

ROUTES = [(name, route) for name in SERVICES for route in service.described(of(name)).routes]


SIGNED = {"/chat/events", "/partners/post/tracking", "/payments/callbacks/<provider>", "/receipts/<provider>"}
"""Public, and yet they change something: their senders sign what they send, and say the same again without harm."""
WITH_SECRET = {"/tracking/<code>/rating"}
"""Public for whoever has the receipt's secret."""
LOOKS = {"/results/verification"}
"""Public, and changes nothing: a file is sent to be looked at, and not kept."""
HARMLESS_TWICE = (
    SIGNED
    | LOOKS
    | {
        "/parked/<id>/replay",  # the message is gone the second time
        "/parked/<id>/discard",
        "/messages/<id>/read",  # read twice is read
        "/uploads/<id>/chunks/<int:n>",  # the same bytes at the same place
        "/simulations",  # stores nothing
        "/templates/<template>/<channel>/<language>/preview",  # stores nothing
    }
)


def those(wrong: Callable[[str, Route], bool]) -> list[str]:
    """The routes of which this is true, by what an operator would call them."""
    return [f"{route.method} {name}{route.path}" for name, route in ROUTES if wrong(name, route)]


def test_there_are_routes_of_every_service() -> None:
    assert {name for name, _ in ROUTES} == set(SERVICES)


def test_it_states_its_scope_or_says_in_words_why_it_is_public() -> None:
    described = {name: service.described(of(name)).scopes for name in SERVICES}
    assert those(lambda _, route: (route.scope is None) == (route.public is None)) == []
    assert those(lambda name, route: route.scope is not None and not described[name][route.scope].strip()) == []
    assert those(lambda _, route: route.public is not None and len(route.public.split()) < 5) == []


def test_only_reading_is_public() -> None:
    changing = {route.path for _, route in ROUTES if route.public is not None and route.method != "GET"}
    assert changing <= SIGNED | WITH_SECRET | LOOKS


def test_what_creates_needs_an_idempotency_key() -> None:
    assert those(lambda _, route: route.method == "POST" and 201 in route.answers and route.needs != "key") == []


def test_what_changes_a_state_needs_a_key_or_the_version_seen() -> None:
    def changes(route: Route) -> bool:
        return route.method in ("POST", "PUT") and 201 not in route.answers and route.path not in HARMLESS_TWICE

    assert those(lambda _, route: changes(route) and route.needs not in ("key", "key_or_match")) == []


def test_it_is_described() -> None:
    assert those(lambda _, route: len((inspect.getdoc(route.handler) or "").split()) < 3) == []


def test_an_operation_has_its_own_name_within_its_service() -> None:
    for name in SERVICES:
        handlers = [route.handler.__name__ for owner, route in ROUTES if owner == name]
        assert len(set(handlers)) == len(handlers)
