"""Tells people what happened."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis import logs
from chassis.clock import Clock, id_from
from chassis.consume import Done, Duplicate, Later, Outcome
from notify.domain import messages, telling
from notify.domain.messages import Events, Message
from notify.domain.preferences import wishes_of
from notify.domain.quiet import Quiet
from notify.domain.telling import (
    CHANNELS,
    NO_WISHES,
    Channel,
    Contact,
    Happened,
    Language,
    Office,
    Rule,
    Told,
    Wishes,
    timing,
)
from notify.domain.wordings import name_of
from notify.store import NotifyStore

log = logs.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How people are told who do not say how. `live`: the channels that lead somewhere; `quiet`: when people are left
    alone by each; `address_ids`: see `notify.opting`; `words`: the version of the words that count, by their name."""

    live: Collection[Channel] = CHANNELS
    quiet: Mapping[Channel, Quiet] = field(default_factory=dict)
    address_ids: Callable[[str], Sequence[str]] = lambda _address: ()
    words: Callable[[str], int] = lambda _name: 0


AS_IT_COMES = Manner()


class Telling:
    """`rules`: those that count now. `max_age`: what happened longer ago is told to nobody, as it comes from a
    migration or is published anew."""

    def __init__(
        self,
        store: NotifyStore,
        clock: Clock,
        rules: Callable[[], Sequence[Rule]],
        *,
        language: Language,
        max_age: timedelta,
        manner: Manner = AS_IT_COMES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._language = language
        self._max_age = max_age
        self._manner = manner

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
        rules = self._rules()
        wishes = self._wishes([contact for _, contact in items])
        for happened, contact in items:
            wish = wishes.get((contact.person, contact.email), NO_WISHES)
            told = telling.recipients(happened, contact, rules, offices, wishes=wish, live=self._manner.live)
            if now - happened.at > self._max_age:
                log.info("too_old_to_tell", event_id=happened.event_id)
                told = []
            of_item.append(list(range(len(made), len(made) + len(told))))
            made += [self._composed(one, happened, contact, wish, now) for one in told]
        begun = [happened for (happened, _), mine in zip(items, of_item, strict=True) if mine]
        self._store.tellings.begin(begun, now)
        added = self._store.messages.add(made)
        self._store.tellings.done(begun)
        return [Duplicate() if mine and not any(added[n] for n in mine) else Done() for mine in of_item]

    def _composed(
        self, told: Told, happened: Happened, contact: Contact, wish: Wishes, now: datetime
    ) -> tuple[Message, Events]:
        rule = told.rule
        language = wish.language if wish.language and rule.audience == "applicant" else self._language
        due = timing(rule, wish, self._manner.quiet.get(rule.channel), now)
        return messages.compose(
            id_from("message", *told.key),
            told,
            happened,
            contact,
            language,
            now,
            timing=due,
            digest=id_from("digest", told.person or "", told.to, due.at.isoformat()) if due.gathered else None,
            template_version=self._manner.words(name_of(rule.template, rule.channel, language)),
        )

    def _wishes(self, contacts: Sequence[Contact]) -> dict[tuple[str | None, str | None], Wishes]:
        """By person and the dossier's e-mail address, of those who have any."""
        persons = self._store.people.of_persons({contact.person for contact in contacts if contact.person})
        whose = {(contact.person, contact.email) for contact in contacts}
        addresses: dict[tuple[str | None, str | None], Sequence[str]] = {}
        for person, email in whose:
            own = persons.get(person) if person else None
            address = own.email if own and own.email else email
            addresses[person, email] = self._manner.address_ids(address) if address else ()
        ids = {id for known in addresses.values() for id in known}
        opted_out = self._store.people.of_addresses(ids) if ids else {}
        return {
            (person, email): wishes_of(
                persons.get(person) if person else None,
                next((opted_out[id] for id in addresses[person, email] if id in opted_out), None),
            )
            for person, email in whose
        }
