"""What must hold for every route of every service."""

import inspect
from collections.abc import Iterator

import pytest

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


def ids(routes: list[tuple[str, Route]]) -> Iterator[str]:
    return (f"{route.method} {name}{route.path}" for name, route in routes)


every_route = pytest.mark.parametrize(("name", "route"), ROUTES, ids=ids(ROUTES))


def test_there_are_routes_of_every_service() -> None:
    assert {name for name, _ in ROUTES} == set(SERVICES)


@every_route
def test_it_states_its_scope_or_says_in_words_why_it_is_public(name: str, route: Route) -> None:
    described = service.described(of(name)).scopes
    assert (route.scope is None) != (route.public is None)
    assert route.scope is None or described[route.scope].strip()
    assert route.public is None or len(route.public.split()) >= 5


@every_route
def test_only_reading_is_public(name: str, route: Route) -> None:
    assert route.method == "GET" or route.public is None or route.path in SIGNED | WITH_SECRET | LOOKS


@every_route
def test_what_creates_needs_an_idempotency_key(name: str, route: Route) -> None:
    if route.method == "POST" and 201 in route.answers:
        assert route.needs == "key"


@every_route
def test_what_changes_a_state_needs_a_key_or_the_version_seen(name: str, route: Route) -> None:
    if route.method in ("POST", "PUT") and 201 not in route.answers and route.path not in HARMLESS_TWICE:
        assert route.needs in ("key", "key_or_match")


@every_route
def test_it_is_described(name: str, route: Route) -> None:
    assert len((inspect.getdoc(route.handler) or "").split()) >= 3


def test_an_operation_has_its_own_name_within_its_service() -> None:
    for name in SERVICES:
        handlers = [route.handler.__name__ for owner, route in ROUTES if owner == name]
        assert len(set(handlers)) == len(handlers)
