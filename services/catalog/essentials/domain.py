"""Essential services: 25 of Đề án 06 (Quyết định 06/QĐ-TTg of 2022), others of Quyết định 422/QĐ-TTg of 2022 and later
lists; and how far the province has deployed each of them. Plain Python.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

from catalog.checks import Wrong
from chassis.errors import FieldError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
MAX_PROCEDURES = 100

State = Literal["deployed", "waiting", "national"]
Extent = Literal["partial", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EssentialService:
    """A service on a list. `state`: deployed in the province; waiting for the ministry `waiting_for`; or national: a
    ministry's own, not the province's to deploy.

    A deployed one is served, one-part or whole-process (`extent`), as `procedures` of the catalogue, or by another
    system, `served_by`. `decision`: what puts it on the list or deploys it; `since`: deployed on this day.
    """

    list: str
    id: str
    name: str
    sector: str | None
    state: State
    extent: Extent | None
    procedures: tuple[str, ...]
    served_by: str | None
    waiting_for: str | None
    decision: str | None
    since: date | None


def errors_of(service: EssentialService, known: Collection[str]) -> list[FieldError]:
    """What is wrong with it; `known`: those of its procedures that the catalogue has."""
    wrong = Wrong()
    for name in ("list", "id"):
        wrong.unless(
            NAME.fullmatch(getattr(service, name)), f"/{name}", "name", "small letters, digits, - and _, at most 40"
        )
    wrong.text("/name", service.name)
    for name in ("sector", "served_by", "waiting_for", "decision"):
        if (text := getattr(service, name)) is not None:
            wrong.text(f"/{name}", text)
    wrong.unless(len(service.procedures) <= MAX_PROCEDURES, "/procedures", "too_many", f"at most {MAX_PROCEDURES}")
    wrong.repeated("/procedures", service.procedures)
    for n, code in enumerate(service.procedures):
        wrong.unless(code in known, f"/procedures/{n}", "unknown_procedure", "a procedure of the catalogue")
    if service.state == "deployed":
        wrong.unless(service.extent, "/extent", "missing", "partial or full, since it is deployed")
        wrong.unless(
            service.procedures or service.served_by, "/procedures", "missing", "as which procedures, or served by whom"
        )
    else:
        for name in ("extent", "since"):
            wrong.unless(getattr(service, name) is None, f"/{name}", "not_deployed", "null, since it is not deployed")
    wrong.unless(
        (service.state == "waiting") == (service.waiting_for is not None),
        "/waiting_for", "state", "the ministry, if it is waiting for one, else null",
    )  # fmt: skip
    return wrong.errors
