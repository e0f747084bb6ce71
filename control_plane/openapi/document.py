"""The document: operations, parameters, schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from control_plane.openapi.codes import codes_of
from control_plane.openapi.examples import examples
from control_plane.openapi.replies import (
    PREFERENCES,
    REF,
    ErrorEnvelope,
    components_of_replies,
    is_tagged,
    responses_of,
)
from control_plane.web.routes import Door, Route

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
        "components": {"securitySchemes": _SCHEMES, "schemas": components, **components_of_replies()},
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
        "security": _security_of(route),
        "responses": responses_of(route, schemas),
        "x-door": route.door.value,
        "x-error-codes": list(codes_of(route)),
    }
    if route.description:
        operation["description"] = route.description
    if route.scope:
        operation["x-scope"] = route.scope
    if parameters := list(_parameters(route, schemas)):
        operation["parameters"] = parameters
    if (body := _body_type(route)) is not None:
        content: dict[str, Any] = {"schema": schemas[body]}
        if (example := _example_of(route)) is not None:
            content["example"] = example
        media = dict.fromkeys(route.media or ("application/json",), content)
        operation["requestBody"] = {"required": not route.optional_body, "content": media}
    return operation


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
    yield from _headers(route)


def _headers(route: Route) -> Iterator[dict[str, Any]]:
    if "PRECONDITION_FAILED" in route.errors:
        yield _header("If-Match", "The ETag that you read: 412 if the object was changed since")
    if is_tagged(route):
        yield _header("If-None-Match", "The ETag of the answer that you have: 304 if it would be the same")
    if route.prefer:
        forms = " or ".join(PREFERENCES[name] for name in route.prefer)
        yield _header("Prefer", forms)


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _example_of(route: Route) -> Any:
    recorded = examples().get(route.operation)
    return route.example if recorded is None or recorded.request is msgspec.UNSET else recorded.request


def _security_of(route: Route) -> list[dict[str, list[str]]]:
    """Any one of these lets a caller in; an empty object is no credential at all, where the installation allows it."""
    if route.open_:
        return []
    return [{}, *_SECURITY[route.door]] if route.anonymous else _SECURITY[route.door]


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
