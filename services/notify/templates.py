"""The words of messages: Jinja templates in `templates/<language>/<template>.<channel>.txt`, some with an `.html` too.

A text's first line is the subject and its second is empty. A template may use `name`, `procedure_name`, `agency_name`,
`code` (None before there is one), `lookup` (the address of the look-up page) and the params of its event, which the
consumer gives; a name that is not there is an error, not an empty place.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chassis.worktime import ZONE
from notify.domain.messages import Message

FOLDER = Path(__file__).with_name("templates")


class TemplateBroken(Exception):  # noqa: N818 (what it is, not what happened)
    """A template is missing, or asks for what the message does not have. Its text holds no data of the message."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """In NFC. `subject` is one line without control characters."""

    subject: str
    text: str
    html: str | None


def local(instant: datetime) -> str:
    """23/08/2024 17:00, in Asia/Ho_Chi_Minh."""
    return instant.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


class Templates:
    def __init__(self, public_url: str, folder: Path = FOLDER) -> None:
        self._public_url = public_url.rstrip("/")
        self._loader = FileSystemLoader(folder)
        self._environment = ImmutableSandboxedEnvironment(
            loader=self._loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            autoescape=lambda name: name is not None and name.endswith(".html"),
        )  # fmt: skip
        self._environment.filters["local"] = local
        self._parts = lru_cache(maxsize=None)(self._read)

    def render(self, message: Message) -> Rendered:
        """What the message says; raises TemplateBroken."""
        values: dict[str, Any] = {**message.params, "code": message.code, "lookup": self.lookup(message)}
        try:
            subject, text, html = self._parts(f"{message.language}/{message.template}.{message.channel}")
            return Rendered(
                # The subject becomes a header: whatever a name holds, it stays one line.
                " ".join(unicodedata.normalize("NFC", subject.render(values)).split()),
                unicodedata.normalize("NFC", text.render(values)),
                None if html is None else unicodedata.normalize("NFC", html.render(values)),
            )
        except TemplateError as error:
            raise TemplateBroken(f"{message.template}.{message.channel}: {type(error).__name__}") from None

    def lookup(self, message: Message) -> str:
        """The public page that shows where the dossier stands; before it has a code, its id is its code."""
        return f"{self._public_url}/tra-cuu?ma={quote(message.code or message.dossier, safe='')}"

    def _read(self, name: str) -> tuple[Template, Template, Template | None]:
        source, _, _ = self._loader.get_source(self._environment, f"{name}.txt")
        subject, separator, text = source.partition("\n\n")
        if not separator or "\n" in subject:
            raise TemplateError(f"{name}.txt does not begin with a subject and an empty line")
        html = f"{name}.html"
        return (
            self._environment.from_string(subject),
            self._environment.from_string(text),
            self._environment.get_template(html) if html in self._loader.list_templates() else None,
        )
