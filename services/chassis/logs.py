"""JSON logs: one line an event, a constant name plus identifiers, never a payload or a person's data.

`log.info("dossier_filed", dossier=id)`: the name is a constant so that it can be searched; values are identifiers,
counts, durations. `FORBIDDEN` names what must not be logged; such a key is replaced, and a test looks for it.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

FORBIDDEN = frozenset(
    {
        "name",
        "identity",
        "phone",
        "email",
        "address",
        "applicant",
        "body",
        "payload",
        "data",
        "form",
        "token",
        "secret",
        "password",
    }
)


def _without_personal_data(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in FORBIDDEN & event.keys():
        event[key] = "[removed]"
    return event


def configure(service: str, process: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging to write JSON lines to the stream, stdout when None; call
    once a process. A command whose output programs read gives stderr."""
    stream = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]

    def from_where(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Not a context variable: a new thread would not have it.
        event.update(service=service, process=process)
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        from_where,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_personal_data,
        _exception_class_only,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak up for warnings only: their lower levels print commands and bodies.
    root.setLevel(max(number, logging.WARNING))
    # pika reports each failure to connect in six lines; whoever called it reports it in one.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def _exception_class_only(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception's text may quote a document; its class and place are enough to find the line."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        event["error"] = type(error).__name__
        if place is not None:
            event["at"] = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    return event


def get() -> Any:
    """The process's logger."""
    return structlog.get_logger()
