"""The posts to EMC: one for each act, with exactly the fields that it takes. Plain Python.

No primary source says which acts are which status beside the four that its description names (`?`), so that is data.
EMC knows a dossier by its code: what happens to one that has none, before its reception or because it was refused, is
not told. It measures online services, so of procedures below level 3 nothing is told either; one-part services (một
phần) count as level 3 and whole-process ones (toàn trình) as level 4, after Nghị định 42/2022.
"""

from collections.abc import Mapping
from typing import Any

from notify.partners.domain.known import Known

OTHER, RECEIVED, IN_PROCESS, DONE, ASSIGNED = range(5)
STATUSES: Mapping[str, int] = {
    "intake.dossier.received.v1": RECEIVED,
    "intake.dossier.withdrawn.v1": OTHER,
    "intake.dossier.handed_over.v1": OTHER,
    "intake.fee.asked.v1": OTHER,
    "workflow.dossier.started.v1": IN_PROCESS,
    "workflow.dossier.resumed.v1": IN_PROCESS,
    "workflow.task.assigned.v1": ASSIGNED,
    "workflow.supplement.requested.v1": OTHER,
    "workflow.dossier.stopped.v1": OTHER,
    "workflow.dossier.finished.v1": DONE,
}
"""Acts by the event that tells of them."""
LEVELS: Mapping[int | str | None, int] = {3: 3, 4: 4, "partial": 3, "full": 4}
CORRECTABLE = ("codeTTHC", "nameTTHC", "siteId")


def told(known: Known) -> bool:
    """Whether EMC is told of the dossier's acts."""
    return known.code is not None and known.level in LEVELS


def post(known: Known, event_type: str, site: str) -> dict[str, Any]:
    """What EMC is told of this act, as things stand. The description gives numbers, and no type for `isFromDVCQG`
    (`?`): a number too."""
    return {
        "codeProfile": known.code,
        "siteId": site,
        "codeTTHC": known.procedure,
        "nameTTHC": known.procedure_name,
        "status": STATUSES[event_type],
        "formsReception": 1 if known.channel == "online" else 2,
        "formsPayments": _paid_how(known),
        "level": LEVELS[known.level],
        "isFromDVCQG": int(known.from_portal),
        "isDVCBC": int("post" in (known.channel, known.result_return)),
    }


def _paid_how(known: Known) -> int:
    """0 nothing, 1 online, 2 at the counter; 1 when some of it was paid online."""
    channels = {each.channel for each in known.counting}
    if "online" in channels:
        return 1
    return 2 if channels else 0
