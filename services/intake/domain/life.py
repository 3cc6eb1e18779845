"""What may happen to a dossier on its way besides reception and result: supplements, withdrawal, rating. Plain Python.

A supplement that the one-stop unit asks for before reception brings the dossier back to `filed`; one that workflow asks
for after it (see `standstills`) back to where it was.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from chassis.worktime import local_day
from intake import events
from intake.domain import contents, limits
from intake.domain.dossiers import (
    By,
    Dossier,
    Status,
    Submitted,
    Turn,
    due_for_deposit,
    noted,
    require_filed,
    restated,
    told_of_components,
)
from intake.domain.parts import Rating, Supplement, Withdrawal

OPEN = (Status.FILED, Status.RECEIVED, Status.IN_PROCESS, Status.SUPPLEMENT_ASKED, Status.FEE_ASKED)
"""In these the applicant may still withdraw."""


class TooManySupplements(WrongState):
    code = "too_many_supplements"
    title = "Đã yêu cầu bổ sung hồ sơ quá số lần cho phép"


class NoSupplementAsked(WrongState):
    code = "no_supplement_asked"
    title = "Hồ sơ không có yêu cầu bổ sung đang chờ"


class NotWithdrawable(WrongState):
    code = "not_withdrawable"
    title = "Hồ sơ đã kết thúc, không rút được nữa"


class NotReturned(WrongState):
    code = "not_returned"
    title = "Chỉ đánh giá được sau khi đã nhận kết quả"


class AlreadyRated(WrongState):
    code = "already_rated"
    title = "Hồ sơ đã được đánh giá"


# -- supplements -------------------------------------------------------------------------------------------------------


def ask_supplement(
    dossier: Dossier, components: Sequence[str], reason: str, until: date | None, known: Collection[str], by: By
) -> Turn:
    """The one-stop unit asks for what is missing before it receives the dossier (form 02). `known`: the codes of the
    procedure version's components."""
    require_filed(dossier)
    day = local_day(by.at)
    wrong = [
        FieldError(f"/components/{n}", "unknown_component", "the procedure has no such component")
        for n, code in enumerate(components)
        if code not in known
    ]
    if until is not None and until < day:
        wrong.append(FieldError("/until", "past", "the day is over already"))
    if wrong:
        raise Invalid("the request does not fit the dossier", errors=wrong)
    if by.at < dossier.handed_in_at:
        raise Invalid("the act lies before the dossier was handed in", code="before_filing")
    if len(dossier.supplements) >= limits.most(limits.SUPPLEMENT_REQUESTS, day):
        raise TooManySupplements(f"a supplement was asked for {len(dossier.supplements)} times")
    asked = Supplement(asked_at=by.at, components=tuple(components), reason=reason, until=until)
    dossier = replace(dossier, status=Status.SUPPLEMENT_ASKED, supplements=(*dossier.supplements, asked))
    requested = events.SupplementRequested(
        dimensions=dossier.dimensions,
        requested_at=by.at,
        number=len(dossier.supplements),
        components=asked.components,
        reason=reason,
        until=until,
    )
    return noted(dossier, "supplement_requested", by, reason), (requested,)


def require_lacking(dossier: Dossier) -> Supplement:
    """The supplement that the dossier waits for, or NoSupplementAsked."""
    if dossier.status is not Status.SUPPLEMENT_ASKED or dossier.lacking is None:
        raise NoSupplementAsked(f"the dossier is {dossier.status}")
    return dossier.lacking


def supplement(
    dossier: Dossier,
    given: Sequence[Submitted],
    form: dict[str, Any] | None,
    by: By,
    *,
    known: Collection[str] | None = None,
) -> Turn:
    """The applicant hands in what was asked for, and whatever else; a component that was there is replaced.

    `given` and `form` (None: it stays) fit the procedure version already. Everything asked for must be among them, but
    for what is not `known` as a component of that version, since nobody could hand that in (None: all is).
    """
    asked = require_lacking(dossier)
    codes = [component.code for component in given]
    missing = [code for code in asked.components if code not in codes and (known is None or code in known)]
    if missing:
        wrong = [FieldError("/components", "missing_component", f"{code} was asked for") for code in missing]
        raise Invalid("the supplement is not complete", errors=wrong)
    if by.at < asked.asked_at:
        raise Invalid("the supplement lies before it was asked for", code="before_request")
    kept = tuple(component for component in dossier.components if component.code not in codes)
    dossier = replace(
        dossier,
        components=(*kept, *given),
        form=dossier.form if form is None else form,
        supplements=(*dossier.supplements[:-1], replace(asked, given_at=by.at)),
    )
    supplemented = events.DossierSupplemented(
        dimensions=dossier.dimensions,
        code=dossier.code,
        supplemented_at=by.at,
        components=tuple(codes),
        digitised=dossier.digitised,
        all_components=contents.components(dossier),
    )
    dossier = noted(restated(dossier), "supplemented", by, ", ".join(codes) or None)
    dossier, told = told_of_components(dossier, given, by)
    if dossier.received_at is not None and any(each.file is not None and each.reuse is None for each in given):
        # Before the reception, that brings the whole dossier's files there.
        dossier = due_for_deposit(dossier)
    return dossier, (supplemented, *told)


# -- withdrawal and rating ---------------------------------------------------------------------------------------------


def withdraw(dossier: Dossier, reason: str, by: By) -> Turn:
    """The applicant takes the dossier back. When workflow has ended it at an earlier instant, or the same, that end
    counts, although intake hears of it later (see `progress.note_finished`)."""
    if dossier.status not in OPEN:
        raise NotWithdrawable(f"the dossier is {dossier.status}")
    if by.at < (dossier.received_at or dossier.handed_in_at):
        raise Invalid("withdrawn before what was done last", code="before_filing")
    dossier = replace(dossier, status=Status.WITHDRAWN, withdrawal=Withdrawal(at=by.at, reason=reason))
    withdrawn = events.DossierWithdrawn(
        dimensions=dossier.dimensions,
        code=dossier.code,
        filed_at=dossier.filed_at,
        received_at=dossier.received_at,
        withdrawn_at=by.at,
    )
    return noted(dossier, "withdrawn", by, reason), (withdrawn,)


def rate(dossier: Dossier, score: int, comment: str | None, by: By) -> Turn:
    """The applicant says, once, how satisfied they are (1 to 5). The comment stays here: it may name people."""
    if dossier.status is not Status.RETURNED or dossier.handover is None:
        raise NotReturned(f"the dossier is {dossier.status}")
    if dossier.rating is not None:
        raise AlreadyRated(f"rated at {dossier.rating.at}")
    if by.at < dossier.handover.at:
        raise Invalid("rated before the result was handed over", code="before_return")
    dossier = replace(dossier, rating=Rating(at=by.at, score=score, comment=comment))
    rated = events.DossierRated(dimensions=dossier.dimensions, code=dossier.code, score=score, rated_at=by.at)
    return noted(dossier, "rated", by, str(score)), (rated,)
