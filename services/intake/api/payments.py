"""The routes about fees and payments."""

import io
from typing import Any

import segno
from flask import request

from chassis.errors import NotFound, Unauthenticated, WrongState
from chassis.signed import Signatures
from chassis.web import Answer, Call, Router, Upload, UploadRule, nfc, validated
from intake.api.dossiers import acted
from intake.domain import payments
from intake.domain.fees import order_in
from intake.domain.payments import Arrived, Stray
from intake.domain.reconciliation import Reconciliation, plain
from intake.queries.dossiers import DossierQueries
from intake.queries.payments import PaymentQueries
from intake.schemas import payments as schemas
from intake.schemas.dossiers import Acted
from intake.usecases.payments import PaymentUseCases, payment_id

CALLBACK_BYTES = 20_000
FILE_BYTES = 5_000_000
SVG = "image/svg+xml"


def _paid(status: int) -> Any:
    return lambda dossier, payment, version: Answer(schemas.Paid.of(dossier, payment, version), status, version)


def add_routes(
    router: Router, use: PaymentUseCases, queries: PaymentQueries, dossiers: DossierQueries, signatures: Signatures
) -> None:
    _reading(router, dossiers)
    _counter(router, use)
    _callbacks(router, use, signatures)
    _accounting(router, use, queries)


def _reading(router: Router, dossiers: DossierQueries) -> None:
    @router.get("/dossiers/<id>/fee", scope="dossiers.read", answers={200: schemas.FeeAccount})
    def show_fee(call: Call, id: str) -> Answer:
        """What a dossier owes, bill by bill, and what was paid."""
        loaded = dossiers.dossier(call.principal, id)
        return Answer(schemas.FeeAccount.of(loaded.state), 200, loaded.version)

    @router.get("/dossiers/<id>/fee/vietqr.svg", scope="dossiers.read", answers={200: SVG})
    def show_vietqr(call: Call, id: str, query: schemas.QrQuery) -> Answer:
        """The VietQR code of a bill, as a picture; 404 when it is not to be paid, or not by a transfer."""
        dossier = dossiers.dossier(call.principal, id).state
        bill = next((each for each in payments.due(dossier) if query.bill in (None, each.number)), None)
        text = None if bill is None else payments.vietqr(dossier, bill)
        if text is None:
            raise NotFound("there is nothing to be paid by a transfer")
        return Answer(svg(text), 200, media_type=SVG)

    @router.get("/dossiers/<id>/payments/<payment>/receipt", scope="dossiers.read", answers={200: schemas.Receipt})
    def show_payment_receipt(call: Call, id: str, payment: str) -> Answer:
        """What the receipt of a payment says."""
        loaded = dossiers.dossier(call.principal, id)
        found = payments.payment_of(loaded.state, payment)
        return Answer(schemas.Receipt.of(loaded.state, found), 200, loaded.version)


def _counter(router: Router, use: PaymentUseCases) -> None:
    wrong = [NotFound, WrongState]

    @router.post(
        "/dossiers/<id>/payments", scope="dossiers.receive", needs="key", answers={201: schemas.Paid}, raises=wrong
    )
    def take_payment(call: Call, id: str, body: schemas.PaymentBody) -> Answer:
        """An officer takes the money for a bill, which is paid as a whole; the answer has the receipt's number."""
        return use.take(call, id, body.amount, body.method, body.receipt_book, body.bill, _paid(201))

    @router.post(
        "/dossiers/<id>/fee-request",
        scope="dossiers.receive",
        needs="key_or_match",
        answers={200: Acted},
        raises=wrong,
    )
    def ask_fee(call: Call, id: str, body: schemas.FeeRequestBody) -> Answer:
        """Asks for a fee that was not known at filing; the dossier waits for it as `fee_asked`."""
        return use.ask(call, id, [line.line() for line in body.lines], body.reason, acted)

    @router.post(
        "/dossiers/<id>/bills/<int:number>/cancellation",
        scope="dossiers.receive",
        needs="key_or_match",
        answers={200: Acted},
        raises=wrong,
    )
    def cancel_bill(call: Call, id: str, number: int, body: schemas.ReasonBody) -> Answer:
        """A bill is not to be paid: it was a mistake, or the fee is remitted."""
        return use.cancel(call, id, number, body.reason, acted)

    @router.post(
        "/dossiers/<id>/payments/<payment>/reversal",
        scope="payments.reconcile",
        needs="key_or_match",
        answers={200: schemas.Paid},
        raises=wrong,
    )
    def reverse_payment(call: Call, id: str, payment: str, body: schemas.ReasonBody) -> Answer:
        """The payment counts no more: it was given back, or was a mistake. Its bill is to be paid again."""
        return use.reverse(call, id, payment, body.reason, _paid(200))


def _callbacks(router: Router, use: PaymentUseCases, signatures: Signatures) -> None:
    @router.post(
        "/payments/callbacks/<provider>",
        public="The provider signs each message with a secret of its own; nothing is told to anybody else.",
        upload=UploadRule("raw", CALLBACK_BYTES, "application/json"),
        answers={200: schemas.CallbackAnswer},
        raises=[Unauthenticated],
    )
    def hear_of_payment(call: Call, provider: str, upload: Upload) -> Answer:
        """A payment provider tells of a transfer: {transaction, order, amount, paid_at, currency?, status?}.

        `Payment-Timestamp`: seconds since 1970, within five minutes of now. `Payment-Signature`: HMAC-SHA256 with the
        provider's secret over the timestamp, a full stop and the body, in hexadecimal. `order`: the purpose of the
        transfer. A repeated message is harmless and gets the same answer; money that settles no bill is kept as an
        unmatched payment and answered like any other, for sending it again would change nothing.
        """
        data = upload.file.read()
        signatures.check(
            provider, request.headers.get("Payment-Timestamp"), request.headers.get("Payment-Signature"), data, call.now
        )
        body = validated(schemas.CallbackBody, nfc(data))
        if body.status == "failed":
            return Answer(schemas.CallbackAnswer(transaction=body.transaction, result="ignored", payment=None))
        text = plain(body.order)
        arrived = Arrived(
            id=payment_id(provider, body.transaction),
            provider=provider,
            transaction=body.transaction,
            order=order_in(text),
            text=text,
            amount=body.amount,
            paid_at=body.paid_at,
        )
        use.hear([arrived], call.now, by=f"provider:{provider}", trace=call.trace)
        return Answer(schemas.CallbackAnswer(transaction=body.transaction, result="recorded", payment=arrived.id))


def _accounting(router: Router, use: PaymentUseCases, queries: PaymentQueries) -> None:
    scope = "payments.reconcile"

    @router.get("/payments", scope=scope, answers={200: schemas.StrayPage})
    def list_unmatched_payments(call: Call, query: schemas.StraysQuery) -> Answer:
        """Money that settled no bill when it came, newest first, and what became of it."""
        found, following = queries.strays(call.principal, query.state, query.cursor, query.limit)
        items = [schemas.StrayView.of(each.state, each.version) for each in found]
        return Answer(schemas.StrayPage(items=items, next=following))

    @router.post(
        "/payments/<id>/assignment",
        scope=scope,
        needs="key",
        answers={201: schemas.Paid},
        raises=[NotFound, WrongState],
    )
    def assign_payment(call: Call, id: str, body: schemas.PlacementBody) -> Answer:
        """Places an unmatched payment with the dossier that it is for, one of whose bills it settles."""
        return use.place(call, id, body.dossier, body.bill, _paid(201))

    @router.post(
        "/payments/<id>/refund",
        scope=scope,
        needs="key_or_match",
        answers={200: schemas.StrayView},
        raises=[NotFound, WrongState],
    )
    def refund_payment(call: Call, id: str, body: schemas.ReasonBody) -> Answer:
        """Notes that an unmatched payment was given back to whoever sent it."""

        def render(stray: Stray, version: int) -> Answer:
            return Answer(schemas.StrayView.of(stray, version), 200, version)

        return use.refund(call, id, body.reason, render)

    @router.post(
        "/payments/reconciliations",
        scope=scope,
        needs="key",
        upload=UploadRule("raw", FILE_BYTES, "text/csv"),
        answers={200: schemas.ReconciliationView, 201: schemas.ReconciliationView},
    )
    def reconcile_payments(call: Call, upload: Upload, query: schemas.ReconciliationQuery) -> Answer:
        """Holds a bank's list of transfers (CSV) against what is recorded, and records what is new in it.

        The header names `transaction`, `reference`, `amount` and `paid_at`. With `dry_run` nothing is recorded, and the
        answer is 200.
        """

        def render(done: Reconciliation, version: int) -> Answer:
            view = schemas.ReconciliationView.of(done, dry_run=query.dry_run)
            return Answer(view) if query.dry_run else Answer(view, 201, version)

        file = upload.file.read()
        return use.reconcile(call, query.provider, file, query.first, query.last, render, dry_run=query.dry_run)

    @router.get("/payments/reconciliations/<id>", scope=scope, answers={200: schemas.ReconciliationView})
    def show_reconciliation(call: Call, id: str) -> Answer:
        """What came of a reconciliation."""
        loaded = queries.reconciliation(call.principal, id)
        return Answer(schemas.ReconciliationView.of(loaded.state), 200, loaded.version)


def svg(text: str) -> str:
    """A QR code with medium error correction, as a picture that scales."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", omitsize=True, border=4, xmldecl=False)
    return drawn.getvalue().decode()
