"""Forms: a procedure version's JSON Schema (2020-12), and the answers that are checked by it.

Beside the vocabulary of JSON Schema a form may use
- the formats `phone`, `identity-number` (9 or 12 digits) and `tax-code`, see `formats`;
- `title`, the label in Vietnamese, and `x-message`, what is said when a value does not fit: a sentence for whatever is
  wrong with it, or an object of a sentence for each keyword (`required` included);
- `x-population`, the name of what pre-filling puts there, see `population`.

Nothing outside a form is ever fetched, and its patterns are matched in linear time, so that no answer can keep a
process busy. The catalogue refuses a form that needs more than that.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import jsonschema_rs

from chassis import json_schemas
from chassis.errors import FieldError, Unavailable
from intake import form_texts
from intake.domain import formats
from intake.inbound import Procedure

MOST_ERRORS = 50
"""As many are told at once; somebody who sends more has not looked at the form."""
KEPT_FORMS = 2_000
FORMATS: Mapping[str, Callable[[str], bool]] = {
    "phone": formats.is_phone,
    "identity-number": lambda text: bool(formats.PERSON.fullmatch(text)),
    "tax-code": lambda text: bool(formats.ORGANISATION.fullmatch(text)),
}
_UNEXPECTED = ("additionalProperties", "unevaluatedProperties")


class UnusableForm(Unavailable):
    """The copy of the form cannot be compiled, although the catalogue accepted it: an operator must look."""

    code = "unusable_form"
    title = "Biểu mẫu của thủ tục đang có lỗi, xin thử lại sau"


def check(procedure: Procedure, answers: Mapping[str, Any]) -> list[FieldError]:
    """Everything in which the answers do not fit the version's form; nothing when it has none.

    Each with its pointer into a filing (`/form/…`), the JSON Schema keyword as its code, and a Vietnamese sentence.
    Raises UnusableForm.
    """
    if procedure.form is None:
        return []
    found = islice(_compiled(procedure).iter_errors(answers), MOST_ERRORS)
    return [error for item in found for error in _told(procedure.form, item)]


def facts_of(procedure: Procedure, answers: Mapping[str, Any]) -> dict[str, Any]:
    """What the procedure's process asks for of the answers, by name; what was not answered is left out. Only booleans,
    numbers and words: a part of the form is no fact."""
    found: dict[str, Any] = {}
    for fact in procedure.process.facts:
        value: Any = answers
        for part in parts(fact.pointer):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, (bool, int, float, str)):
            found[fact.name] = value
    return found


def pointer(*path: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def parts(pointer: str) -> list[str]:
    """What a JSON pointer is made of."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def referred(form: Mapping[str, Any], schema: Any) -> Any:
    """The part of the form that a schema with a `$ref` stands for; the schema itself when it has none."""
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    return _inside(form, parts(reference)) if isinstance(reference, str) and reference.startswith("#/") else schema


# -- compiling ---------------------------------------------------------------------------------------------------------

_kept: dict[tuple[str, int], tuple[dict[str, Any], jsonschema_rs.Validator]] = {}
_lock = threading.Lock()


def _compiled(procedure: Procedure) -> jsonschema_rs.Validator:
    """The form's validator, compiled once for each version: that takes a hundred times as long as using it."""
    form, key = procedure.form or {}, (procedure.code, procedure.version)
    with _lock:
        known = _kept.get(key)
    # The copy is read anew every few seconds; an equal form needs no new validator.
    if known is not None and (known[0] is form or known[0] == form):
        if known[0] is not form:
            with _lock:
                _kept[key] = form, known[1]
        return known[1]
    validator = compiled(form)
    with _lock:
        if len(_kept) >= KEPT_FORMS:
            _kept.clear()
        _kept[key] = form, validator
    return validator


def compiled(form: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """Raises UnusableForm."""
    try:
        return json_schemas.compiled(form, FORMATS)
    except json_schemas.UnfitSchema:
        raise UnusableForm("the form of this procedure version is no JSON Schema", retry_after=60) from None


# -- telling -----------------------------------------------------------------------------------------------------------


def _told(form: dict[str, Any], error: jsonschema_rs.ValidationError) -> Iterator[FieldError]:
    """One finding for each field that an error is about."""
    keyword, detail, path = error.kind.name, error.kind.as_dict(), error.instance_path
    owner = _described(form, error.evaluation_path[:-1])
    if keyword == "required":
        name = detail["property"]
        yield _finding([*path, name], keyword, detail, _described(form, ("properties", name), owner))
    elif keyword in _UNEXPECTED:
        for name in detail["unexpected"]:
            yield _finding([*path, name], keyword, detail, owner, title=name)
    else:
        yield _finding(path, keyword, detail, owner)


def _finding(
    path: Sequence[str | int],
    keyword: str,
    detail: Mapping[str, Any],
    described: Mapping[str, Any],
    title: str | None = None,
) -> FieldError:
    own = described.get("x-message")
    if isinstance(own, dict):
        own = own.get(keyword)
    if title is None:
        title = described.get("title") if isinstance(described.get("title"), str) else None
    last = next((part for part in reversed(path) if isinstance(part, str)), "form")
    message = own if isinstance(own, str) else _sentence(keyword, detail, title or last)
    return FieldError(pointer("form", *path), keyword, message)


def _sentence(keyword: str, detail: Mapping[str, Any], title: str) -> str:
    if keyword == "format":
        template = form_texts.FORMATS.get(str(detail.get("format")), form_texts.OTHERWISE)
    else:
        template = form_texts.WRONG.get(keyword, form_texts.OTHERWISE)
    return template.format(title=title, **{name: detail.get(name) for name in ("limit", "multiple_of")})


def _inside(form: Any, path: Sequence[str | int]) -> Any:
    """The part of the form at a path; None when there is none, as with a reference into one."""
    for part in path:
        if isinstance(form, dict) and part in form:
            form = form[str(part)]
        elif isinstance(form, list) and isinstance(part, int) and part < len(form):
            form = form[part]
        else:
            return None
    return form


def _described(form: Mapping[str, Any], path: Sequence[str | int], start: Any = None) -> Mapping[str, Any]:
    """The schema that an evaluation came to by this path; what stands beside a reference goes before what it refers
    to, since that is what the field is called where it is asked for."""
    schema: Any = form if start is None else start
    beside: Mapping[str, Any] = {}
    for part in path:
        if part == "$ref":
            beside = {**schema, **beside} if isinstance(schema, dict) else beside
            schema = referred(form, schema)
        else:
            beside = {}
            schema = _inside(schema, (part,))
    if isinstance(schema, dict) and "$ref" in schema:
        schema = {**_object(referred(form, schema)), **schema}
    return {**_object(schema), **beside}


def _object(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, dict) else {}
