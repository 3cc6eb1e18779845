"""What can be done with messages: send one again, note that one was read."""

from chassis import acts
from chassis.web import Answer, Call
from notify.domain import deliveries, messages
from notify.domain.messages import Events, Message
from notify.store import NotifyStore


class Messages:
    def __init__(self, store: NotifyStore) -> None:
        self._store = store

    def retry(self, call: Call, id: str, render: acts.Render[Message]) -> Answer:
        """Has a message that failed or waits sent now."""

        def decide(message: Message) -> tuple[Message, Events]:
            return deliveries.retry(message, call.now, call.principal.subject), ()

        return acts.change(self._store.messages.aggregates, id, call, sees=lambda _: True, decide=decide, render=render)

    def read(self, call: Call, id: str, render: acts.Render[Message]) -> Answer:
        """Notes that the person whom a message in the portal is for has read it."""

        def own(message: Message) -> bool:
            return message.person == call.principal.subject

        def decide(message: Message) -> tuple[Message, Events]:
            return messages.read(message, call.now), ()

        return acts.change(self._store.messages.aggregates, id, call, sees=own, decide=decide, render=render)
