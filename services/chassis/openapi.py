"""OpenAPI 3.1 from the routes and their pydantic models (https://spec.openapis.org/oas/v3.1.0)."""

import inspect
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

if TYPE_CHECKING:
    from chassis.web import Route, Router, UploadRule

_REF = "#/components/schemas/{model}"
_PATH_PART = re.compile(r"<(?:\w+:)?(\w+)>")
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "Vietnamese"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable"},
        "detail": {"type": "string", "description": "English"},
        "instance": {"type": "string", "description": "the request's id, which the log has too"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
_HEADERS = {
    "key": (
        "Idempotency-Key",
        "The answer to a repeated key is the first answer, byte for byte",
        {"type": "string", "maxLength": 200},
    ),
    "match": ("If-Match", "The ETag that the caller saw; 412 when it is stale", {"type": "string"}),
    "occurred": (
        "Occurred-At",
        "When the act counts, for callers with the scope `backdate`",
        {"type": "string", "format": "date-time"},
    ),
    "resumes": (
        "Last-Event-ID",
        "The `id` of the last event that came: the stream goes on behind it, whatever the query says",
        {"type": "string", "maxLength": 20},
    ),
}


def document(router: "Router", version: str) -> dict[str, Any]:
    """The whole document, ready for JSON; the same routes give the same text."""
    models = _models(router)
    by_model, definitions = models_json_schema([(model, mode) for model, mode in models], ref_template=_REF)
    schemas = {**definitions.get("$defs", {}), "Problem": PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in router.routes:
        path = router.prefix + _PATH_PART.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, by_model)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Một Cửa: {router.service}", "version": version},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Scopes:\n" + _scopes(router),
                },
                "api_key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Api-Key",
                    "description": "For offices' software; same scopes",
                },
            },
        },
    }


def _scopes(router: "Router") -> str:
    return "\n".join(f"- `{scope}`: {text}" for scope, text in sorted(router.scopes.items()))


def _models(router: "Router") -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], Any], None] = {}
    for route in router.routes:
        for model, mode in [
            (route.body, "validation"),
            *((answer, "serialization") for answer in route.answers.values()),
        ]:
            if inspect.isclass(model) and issubclass(model, BaseModel):
                found[model, mode] = None
    return list(found)


def _operation(route: "Route", by_model: Any) -> dict[str, Any]:
    summary, _, description = inspect.cleandoc(route.handler.__doc__ or route.handler.__name__).partition("\n\n")
    operation: dict[str, Any] = {"operationId": route.handler.__name__, "summary": " ".join(summary.split())}
    notes = [" ".join(description.split())] if description else []
    notes.append(f"Public: {route.public}" if route.public else f"Needs the scope `{route.scope}`.")
    operation["description"] = "\n\n".join(notes)
    operation["parameters"] = [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]
    if route.body is not None:
        schema = by_model[route.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if route.upload is not None:
        content = operation.get("requestBody", {}).get("content", {})
        operation["requestBody"] = {"required": True, "content": {**content, **_uploads(route.upload)}}
    operation["responses"] = _responses(route, by_model)
    operation["security"] = [] if route.public else [{"bearer": []}, {"api_key": []}]
    return operation


def _uploads(rule: "UploadRule") -> dict[str, Any]:
    file = {"type": "string", "format": "binary", "description": f"{rule.limit} bytes at most"}
    if rule.kind == "raw":
        return {rule.media_type: {"schema": file}}
    form = {"type": "object", "required": ["file"], "properties": {"file": file}, "additionalProperties": False}
    return {"multipart/form-data": {"schema": form}, **{kind: {"schema": file} for kind in rule.besides}}


def _path_parameters(route: "Route") -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PART.findall(route.path)
    ]


def _query_parameters(route: "Route") -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inlined(value, schema.get("$defs", {}))}
        for name, value in schema["properties"].items()
    ]


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _inlined(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(item, definitions) for key, item in value.items()}
    return [_inlined(item, definitions) for item in value] if isinstance(value, list) else value


def _header_parameters(route: "Route") -> list[dict[str, Any]]:
    wanted = {None: [], "key": ["key"], "key_or_match": ["key", "match"]}[route.needs]
    if route.method == "POST" and route.scope is not None:
        wanted = [*wanted, "occurred"]
    if "text/event-stream" in route.answers.values():
        wanted = [*wanted, "resumes"]
    return [
        {
            "name": name,
            "in": "header",
            "required": route.needs == "key" and word == "key",
            "description": text,
            "schema": schema,
        }
        for word in wanted
        for name, text, schema in [_HEADERS[word]]
    ]


def _responses(route: "Route", by_model: Any) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in sorted(route.answers.items()):
        responses[str(status)] = {"description": "Success"}
        if answer is not None:
            if inspect.isclass(answer) and issubclass(answer, BaseModel):
                content = {"application/json": {"schema": by_model[answer, "serialization"]}}
            else:
                media_types = answer if isinstance(answer, tuple) else (str(answer),)
                content = {media_type: {"schema": {"type": "string"}} for media_type in media_types}
            responses[str(status)]["content"] = content
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
    expected = {problem_class.status for problem_class in route.raises} | {503}
    expected |= {401, 403} if route.scope else set()
    expected |= {400, 413, 415, 422} if route.body or route.upload else {422} if route.query else set()
    expected |= {428, 400} if route.needs else set()
    expected |= {412} if route.needs == "key_or_match" else set()
    expected |= {400, 422} if route.method == "POST" and route.scope else set()
    expected |= {404} if "<" in route.path else set()
    for status in sorted(expected):
        responses[str(status)] = {"description": "Problem", "content": problem}
    return responses
