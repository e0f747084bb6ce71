"""The configuration file as types: what its JSON Schema and the OpenAPI document are made from."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from control_plane.domain.checks.check_rules import RULES
from control_plane.domain.checks.http_check_rules import METHODS
from control_plane.domain.checks.kinds import SPECS
from control_plane.domain.pages.page_rules import TEXT_LIMIT
from control_plane.notify import TRANSPORTS
from control_plane.tenant_api.monitor_views import MonitorBody, PromiseJson
from control_plane.web.maintenance_view import NewWindow
from control_plane.web.quiet_hours_view import QuietHoursJson, Severity
from control_plane.web.status_page_view import NewStatusPage

SCHEMA_PATH = "/schemas/config.v1.json"

Key = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
        description="What the file calls the object, now and later: it stays when the name changes",
    ),
]
Adopt = Annotated[UUID, Meta(description="Id of an object that has no key yet and is to be called this from now on")]
Secrets = Annotated[
    list[str], Meta(description="Places of secrets that the file leaves out, such as /check/bearer_token")
]
REFERENCE = {
    "description": "Text that farwatch plan and apply put in: of an environment variable, or of a file",
    "type": "object",
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


class AlertEntry(Struct, frozen=True):
    """A channel that is told, by name; `events` as in the API."""

    channel: str
    events: list[str] | UnsetType | None = UNSET


class MonitorEntry(MonitorBody, frozen=True, kw_only=True):
    """A monitor. What is left out is default; secrets that are left out stay as they are stored."""

    key: Key
    adopt: Adopt | UnsetType = UNSET
    alerts: list[AlertEntry] | UnsetType | None = UNSET  # type: ignore[assignment]
    depends_on: Annotated[list[str], Meta(description="Keys of monitors")] | UnsetType | None = UNSET
    secrets: Secrets | UnsetType = UNSET


class ChannelEntry(Struct, frozen=True, kw_only=True):
    """A channel, known by its name."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    config: dict[str, Any]
    enabled: bool = True
    quiet_hours: QuietHoursJson | UnsetType | None = UNSET
    secrets: Secrets | UnsetType = UNSET


class WindowEntry(NewWindow, frozen=True, kw_only=True):
    """A maintenance window. `monitors` are keys."""

    key: Key
    adopt: Adopt | UnsetType = UNSET
    monitors: list[str] | UnsetType | None = UNSET  # type: ignore[assignment]


class RouteMatchEntry(Struct, frozen=True, kw_only=True):
    """Any of each list, all of the lists; an empty one does not restrict. `monitors` are keys."""

    severities: list[Severity] | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    groups: list[str] | UnsetType | None = UNSET
    kinds: list[str] | UnsetType | None = UNSET
    monitors: list[str] | UnsetType | None = UNSET


class RouteEntry(Struct, frozen=True, kw_only=True):
    """A route: which incidents are told to which channels, by name, whatever monitors are bound to."""

    key: Key
    adopt: Adopt | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    enabled: bool | UnsetType | None = UNSET
    match: RouteMatchEntry | UnsetType | None = UNSET
    events: list[str] | UnsetType | None = UNSET
    channels: list[str] | UnsetType = UNSET


class ComponentEntry(Struct, frozen=True, kw_only=True):
    """One line of a status page, in its place. `monitor` is a key."""

    monitor: str
    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType | None = UNSET
    description: Annotated[str, Meta(max_length=TEXT_LIMIT)] | UnsetType | None = UNSET
    group: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    show_uptime: bool | UnsetType | None = UNSET
    show_latency: bool | UnsetType | None = UNSET


class PageEntry(NewStatusPage, frozen=True, kw_only=True):
    """A status page with its components in their order. Its logo is not said here, and stays."""

    key: Key
    adopt: Adopt | UnsetType = UNSET
    components: list[ComponentEntry] | UnsetType | None = UNSET
    secrets: Secrets | UnsetType = UNSET


class ConfigurationFile(Struct, frozen=True, kw_only=True):
    """A tenant's configuration, version 1 of the file. A section that is not there is left alone."""

    schema_: str | UnsetType = field(default=UNSET, name="$schema")
    version: Annotated[int, Meta(ge=1, le=1)]
    channels: list[ChannelEntry] | UnsetType | None = UNSET
    monitors: list[MonitorEntry] | UnsetType | None = UNSET
    routes: list[RouteEntry] | UnsetType | None = UNSET
    maintenance: list[WindowEntry] | UnsetType | None = UNSET
    status_pages: list[PageEntry] | UnsetType | None = UNSET


class ExportedFile(Struct, frozen=True, kw_only=True):
    """The file as it is exported: without defaults and secrets. `/schemas/config.v1.json` says more of its objects."""

    schema_: str | UnsetType = field(default=UNSET, name="$schema")
    version: int
    channels: list[dict[str, Any]] | UnsetType = UNSET
    monitors: list[dict[str, Any]] | UnsetType = UNSET
    routes: list[dict[str, Any]] | UnsetType = UNSET
    maintenance: list[dict[str, Any]] | UnsetType = UNSET
    status_pages: list[dict[str, Any]] | UnsetType = UNSET


_REF = "#/$defs/{name}"


@cache
def file_schema() -> bytes:
    """The JSON Schema (2020-12) of the file, as editors read it: the same bytes in every process."""
    kinds = {name: kind.configuration for name, kind in TRANSPORTS.items() if not kind.managed}
    (root, *channels), defs = msgspec.json.schema_components([ConfigurationFile, *kinds.values()], ref_template=_REF)
    for name, kind in kinds.items():
        _open(defs[kind.__name__], required=["type"], tag=name)
    for kind_name, spec in SPECS.items():
        _open(defs[spec.__name__], required=["type", *RULES[kind_name].required], tag=kind_name)
    _loosen(defs)
    defs["ChannelEntry"]["properties"]["config"] = {"anyOf": channels, "description": "Tagged by its `type`"}
    for entry in (
        *(ConfigurationFile, MonitorEntry, ChannelEntry, WindowEntry, AlertEntry, PromiseJson, QuietHoursJson),
        *(RouteEntry, RouteMatchEntry, PageEntry, ComponentEntry),
    ):
        defs[entry.__name__]["additionalProperties"] = False
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Farwatch configuration, version 1",
        **root,
        "$defs": {**defs, "Reference": REFERENCE},
    }
    return msgspec.json.format(msgspec.json.encode(_plain(document)), indent=2) + b"\n"


def _open(schema: dict[str, Any], *, required: list[str], tag: str) -> None:
    """A check or a channel's configuration: secrets may be left out, and text may be a reference."""
    schema["required"] = required
    schema["additionalProperties"] = False
    schema["properties"] = {name: _or_reference(one) for name, one in schema["properties"].items()}
    schema["properties"]["type"] = {"enum": [tag]}


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    reference = {"$ref": _REF.format(name="Reference")}
    head = {name: value for name, value in schema.items() if name in ("default", "description")}
    if schema.get("type") == "string" or any(one == {"type": "string"} for one in schema.get("anyOf", ())):
        return {**head, "anyOf": [{n: v for n, v in schema.items() if n not in head}, reference]}
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict) and inner.get("type") == "string":
        return {**schema, "additionalProperties": {"anyOf": [inner, {"type": "null"}, reference]}}
    return schema


def _loosen(defs: dict[str, Any]) -> None:
    """What the rules take beside the form that reads give."""
    reference = {"$ref": _REF.format(name="Reference")}
    http = defs["HttpCheck"]["properties"]
    http["expected_status"] = {
        "anyOf": [*http["expected_status"].get("anyOf", []), {"type": "integer"}, {"type": "string"}]
    }
    user_and_password = {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, reference]},
        "minItems": 2,
        "maxItems": 2,
    }
    http["basic_auth"] = {"anyOf": [user_and_password, {"type": "null"}]}
    http["method"] = {"enum": [*METHODS, *(method.lower() for method in METHODS)], "default": "GET"}
    defs["PageEntry"]["properties"]["password"]["anyOf"].append(reference)
    defs["Members"]["properties"]["monitors"] = {"type": "array", "items": {"type": "string"}, "description": "Keys"}


def _plain(value: Any) -> Any:
    """JSON of a schema whose defaults are objects of ours."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return msgspec.to_builtins(value)
