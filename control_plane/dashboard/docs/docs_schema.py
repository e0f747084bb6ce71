"""Pure: a schema of the OpenAPI document as the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

DEPTH = 2
"""How deep objects inside objects are told."""

Schemas = Mapping[str, Mapping[str, Any]]
_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("exclusiveMinimum", "above {}"),
    ("exclusiveMaximum", "below {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "of the form {}"),
)


class Row(Struct, frozen=True):
    """A field: its path from the top of the body, its type, and what else is said of it."""

    path: str
    kind: str
    required: bool
    says: str


def rows_of(schema: Mapping[str, Any], schemas: Schemas) -> list[Row]:
    """The fields of a body, each object's right below it."""
    return list(_rows(_resolved(schema, schemas), schemas, prefix="", depth=0))


def kind_of(schema: Mapping[str, Any], schemas: Schemas) -> str:
    """A type in words: string, array of string, integer or null."""
    if "$ref" in schema:
        return (
            _name(schema["$ref"])
            if _resolved(schema, schemas).get("type") == "object"
            else kind_of(_resolved(schema, schemas), schemas)
        )
    if "enum" in schema:
        return " | ".join(f"“{value}”" if isinstance(value, str) else _json(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind_of(each, schemas) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"array of {kind_of(schema.get('items') or {}, schemas)}"
    kind = str(schema.get("type") or "any")
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def limits_of(schema: Mapping[str, Any]) -> str:
    """Description, bounds and default in one line."""
    parts = [str(schema["description"])] if "description" in schema else []
    parts += [words.format(_said(schema[name])) for name, words in _LIMITS if name in schema]
    parts += [f"default {_json(schema['default'])}"] if schema.get("default") not in (None, [], {}, "") else []
    return "; ".join(parts)


def _said(value: Any) -> str:
    """A bound: a pattern as it is, anything else as JSON."""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """A value as a body has it: false, null, "text"."""
    return msgspec.json.encode(value).decode()


def _rows(schema: Mapping[str, Any], schemas: Schemas, *, prefix: str, depth: int) -> Iterator[Row]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield Row(path, kind_of(field, schemas), name in required, limits_of(field))
        if depth < DEPTH:
            yield from _inside(field, schemas, path=path, depth=depth)


def _inside(field: Mapping[str, Any], schemas: Schemas, *, path: str, depth: int) -> Iterator[Row]:
    if field.get("type") == "array" and field.get("items"):
        yield from _inside(field["items"], schemas, path=f"{path}[]", depth=depth)
        return
    objects = [
        each for each in (_resolved(one, schemas) for one in field.get("anyOf", (field,))) if "properties" in each
    ]
    for found in objects:
        of_kind = f" ({_tag(found)})" if len(objects) > 1 else ""
        yield from _rows(found, schemas, prefix=f"{path}{of_kind}.", depth=depth + 1)


def _tag(schema: Mapping[str, Any]) -> str:
    """What tells one of several objects from the others: its type, or its title."""
    values = schema.get("properties", {}).get("type", {}).get("enum", ())
    return str(values[0]) if len(values) == 1 else str(schema.get("title", "object"))


def _resolved(schema: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    return schemas[_name(schema["$ref"])] if "$ref" in schema else schema


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
