"""Pure: the OpenAPI document as what the pages of /docs show."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.dashboard.docs.docs_schema import Row, Schemas, kind_of, limits_of, rows_of

METHODS = ("get", "post", "put", "patch", "delete")
_CREDENTIALS = {"tenant": "$FARWATCH_KEY", "operator": "$FARWATCH_OPERATOR_SECRET", "agent": "$FARWATCH_PROBE_KEY"}
_DOORS = {"tenant": "", "public": "", "operator": "Operator: ", "agent": ""}


class Parameter(Struct, frozen=True):
    """One parameter of the path, the query or the headers."""

    id: str
    name: str
    place: str
    kind: str
    required: bool
    says: str


class Answer(Struct, frozen=True):
    """What a status means here; codes of the error reference where it is a refusal."""

    status: str
    says: str
    codes: list[str]
    example: str


class Operation(Struct, frozen=True, kw_only=True):
    """One method on one path, as it is read and tried."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    door: str
    scope: str
    parameters: list[Parameter]
    media: list[str]
    fields: list[Row]
    body: str
    answers: list[Answer]
    curl: str
    streams: bool


class Chapter(Struct, frozen=True):
    """The operations of one tag."""

    slug: str
    title: str
    operations: list[Operation]


def chapters_of(document: Mapping[str, Any], *, origin: str) -> list[Chapter]:
    """The tenant's door first, in the order of the alphabet; then the operator's and the agents'."""
    found: dict[tuple[int, str], Chapter] = {}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                chapter = _chapter_of(methods[method], found)
                chapter.operations.append(_operation(path, method, methods[method], schemas, origin))
    return [found[place] for place in sorted(found)]


def _chapter_of(operation: Mapping[str, Any], found: dict[tuple[int, str], Chapter]) -> Chapter:
    door, tag = operation["x-door"], operation["tags"][0]
    word = tag.removeprefix("Operator's ")
    title = f"{_DOORS[door]}{word[0].upper()}{word[1:]}"
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    place = (list(_DOORS).index(door) if door != "public" else 0, slug)
    return found.setdefault(place, Chapter(slug, title, []))


def _operation(path: str, method: str, said: Mapping[str, Any], schemas: Schemas, origin: str) -> Operation:
    content = said.get("requestBody", {}).get("content", {})
    media: Mapping[str, Any] = next(iter(content.values()), {})
    example = media.get("example")
    body = "" if example is None else example if isinstance(example, str) else _json(example)
    answers = [_answer(status, reply) for status, reply in said["responses"].items() if status != "default"]
    return Operation(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said["summary"],
        description=said.get("description", ""),
        door=said["x-door"],
        scope=said.get("x-scope", ""),
        parameters=[_parameter(said["operationId"], each, schemas) for each in said.get("parameters", ())],
        media=list(content),
        fields=rows_of(media["schema"], schemas) if "schema" in media else [],
        body=body,
        answers=answers,
        curl=curl_of(origin, path, method.upper(), door=said["x-door"], media=next(iter(content), ""), example=example),
        streams=said["operationId"].startswith("stream_"),
    )


def _parameter(operation: str, said: Mapping[str, Any], schemas: Schemas) -> Parameter:
    schema = said["schema"]
    says = "; ".join(part for part in (said.get("description", ""), limits_of(schema)) if part)
    kind = kind_of(schema, schemas)
    return Parameter(f"{operation}-{said['name']}", said["name"], said["in"], kind, said["required"], says)


def _answer(status: str, reply: Mapping[str, Any]) -> Answer:
    if "$ref" in reply:
        return Answer(status, "", reply["description"].split(" · "), "")
    example = reply.get("content", {}).get("application/json", {}).get("example")
    return Answer(status, reply["description"], [], "" if example is None else _json(example))


def curl_of(origin: str, path: str, method: str, *, door: str, media: str, example: Any) -> str:
    """The documented request as a line for a shell."""
    parts = ["curl"] + ([f"-X {method}"] if method != "GET" else [])
    if door in _CREDENTIALS:
        parts.append(f'-H "Authorization: Bearer {_CREDENTIALS[door]}"')
    if example is not None:
        body = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
        parts += [f"-H {shlex.quote(f'Content-Type: {media}')}", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join([*parts, shlex.quote(f"{origin}{path}")])


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
