"""What can be done about agencies that take over from others: one succession, or a whole reorganisation from a file.

A succession is one write with its event. The agencies follow it afterwards, at once and again by a timer until every
one of them shows it, so that a process that dies in between leaves nothing half done.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from catalog import schemas
from catalog.directory import Directory
from catalog.domain import Agency, agency_errors
from catalog.store import CatalogStore, StoredAgency, StoredSuccession, told_of
from catalog.successions import AlreadySucceeded, Succession, errors_of, succeed
from chassis import acts, store
from chassis.clock import id_from
from chassis.errors import FieldError, Invalid
from chassis.store import Change, Loaded, New
from chassis.web import Answer, Call

BATCH = 200
"""Successions that the agencies follow with one write."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a row of a file. `index`: its place in the list of its kind; `ends`: so many agencies end."""

    kind: Literal["agency", "succession"]
    index: int
    errors: tuple[FieldError, ...] = ()
    unchanged: bool = False
    ends: int = 0

    @property
    def status(self) -> Literal["accepted", "unchanged", "rejected"]:
        return "rejected" if self.errors else "unchanged" if self.unchanged else "accepted"


@dataclass(frozen=True, slots=True)
class Reorganisations:
    store: CatalogStore

    def succeed(self, call: Call, succession: Succession) -> Answer:
        """Says that agencies take over from others, from a day on. Invalid names what does not fit."""
        id = call.id_for_new("succession")
        if (first := acts.first_answer(self.store.successions.load(id), call)) is not None:
            return first
        if wrong := errors_of(succession, self.store.every_agency(), self.store.every_succession()):
            raise Invalid("some fields are wrong", errors=wrong[:50])
        state = _stored(id, succession, call)
        try:
            answer = acts.create(
                self.store.successions,
                id,
                state,
                [told_of(state)[1]],
                call,
                lambda made, _: Answer(schemas.SuccessionAnswer.of(made), 201),
            )
        except acts.Taken:
            raise AlreadySucceeded("somebody else said at the same moment who takes over from it") from None
        # It is accepted, whatever happens now: the timer repairs what is not done here.
        with suppress(*store.UNAVAILABLE):
            self.follow()
        return answer

    def reorganise(
        self, call: Call, made: Sequence[Agency], successions: Sequence[Succession], *, dry_run: bool
    ) -> list[Row]:
        """Makes agencies, then lets agencies take over from others, each checked after those before it.

        A bad row spoils only itself and those that need it. What is there already stays as it is, so a file that was
        cut short can be applied again.
        """
        agencies = self.store.every_agency()
        rows, new = _check_made(made, agencies)
        agencies |= new
        known = self.store.every_succession()
        there, accepted = set(known), list[tuple[int, Succession]]()
        for index, succession in enumerate(successions):
            if succession in there:
                rows.append(Row("succession", index, unchanged=True))
            elif wrong := errors_of(succession, agencies, known):
                rows.append(Row("succession", index, tuple(wrong)))
            else:
                known.append(succession)
                agencies |= succeed(succession, agencies)
                accepted.append((len(rows), succession))
                rows.append(Row("succession", index, ends=len(succession.predecessors)))
        if dry_run:
            return rows
        # Whoever made one of them meanwhile made it with a file like this one: the next run will tell.
        self.store.agencies.add([_new_agency(agency, call) for agency in new.values()])
        refused = self.store.successions.add([_new(succession, call) for _, succession in accepted])
        taken = (FieldError("/predecessors", "already_succeeded", "somebody else said so meanwhile"),)
        for (place, _), field in zip(accepted, refused, strict=True):
            if field is not None:
                rows[place] = replace(rows[place], errors=taken, ends=0)
        while self.follow():
            pass
        return rows

    def follow(self) -> bool:
        """Makes the agencies what the successions want, a batch of these with one write; True when there is more.

        Harmless when done twice, or by several processes at once.
        """
        pending = self.store.pending_successions(BATCH)
        if not pending:
            return False
        loaded = self.store.agencies.load_many({id for each in pending for id in each.state.succession.touched})
        after = {id: each.state.agency for id, each in loaded.items()}
        said: dict[str, Loaded[StoredSuccession]] = {}
        for each in pending:
            changed = succeed(each.state.succession, after)
            after |= changed
            said |= dict.fromkeys(changed, each)
        changes = [_changed(loaded[id], after[id], by) for id, by in said.items()]
        saved = self.store.agencies.save(changes)
        lost = {change.before.id for change, done in zip(changes, saved, strict=True) if not done}
        self.store.successions.save(
            [
                Change(each, replace(each.state, applied=True), (), each.state.changed_at)
                for each in pending
                if lost.isdisjoint(each.state.succession.touched)
            ]
        )
        return bool(lost) or len(pending) == BATCH


def _check_made(made: Sequence[Agency], there: Mapping[str, Agency]) -> tuple[list[Row], dict[str, Agency]]:
    """A row for each, and those that are new and fit among the others. One that is there is left alone: it may have
    taken over from others since it was made."""
    new = {agency.id: agency for agency in made if agency.id not in there and not agency_errors(agency)}
    while True:
        directory = Directory({**there, **new})
        unfit = {id: wrong for id, agency in new.items() if (wrong := directory.errors(agency))}
        if not unfit:
            break
        new = {id: agency for id, agency in new.items() if id not in unfit}
    rows: list[Row] = []
    for index, agency in enumerate(made):
        if agency.id in there:
            rows.append(Row("agency", index, unchanged=True))
        elif new.get(agency.id) is agency:
            rows.append(Row("agency", index))
        else:
            wrong = agency_errors(agency) or Directory({**there, **new, agency.id: agency}).errors(agency)
            repeated = FieldError("/id", "repeated", "is in this file already")
            rows.append(Row("agency", index, tuple(wrong) or (repeated,)))
    return rows, new


def _new_agency(agency: Agency, call: Call) -> New[StoredAgency]:
    state = StoredAgency(id=agency.id, agency=agency, changed_at=call.occurred_at, changed_by=call.principal.subject)
    return New(agency.id, state, [told_of(state)[1]], call.occurred_at, call.trace)


def _stored(id: str, succession: Succession, call: Call) -> StoredSuccession:
    return StoredSuccession(
        id=id, succession=succession, applied=False, changed_at=call.occurred_at, changed_by=call.principal.subject
    )


def _new(succession: Succession, call: Call) -> New[StoredSuccession]:
    """The same succession has the same identifier whenever its file is read."""
    id = id_from("succession", succession.on.isoformat(), *sorted(succession.predecessors))
    state = _stored(id, succession, call)
    return New(id, state, [told_of(state)[1]], call.occurred_at, call.trace)


def _changed(before: Loaded[StoredAgency], agency: Agency, by: Loaded[StoredSuccession]) -> Change[StoredAgency]:
    """The agency after the succession, told at the time and in the name of who said so."""
    state = replace(before.state, agency=agency, changed_at=by.state.changed_at, changed_by=by.state.changed_by)
    return Change(before, state, [told_of(state)[1]], by.state.changed_at)
