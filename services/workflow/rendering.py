"""Fills a procedure's template for its result with a dossier's data.

A template is a text with Jinja's marks, plain or HTML: `{{ dossier.code }}`, `{{ form.land.area }}`, `{% if … %}`,
`{% for person in form.household %}`, and the filters of FILTERS. It can do nothing but show what is given to it: what
it may consist of is listed, so that no call, no arithmetic and no loop within a loop makes anybody work for long, and a
name finds only what a mapping holds. Values are escaped.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import UndefinedError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chassis import printing
from workflow.domain.results import DataMissing, TemplateRefused

MOST_TEMPLATE = 50_000
"""Characters of a template."""
MOST_TEXT = 500_000
"""Characters of what it comes to."""
FILTERS = frozenset({*printing.FILTERS, "default", "join", "length", "lower", "title", "trim", "upper"})
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const,
    nodes.Filter, nodes.If, nodes.For, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
    nodes.Test,
)  # fmt: skip


class _Environment(ImmutableSandboxedEnvironment):
    """`a.b` and `a["b"]` are what the mapping `a` holds as "b", and nothing else there is of `a`; a loop tells where it
    is."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            # It is the first name of `a.b.c` that is told.
            return obj
        if isinstance(obj, LoopContext) and argument in ("index", "first", "last"):
            return getattr(obj, argument)
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        if isinstance(obj, Sequence) and not isinstance(obj, str) and isinstance(argument, int):
            return obj[argument] if -len(obj) <= argument < len(obj) else self.undefined(name=str(argument))
        return self.undefined(name=str(argument)[:100])


_ENVIRONMENT = _Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_ENVIRONMENT.filters |= printing.FILTERS
_ENVIRONMENT.globals.clear()


def fill(template: str, data: Mapping[str, Any]) -> str:
    """HTML. Of a template without a tag, each line is a paragraph. Raises TemplateRefused, and DataMissing with the
    name of what the dossier does not have."""
    made = _compiled(template)
    pieces: list[str] = []
    length = 0
    try:
        for piece in made.generate(data):
            length += len(piece)
            if length > MOST_TEXT:
                raise TemplateRefused(f"it comes to more than {MOST_TEXT} characters")
            pieces.append(piece)
    except UndefinedError as error:
        raise DataMissing(str(error.message or "something is missing")[:200]) from None
    except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError) as error:
        # What a filter makes of a value that is none for it, a day that is no day say.
        raise TemplateRefused(f"it does not fit the dossier's data: {type(error).__name__}") from None
    text = "".join(pieces)
    if "<" in template:
        return text
    return "".join(f"<p>{line}</p>" for line in text.splitlines() if line.strip())


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    if len(template) > MOST_TEMPLATE:
        raise TemplateRefused(f"a template has {MOST_TEMPLATE} characters at most")
    try:
        _check(_ENVIRONMENT.parse(template), looping=False)
        return _ENVIRONMENT.from_string(template)
    except (TemplateSyntaxError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, TemplateSyntaxError) else "nested too deep"
        raise TemplateRefused(f"it cannot be read: {where}") from None


def _check(node: nodes.Node, *, looping: bool) -> None:
    if not isinstance(node, _ALLOWED):
        raise TemplateRefused(f"{type(node).__name__} is not allowed in a template (line {node.lineno})")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise TemplateRefused(f"there is no filter {node.name} (line {node.lineno})")
    if isinstance(node, nodes.For):
        if looping or node.recursive:
            raise TemplateRefused(f"a loop within a loop is not allowed (line {node.lineno})")
        looping = True
    for child in node.iter_child_nodes():
        _check(child, looping=looping)
