"""What providers and the chat platform tell of their own accord, signed."""

from collections.abc import Mapping
from re import compile as pattern

from flask import request
from pydantic import ValidationError
from pydantic_core import from_json

from chassis import logs, signed
from chassis.errors import Invalid, Unauthenticated, Unreadable
from chassis.signed import Signatures
from chassis.web import Answer, Call, Router, Upload, UploadRule, field_errors, nfc
from notify.channels.chat import event_signature
from notify.channels.sms import Provider, read_receipt
from notify.domain.preferences import LinkUnknown
from notify.schemas import receipts as schemas
from notify.usecases.preferences import Choosing
from notify.usecases.receipts import Receipts

log = logs.get()
MOST_BYTES = 20_000
SAYS = "user_send_text"
_CODE = pattern(r"(?<![A-Z2-7])[A-Z2-7]{10}(?![A-Z2-7])")
MOST_CODES = 3
SIGNED = "Whoever tells it signs it with a secret of its own; nothing is told to anybody else."


def add_routes(
    router: Router,
    use: Receipts,
    providers: Mapping[str, Provider],
    choosing: Choosing,
    chat_app: tuple[str, str] | None,
) -> None:
    """`chat_app`: the id of the province's app on the chat platform, and what its events are signed with."""
    signatures = Signatures({name: provider.receipt_secrets for name, provider in providers.items()})

    @router.post(
        "/receipts/<provider>",
        public=SIGNED,
        upload=UploadRule("raw", MOST_BYTES, "application/json"),
        answers={200: schemas.Heard},
        raises=[Unauthenticated],
    )
    def hear_receipt(call: Call, provider: str, upload: Upload) -> Answer:
        """An SMS provider tells what became of a message, in the words of its dialect.

        `Receipt-Timestamp`: seconds since 1970, within five minutes of now. `Receipt-Signature`: HMAC-SHA256 with the
        provider's secret over the timestamp, a full stop and the body, in hexadecimal. A repeated one is harmless, and
        one of a message that is not known yet is looked at again later.
        """
        data = upload.file.read()
        stamp, given = request.headers.get("Receipt-Timestamp"), request.headers.get("Receipt-Signature")
        signatures.check(provider, stamp, given, data, call.now)
        heard = read_receipt(providers[provider], _parsed(data))
        if heard is not None:
            use.hear(providers[provider].outlet, heard)
        return Answer(schemas.Heard())

    @router.post(
        "/chat/events",
        public=SIGNED,
        upload=UploadRule("raw", MOST_BYTES, "application/json"),
        answers={200: schemas.Heard},
        raises=[Unauthenticated],
    )
    def hear_chat_event(call: Call, upload: Upload) -> Answer:
        """The chat platform tells what somebody wrote to the province's account: a code from `/preferences/chat-links`
        links their chat account; anything else is heard and forgotten.

        `X-ZEvent-Signature: mac=…`: SHA-256 over the app's id, the body, its `timestamp` (milliseconds since 1970,
        within five minutes of now) and the secret, in hexadecimal.
        """
        data = upload.file.read()
        if chat_app is None:
            raise signed.SignatureWrong("no chat platform is known here")
        app_id, secret = chat_app
        given = (request.headers.get("X-ZEvent-Signature") or "").removeprefix("mac=")
        stamp = _stamp(data)
        signed.check([event_signature(app_id, secret, stamp, data)], given)
        signed.check_time(stamp[:-3], call.now)
        try:
            event = schemas.ChatEvent.model_validate(_parsed(data))
        except ValidationError as error:
            raise Invalid("some fields are wrong", errors=field_errors(error)) from None
        if event.app_id == app_id and event.event_name == SAYS and event.sender and event.message:
            _link(choosing, event.message.text, event.sender.id)
        return Answer(schemas.Heard())


def _link(choosing: Choosing, text: str, account: str) -> None:
    for code in _CODE.findall(text.upper())[:MOST_CODES]:
        try:
            choosing.link_chat(code, account)
        except LinkUnknown:
            # Who guesses learns nothing, and a repetition finds the account linked.
            log.info("chat_link_unknown")
        else:
            log.info("chat_linked")
            return


def _stamp(data: bytes) -> str:
    """The time in an event, as it is signed; nothing where there is none."""
    try:
        parsed = from_json(data)
    except ValueError:
        return ""
    stamp = parsed.get("timestamp") if isinstance(parsed, dict) else None
    return str(stamp) if isinstance(stamp, (str, int)) and not isinstance(stamp, bool) else ""


def _parsed(data: bytes) -> object:
    try:
        return from_json(nfc(data))
    except ValueError:
        raise Unreadable("the body is not JSON") from None
