"""The loop that sends what is due by e-mail. Several workers run it; a message is its taker's while a lease lasts.

Sending is at least once: when a worker dies between the mail server's answer and the note of it, the message is sent
again under the same Message-ID, once its lease has expired.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chassis import logs, metrics
from chassis.clock import Clock
from chassis.store import UNAVAILABLE, Change, Loaded
from notify import domain, mail
from notify.domain import Message
from notify.mail import MailServer, MailServerAway, Session
from notify.store import NotifyStore
from notify.templates import TemplateBroken, Templates

log = logs.get()
LEASE = timedelta(minutes=5)
MARGIN = timedelta(minutes=2)
"""No message is begun when less of the lease is left. It is more than one message can take with the longest timeout."""
MAX_TIMEOUT_SECONDS = 20
NOTE_EVERY = timedelta(seconds=2)
"""What a slow server answered is noted this often, so that a killed worker leaves few messages in doubt."""
ASIDE = timedelta(minutes=5)
"""How long a message is put behind the others when the mail server hung up over its recipient."""
POLL_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0


class Sender:
    """`holder` names this process among all workers."""

    def __init__(
        self,
        store: NotifyStore,
        server: MailServer,
        templates: Templates,
        clock: Clock,
        *,
        holder: str,
        mail_from: str,
        batch: int,
    ) -> None:
        self._store = store
        self._server = server
        self._templates = templates
        self._clock = clock
        self._holder = holder
        self._mail_from = mail_from
        self._batch = batch

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. A mail server that is away is tried again after growing pauses, a minute at most."""
        pause = 0.0
        while not stop.is_set():
            more = False
            try:
                more = self.once(stop)
                pause = 0.0
            except MailServerAway as error:
                pause = min(MAX_PAUSE_SECONDS, pause * 2 or 1.0)
                log.warning("mail_server_away", reason=error.reason, seconds=pause)
            except UNAVAILABLE as error:
                pause = min(MAX_PAUSE_SECONDS, pause * 2 or 1.0)
                log.warning("sender_waits", reason=type(error).__name__, seconds=pause)
            if not more:
                stop.wait(max(POLL_SECONDS, pause))

    def once(self, stop: threading.Event) -> bool:
        """Sends one batch of what is due; True when more may be due.

        MailServerAway: what was not begun is queued as it was before.
        """
        now = self._clock()
        self._give_back_abandoned(now)
        oldest = self._store.oldest_due("email", now)
        metrics.UNSENT_AGE.set((now - oldest).total_seconds() if oldest else 0)
        if oldest is None:
            return False
        # Before anything is taken: where there is no server, no message is touched.
        with self._server.connect() as session:
            taken = self._take(self._clock())
            self._send(session, taken, stop)
        return bool(taken)

    def _give_back_abandoned(self, now: datetime) -> None:
        changes: list[Change[Message]] = []
        for loaded in self._store.abandoned(now, self._batch):
            state, events = domain.deferred(loaded.state, now, "lease_expired", "interrupted")
            changes.append(Change(loaded, state, events, now, loaded.state.trace))
        if given_back := sum(self._store.messages.save(changes)):
            log.warning("messages_were_abandoned", count=given_back)

    def _take(self, now: datetime) -> list[Loaded[Message]]:
        due = self._store.due("email", now, self._batch)
        changes = [Change(loaded, domain.take(loaded.state, self._holder, now + LEASE), (), now) for loaded in due]
        # Where another sender was faster, the version is not the loaded one any more, and the message is theirs.
        mine = self._store.messages.save(changes)
        return [
            replace(change.before, version=change.before.version + 1, state=change.state)
            for change, saved in zip(changes, mine, strict=True)
            if saved
        ]

    def _send(self, session: Session, taken: Sequence[Loaded[Message]], stop: threading.Event) -> None:
        waiting = deque(taken)
        done: list[Change[Message]] = []
        noted_at = self._clock()
        away: MailServerAway | None = None
        while waiting and away is None and not stop.is_set() and self._may_begin(waiting[0].state):
            loaded = waiting[0]
            try:
                done.append(self._send_one(session, loaded))
                waiting.popleft()
            except MailServerAway as error:
                away = error
                if error.stage in ("recipient", "content"):
                    done.append(self._change(loaded, self._interrupted(loaded.state, error)))
                    waiting.popleft()
            if self._clock() - noted_at > NOTE_EVERY:
                self._note(done, stop)
                done, noted_at = [], self._clock()
        done += [self._change(loaded, (domain.returned(loaded.state), ())) for loaded in waiting]
        self._note(done, stop)
        if away is not None:
            raise away

    def _interrupted(self, message: Message, error: MailServerAway) -> tuple[Message, domain.Events]:
        now = self._clock()
        if error.stage == "content":
            return domain.deferred(message, now, error.reason, "interrupted")
        # A server that hangs up over one recipient must not do so over and over, before it comes to the others.
        return domain.returned(message, now + ASIDE), ()

    def _may_begin(self, message: Message) -> bool:
        return message.lease is not None and self._clock() < message.lease.until - MARGIN

    def _send_one(self, session: Session, loaded: Loaded[Message]) -> Change[Message]:
        message = loaded.state
        try:
            to = mail.wire_address(message.to)
            content = mail.write_mail(
                self._templates.render(message), id=message.id, sender=self._mail_from, to=to,
                language=message.language, at=message.created_at,
            )  # fmt: skip
        except mail.AddressMalformed:
            return self._change(loaded, domain.refused(message, self._clock(), "address_malformed"))
        except TemplateBroken as error:
            # A mended template comes with the next deployment; until then the others must not wait.
            log.error("template_broken", message=message.id, template=message.template, reason=str(error))
            return self._change(loaded, domain.deferred(message, self._clock(), "template_broken"))
        answer = session.send(mail.read_sender(self._mail_from)[1], to, content)
        now = self._clock()
        match answer:
            case mail.Accepted(detail):
                return self._change(loaded, domain.accepted(message, now, detail))
            case mail.Refused(detail):
                return self._change(loaded, domain.refused(message, now, detail))
            case mail.Deferred(detail):
                return self._change(loaded, domain.deferred(message, now, detail))

    def _change(self, loaded: Loaded[Message], step: tuple[Message, domain.Events]) -> Change[Message]:
        state, events = step
        if state.attempts != loaded.state.attempts:
            metrics.ATTEMPTS.labels(state.channel, state.attempts[-1].outcome).inc()
        if state.state == "failed":
            log.warning("message_failed", message=loaded.id, dossier=state.dossier, attempts=len(state.attempts))
        return Change(loaded, state, events, self._clock(), state.trace)

    def _note(self, changes: Sequence[Change[Message]], stop: threading.Event) -> None:
        """Writes down what became of messages. While the store is away it waits: not to know would be to send again."""
        while True:
            try:
                saved = self._store.messages.save(changes)
                break
            except UNAVAILABLE as error:
                log.warning("sender_waits", reason=type(error).__name__, held=len(changes))
                if stop.wait(POLL_SECONDS) or not any(self._is_leased(change.before.state) for change in changes):
                    raise
        if lost := saved.count(False):
            log.warning("messages_were_taken_over", count=lost)

    def _is_leased(self, message: Message) -> bool:
        return message.lease is not None and self._clock() < message.lease.until
