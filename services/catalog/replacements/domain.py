"""Papers that a database replaces, as the annex of a decree names them, put into procedures. Plain Python.

Where a database holds what a paper says, the paper is not asked for (Luật Giao dịch điện tử 20/2023/QH15, Nghị định
118/2025/NĐ-CP, and the resolutions that list the papers). A paper that is replaced only in part is asked for as before.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from catalog.checks import Wrong
from catalog.domain import Component, Procedure, Version, fold
from chassis.errors import FieldError

_LEADING = re.compile(r"^(?:(?:ban sao|ban chinh|ban chup|the)\s+)+")
"""What a name may begin with without naming another paper: a copy of it, the original, or `Thẻ căn cước`."""
_PARTLY = re.compile(r"thay the (1|mot) phan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A row of an annex. The papers are the component with the code `component`, or those that `documents` name."""

    procedure: str
    component: str | None
    documents: tuple[str, ...]
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`components`: codes of the papers that a row means; `errors`: what of it means none."""

    components: tuple[str, ...]
    errors: tuple[FieldError, ...]


def errors_of(replacement: Replacement) -> list[FieldError]:
    """What is wrong with a row by itself."""
    wrong = Wrong()
    wrong.text("/code", replacement.procedure)
    wrong.text("/database", replacement.database)
    wrong.unless(
        (replacement.component is None) == bool(replacement.documents),
        "/documents", "component_or_documents", "a component, or names of documents, one of them",
    )  # fmt: skip
    for n, document in enumerate(replacement.documents):
        wrong.text(f"/documents/{n}", document)
    return wrong.errors


def match(replacement: Replacement, components: Sequence[Component]) -> Match:
    """Which papers of a procedure the row means.

    A document's name is that of a component, or its beginning. Nothing is guessed from a name in the middle of another
    one: `Giấy phép lao động` is not meant by `Đơn đề nghị gia hạn giấy phép lao động`.
    """
    if replacement.component is not None:
        if any(component.code == replacement.component for component in components):
            return Match(components=(replacement.component,), errors=())
        return Match(components=(), errors=(FieldError("/component", "unknown_component", "no such component"),))
    found: list[str] = []
    errors: list[FieldError] = []
    for n, document in enumerate(replacement.documents):
        pointer, wanted = f"/documents/{n}", _name(document)
        if _PARTLY.search(fold(document)):
            errors.append(FieldError(pointer, "partly_replaced", "is replaced only in part, and asked for as before"))
            continue
        meant = [component.code for component in components if _begins(_name(component.name), wanted)]
        if not meant:
            errors.append(FieldError(pointer, "unknown_component", "no component has this name: name it by its code"))
        found += [code for code in meant if code not in found]
    return Match(components=tuple(found), errors=tuple(errors))


def replaced(procedure: Procedure, papers: Sequence[tuple[str, str]], decision: str, on: date) -> Procedure | None:
    """The procedure from `on` on, where each (component, database) is not asked for any more; None when none of them
    was asked for before. `decision` joins its legal basis."""
    asked = {component.code for component in procedure.components if component.replaced_by_database is None}
    databases = {code: database for code, database in reversed(papers) if code in asked}
    if not databases:
        return None
    return replace(
        procedure,
        components=tuple(
            replace(component, replaced_by_database=databases[component.code])
            if component.code in databases
            else component
            for component in procedure.components
        ),
        legal_basis=tuple(dict.fromkeys((*procedure.legal_basis, decision))),
        valid_from=on,
    )


def stands_against(latest: Version | None, on: date) -> FieldError | None:
    """Why no version of the procedure can begin on the day."""
    if latest is None:
        return FieldError("/code", "unknown_procedure", "a procedure of the catalogue")
    if latest.decision is not None:
        return FieldError("/code", "withdrawn", f"it was withdrawn on {latest.valid_from}")
    if on < latest.valid_from:
        return FieldError(
            "/code", "before_latest_version", f"version {latest.number} begins on {latest.valid_from}, after that day"
        )
    if latest.valid_to is not None and latest.valid_to <= on:
        return FieldError("/code", "expired", f"it ends on {latest.valid_to}")
    return None


def _name(text: str) -> str:
    """A paper's name for comparing: folded, with single spaces, without what only says that it is a copy."""
    plain = " ".join(re.findall(r"\w+", fold(text)))
    return _LEADING.sub("", plain)


def _begins(name: str, wanted: str) -> bool:
    return bool(wanted) and (name == wanted or name.startswith(f"{wanted} "))
