"""What an editor's words may be: sandboxed Jinja of which nothing can run long or grow large, that asks for nothing
which is not given, leaves nothing out, and fits its channel.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from chassis.errors import FieldError
from notify import samples
from notify.domain.occasions import COMMON
from notify.domain.segments import Length, length
from notify.domain.telling import Channel
from notify.domain.wordings import SUBJECTLESS, Words
from notify.templates import Rendered, TemplateBroken, Templates

MOST_SUBJECT = 150
MOST_CHAT = 2_000
"""Characters of a text that chat platforms take (Zalo OA API, `?`)."""
ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.If, nodes.For,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Filter,
    nodes.Test, nodes.Include, nodes.Extends, nodes.Block, nodes.Import, nodes.Call, nodes.List, nodes.Tuple,
)  # fmt: skip
"""No assignment, macro or arithmetic: what is said grows with what is given, and with nothing else."""
FILTERS = frozenset({"local", "length", "upper", "lower", "trim", "e", "escape", "default"})
JINJAS_OWN = frozenset({"self", "super", "caller", "varargs", "kwargs"})
"""Names that jinja2 gives a meaning of its own."""
TESTS = frozenset({"defined", "none", "string"})
LISTS = frozenset({"entries"})
"""What a loop may go through: what is given as a list. A text is one too for jinja2, letter by letter."""
LIBRARY = frozenset({"layout.html", "en/layout.html", "facts.html", "vi/signature.txt", "en/signature.txt"})
"""What words may include, import and extend, besides the words of the portal."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview: what the words say of a sample. `length`: of an SMS."""

    rendered: Rendered
    length: Length | None


@dataclass(frozen=True, slots=True)
class Checker:
    """`most_segments`: of an SMS."""

    templates: Templates
    most_segments: int

    def show(
        self, template: str, channel: Channel, words: Words, params: Mapping[str, Any] | None = None
    ) -> tuple[Shown | None, list[FieldError]]:
        """What the words say of the sample, or of these params; and what is wrong with them."""
        found = list(self._static(template, channel, words))
        if found:
            return None, found
        sample = samples.samples()[template]
        shown: Shown | None = None
        for n, variant in enumerate((params,) if params is not None else sample.variants):
            try:
                rendered = self.templates.fill(words, self._values(variant), channel)
            except TemplateBroken as broken:
                found.append(FieldError("/text", "not_renderable", f"sample {n + 1}: {broken}"))
                continue
            measured = length(rendered.text) if channel == "sms" else None
            shown = shown or Shown(rendered, measured)
            found += self._fit(channel, rendered, measured, n + 1)
        return shown, found

    def _values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        lookup = self.templates.lookup_of(str(params.get("code") or samples.dossier()))
        return {"code": None, **samples.names(), **params, "lookup": lookup, "choices": None}

    def _static(self, template: str, channel: Channel, words: Words) -> Iterator[FieldError]:
        parts = {"/subject": words.subject, "/text": words.text, "/html": words.html}
        if words.subject is None and channel not in SUBJECTLESS:
            yield FieldError("/subject", "missing", "this channel's messages have a subject")
        if words.subject is not None and channel in SUBJECTLESS:
            yield FieldError("/subject", "extra_forbidden", "this channel's messages have no subject")
        if words.html is not None and channel != "email":
            yield FieldError("/html", "extra_forbidden", "only e-mails have HTML")
        wrong = False
        for pointer, source in parts.items():
            for error in () if source is None else self._of_source(pointer, source, channel):
                wrong = True
                yield error
        if not wrong:
            yield from self._names(template, channel, words)

    def _of_source(self, pointer: str, source: str, channel: Channel) -> Iterator[FieldError]:
        try:
            tree = self.templates.environment.parse(source)
            yield from (FieldError(pointer, code, text) for code, text in _forbidden(tree, channel))
        except TemplateSyntaxError as error:
            yield FieldError(pointer, "syntax", f"line {error.lineno}: {(error.message or '')[:150]}")
        except RecursionError:
            yield FieldError(pointer, "syntax", "is nested too deeply")

    def _names(self, template: str, channel: Channel, words: Words) -> Iterator[FieldError]:
        sample = samples.samples()[template]
        try:
            whole = self.templates.asked(words)
            said = self.templates.asked(Words(subject=words.subject, text=words.text))
        except TemplateError as error:
            yield FieldError("/text", "include_missing", str(error.message)[:150])
            return
        if unknown := sorted(whole - COMMON - sample.given):
            given = ", ".join(sorted(COMMON | sample.given))
            yield FieldError("/text", "field_unknown", f"{', '.join(unknown)} is not given; there are {given}")
        must = () if channel in SUBJECTLESS else (*sample.must, *(["lookup"] if channel == "email" else []))
        # A digest's entries have each their own, and a webhook is no dossier.
        must = tuple(name for name in must if name != "lookup" or not {"entries", "webhook"} & sample.given)
        if missing := [name for name in must if name not in said]:
            yield FieldError("/text", "field_missing", f"must say {', '.join(missing)}")

    def _fit(self, channel: Channel, rendered: Rendered, measured: Length | None, n: int) -> Iterator[FieldError]:
        if channel not in SUBJECTLESS and not 1 <= len(rendered.subject) <= MOST_SUBJECT:
            text = f"sample {n}: has {len(rendered.subject)} characters, 1 to {MOST_SUBJECT} are allowed"
            yield FieldError("/subject", "subject_length", text)
        if not rendered.text.strip():
            yield FieldError("/text", "empty", f"sample {n}: says nothing")
        if measured is not None and measured.segments > self.most_segments:
            text = f"sample {n}: takes {measured.segments} segments ({measured.encoding}, {measured.units} units)"
            yield FieldError("/text", "too_many_segments", f"{text}, {self.most_segments} are allowed")
        if channel == "chat" and len(rendered.text) > MOST_CHAT:
            text = f"sample {n}: has {len(rendered.text)} characters, {MOST_CHAT} are allowed"
            yield FieldError("/text", "too_long", text)


def _forbidden(tree: nodes.Template, channel: Channel) -> Iterator[tuple[str, str]]:
    imported = {node.target for node in tree.find_all(nodes.Import)}
    for node in _every(tree):
        line = f"line {getattr(node, 'lineno', 0)}: "
        if not isinstance(node, ALLOWED):
            yield "not_allowed", f"{line}{type(node).__name__} is not allowed in words"
        elif isinstance(node, nodes.Name) and node.name in JINJAS_OWN:
            yield "not_allowed", f"{line}{node.name} is not given"
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield "not_allowed", f"{line}there is no filter {node.name[:40]}; there are {', '.join(sorted(FILTERS))}"
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            yield "not_allowed", f"{line}there is no test {node.name[:40]}"
        elif isinstance(node, nodes.For) and not _plain_loop(node):
            yield "not_allowed", f"{line}a loop goes through {', '.join(sorted(LISTS))}, and not inside another loop"
        elif isinstance(node, nodes.Call) and not _macro_call(node, imported):
            yield "not_allowed", f"{line}nothing can be called but what facts.html has"
        elif isinstance(node, (nodes.Include, nodes.Extends, nodes.Import)) and not _in_library(node.template, channel):
            yield "not_allowed", f"{line}may include {', '.join(sorted(LIBRARY))}"


def _every(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _every(child)


def _plain_loop(node: nodes.For) -> bool:
    inner = [each for part in (*node.body, *node.else_) for each in _every(part) if isinstance(each, nodes.For)]
    listed = isinstance(node.iter, nodes.Name) and node.iter.name in LISTS
    return listed and not inner and not node.recursive and node.test is None


def _macro_call(node: nodes.Call, imported: Sequence[str] | set[str]) -> bool:
    of = node.node
    return (
        isinstance(of, nodes.Getattr) and of.attr == "facts" and isinstance(of.node, nodes.Name)
        and of.node.name in imported and node.dyn_args is None and node.dyn_kwargs is None
    )  # fmt: skip


def _in_library(template: nodes.Expr, channel: Channel) -> bool:
    if not (isinstance(template, nodes.Const) and isinstance(template.value, str)):
        return False
    return template.value in LIBRARY or (channel == "chat" and template.value.endswith(".portal.txt"))
