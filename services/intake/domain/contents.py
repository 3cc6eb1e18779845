"""What events say of a dossier as a whole, for partner systems that are told of it. Plain Python."""

from typing import TYPE_CHECKING, Any

from intake import events

if TYPE_CHECKING:
    from intake.domain.dossiers import Dossier


def told(dossier: "Dossier") -> dict[str, Any]:
    """What partner systems are told of what the dossier holds and where it comes from."""
    return {
        "components": components(dossier),
        "charges": tuple(
            events.ChargeTold(code=line.code, charge_name=line.name, kind=line.kind, amount=line.amount)
            for bill in dossier.bills
            if bill.cancelled is None
            for line in bill.lines
        ),
        "result_return": dossier.result_return,
        "source": dossier.source,
        "source_code": dossier.office.number if dossier.source is not None and dossier.office is not None else None,
    }


def components(dossier: "Dossier") -> tuple[events.ComponentTold, ...]:
    return tuple(
        events.ComponentTold(
            code=each.code,
            file=each.file,
            paper=each.paper is not None,
            digitised=each.digitised,
            reused=each.reuse is not None,
        )
        for each in dossier.components
    )
