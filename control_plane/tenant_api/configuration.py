"""What the routes about configuration files share: reading the body, planning it, telling where it is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from control_plane.domain.configuration.config_yaml import line_of, read_yaml
from control_plane.errors import BadRequest, FarwatchError
from control_plane.notify import transports
from control_plane.services.configuration.plan_configuration import plan_configuration
from control_plane.services.configuration.plan_steps import Means, Planned
from control_plane.services.configuration.read_configuration import Stored, read_configuration
from control_plane.tenant_api.config_schema import SCHEMA_PATH
from control_plane.web.body import decode_object
from control_plane.web.call import Call

MEDIA = ("application/yaml", "application/json")
MAX_BODY = 16 * 1024 * 1024
EXAMPLE = {
    "version": 1,
    "channels": [{"name": "Operations", "config": {"type": "ntfy", "topic": "acme-operations"}}],
    "monitors": [
        {"key": "api", "name": "API", "check": "https://example.com/health", "alerts": [{"channel": "Operations"}]}
    ],
}
FILE_ERRORS = (
    *("INVALID_YAML", "INVALID_VERSION", "DUPLICATE_KEY", "UNEXPANDED_REFERENCE"),
    *("CHECK_KIND_IMMUTABLE", "CREDENTIAL_RESUPPLY_REQUIRED", "CREDENTIAL_UNAVAILABLE", "CHANNEL_UNUSABLE"),
    *("MAINTENANCE_ACTIVE", "INVALID_ID"),
)
"""Codes of a file that cannot be planned, beside those of its objects."""


class Document(Struct, frozen=True):
    """The decoded body, and the lines of what it holds where it is YAML."""

    value: Mapping[str, Any]
    lines: Mapping[str, int]


async def read_document(call: Call) -> Document:
    """The file in the body, read beside the event loop. Raises BadRequest INVALID_YAML, INVALID_JSON …"""
    return await asyncio.to_thread(_read, call.body, is_json=call.request.content_type == "application/json")


def _read(raw: bytes, *, is_json: bool) -> Document:
    if is_json:
        return Document(decode_object(raw), {})
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("The YAML cannot be read: it is not UTF-8", code="INVALID_YAML") from None
    read = read_yaml(text)
    return Document(read.value, read.lines)


def means_of(call: Call, *, prune: bool) -> Means:
    """How to plan for this caller."""
    settings = call.deps.settings
    return Means(
        sealer=call.deps.sealer,
        transports=transports(settings),
        ports=settings.security.tcp_ports,
        new_id=call.deps.new_id,
        prune=prune,
        compare_secrets="config:write" in call.tenant().scopes,
    )


async def read_stored(call: Call) -> Stored:
    """The caller's configuration as it is now."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        return await read_configuration(conn, tenant_id=tenant_id)


async def plan_document(stored: Stored, document: Document, means: Means) -> Planned:
    """The plan, made beside the event loop. A refusal names the line of the file where it has lines."""
    try:
        return await asyncio.to_thread(partial(plan_configuration, stored, document.value, means))
    except FarwatchError as error:
        name_lines(error, document.lines)
        raise


def name_lines(error: FarwatchError, lines: Mapping[str, int]) -> None:
    """Add the line of each place that the refusal names."""
    if not lines or error.field is None:
        return
    details = dict(error.details or {})
    details["line"] = line_of(lines, error.field)
    details["also"] = [{**other, "line": line_of(lines, other["field"])} for other in details.get("also", ())]
    error.details = details if details["also"] else {name: value for name, value in details.items() if name != "also"}


def schema_url(call: Call) -> str:
    """Where editors find the schema of the file."""
    base = call.deps.settings.server.public_url or str(call.request.url.origin())
    return base.rstrip("/") + SCHEMA_PATH
