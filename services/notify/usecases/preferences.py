"""How people want to be told: what they may say about it."""

import base64
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from chassis import acts
from chassis.clock import Clock
from chassis.errors import Forbidden, Unavailable
from chassis.store import Change, New
from chassis.web import Answer, Call
from notify.domain import preferences
from notify.domain.preferences import LinkUnknown, OptOut, Preferences
from notify.domain.telling import Channel, Group, Rule
from notify.store import NotifyStore


class Choosing:
    """`rules`: those that count now; `live`: the channels that there are."""

    def __init__(
        self, store: NotifyStore, clock: Clock, rules: Callable[[], Sequence[Rule]], live: Collection[Channel]
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._live = live

    def of(self, call: Call) -> tuple[Preferences, int]:
        """The caller's own, with their version; 0 for somebody who never said anything."""
        loaded = self._store.people.preferences.load(_person(call))
        return (loaded.state, loaded.version) if loaded else (Preferences(id=call.principal.subject), 0)

    def put(self, call: Call, wanted: Preferences, *, keep_chat: bool, render: acts.Render[Preferences]) -> Answer:
        """Sets the caller's own; the chat account stays linked or is let go. Raises Silent."""

        def decide(before: Preferences | None) -> tuple[Preferences, tuple[()]]:
            chat = before.chat if before and keep_chat else None
            after = replace(wanted, chat=chat, link=before.link if before else None)
            preferences.check(after, self._rules(), self._live)
            return after, ()

        return acts.put(self._store.people.preferences, _person(call), call, decide=decide, render=render)

    def make_link(self, call: Call, render: acts.Render[Preferences]) -> Answer:
        """A code by which the caller shows that a chat account is theirs."""
        code = base64.b32encode(secrets.token_bytes(10)).decode()[:10]

        def decide(before: Preferences | None) -> tuple[Preferences, tuple[()]]:
            return preferences.with_link(before or Preferences(id=call.principal.subject), code, call.now), ()

        return acts.put(self._store.people.preferences, _person(call), call, decide=decide, render=render)

    def link_chat(self, code: str, account: str) -> None:
        """The chat platform's `account` has shown a code. Raises LinkUnknown; a second time it is linked already."""
        for _ in range(acts.RACES):
            loaded = self._store.people.with_link(code)
            if loaded is None:
                raise LinkUnknown("no such code")
            now = self._clock()
            linked = preferences.linked(loaded.state, code, account, now)
            if self._store.people.preferences.save([Change(loaded, linked, (), now)])[0]:
                return
        raise Unavailable("too many changes of the same thing at once", retry_after=1)

    # -- addresses of people without an account

    def voluntary(self) -> tuple[Group, ...]:
        """What an address may opt out of."""
        return preferences.voluntary(self._rules())

    def opted_out(self, ids: Collection[str]) -> tuple[Group, ...]:
        """What does not go to the address that these ids stand for."""
        return tuple(group for found in self._store.people.of_addresses(ids).values() for group in found.groups)

    def opt_out(self, id: str, groups: Collection[Group]) -> None:
        """From now on just these groups' voluntary e-mails do not go to the address."""
        wanted = tuple(group for group in self.voluntary() if group in groups)
        aggregates = self._store.people.opt_outs
        for _ in range(acts.RACES):
            now = self._clock()
            state = OptOut(id=id, groups=wanted, at=now)
            loaded = aggregates.load(id)
            if loaded is None:
                done = aggregates.add([New(id, state, (), now)])[0] is None
            else:
                done = aggregates.save([Change(loaded, state, (), now)])[0]
            if done:
                return
        raise Unavailable("too many changes of the same thing at once", retry_after=1)


def _person(call: Call) -> str:
    if call.principal.kind != "person":
        raise Forbidden("a system is told nothing")
    return call.principal.subject
