"""Makes people's digests when their hour has come; see `notify.domain.digests`."""

from dataclasses import replace

from chassis import logs
from chassis.clock import Clock
from chassis.store import Change
from notify.domain import digests
from notify.domain.messages import Message
from notify.domain.telling import Fact
from notify.store import NotifyStore
from notify.templates import TemplateBroken, Templates

log = logs.get()
BATCH = 500


class Digests:
    def __init__(self, store: NotifyStore, templates: Templates, clock: Clock) -> None:
        self._messages = store.messages
        self._templates = templates
        self._clock = clock

    def once(self) -> bool:
        """Makes the digests that are due; True when more may be. Two workers at once do no harm."""
        due = self._messages.gathered_until(self._clock(), BATCH)
        for id in dict.fromkeys(loaded.state.digest for loaded in due if loaded.state.digest):
            self._make(id)
        return len(due) == BATCH

    def _make(self, id: str) -> None:
        now = self._clock()
        gathered = self._messages.gathered_in(id, BATCH)
        if not gathered:
            return
        told = {loaded.id: self._told(loaded.state) for loaded in gathered[: digests.MOST]}
        self._messages.add([(digests.made([loaded.state for loaded in gathered], told, now), ())])
        # What the store has counts: it may have been made before, by a worker that died then, or by another one.
        made = self._messages.aggregates.load(id)
        if made is None:
            return
        changes = [Change(loaded, digests.settled(loaded.state, made.state, now), (), now) for loaded in gathered]
        settled = sum(self._messages.aggregates.save(changes))
        log.info("digest_made", message=id, count=settled)

    def _told(self, message: Message) -> dict[str, Fact]:
        """What the digest says of a message: what the portal does, without a letter's beginning and end."""
        try:
            rendered = self._templates.render(replace(message, channel="portal"))
            subject, text = rendered.subject, rendered.text.strip()
        except TemplateBroken as broken:
            log.error("template_broken", message=message.id, template=message.template, reason=str(broken))
            subject, text = str(message.params["procedure_name"]), ""
        return {"subject": subject, "text": text, "lookup": self._templates.lookup(message)}
