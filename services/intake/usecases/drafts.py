"""What can be done with a draft: each act is one write, but for the filing, whose second only notes what the first
made sure of."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from chassis import acts
from chassis.auth import Principal
from chassis.clock import id_from
from chassis.errors import Forbidden, NotFound, Stale, Unavailable
from chassis.store import Loaded
from chassis.web import Answer, Call
from intake.domain import drafts
from intake.domain.dossiers import Filing
from intake.domain.drafts import Draft, Findings, State
from intake.store import IntakeStore
from intake.usecases import dossiers

Render = Callable[[Draft, int], Answer]


class DraftUseCases:
    def __init__(self, store: IntakeStore, filing: dossiers.DossierUseCases) -> None:
        self._store = store
        self._filing = filing

    def begin(self, call: Call, content: dict[str, Any], found: Findings, render: Render) -> Answer:
        """Begins a draft; `found`: what keeps it from being filed. Raises Forbidden for a system, Invalid when
        something is of a wrong type, TooManyDrafts."""
        owner = call.principal.subject
        if call.principal.kind != "person":
            raise Forbidden("a draft is a person's own")
        id = call.id_for_new("draft")
        # What was accepted stays so for a repetition, whatever has changed meanwhile.
        if (first := acts.first_answer(self._store.drafts.load(id), call)) is not None:
            return first
        drafts.require_typed(found)
        self._store.files.claim(drafts.files_of(content), call.now)
        for _ in range(acts.RACES):
            free = self._store.drafts.free_slots(owner)
            if not free:
                raise drafts.TooManyDrafts(f"at most {drafts.MOST_OPEN} at a time")
            draft = drafts.begin(id, owner, free[0], content, call.now)
            try:
                return acts.create(self._store.drafts, id, draft, (), call, render)
            except acts.Taken:
                continue
        raise Unavailable("too many drafts begun at once", retry_after=1)

    def save(self, call: Call, id: str, content: dict[str, Any], found: Findings, render: Render) -> Answer:
        """Puts what is filled in now in the place of what was. Raises NotFound, Stale, DraftFiled, and Invalid when
        something is of a wrong type."""
        self._store.files.claim(drafts.files_of(content), call.now)

        def decide(draft: Draft) -> Draft:
            drafts.require_typed(found)
            return drafts.save(draft, content, call.now)

        return self._change(call, id, decide, render)

    def discard(self, call: Call, id: str, render: Render) -> Answer:
        """Raises NotFound, Stale, DraftFiled."""
        return self._change(call, id, lambda draft: drafts.discard(draft, call.now), render)

    def file(
        self, call: Call, id: str, filing_of: Callable[[dict[str, Any]], Filing], render: dossiers.Render
    ) -> Answer:
        """Files the draft as it was saved: the same as filing its content, and once, whatever keys the clicks have.

        The dossier's identifier is the draft's own, so a second click, or one after a crash between the two writes,
        gets the first answer. Raises NotFound, Stale, DraftFiled, and whatever filing raises.
        """
        loaded = mine(call.principal, self._store.drafts.load(id), call)
        once = _once(call, loaded.id)
        if (first := acts.first_answer(self._store.dossiers.load(dossier_of(loaded.state)), once)) is not None:
            self._note_filed(call, loaded.id, dossier_of(loaded.state))
            return first
        drafts.require_open(loaded.state)
        if call.if_match is not None and call.if_match != loaded.version:
            raise Stale(f"the version is {loaded.version} now")
        answer = self._filing.file(once, filing_of(loaded.state.content), render)
        self._note_filed(call, loaded.id, dossier_of(loaded.state))
        return answer

    def _note_filed(self, call: Call, id: str, dossier: str) -> None:
        noted = replace(call, key=None, if_match=None)
        # The dossier is filed: that the draft's time was over meanwhile is no news to anybody.
        with suppress(NotFound):
            acts.change(
                self._store.drafts, id, noted, sees=lambda _: True,
                decide=lambda draft: (drafts.note_filed(draft, dossier), ()), render=lambda *_: Answer(),
            )  # fmt: skip

    def _change(self, call: Call, id: str, decide: Callable[[Draft], Draft], render: Render) -> Answer:
        def decided(draft: Draft) -> tuple[Draft, tuple[()]]:
            if draft.state is State.OPEN and self._store.dossiers.load(dossier_of(draft)) is not None:
                raise drafts.DraftFiled(f"it became the dossier {dossier_of(draft)}")
            return decide(draft), ()

        return acts.change(
            self._store.drafts, id, call, sees=lambda draft: is_there_for(call.principal, draft, call),
            decide=decided, render=render,
        )  # fmt: skip


def is_there_for(principal: Principal, draft: Draft, call: Call) -> bool:
    """Only its owner sees a draft, until its time is over; the store takes it away some moments later."""
    return draft.owner == principal.subject and draft.expires_at > call.now


def mine(principal: Principal, loaded: Loaded[Draft] | None, call: Call) -> Loaded[Draft]:
    """The draft, or NotFound, also when it is somebody else's or was discarded."""
    if loaded is None or loaded.state.state is State.DISCARDED or not is_there_for(principal, loaded.state, call):
        raise NotFound("no such draft for you")
    return loaded


def dossier_of(draft: Draft) -> str:
    """The identifier that the draft's dossier has, or would have."""
    return id_from("dossier", draft.owner, _key(draft.id))


def _once(call: Call, id: str) -> Call:
    """The call as if each click had the same key, which makes `dossier_of` the identifier of what it creates."""
    return replace(call, key=_key(id), if_match=None, body_hash=id_from("draft", id))


def _key(id: str) -> str:
    return f"draft:{id}"
