"""What must hold of a procedure's process, so that every dossier comes to its end, decided and in time. Plain Python.

A process is refused when a dossier could wait in it for ever (a step after one that does not come before it, a
condition on what nobody knows), end without a decision, or take longer than the law allows on any of its paths.

Of JSON Schema a condition uses what can be looked into. Around the answers' own schemas it only combines: `properties`,
`required`, `allOf`, `anyOf`, `oneOf`, `not`, `if`, `then`, `else`. A word that is not known there would be ignored by
every validator, and the step would come always.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.checks import Wrong
from catalog.domain import NATIONAL_CODE, Duration, Fact, Procedure, Step
from chassis import json_schemas
from chassis.worktime import MINUTES_PER_WORKING_DAY, Budget, Hours

MAX_STEPS = 100
MAX_AFTER = 20
MAX_FACTS = 50
MAX_CONDITION_BYTES = 4_000
MAX_CONDITION_DEPTH = 12
_STEP_ID = re.compile(r"[^/\s]{1,60}")
"""A task's address ends with it."""
_CHILD_STEP_ID = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
"""The identifier of the child's own process ends with it."""
_REFERENCE = re.compile(r"@parent(\.parent){0,19}|@province|@fact:(?P<fact>.+)")
"""Where an agency is named by where it is: above the receiving one, at the top, or where a fact of the form says."""
_FACT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}", re.ASCII)
_POINTER = re.compile(r"(/([^~/]|~[01])+)+")
_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")
_PLAIN = {"boolean", "integer", "number", "null"}
_OUTCOMES = ("completed", "approved", "rejected")
"""How a step ends; a step that waited for another word would never come."""
_KEYWORDS = frozenset(
    {
        *_LISTS, *_SAME, "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "multipleOf", "minLength", "maxLength", "pattern", "title", "description", "$comment",
    }
)  # fmt: skip
"""Of the schema of one fact or one outcome, each of which is a boolean, a number or a word."""


def check(procedure: Procedure, wrong: Wrong) -> None:
    """Adds what is wrong with the process."""
    steps = procedure.process.steps
    if len(steps) > MAX_STEPS:
        wrong.add("/process/steps", "too_many", f"at most {MAX_STEPS} steps")
        return
    _check_facts(procedure.process.facts, procedure.form, wrong)
    _check_steps(procedure, wrong)
    _check_decision(steps, wrong)
    _check_times(procedure, wrong)


# -- facts -------------------------------------------------------------------------------------------------------------


def _check_facts(facts: Sequence[Fact], form: Mapping[str, Any] | None, wrong: Wrong) -> None:
    if len(facts) > MAX_FACTS:
        wrong.add("/process/facts", "too_many", f"at most {MAX_FACTS} facts")
        return
    wrong.repeated("/process/facts", [fact.name for fact in facts], "/name")
    for n, fact in enumerate(facts):
        wrong.unless(
            _FACT_NAME.fullmatch(fact.name),
            f"/process/facts/{n}/name", "fact_name", "letters without marks, digits and _, at most 60",
        )  # fmt: skip
        pointer = f"/process/facts/{n}/pointer"
        if not _POINTER.fullmatch(fact.pointer):
            wrong.add(pointer, "fact_pointer", "a JSON pointer (RFC 6901) into the form, like /area")
        elif (schema := _answer(form, fact.pointer)) is None:
            wrong.add(pointer, "fact_unknown", "an answer that the form asks for")
        else:
            wrong.unless(
                _tells_nobody(form or {}, schema),
                pointer, "fact_personal",
                "a boolean, a number or one of several given values: a text could say who somebody is",
            )  # fmt: skip


def _answer(form: Mapping[str, Any] | None, pointer: str) -> Any:
    """The schema of the answer at the pointer; None when the form has no such property."""
    schema: Any = form
    for part in pointer.split("/")[1:]:
        schema = _referred(form, schema)
        properties = schema.get("properties") if isinstance(schema, dict) else None
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(properties, dict) or name not in properties:
            return None
        schema = properties[name]
    return schema


def _referred(form: Mapping[str, Any] | None, schema: Any) -> Any:
    """What a schema's `$ref` into the form stands for, itself without one."""
    for _ in range(MAX_CONDITION_DEPTH):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not (isinstance(reference, str) and reference.startswith("#/")):
            return schema
        found: Any = form
        for part in reference.split("/")[1:]:
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        schema = found
    return None


def _tells_nobody(form: Mapping[str, Any], schema: Any) -> bool:
    schema = _referred(form, schema)
    if not isinstance(schema, dict):
        return False
    if "const" in schema or "enum" in schema:
        return True
    for name in ("oneOf", "anyOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return all(_tells_nobody(form, each) for each in schema[name])
    kinds = schema.get("type")
    return bool(kinds) and {*(kinds if isinstance(kinds, list) else [kinds])} <= _PLAIN


# -- steps -------------------------------------------------------------------------------------------------------------


def _check_steps(procedure: Procedure, wrong: Wrong) -> None:
    steps, facts = procedure.process.steps, {fact.name for fact in procedure.process.facts}
    wrong.repeated("/process/steps", [step.id for step in steps], "/id")
    before: dict[str, set[str]] = {}
    for n, step in enumerate(steps):
        pointer = f"/process/steps/{n}"
        wrong.text(f"{pointer}/id", step.id)
        if step.id.strip():
            wrong.unless(
                _STEP_ID.fullmatch(step.id), f"{pointer}/id", "step_id", "at most 60 characters, no / or space"
            )
        wrong.text(f"{pointer}/name", step.name)
        if len(step.after) > MAX_AFTER:
            wrong.add(f"{pointer}/after", "too_many", f"at most {MAX_AFTER} steps")
        wrong.repeated(f"{pointer}/after", step.after)
        for m, name in enumerate(step.after):
            wrong.unless(name in before, f"{pointer}/after/{m}", "not_earlier", "the id of a step before this one")
        wrong.unless(
            step.join == "all" or len(step.after) > 1,
            f"{pointer}/join", "join_of_one", "two steps or more in `after`, of which the first one counts",
        )  # fmt: skip
        before[step.id] = {name for after in step.after for name in (after, *before.get(after, ()))}
        _check_agency(step, facts, f"{pointer}/agency", wrong)
        _check_kind(procedure, step, pointer, wrong)
        if step.condition is not None:
            _check_condition(step.condition, facts, before[step.id], f"{pointer}/condition", wrong)


def _check_agency(step: Step, facts: set[str], pointer: str, wrong: Wrong) -> None:
    if step.agency is None or not step.agency.startswith("@"):
        return
    found = _REFERENCE.fullmatch(step.agency)
    if found is None:
        wrong.add(pointer, "agency_reference", "@parent, @parent.parent, @province, @fact:<name>, or an identifier")
    elif found["fact"] is not None:
        wrong.unless(found["fact"] in facts, pointer, "agency_fact", "@fact: with the name of a fact of the process")


def _check_kind(procedure: Procedure, step: Step, pointer: str, wrong: Wrong) -> None:
    if step.kind == "child":
        wrong.unless(
            NATIONAL_CODE.fullmatch(step.child or ""),
            f"{pointer}/child", "procedure_code", "the national code of the procedure that does the step",
        )  # fmt: skip
        wrong.unless(
            _CHILD_STEP_ID.fullmatch(step.id),
            f"{pointer}/id", "child_step_id", "letters without marks, digits, _ and -, at most 50, for a child's step",
        )  # fmt: skip
        wrong.unless(step.child != procedure.code, f"{pointer}/child", "child_of_itself", "another procedure")
    else:
        wrong.unless(step.child is None, f"{pointer}/child", "child_of_no_child", 'none, unless the kind is "child"')
    if step.kind == "opinion":
        wrong.unless(step.agency, f"{pointer}/agency", "opinion_of_nobody", "the agency whose opinion is asked")
        wrong.unless(
            step.amount is not None or step.share is not None,
            pointer, "opinion_without_time", "a time, since an opinion that does not come is waited for until then",
        )  # fmt: skip
    wrong.unless(
        step.kind == "task" or not step.decision, f"{pointer}/decision", "decision_elsewhere", "only a task decides"
    )


def _check_decision(steps: Sequence[Step], wrong: Wrong) -> None:
    deciding = [n for n, step in enumerate(steps) if step.decision]
    wrong.unless(
        len(deciding) == 1, "/process/steps", "decision", f"exactly one step that decides, not {len(deciding)}"
    )
    ways = _ways(steps)
    for n in deciding:
        step, pointer = steps[n], f"/process/steps/{n}"
        wrong.unless(
            step.condition is None,
            f"{pointer}/condition", "decision_conditional", "none: without this step nothing would decide",
        )  # fmt: skip
        around = [
            join.id
            for join in steps
            if join.join == "any" and any(step.id in ways[name] for name in join.after if name in ways)
            and not all(step.id in ways[name] for name in join.after if name in ways)
        ]  # fmt: skip
        wrong.unless(
            not around,
            pointer, "decision_skippable", f"a step that no other branch goes around, as one does to {around[:1]}",
        )  # fmt: skip


def _ways(steps: Sequence[Step]) -> dict[str, set[str]]:
    """For each step, itself and all that come before it."""
    ways: dict[str, set[str]] = {}
    for step in steps:
        ways[step.id] = {step.id, *(name for after in step.after for name in ways.get(after, ()))}
    return ways


# -- conditions --------------------------------------------------------------------------------------------------------


def _check_condition(
    condition: Mapping[str, Any], facts: set[str], before: set[str], pointer: str, wrong: Wrong
) -> None:
    try:
        json_schemas.check(condition, max_bytes=MAX_CONDITION_BYTES, max_depth=MAX_CONDITION_DEPTH, references=False)
    except json_schemas.UnfitSchema as unfit:
        wrong.add(f"{pointer}{unfit.place}", "condition", unfit.wrong)
        return
    found = list(_named(condition, pointer))
    for place, what, name in found:
        if what == "word":
            wrong.add(place, "condition_word", f"{name}: not a word that a condition may use here")
        elif what == "outcome":
            wrong.add(place, "condition_value", f"{name}: an outcome is one of {', '.join(_OUTCOMES)}")
        elif what == "facts":
            wrong.unless(name in facts, place, "condition_fact", f"{name} is not among the process's facts")
        else:
            wrong.unless(name in before, place, "condition_outcome", f"{name} is not a step before this one")
    wrong.unless(found, pointer, "condition_of_nothing", "a condition on a fact, or on the outcome of an earlier step")


def _named(schema: Any, place: str, inside: str | None = None) -> Iterator[tuple[str, str, str]]:
    """The facts and outcomes that a condition names, each with its place, and the words that it may not use and the
    outcomes that there are not."""
    if not isinstance(schema, dict):
        yield place, "word", "true and false"
        return
    for word, value in schema.items():
        at = f"{place}/{json_schemas.escaped(word)}"
        if word in _LISTS:
            for n, each in enumerate(value):
                yield from _named(each, f"{at}/{n}", inside)
        elif word in _SAME:
            yield from _named(value, at, inside)
        elif word == "properties":
            for name, each in value.items():
                yield from _property(name, each, f"{at}/{json_schemas.escaped(name)}", inside)
        elif word == "required":
            for n, name in enumerate(value):
                yield from _property(name, {}, f"{at}/{n}", inside)
        elif word not in ("type", "title", "description", "$comment"):
            yield at, "word", word


def _property(name: str, schema: Any, place: str, inside: str | None) -> Iterator[tuple[str, str, str]]:
    if inside is not None:
        yield place, inside, name
        yield from _words(schema, place, inside)
    elif name in ("facts", "outcomes"):
        yield from _named(schema, place, name)
    else:
        yield place, "word", name


def _words(schema: Any, place: str, inside: str) -> Iterator[tuple[str, str, str]]:
    """What is no word of the schema of one fact or outcome, and what is no outcome."""
    if not isinstance(schema, dict):
        return
    for word, value in schema.items():
        if word not in _KEYWORDS:
            yield f"{place}/{json_schemas.escaped(word)}", "word", word
        if inside == "outcomes" and word in ("const", "enum"):
            for each in value if word == "enum" else [value]:
                if each not in _OUTCOMES:
                    yield f"{place}/{word}", "outcome", str(each)[:50]
        if word in _SAME:
            yield from _words(value, f"{place}/{word}", inside)
        for n, each in enumerate(value if word in _LISTS else ()):
            yield from _words(each, f"{place}/{word}/{n}", inside)


# -- times -------------------------------------------------------------------------------------------------------------


def _check_times(procedure: Procedure, wrong: Wrong) -> None:
    """A step has an amount, a share of the duration, or no time that is counted; what they come to along any path fits
    into the legal duration, of each channel that has its own. Parallel branches run at the same time."""
    steps = procedure.process.steps
    shares = [step.share for step in steps if step.share is not None]
    minutes = [
        None if step.amount is None else minutes_of(f"/process/steps/{n}/amount", step.amount, wrong)
        for n, step in enumerate(steps)
    ]
    for n, step in enumerate(steps):
        wrong.unless(
            step.amount is None or step.share is None,
            f"/process/steps/{n}", "amount_or_share", "an amount or a share, not both",
        )  # fmt: skip
        if step.share is not None:
            wrong.unless(1 <= step.share <= 100, f"/process/steps/{n}/share", "range", "from 1 to 100")
    if shares and any(step.amount is not None for step in steps):
        wrong.add("/process/steps", "amount_or_share", "shares in all steps that have a time, or in none")
    elif shares:
        longest, path = longest_path(steps, [step.share or 0 for step in steps])
        wrong.unless(longest <= 100, "/process/steps", "shares", f"at most 100, not {longest} along {_way(path)}")
        wrong.unless(
            procedure.durations, "/durations", "share_of_nothing", "a duration, since the steps have shares of it"
        )
    elif procedure.durations is not None:
        longest, path = longest_path(steps, [each or 0 for each in minutes])
        by_days = any(step.amount is not None and step.amount.unit == "calendar_day" for step in steps)
        for channel in ("counter", "online"):
            duration: Duration | None = getattr(procedure.durations, channel)
            allowed = None if duration is None else _most_within(duration, by_days=by_days)
            if allowed is not None and longest > allowed:
                told = f"{longest} working minutes along {_way(path)}, of {allowed} that the {channel} has"
                wrong.add("/process/steps", "amounts", told)


def _most_within(duration: Duration, *, by_days: bool) -> int | None:
    """The most working minutes that pass within a duration. In calendar days that is what is worked in ordinary weeks
    from a Monday on, the last day included; where steps have such days as well (`by_days`), a day is a day."""
    minutes = minutes_of("", duration, Wrong())
    if minutes is None or duration.unit != "calendar_day" or by_days:
        return minutes
    weeks, rest = divmod(int(duration.amount), 7)
    return min(minutes, (5 * weeks + min(rest, 5) + 1) * MINUTES_PER_WORKING_DAY)


def _way(path: Sequence[str]) -> str:
    return " → ".join(path[:20])[:300]


def longest_path(steps: Sequence[Step], lengths: Sequence[int]) -> tuple[int, tuple[str, ...]]:
    """The length of the longest path through the steps, and the steps on it. Of a step that waits for one of several,
    the longest counts too: the others may be skipped."""
    ends: dict[str, tuple[int, tuple[str, ...]]] = {}
    for step, own in zip(steps, lengths, strict=True):
        before = max((ends[name] for name in step.after if name in ends), key=lambda end: end[0], default=(0, ()))
        ends[step.id] = before[0] + own, (*before[1], step.id)
    return max(ends.values(), key=lambda end: end[0], default=(0, ()))


def minutes_of(pointer: str, duration: Duration, wrong: Wrong) -> int | None:
    """Working minutes; a calendar day holds a working day at most, which is what it counts for here."""
    try:
        budget = Budget(duration.amount, duration.unit)
    except ValueError as error:
        wrong.add(pointer, "duration", str(error)[:200])
        return None
    if budget.unit == "calendar_day":
        return int(budget.amount) * MINUTES_PER_WORKING_DAY
    return budget.working_minutes(Hours())
