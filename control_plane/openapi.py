"""The OpenAPI 3.1 document, made from the routes and their types. The same routes give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.web.routes import Door, Route

REF = "#/components/schemas/{name}"

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_SECURITY: Mapping[Door, list[dict[str, list[str]]]] = {
    Door.TENANT: [{"apiKey": []}, {"apiKeyHeader": []}, {"session": []}],
    Door.OPERATOR: [{"operatorSecret": []}],
    Door.AGENT: [{"probeKey": []}],
    Door.PUBLIC: [],
}
_SCHEMES = {
    "apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "fw_live_…", "description": "An API key"},
    "apiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "farwatch_session",
        "description": "The dashboard's session (over HTTPS __Host-farwatch_session), from pages of this origin alone; "
        "what changes something carries X-CSRF-Token, which GET /api/v1/me tells",
    },
    "operatorSecret": {"type": "http", "scheme": "bearer", "description": "operator.secret of the settings"},
    "probeKey": {"type": "http", "scheme": "bearer", "bearerFormat": "fw_probe_…", "description": "A probe key"},
}


class ErrorBody(Struct, frozen=True):
    """`code` is stable, `field` a JSON Pointer into the request, `details` context for programs."""

    code: str
    message: str
    field: str | None
    details: dict[str, Any] | None
    trace_id: str


class ErrorEnvelope(Struct, frozen=True):
    """Every refusal has this shape."""

    error: ErrorBody


def build_document(routes: Sequence[Route], *, version: str, server_url: str = "/") -> dict[str, Any]:
    """The whole document."""
    shown = [route for route in routes if route.in_openapi]
    schemas, components = _schemas(shown)
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(shown, key=lambda route: (route.path, route.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Farwatch",
            "version": version,
            "summary": "Multi-region uptime monitoring whose verdicts you can trust",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": tag} for tag in sorted({route.tag for route in shown})],
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": components},
    }


def _schemas(routes: Sequence[Route]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Type → schema, and the named schemas, in the order of their names."""
    types: list[Any] = [ErrorEnvelope]
    for route in routes:
        parameters = msgspec.structs.fields(route.query) if route.query is not None else ()
        for kind in (_body_type(route), route.reply, *(field.type for field in parameters)):
            if kind is not None and kind not in types:
                types.append(kind)
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    named = {name: _clean(components[name]) for name in sorted(components)}
    by_type = dict(zip(types, schemas, strict=True))
    for route in routes:
        if route.door is not Door.AGENT and (body := _body_type(route)) is not None:
            _close(by_type[body], named)
    return by_type, named


def _close(schema: Mapping[str, Any], named: Mapping[str, dict[str, Any]]) -> None:
    """Say that a body's other fields are refused. Agents alone may say more than we know (web/body.py)."""
    component = named.get(str(schema.get("$ref", "")).rpartition("/")[2])
    if component is not None and "properties" in component:
        component["additionalProperties"] = False


def _operation(route: Route, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "security": [] if route.open_ else _SECURITY[route.door],
        "responses": _responses(route, schemas),
        "x-door": route.door.value,
        "x-error-codes": sorted({*route.errors, *_common_errors(route)}),
    }
    if route.description:
        operation["description"] = route.description
    if route.scope:
        operation["x-scope"] = route.scope
    if parameters := list(_parameters(route, schemas)):
        operation["parameters"] = parameters
    if (body := _body_type(route)) is not None:
        content: dict[str, Any] = {"schema": schemas[body]}
        if route.example is not None:
            content["example"] = route.example
        media = dict.fromkeys(route.media or ("application/json",), content)
        operation["requestBody"] = {"required": not route.optional_body, "content": media}
    return operation


def _responses(route: Route, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": route.summary}
    if (route.reply is not None or route.also) and route.status != 204:
        texts = {kind: {"schema": {"type": "string"}} for kind in route.also}
        json = {} if route.reply is None else {"application/json": {"schema": schemas[route.reply]}}
        success["content"] = json | texts
    error = {"application/json": {"schema": {"$ref": REF.format(name="ErrorEnvelope")}}}
    return {
        str(route.status): success,
        "default": {"description": "A refusal; `code` says which", "content": error},
    }


def _common_errors(route: Route) -> Iterator[str]:
    """What the plumbing itself may answer on such a route, beside 500 INTERNAL."""
    yield "UNAVAILABLE"
    if route.door in (Door.TENANT, Door.AGENT) and not route.open_:
        yield from ("UNAUTHENTICATED", "RATE_LIMITED", "KEY_IN_QUERY")
        yield "AGENT_DISABLED" if route.door is Door.AGENT else "TENANT_SUSPENDED"
        yield from () if route.door is Door.AGENT else ("FOREIGN_REQUEST", "CSRF_TOKEN_INVALID")
    if route.scope is not None:
        yield from ("MISSING_SCOPE", "PLAN_FEATURE")  # the latter of a plan without api_access
    if "{" in route.path and not any(code.endswith("NOT_FOUND") for code in route.errors):
        yield "NOT_FOUND"
    if "_id}" in route.path:
        yield "INVALID_ID"
    if route.door is not Door.AGENT:
        yield "UNKNOWN_PARAMETER"
    if route.body is not None:
        yield from ("INVALID_JSON", "INVALID_TYPE", "MISSING_FIELD", "BODY_TOO_LARGE", "REQUEST_TIMEOUT")
        yield from ("UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_ENCODING")
        yield from () if route.door is Door.AGENT else ("UNKNOWN_FIELD", "INVALID_STRING")
    if route.door is Door.TENANT and route.method == "POST":
        yield from ("INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_IN_PROGRESS")
        yield "IDEMPOTENCY_REPLY_LOST"


def _parameters(route: Route, schemas: Mapping[Any, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for name in _PARAMETER.findall(route.path):
        schema: dict[str, Any] = {"type": "string"}
        if name.endswith("_id"):
            schema["format"] = "uuid"
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if route.query is not None:
        for field in msgspec.structs.fields(route.query):
            schema = dict(_clean(schemas[field.type]))
            if field.default is not msgspec.NODEFAULT and field.default is not msgspec.UNSET:
                schema |= {"default": msgspec.to_builtins(field.default)}
            yield {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}
    if route.door is Door.TENANT and route.method == "POST":
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}
    if "PRECONDITION_FAILED" in route.errors:
        yield {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}}


def _body_type(route: Route) -> Any:
    return route.schema if route.schema is not None or route.body in (dict, bytes) else route.body


def _clean(schema: Any) -> Any:
    """Plain JSON of a schema: tuples as lists, and no default that is one of our own objects."""
    match schema:
        case dict():
            return {name: _clean(value) for name, value in schema.items()}
        case list() | tuple():
            return [_clean(value) for value in schema]
        case str() | int() | float() | bool() | None:
            return schema
        case _:
            return msgspec.to_builtins(schema)
