"""The routes of papers: PDFs that the worker makes."""

from collections.abc import Callable

from chassis.errors import NotFound, WrongState
from chassis.papers_api import LATER, PaperWaiting, answer
from chassis.web import Answer, Call, Router
from intake.domain.papers import Kind
from intake.schemas import papers as schemas
from intake.usecases.papers import PaperUseCases

PATHS: dict[str, Kind] = {
    "receipt": "receipt",
    "supplement-request": "supplement_request",
    "refusal": "refusal",
    "handover": "handover",
}
SUMMARIES: dict[Kind, str] = {
    "receipt": "Form 01: the receipt with the promised day.",
    "supplement_request": "Form 02: what the applicant is to supplement, and why.",
    "refusal": "Form 03: why the dossier is not received.",
    "handover": "The slip that the receiver of the result signs.",
    "payment": "The receipt of a payment, with the amount in words.",
    "register": "Form 07: the register of what an agency received.",
}


def add_routes(router: Router, use: PaperUseCases) -> None:
    for path, kind in PATHS.items():
        _of_dossier(router, use, path, kind)

    @router.get(
        "/dossiers/<id>/payments/<payment>/receipt.pdf",
        scope="dossiers.read",
        answers={200: "application/pdf", 202: PaperWaiting},
    )
    def print_payment_receipt(call: Call, id: str, payment: str) -> Answer:
        return answer(*use.of_payment(call, id, payment))

    print_payment_receipt.__doc__ = SUMMARIES["payment"] + LATER

    @router.get(
        "/register.pdf",
        scope="dossiers.receive",
        answers={200: "application/pdf", 202: PaperWaiting},
        raises=[NotFound],
    )
    def print_register(call: Call, query: schemas.RegisterQuery) -> Answer:
        return answer(*use.register(call, query.agency, query.first, query.last))

    print_register.__doc__ = SUMMARIES["register"] + LATER


def _of_dossier(router: Router, use: PaperUseCases, path: str, kind: Kind) -> None:
    def print_paper(call: Call, id: str) -> Answer:
        return answer(*use.of_dossier(call, id, kind))

    print_paper.__name__ = f"print_{kind}"
    print_paper.__doc__ = SUMMARIES[kind] + LATER
    register: Callable[..., object] = router.get(
        f"/dossiers/<id>/{path}.pdf",
        scope="dossiers.read",
        answers={200: "application/pdf", 202: PaperWaiting},
        raises=[WrongState],
    )
    register(print_paper)
