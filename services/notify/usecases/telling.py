"""Tells people what happened."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from chassis import logs
from chassis.clock import Clock, id_from
from chassis.consume import Done, Duplicate, Later, Outcome
from notify.domain import messages, telling
from notify.domain.messages import Events, Message
from notify.domain.telling import Contact, Happened, Language, Office, Rule
from notify.store import NotifyStore

log = logs.get()


class Telling:
    """`max_age`: what happened longer ago is told to nobody, as it comes from a migration or is published anew."""

    def __init__(
        self, store: NotifyStore, clock: Clock, rules: Sequence[Rule], *, language: Language, max_age: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._language = language
        self._max_age = max_age

    def learn_and_tell(self, items: Sequence[tuple[Happened, int, Contact]]) -> list[Outcome]:
        """Keeps whom to tell about each dossier, at which sequence of intake's, and tells them."""
        self._store.contacts.put_contacts(
            [(happened.dossier, sequence, contact) for happened, sequence, contact in items]
        )
        return self._tell([(happened, contact) for happened, _, contact in items])

    def tell(self, items: Sequence[Happened]) -> list[Outcome]:
        """Tells whoever is known; Later where it is not known yet whom a dossier belongs to, or where an agency is."""
        contacts = self._store.contacts.contacts({happened.dossier for happened in items})
        told = {agency for happened in items for agency in happened.told}
        offices = self._store.contacts.offices(told) if told else {}
        outcomes: list[Outcome | None] = []
        known: list[tuple[Happened, Contact]] = []
        for happened in items:
            contact = contacts.get(happened.dossier)
            if contact is None:
                outcomes.append(Later("contact_unknown"))
            elif not offices.keys() >= set(happened.told):
                outcomes.append(Later("agency_unknown"))
            else:
                outcomes.append(None)
                known.append((happened, contact))
        applied = iter(self._tell(known, offices))
        return [next(applied) if outcome is None else outcome for outcome in outcomes]

    def know_offices(self, items: Sequence[tuple[int, Office]]) -> list[Outcome]:
        """Keeps the agencies' names and addresses, with catalog's sequence each."""
        return [Done() if new else Duplicate() for new in self._store.contacts.put_offices(items)]

    def _tell(
        self, items: Sequence[tuple[Happened, Contact]], offices: Mapping[str, Office] | None = None
    ) -> list[Outcome]:
        now = self._clock()
        made: list[tuple[Message, Events]] = []
        of_item: list[list[int]] = []
        for happened, contact in items:
            told = telling.recipients(happened, contact, self._rules, offices)
            if now - happened.at > self._max_age:
                log.info("too_old_to_tell", event_id=happened.event_id)
                told = []
            of_item.append(list(range(len(made), len(made) + len(told))))
            for one in told:
                id = id_from("message", *one.key)
                made.append(messages.compose(id, one, happened, contact, self._language, now))
        added = self._store.messages.add(made)
        return [Duplicate() if mine and not any(added[n] for n in mine) else Done() for mine in of_item]
