"""How people want to be told: everybody for themselves."""

from chassis.errors import FieldError, Forbidden, Invalid, Stale
from chassis.web import Answer, Call, Router
from notify.domain.preferences import Preferences, Silent
from notify.schemas import preferences as schemas
from notify.usecases.access import CHOOSE
from notify.usecases.preferences import Choosing


def _shown(preferences: Preferences, version: int) -> Answer:
    return Answer(schemas.PreferencesView.of(preferences), 200, version)


def _linked(preferences: Preferences, version: int) -> Answer:
    link = preferences.link
    return Answer(None if link is None else schemas.LinkView(code=link.code, until=link.until), 201, version)


def add_routes(router: Router, use: Choosing) -> None:
    @router.get("/preferences", scope=CHOOSE, answers={200: schemas.PreferencesView}, raises=[Forbidden])
    def show_preferences(call: Call) -> Answer:
        """How the caller wants to be told; version 0 (the ETag) for somebody who never chose."""
        return _shown(*use.of(call))

    @router.put(
        "/preferences",
        scope=CHOOSE,
        needs="key_or_match",
        answers={200: schemas.PreferencesView},
        raises=[Forbidden, Invalid, Silent, Stale],
    )
    def put_preferences(call: Call, body: schemas.PreferencesBody) -> Answer:
        """Sets how the caller wants to be told from now on. What the law wants told cannot be silenced altogether."""
        try:
            wanted = body.preferences(call.principal.subject)
        except ValueError as error:
            wrong = [FieldError("/quiet_hours", "quiet_hours", str(error))]
            raise Invalid("the quiet hours are none", errors=wrong) from None
        return use.put(call, wanted, keep_chat=body.keep_chat, render=_shown)

    @router.post(
        "/preferences/chat-links", scope=CHOOSE, needs="key", answers={201: schemas.LinkView}, raises=[Forbidden]
    )
    def make_chat_link(call: Call) -> Answer:
        """A code, good for half an hour, that the caller sends to the province's account on the chat platform to show
        that the chat account is theirs; a code from before is good no more."""
        return use.make_link(call, _linked)
